/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deferred.h - a stranger's function on a worker, in a task of its own: it may fault,
 * die or hang there and costs no more than that.  What comes after it comes anyway.
 */
#ifndef WARD_LIB_FLOW_DEFERRED_H
#define WARD_LIB_FLOW_DEFERRED_H

#include "pool/pool.h"

struct deferred {
	struct ward_task task;
	/* W: the thread that has the task */
	bool called;
	_Atomic int32_t on; /* the thread that is inside of it, or left in it */
	/* I: */
	void (*call)(struct deferred *deferred); /* calls the stranger */
	void (*complete)(struct deferred *deferred); /* once, when that is over */
	/* Last, when nobody is inside any more: only now it may go again. */
	void (*put)(struct deferred *deferred);
};

/* For tasks of ours: one attempt, patience as in the pool. */
extern const struct ward_policy flow_once;

/* Without a pool that would take it, it is made on the calling thread. */
void deferred_submit(struct deferred *deferred, struct pool *pool,
		     const char *name);

#endif
