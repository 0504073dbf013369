/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deferred.h - a stranger's function on a worker, in a task of its own: it may fault,
 * die or hang there and costs no more than that.  complete() and put() follow anyway.
 */
#ifndef WARD_LIB_FLOW_DEFERRED_H
#define WARD_LIB_FLOW_DEFERRED_H

#include "pool/pool.h"

struct deferred {
	struct ward_task task;
	/* W: the thread that has the task */
	bool called;
	_Atomic int32_t on; /* the thread that is inside of call(), or left in it */
	/* I: */
	void (*call)(struct deferred *deferred); /* calls the stranger */
	void (*complete)(struct deferred *deferred); /* once, after that */
	/* Last, when nobody is inside: it may be submitted again. */
	void (*put)(struct deferred *deferred);
};

/* Without a pool that takes it, all is called on the calling thread. */
void deferred_submit(struct deferred *deferred, struct pool *pool,
		     const char *name);

#endif
