/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * errand.h - a stranger's function on a worker, in a task of its own: it may fault,
 * die or hang there and costs no more than that.  What comes after it comes anyway.
 */
#ifndef WARD_LIB_FLOW_ERRAND_H
#define WARD_LIB_FLOW_ERRAND_H

#include "work/pool.h"

struct errand {
	struct ward_task task;
	/* W: the thread that has the task */
	bool made;
	_Atomic int32_t on; /* the thread that is inside of it, or left in it */
	/* I: */
	void (*make)(struct errand *errand); /* calls the stranger */
	void (*then)(struct errand *errand); /* once, when that is over */
	/* Last, when nobody is inside any more: only now it may go again. */
	void (*put)(struct errand *errand);
};

/* For tasks of ours: one attempt, patience as in the pool. */
extern const struct ward_policy flow_once;

/* Without a pool that would take it, it is made on the calling thread. */
void errand_submit(struct errand *errand, struct pool *pool, const char *name);

#endif
