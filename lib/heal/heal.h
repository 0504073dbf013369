/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - the threads that keep a pool whole: the steward looks and judges, the
 * clerk makes and buries threads.
 *
 * The steward never allocates, locks, formats, makes threads or runs a stranger's
 * code.  What might wait is the clerk's or the scribe's.
 */
#ifndef WARD_LIB_HEAL_HEAL_H
#define WARD_LIB_HEAL_HEAL_H

#include "heal/excuse.h"
#include "heal/judge.h"
#include "heal/plan.h"
#include "work/pool.h"

struct heal;

/* One steward's term of office, and all that it remembers: nobody else's. */
struct steward {
	struct heal *heal;
	struct pool *pool;
	uint32_t term;
	struct watch *watch;   /* one per seat */
	struct excuse *excuse; /* the same */
	struct plan plan;
	_Atomic(struct slot *) at; /* whom it looks at [U]; only it writes */
	uint64_t due;	     /* when it meant to wake up; 0: when rung */
	uint64_t quiet_since;
	uint64_t bell_seen;  /* the bell's word at the last scan, */
	uint64_t bell_since; /* and since when, if work lies beside sleepers */
	uint64_t clerk_since; /* the clerk was found at its orders; 0: not */
	bool told_blind, told_late, told_clerk;
	bool slow; /* some worker was, at this scan: watch->slow */
	bool lifts; /* this scan: who waits for a lowered zombie? */
	uint32_t told_lacks; /* enum host_lack, bits */
	/* for who watches it */
	_Atomic uint64_t promise; /* to be at its loop's top again soon after */
	_Atomic int32_t tid;
	struct steward *before; /* the one it took over from; the clerk's */
	host_thread thread;
	char name[16];
};

struct heal {
	struct pool *pool;
	struct steward *steward; /* in office; the clerk's, once it runs */
	struct steward *next;	 /* for want of a thread not yet; the same */
	_Atomic uint32_t term;	 /* whose acts count */
	host_thread clerk;
	char clerk_name[16];
	_Atomic uint32_t steward_stop, clerk_stop;
	_Atomic uint32_t clerk_seen; /* its orders, as far as it has come to them */
	_Atomic uint64_t abort_by; /* though it was not told by then; 0: no abort */
	_Atomic uint64_t scans, looks, worst_lateness, rescues;
	_Atomic uint64_t convicted[VERDICT_OVERDUE + 1]; /* by verdict */
};

struct heal *heal_new(struct pool *pool);
void heal_free(void *heal);

/* steward.c */
int steward_start(struct heal *heal);
struct steward *steward_new(struct heal *heal, uint32_t term);
int steward_begin(struct steward *me);
void steward_free(struct steward *me);

/*
 * deputy.c.  On the clerk: is the steward at its place?  When to ask again.
 */
struct vigil { /* what the clerk remembers of it */
	uint64_t promise; /* that was found broken, */
	uint64_t since;	  /* when, */
	uint64_t cpu;	  /* and its CPU time then */
	bool told;
};
uint64_t deputy_watch(struct heal *heal, struct vigil *vigil, uint64_t now);
/*
 * Ends the steward; until then it goes on healing.  Stewards that were taken over
 * from and do not come back by then are left: how many.
 */
int steward_stop(struct heal *heal, uint64_t until);
/*
 * The attempt that runs 'task' is fenced at the next scan, whatever it shows, and
 * answered -ECANCELED.  False: none does.  The caller keeps the task from being
 * released.
 */
bool steward_condemn(struct pool *pool, const struct ward_task *task);
/* Whether all is parked, so that nothing can fall silent unseen. */
bool steward_may_sleep(struct pool *pool);

/* clerk.c */
int clerk_start(struct heal *heal);
void clerk_stop(struct heal *heal);
/*
 * Joins slot's thread, which is GONE, by then; makes the slot FREE, or says false:
 * the thread was not joined (slot->joined), or a steward that was held is still
 * about to look at it.
 */
bool clerk_bury(struct pool *pool, struct slot *slot, uint64_t until);

#endif
