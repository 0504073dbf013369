/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_run.c - a port as its event loop has it: posted tasks are answered.
 */
#include "lane/port.h"
#include "run/run.h"

static void take_posted(struct ward_port *port)
{
	host_event_clear(&port->event);
	port->first = prio_reverse(swap_acq_rel(&port->posted, NULL)); /* [po] */
}

/* True: the pool is orphaned, so what followed from the answer was done here, too. */
static bool answer(struct ward_port *port, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	struct pool *pool = priv->lane->pool;
	bool gone;

	add_acq_rel(&pool->refs, 1); /* release() may destroy the lane */
	transition_begin(pool); /* in done() no slot has the task */
	add_relaxed(&pool->inbox.requeued_out, 1);
	if (load_relaxed(&priv->word) & TASK_PORT) { /* done() was called before */
		port_unhold(port); /* both stayed for it; 'running' makes this one stay */
		pool_put(pool);
	} else if (task->done) {
		task->done(task, priv->status);
	}
	worker_release(pool, NULL, task);
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
	gone = load_relaxed(&pool->orphaned);
	pool_put(pool);
	return gone;
}

static unsigned answer_all(struct ward_port *port, unsigned budget)
{
	struct ward_task *task;
	unsigned n = 0;
	bool more = true; /* what was posted before, or answered here */

	for (;;) {
		while ((task = port->first) && (!budget || n < budget)) {
			port->first = task_priv(task)->link;
			more |= answer(port, task);
			n++;
		}
		if (port->first || !more || (budget && n == budget))
			return n;
		more = false;
		take_posted(port);
	}
}

/* The last edge may have been for a caller that was refused: another is set. */
static void leave(struct ward_port *port)
{
	bool left = port->first, refused;

	add_acq_rel(&port->posting, 1);
	refused = swap_acq_rel(&port->running, 0) > 1; /* [po] */
	if (left || (refused && load_acquire(&port->posted)))
		host_event_set(&port->event);
	sub_acq_rel(&port->posting, 1); /* [po] */
}

int ward_port_run(struct ward_port *port, unsigned budget)
{
	int err = handle_enter(port, HANDLE_PORT);
	unsigned n;

	if (err)
		return err; /* -ECHILD: the parent's descriptor is the same */
	if (add_acq_rel(&port->running, 1)) /* [po] */
		return -EBUSY;
	n = answer_all(port, budget);
	leave(port);
	return (int)n;
}
