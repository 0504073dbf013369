/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.h - a stranger's function on a worker, in a task of its own: it may fault,
 * die or hang there and costs no more than that.  What comes after it comes anyway.
 */
#ifndef WARD_LIB_FLOW_CALL_H
#define WARD_LIB_FLOW_CALL_H

#include "work/pool.h"

struct call {
	struct ward_task task;
	bool made;
	void (*make)(struct call *call); /* calls the stranger */
	void (*then)(struct call *call); /* once, when that is over */
	void (*put)(struct call *call);	 /* last: nobody is inside any more */
};

/* Without a pool that would take it, it is made on the calling thread. */
void call_submit(struct call *call, struct pool *pool, const char *name);

#endif
