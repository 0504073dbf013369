/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - the threads that keep a pool whole: the steward looks and judges, the
 * clerk makes and buries threads and waits for grace periods.
 *
 * The steward never allocates, locks, formats, makes threads, waits for a grace
 * period or runs a stranger's code.  What might wait is the clerk's or the
 * scribe's.
 */
#ifndef WARD_LIB_HEAL_HEAL_H
#define WARD_LIB_HEAL_HEAL_H

#include "heal/excuse.h"
#include "heal/judge.h"
#include "work/pool.h"

struct heal {
	struct pool *pool;
	struct watch *watch;   /* one per seat */
	struct excuse *excuse; /* the same */
	host_thread steward, clerk;
	char steward_name[16], clerk_name[16];
	_Atomic uint32_t steward_stop, clerk_stop;
	/* the steward's own */
	uint64_t due;	     /* when it meant to wake up; 0: when rung */
	uint64_t quiet_since;
	uint64_t bell_seen;  /* the bell's word at the last scan, */
	uint64_t bell_since; /* and since when, if work lies beside sleepers */
	bool told_blind, told_late;
	_Atomic uint64_t scans, looks, worst_lateness, rescues;
	_Atomic uint64_t convicted[VERDICT_OVERDUE + 1]; /* by verdict */
};

struct heal *heal_new(struct pool *pool);
void heal_free(struct heal *heal);

/* steward.c.  stop: joins it; until then it goes on healing. */
int steward_start(struct heal *heal);
void steward_stop(struct heal *heal);
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
/* Joins slot's thread, which is GONE, by then; makes the slot FREE. */
bool clerk_bury(struct pool *pool, struct slot *slot, uint64_t until);

#endif
