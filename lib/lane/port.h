/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - what a port is inside: a stack of tasks that workers push, and that the
 * event loop takes all at once and reverses.
 *
 *              post  run
 *   post        *     *    any number of threads at once, lock-free
 *   run               1    the holder of 'running'
 *
 * The descriptor is set by a push on an empty stack, and by a run that leaves tasks
 * behind; cleared before the stack is taken.  So it is set whenever tasks wait.  For a
 * loop that looks at edges only a run sets it anew as it ends, if tasks wait and another
 * caller was refused meanwhile: the last edge may have been that caller's.
 *
 * Edge [po]: post | taken, for what the task did, and its status; refused | left.
 */
#ifndef WARD_LIB_LANE_PORT_H
#define WARD_LIB_LANE_PORT_H

#include "pool/pool.h"
#include <ward/port.h>

struct ward_port {
	/* X: */
	struct ward_task *_Atomic posted; /* the last first [po] */
	_Atomic uint32_t lanes;	  /* and tasks whose release() is to come */
	_Atomic uint32_t posting; /* workers that may touch it [po] */
	_Atomic uint32_t running; /* 1: a caller answers; more: so many were refused [po] */
	struct ward_task *first;  /* O, running */
	/* I: */
	uint32_t magic; /* handle.h */
	struct host_file event;
};

/* One lane, or one late release(), more or less. */
static inline void port_hold(struct ward_port *port)
{
	add_acq_rel(&port->lanes, 1);
}

static inline void port_unhold(struct ward_port *port)
{
	(void)WARD_CHECK(sub_acq_rel(&port->lanes, 1));
}

/* Hands a LOST task on, when the caller is not seen inside of it any more. */
void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task);
/*
 * By the last thread to leave a task that was answered there with threads inside: its
 * release() is due.
 */
void port_post_late(struct pool *pool, struct ward_task *task);

#endif
