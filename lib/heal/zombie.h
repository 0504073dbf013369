/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zombie.h - a worker that is inside of something is fenced, and becomes a zombie.
 *
 * One order for the steward and for destroy; reap_thread() keeps it for dead threads.
 *
 *  1) Life and epoch are read, then the evidence, then the task.
 *  2) The fence takes the answer of that epoch.
 *  3) The answer is handed over.  Only the caller knows that it is due, and the caller
 *     may be held: so nothing comes before this.
 *  4) SEATED to ZOMBIE, unless the life has moved since 1: a thread that came home in
 *     between keeps its seat, and a dead one is reaped.
 *  5) The local queue is requeued, before the seat: its next worker finds newer tasks.
 *  6) The seat is vacated, and a spare sits down there.
 *  7) The clerk is woken: it makes the next spare.
 *
 * From 2 to 7 a transition is open [I].  Then the thread is woken, if it waits in here [G].
 */
#ifndef WARD_LIB_HEAL_ZOMBIE_H
#define WARD_LIB_HEAL_ZOMBIE_H

#include "pool/pool.h"

struct fencing {
	uint64_t life, epoch; /* of the slot, as they were read */
	uint32_t asker;	      /* see slot_fence() */
	enum lost_why why;
	bool asleep;		 /* it was found asleep, and counts as that */
	uint64_t id;		 /* of the incident; 0: none */
	struct incident *in;	 /* its record, or NULL */
	_Atomic uint64_t *count; /* the caller's own: fenced; or NULL */
};

/*
 * False: the worker had moved on, or was fenced before.  True: the answer was handed
 * over, and the seat was vacated if the life was still that one.
 */
bool zombie_make(struct pool *pool, struct slot *slot, const struct fencing *how);

/* May one more be out, of those asleep or of those that keep their CPU? */
bool zombie_room(const struct pool *pool, bool asleep);

#endif
