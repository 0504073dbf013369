/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - the threads that keep a pool whole: the steward looks and judges, its
 * deputy stands by to take over, the clerk makes threads and reaps them.
 *
 * The steward and its deputy never allocate, lock, make threads or run a stranger's
 * code.  What might wait is the clerk's or the scribe's, and the steward watches them:
 * one that does not come to its orders is told of (helpers.c).
 *
 * Nobody waits for one of these threads without an end: what is left at the end of a
 * pool gives its memory back when it goes.
 */
#ifndef WARD_LIB_HEAL_HEAL_H
#define WARD_LIB_HEAL_HEAL_H

#include "heal/excuse.h"
#include "heal/judge.h"
#include "heal/plan.h"
#include "run/run.h"

struct heal;

/* Whose orders may stay undone. */
enum helper {
	HELPER_CLERK,
	HELPER_SCRIBE,
	HELPER_DEPUTY,
	HELPER_START, /* a thread's that is new */
	HELPER_WORKER, /* one's that sits, is inside nothing, and does not come */
	HELPERS
};

enum { HELPER_LAG_MS = 3500 }; /* told within five seconds */

/* What the steward remembers of one. */
struct lag {
	uint64_t seen;	/* how far it had come, */
	uint64_t since; /* and since when, if it was behind; 0: it was not */
	bool told;
};

/*
 * One steward's term of office, and all that it remembers: nobody else's.  Here, and in
 * what it has of each seat (struct history, struct excuse), all is W where nothing else
 * is said; the letters are those of base/atomic.h.
 */
struct steward {
	/* I: */
	struct heal *heal;
	struct pool *pool;
	uint32_t term;
	struct steward *before; /* the one it would, or did, take over from */
	char name[16];
	/* W: */
	struct history *history; /* one per seat */
	struct excuse *excuse; /* the same */
	struct plan plan;
	_Atomic(struct slot *) at; /* whom it looks at [U] */
	excuse_at also; /* and along a row of those who wait for each other [U] */
	uint64_t due;	     /* when it meant to wake up; 0: when rung */
	uint64_t quiet_since;
	uint64_t bell_seen;  /* the bell's word at the last scan, */
	uint64_t bell_since; /* and since when, if work lies beside sleepers */
	uint64_t lives_at;   /* when it last looked for threads that are dead */
	struct lag lag[HELPERS];
	uint32_t untold; /* bits of those that the scribe was not there for */
	bool told_blind, told_late;
	uint32_t moves; /* of tokens, as far as they were seen to */
	bool slow; /* some worker was, at this scan: watch->slow */
	bool shares; /* this scan: the local queues of those who are slow, or stand still */
	bool lifts; /* this scan: who waits for a lowered zombie? */
	uint32_t told_lacks; /* enum host_lack, bits */
	/* W: and others read */
	_Atomic uint64_t deadline; /* to be at its loop's top again soon after */
	_Atomic uint32_t heard;	  /* deputy: heal->deputy_word, when it looked */
	_Atomic int32_t tid;
	_Atomic uint32_t there; /* X: it is to be joined, by who swaps that for 0 */
	host_thread thread;	/* O, there: C makes it, E the first two */
};

/* What the clerk is told, one after the other. */
enum clerk_stop {
	CLERK_WORKS,
	CLERK_RESTS, /* makes no more threads, and waits for the next word */
	CLERK_ENDS,
	CLERK_STAYS /* until the threads that destroy has left have ended */
};

struct heal {
	struct pool *pool;		 /* I */
	struct steward *_Atomic steward; /* S: in office; itself */
	struct steward *_Atomic newest;	 /* C: that, or its deputy [nd] */
	struct steward *next;	      /* C: for want of a thread not yet */
	_Atomic uint32_t term;	      /* X: whose acts count [a] */
	_Atomic uint32_t deputy_word; /* M: futex */
	_Atomic uint32_t steward_stop; /* E */
	_Atomic uint32_t complaints; /* X: bits: what the deputy is to say aloud */
	struct {
		/* E: */
		host_thread thread;
		bool there;	       /* it is to be ended */
		_Atomic uint32_t up;   /* it is there to be watched */
		_Atomic uint32_t stop; /* enum clerk_stop; a futex [cl] */
		char name[16];
		/* C: */
		_Atomic uint32_t seen;	/* the orders that it is done with */
		_Atomic uint32_t pending; /* it has set itself a time for one */
		_Atomic uint32_t rests; /* a futex [cl] */
	} clerk;
	/* S: */
	_Atomic uint64_t scans, looks, worst_lateness, rescues;
	_Atomic uint64_t convicted[VERDICT_OVERDUE + 1]; /* by verdict */
};

/* ---- heal.c ------------------------------------------------------------------------ */

struct heal *heal_new(struct pool *pool);
void heal_free(void *heal);
/* None of its threads is left: as it was when it was made, or -ENOMEM. */
int heal_again(struct heal *heal);
int steward_start(struct heal *heal); /* and its deputy */
/*
 * Ends the steward, its deputy, and those that were taken over from.  Those that do
 * not come by then are left, and act no more: how many.
 */
int steward_stop(struct heal *heal, uint64_t until);
/* By the clerk: the steward in office has none.  0, or why it gets none. */
int deputy_make(struct heal *heal);
bool deputy_wanted(const struct heal *heal);

/* ---- steward.c --------------------------------------------------------------------- */

/* The thread of a steward, or of a deputy until it takes over. */
void steward_run(void *steward);
/*
 * The attempt that runs 'task' is fenced at the next scan, whatever it shows, and
 * answered -ECANCELED.  False: none does.  The caller keeps the task from being
 * released.
 */
bool steward_request_fence(struct pool *pool, const struct ward_task *task);

/* ---- by the steward, at each scan ---------------------------------------------------- */

/*
 * sample.c.  Whoever sits there, or NULL.  Until this steward looks elsewhere the clerk
 * leaves that record as it is: its eye, and its thread's number, are of who sits there.
 */
struct slot *sample_hold(struct steward *me, uint32_t seat);
void sample_drop(struct steward *me);
/* What the kernel says of it: 0, or -ESRCH: its thread has ended. */
int sample_take(struct steward *me, const struct slot *slot,
		const struct history *history, struct host_sample *sample);
/* What has become of what the kernel refuses.  Once each. */
void sample_tell_lacks(struct steward *me);

/* A worker that is silent, and what is thought of it. */
struct finding {
	struct slot *slot;
	uint64_t life; /* read before the evidence [L] */
	struct history *history;
	struct budgets budgets;
	enum verdict verdict;
};

/*
 * verdict.c.  Found blocked: is it not its own fault, or would a replacement not help?
 * Then the verdict does not stand.
 */
bool verdict_excused(struct steward *me, const struct finding *f);
/* Acts on one that stands. */
void verdict_act(struct steward *me, const struct finding *f);
/* Degraded or not, after all that was found at this scan. */
void verdict_recover(struct steward *me);

/* handoff.c.  What lies behind a task that takes long is not to wait for it. */
void handoff(struct pool *pool, struct slot *slot);
/*
 * Since the last scan it has ended fewer tasks than a batch has, so that the last one
 * there would wait for longer than that.  From the epochs: two of each task, or more.
 */
bool handoff_is_slow(const struct history *history, const struct sign *sign);
/* After the local queues of those who stand still: what is in these waits for less. */
void handoff_slow(struct steward *me);
/* A thread that has no seat may still submit, into its own local queue. */
void handoff_zombies(struct pool *pool);
/*
 * What lies in the local queue of the only worker nobody else would run, so it stays
 * there, in its order.  But it may have been told to stop: then it goes where the bench
 * looks.
 */
bool handoff_wanted(struct steward *me, uint64_t now);

/* rescue.c */
void rescue_sleepers(struct steward *me, uint64_t now);

/* idle.c.  All is parked and nothing is requeued: nothing can fall silent unseen. */
bool steward_may_sleep(struct pool *pool);
/*
 * Until then, or until the steward's word is not 'seen' any more; not at all unless it
 * may.
 */
void steward_sleep(struct steward *me, uint32_t seen, uint64_t until);

/* ---- deputy.c ---------------------------------------------------------------------- */

/* By a deputy: false if it is to end, true if it is to take over. */
bool deputy_waits(struct steward *me);
/* By one that has taken over. */
void deputy_tells(struct steward *me);

/* By the steward: its deputy looks, at it or at what is to be said. */
static inline void deputy_ring(struct heal *heal)
{
	add_acq_rel(&heal->deputy_word, 1);
	host_wake(&heal->deputy_word, INT32_MAX);
}

/* ---- helpers.c ----------------------------------------------------------------------- */

/* By the steward, at each scan. */
void helpers_watch(struct steward *me, uint64_t now);
/* Of one sign of a worker, before it is remembered: what is to be watch->still. */
uint64_t helpers_still(struct steward *me, const struct history *history,
		       const struct slot *slot, const struct sign *sign,
		       uint64_t now);
/* Does any of them owe something? */
bool helpers_behind(const struct heal *heal);
/* What is told of one that hangs. */
const char *helper_hangs(enum helper name);

/* ---- clerk.c ----------------------------------------------------------------------- */

int clerk_start(struct heal *heal);
/* By start and destroy: CLERK_RESTS; whether it has come to that by then. */
void clerk_stop(struct heal *heal);
bool clerk_rests(struct heal *heal, uint64_t until);
/* The last word to it.  1: it hangs, and is left; who stays is no one who hangs. */
int clerk_end(struct heal *heal, bool stays, uint64_t until);
/*
 * Joins slot's thread, which is GONE, by then; makes the slot FREE.  False: not by
 * then, or a steward looks at it.
 */
bool clerk_reap(struct pool *pool, struct slot *slot, uint64_t until);

#endif
