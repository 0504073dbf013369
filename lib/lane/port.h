/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - what a port is inside: a stack of tasks that workers push, and that the
 * event loop takes all at once and turns round.
 *
 *              post  run
 *   post        *     *    any number of threads at once, lock-free
 *   run               1    the holder of 'running'
 *
 * The descriptor is set by who pushes on an empty stack, and by who leaves tasks
 * behind; cleared before the stack is taken.  So it is set whenever tasks wait.  For who
 * looks at edges only: it is set anew by who leaves, if tasks wait and another caller
 * was refused meanwhile, for whom the last edge may have been.
 *
 * Edge [po]: post | taken, for what the task did, and its status; refused | left.
 */
#ifndef WARD_LIB_LANE_PORT_H
#define WARD_LIB_LANE_PORT_H

#include "pool/pool.h"
#include <ward/port.h>

struct ward_port {
	/* X: */
	struct ward_task *_Atomic posted; /* the last one first [po] */
	_Atomic uint32_t lanes;	  /* and tasks whose release() will come */
	_Atomic uint32_t posting; /* workers that may touch it */
	_Atomic uint32_t running; /* somebody calls answers; more: so many refused */
	struct ward_task *first;  /* O, running */
	/* I: */
	uint32_t magic; /* handle.h */
	struct host_file event;
};

bool port_is(const struct ward_port *port);
/* One lane more, or less. */
void port_hold(struct ward_port *port);
void port_unhold(struct ward_port *port);
/* The caller owns the task's answer: who cancels it from now on comes too late. */
void port_answer(struct ward_task *task, int status);
/* After that, and when the caller is not seen inside of it any more: handed on. */
void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task);
/*
 * A task that was answered there while a thread was inside still, by the last one to
 * leave: its release() is due.
 */
void port_post_late(struct pool *pool, struct ward_task *task);

#endif
