/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - see port.h.
 */
#include "work/port.h"
#include "work/lane.h"
#include <errno.h>

struct ward_port {
	struct ward_task *_Atomic posted; /* the last one first */
	_Atomic uint32_t lanes;
	_Atomic uint32_t posting; /* workers that may touch it */
	_Atomic uint32_t running; /* somebody calls answers */
	struct ward_task *first;  /* R: who runs it */
	/* I: */
	uint32_t generation; /* of the process that made it */
	struct host_file event;
};

int ward_port_create(struct ward_port **out)
{
	struct ward_port *port;
	int err;

	if (!out)
		return -EINVAL;
	port = host_alloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	err = host_event_open(&port->event);
	if (err) {
		host_free(port, sizeof(*port));
		return err;
	}
	port->generation = load_relaxed(&host_generation);
	*out = port;
	return 0;
}

static bool foreign(const struct ward_port *port)
{
	return port->generation != load_relaxed(&host_generation);
}

int ward_port_fd(const struct ward_port *port)
{
	return port ? port->event.fd : -EINVAL;
}

void port_hold(struct ward_port *port)
{
	add_acq_rel(&port->lanes, 1);
}

void port_unhold(struct ward_port *port)
{
	sub_acq_rel(&port->lanes, 1);
}

static int destroy(struct ward_port *port)
{
	host_event_close(&port->event);
	host_free(port, sizeof(*port));
	return 0;
}

int ward_port_destroy(struct ward_port *port)
{
	if (!port)
		return -EINVAL;
	if (foreign(port))
		return destroy(port);
	if (load_acquire(&port->lanes) || load_acquire(&port->running) ||
	    load_acquire(&port->posted) || port->first)
		return -EBUSY;
	/* They have pushed what was answered since: two steps away. */
	while (load_acquire(&port->posting)) /* [po] */
		host_yield();
	return destroy(port);
}

void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task, int status)
{
	struct ward_task *head = load_relaxed(&port->posted);

	/* Who cancels it from now on comes too late. */
	book_of(task)->status = status;
	book_move(book_of(task), BOOK_LOST, 0);
	inbox_owes(&pool->inbox);
	/* Once it is pushed the loop may answer it, and end the port. */
	add_acq_rel(&port->posting, 1);
	do {
		book_of(task)->link = head;
	} while (!cas_acq_rel(&port->posted, &head, task)); /* [po] */
	if (!head)
		host_event_set(&port->event);
	sub_acq_rel(&port->posting, 1); /* [po] */
}

/* ---- the loop's side ------------------------------------------------------------------ */

static void take_posted(struct ward_port *port)
{
	host_event_clear(&port->event);
	port->first = lower_turn(swap_acq_rel(&port->posted, NULL)); /* [po] */
}

static void answer(struct ward_task *task)
{
	struct book *book = book_of(task);
	struct pool *pool = book->lane->pool;

	add_acq_rel(&pool->refs, 1); /* its lane may be destroyed in release() */
	add_relaxed(&pool->inbox.owed_out, 1);
	if (task->done)
		task->done(task, book->status);
	worker_release(pool, NULL, task);
	inbox_settle(&pool->inbox);
	lost_pay(pool);
	pool_put(pool);
}

int ward_port_run(struct ward_port *port, unsigned budget)
{
	struct ward_task *task;
	int n = 0;

	if (!port)
		return -EINVAL;
	if (foreign(port))
		return -ECHILD; /* the descriptor is one for both */
	if (swap_acq_rel(&port->running, 1))
		return -EBUSY;
	if (!port->first)
		take_posted(port);
	while ((task = port->first) && (!budget || (unsigned)n < budget)) {
		port->first = book_of(task)->link;
		answer(task);
		n++;
	}
	if (port->first)
		host_event_set(&port->event);
	store_release(&port->running, 0);
	return n;
}
