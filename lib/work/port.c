/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - see port.h.
 */
#include "work/port.h"
#include "work/lane.h"
#include <errno.h>

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
	port->magic = handle_magic(HANDLE_PORT);
	*out = port;
	return 0;
}

bool port_is(const struct ward_port *port)
{
	return handle_is(port, HANDLE_PORT);
}

int ward_port_fd(const struct ward_port *port)
{
	return port_is(port) ? port->event.fd : -EINVAL;
}

void port_hold(struct ward_port *port)
{
	add_acq_rel(&port->lanes, 1);
}

void port_unhold(struct ward_port *port)
{
	(void)WARD_CHECK(sub_acq_rel(&port->lanes, 1));
}

static int destroy(struct ward_port *port)
{
	port->magic = HANDLE_DEAD;
	host_event_close(&port->event);
	host_free(port, sizeof(*port));
	return 0;
}

int ward_port_destroy(struct ward_port *port)
{
	int err = handle_enter(port, HANDLE_PORT);

	if (err)
		return err == -ECHILD ? destroy(port) : err;
	if (load_acquire(&port->lanes) || load_acquire(&port->running) ||
	    load_acquire(&port->posted) || port->first)
		return -EBUSY;
	/* They have pushed what was answered since: two steps away. */
	while (load_acquire(&port->posting)) /* [po] */
		host_yield();
	return destroy(port);
}

static void push(struct ward_port *port, struct pool *pool,
		 struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&port->posted);

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

void port_answer(struct ward_task *task, int status)
{
	book_of(task)->status = status;
	book_move(book_of(task), BOOK_LOST, 0);
}

void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task)
{
	push(port, pool, task);
}

void port_post_late(struct pool *pool, struct ward_task *task)
{
	add_acq_rel(&pool->refs, 1); /* its lane may have gone, and destroy be over */
	push(book_of(task)->port, pool, task);
}

/* ---- the loop's side ------------------------------------------------------------------ */

static void take_posted(struct ward_port *port)
{
	host_event_clear(&port->event);
	port->first = lower_turn(swap_acq_rel(&port->posted, NULL)); /* [po] */
}

/* What has made the pool and the port stay for the task is settled. */
static void settle_late(struct ward_port *port, struct pool *pool)
{
	port_unhold(port); /* it is running, and so it stays */
	pool_put(pool);
}

/* True: its pool has gone, so what followed from the answer was done here, too. */
static bool answer(struct ward_port *port, struct ward_task *task)
{
	struct book *book = book_of(task);
	struct pool *pool = book->lane->pool;
	bool gone;

	add_acq_rel(&pool->refs, 1); /* its lane may be destroyed in release() */
	add_relaxed(&pool->inbox.owed_out, 1);
	if (load_relaxed(&book->word) & BOOK_PORT)
		settle_late(port, pool); /* done() was called before */
	else if (task->done)
		task->done(task, book->status);
	worker_release(pool, NULL, task);
	inbox_settle(&pool->inbox);
	lost_pay(pool);
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
			port->first = book_of(task)->link;
			more |= answer(port, task);
			n++;
		}
		if (port->first || !more || (budget && n == budget))
			return n;
		more = false;
		take_posted(port);
	}
}

/* Edges are for one caller at a time: another's may have been refused. */
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
		return err; /* of -ECHILD: the descriptor is one for both */
	if (add_acq_rel(&port->running, 1)) /* [po] */
		return -EBUSY;
	n = answer_all(port, budget);
	leave(port);
	return (int)n;
}
