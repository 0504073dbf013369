/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - the threads that keep a pool whole: the steward looks and judges, its
 * deputy stands by to take over, the clerk makes threads and reaps them.
 *
 * The steward and its deputy never allocate, lock, make threads or run a stranger's
 * code: calls that might wait are the clerk's or the scribe's.  No wait for one of these
 * threads is without an end: one that is left at the end of a pool gives the memory back
 * when it goes.
 */
#ifndef WARD_LIB_HEAL_HEAL_H
#define WARD_LIB_HEAL_HEAL_H

#include "heal/excuse.h"
#include "heal/judge.h"
#include "heal/notify.h"
#include "heal/plan.h"
#include "run/run.h"

struct heal;

/* Threads whose orders may stay undone. */
enum helper {
	HELPER_CLERK,
	HELPER_SCRIBE,
	HELPER_DEPUTY,
	HELPER_START, /* a new thread */
	HELPER_WORKER, /* seated, inside of nothing, and does not come */
	HELPERS
};

enum { HELPER_LAG_MS = 3500 }; /* told within five seconds */

struct lag { /* of one helper */
	uint64_t seen;	/* how far it had come, */
	uint64_t since; /* and since when it is behind; 0: it is not */
	bool told;
};

/* publish.c: what a steward remembers of the page. */
struct seen { /* of the worker in a row */
	const struct slot *slot;
	uint64_t word, since;
};

struct named { /* to be confirmed: the slot is in that epoch still */
	const struct slot *slot;
	uint64_t word;
	char *name;
};

struct publisher {
	struct page_pool *part; /* what is gathered; NULL: there is no page */
	struct seen *seen;	/* one a row */
	struct named *named;
	uint32_t rooms, names;
	uint64_t due, every;
};

/*
 * One steward's term of office, and all that it remembers.  Here, and in the records of
 * each seat (struct history, struct excuse), all is W where no other letter of
 * base/atomic.h stands.
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
	struct publisher publisher;
	_Atomic(struct slot *) at; /* the slot that it looks at [U] */
	excuse_at also; /* and along a row of holders [U] */
	uint64_t due;	     /* when it meant to wake up; 0: when rung */
	uint64_t quiet_since;
	uint64_t late; /* so long, in all, it was not there to see others move */
	uint64_t bell_seen;  /* the bell's word at the last scan, */
	uint64_t bell_since; /* and since when, if work lies beside sleepers */
	uint64_t lives_at;   /* when it last looked for dead threads */
	struct lag lag[HELPERS];
	uint32_t untold; /* helpers, bits: reports that the scribe has not told */
	bool told_blind, told_late;
	uint32_t moves; /* of tokens, as far as the bench was sent */
	bool slow; /* this scan: some history->slow */
	bool shares; /* this scan: local queues of workers that are slow, or stand still */
	bool lifts; /* this scan: look for lowered zombies in rows */
	uint32_t told_lacks; /* enum host_lack, bits */
	struct teller teller;
	/* W: and others read */
	_Atomic uint64_t deadline; /* when it is to be at its loop's top again */
	_Atomic uint32_t heard;	  /* deputy: heal->deputy_word, when it looked */
	_Atomic int32_t tid;
	_Atomic uint32_t there; /* X: to be joined, by the thread that swaps it for 0 */
	host_thread thread;	/* O, there: C makes it, E the first two */
};

/* Orders to the clerk, one after the other. */
enum clerk_stop {
	CLERK_WORKS,
	CLERK_RESTS, /* makes no more threads, and waits for the next word */
	CLERK_ENDS,
	CLERK_STAYS /* until the threads that destroy left have ended */
};

struct heal {
	struct pool *pool;		 /* I */
	struct steward *_Atomic newest; /* C: in office, or its deputy [nd] */
	_Atomic uint32_t term;	      /* X: the steward of this term may act [a] */
	_Atomic uint32_t deputy_word; /* M: futex */
	_Atomic uint32_t steward_stop; /* E */
	_Atomic uint32_t complaints; /* X: helpers, bits: the deputy is to say it aloud */
	struct {
		/* E: */
		host_thread thread;
		_Atomic uint32_t up;   /* it is there, to be watched and ended */
		_Atomic uint32_t stop; /* enum clerk_stop; a futex [cl] */
		char name[16];
		/* C: */
		_Atomic uint32_t seen;	/* clerk_word, as far as it has done all */
		_Atomic uint32_t pending; /* its next try has a time */
		_Atomic uint32_t rests; /* a futex [cl] */
	} clerk;
	struct notify notify; /* with letters of its own */
	/* S: */
	_Atomic uint64_t scans, looks, worst_lateness, rescues;
	_Atomic uint64_t convicted[VERDICT_OVERDUE + 1]; /* by verdict */
};

/* ---- heal.c ---------------------------------------------------------------------- */

struct heal *heal_new(struct pool *pool);
void heal_free(void *heal);
/* With no thread left: as newly made, or -ENOMEM. */
int heal_again(struct heal *heal);
int steward_start(struct heal *heal); /* and its deputy */
/*
 * Ends the steward, its deputy and former stewards.  Returns how many did not come by
 * then: they are left, and act no more.
 */
int steward_stop(struct heal *heal, uint64_t until);
/* By the clerk: a deputy for the steward in office.  0, or an error. */
int deputy_make(struct heal *heal);
bool deputy_wanted(const struct heal *heal);

/* ---- steward.c ------------------------------------------------------------------- */

/* The thread of a steward, or of a deputy until it takes over. */
void steward_run(void *steward);
/*
 * The attempt that runs 'task' is fenced at the next scan without a verdict, and
 * answered -ECANCELED.  False: there is none.  The caller holds the task.
 */
bool steward_request_fence(struct pool *pool, const struct ward_task *task);

/* ---- by the steward, at each scan ------------------------------------------------ */

/*
 * sample.c.  The slot in that seat, or NULL.  Until this steward looks elsewhere the
 * clerk leaves the slot as it is: stat files and tid are of that worker.
 */
struct slot *sample_hold(struct steward *me, uint32_t seat);
void sample_drop(struct steward *me);
/* The sentence on what a sample does not show; NULL: nothing is missing. */
const char *sample_blind_to(const struct host_sample *sample);
/* The kernel's sample: 0, or -ESRCH: the thread has ended. */
int sample_take(struct steward *me, const struct slot *slot,
		const struct history *history, struct host_sample *sample);
/* Tells of each refusal of the kernel, once. */
void sample_tell_lacks(struct steward *me);

static inline struct budgets budgets_of(const struct pool *pool,
					const struct slot *slot)
{
	const struct ward_policy *p = &pool->policy;

	return (struct budgets){
		policy_pick(load_relaxed(&slot->budget[0]), p->busy_within),
		policy_pick(load_relaxed(&slot->budget[1]), p->blocked_within),
		policy_pick(load_relaxed(&slot->budget[2]), p->progress_within),
		policy_pick(load_relaxed(&slot->budget[3]), p->declared_within)
	};
}

struct finding { /* of a silent worker */
	struct slot *slot;
	uint64_t life; /* read before the evidence [L] */
	struct history *history;
	struct budgets budgets;
	enum verdict verdict;
};

/*
 * verdict.c.  True: the worker was found blocked by no fault of its own, or a
 * replacement would not help; the verdict does not stand.
 */
bool verdict_excused(struct steward *me, const struct finding *f);
/* Acts on a verdict that stands. */
void verdict_act(struct steward *me, const struct finding *f);
/* Degraded or not, after this scan. */
void verdict_recover(struct steward *me);

/* handoff.c.  A local queue is emptied: it lies behind a task that takes long. */
void handoff(struct pool *pool, struct slot *slot);
/*
 * Fewer tasks than a batch were ended since the last scan, so the last one of a batch
 * would wait for longer than a scan.  From the epochs: two of each task, or more.
 */
bool handoff_is_slow(const struct history *history, const struct sign *sign);
/* After the workers that stand still, whose local queues have waited for longer. */
void handoff_slow(struct steward *me);
/* A thread that has no seat may still submit, into its own local queue. */
void handoff_zombies(struct pool *pool);
/*
 * The local queue of the only worker stays, in its order: nobody else would run it.  But
 * its tasks may have been told to stop: then they go where the bench looks.
 */
bool handoff_wanted(struct steward *me, uint64_t now);

/* publish.c, where the pool publishes a page.  0 or -ENOMEM; publish_fini() either way. */
int publish_init(struct steward *me);
void publish_fini(struct steward *me);
void publish_scan(struct steward *me, uint64_t now); /* from time to time */
void publish_sleep(struct steward *me); /* it is about to sleep */

/* stats.c.  Tasks given back to the user so far. */
uint64_t stats_released(const struct pool *pool);
void stats_count(struct pool *pool, struct ward_stats *stats);

/* rescue.c */
void rescue_sleepers(struct steward *me, uint64_t now);

/* idle.c.  All are parked and nothing is queued: nothing can fall silent unseen. */
bool steward_may_sleep(struct pool *pool);
/* Until then, or until steward_word is not 'seen' any more; not unless it may. */
void steward_sleep(struct steward *me, uint32_t seen, uint64_t until);

/* ---- deputy.c -------------------------------------------------------------------- */

/* By a deputy: false if it is to end, true if it is to take over. */
bool deputy_waits(struct steward *me);
/* By a deputy that has taken over. */
void deputy_tells(struct steward *me);

/* By the steward: its deputy looks, at it and at heal->complaints. */
static inline void deputy_ring(struct heal *heal)
{
	add_acq_rel(&heal->deputy_word, 1);
	host_wake(&heal->deputy_word, INT32_MAX);
}

/* ---- helpers.c ------------------------------------------------------------------- */

/* By the steward, at each scan. */
void helpers_watch(struct steward *me, uint64_t now);
/* From one sign of a worker, before it is remembered: history->still. */
uint64_t helpers_still(struct steward *me, const struct history *history,
		       const struct slot *slot, const struct sign *sign,
		       uint64_t now);
/* Is any of them behind? */
bool helpers_behind(const struct heal *heal);
/* Those that were told of, and hang still: bits. */
uint32_t helpers_hang(const struct steward *me);
/* The sentence for one that hangs. */
extern const char *const helper_hangs[HELPERS];

/* ---- clerk.c --------------------------------------------------------------------- */

int clerk_start(struct heal *heal);
/* By start and destroy: CLERK_RESTS; has it come to that by then? */
void clerk_stop(struct heal *heal);
bool clerk_rests(struct heal *heal, uint64_t until);
/* Its last order.  1: it hangs, and is left; a clerk that stays does not hang. */
int clerk_end(struct heal *heal, bool stays, uint64_t until);
/*
 * Joins the slot's thread, which is GONE, and makes the slot FREE.  False: not by then,
 * or a steward looks at it, or the scribe calls its hook.
 */
bool clerk_reap(struct pool *pool, struct slot *slot, uint64_t until);

#endif
