/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - answers on your own event loop.
 *
 * A lane may name a port (lane.h).  run() is called by a worker; done() and release()
 * of its tasks are called by ward_port_run(), on the thread that calls it: the event
 * loop; release() also of one that was fenced, when the thread inside of it has left.
 * One file descriptor, readable while answers wait, tells the loop when;
 * answers that come together make it readable once.
 *
 * A pool that drains waits for what waits in a port; one that is destroyed does not:
 * it is answered by ward_port_run(), also after that.
 */
#ifndef WARD_PORT_H
#define WARD_PORT_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_port;

/* -EINVAL: out is NULL; -ENOMEM; -EMFILE, -ENFILE: no descriptor. */
WARD_API WARD_MUST int ward_port_create(struct ward_port **out);

/*
 * The descriptor, for poll(), epoll and event loops: readable while answers wait.
 * Only to be polled: not read, not closed.  -EINVAL.
 */
WARD_API int ward_port_fd(const struct ward_port *port);

/*
 * Calls done() and release() of up to 'budget' tasks (0: of all that wait), in the
 * order in which they ended.  How many; -EINVAL; -ECHILD; -EBUSY: another thread, or a
 * callback of this one, is at it.  Where some are left, the descriptor is readable
 * still; and becomes so anew, for loops that are told of edges only.  Any thread, one at
 * a time.
 */
WARD_API int ward_port_run(struct ward_port *port, unsigned budget);

/*
 * -EBUSY: a lane has it, or answers wait, or a thread is inside of a task that was
 * fenced and whose release() is to be called here, or one is held (ward_task_hold());
 * -EINVAL.  In a child after fork: frees what is the child's.
 */
WARD_API int ward_port_destroy(struct ward_port *port);

#ifdef __cplusplus
}
#endif
#endif
