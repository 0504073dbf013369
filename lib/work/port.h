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
 * behind; cleared before the stack is taken.  So it is set whenever tasks wait.
 *
 * Edge [po]: post | taken, for what the task did, and its status.
 */
#ifndef WARD_LIB_WORK_PORT_H
#define WARD_LIB_WORK_PORT_H

#include "work/pool.h"
#include <ward/port.h>

/* One lane more, or less. */
void port_hold(struct ward_port *port);
void port_unhold(struct ward_port *port);
/* The caller owns the task's answer, and hands it on. */
void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task, int status);

#endif
