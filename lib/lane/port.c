/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane/port.h"

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

int ward_port_fd(const struct ward_port *port)
{
	return handle_is(port, HANDLE_PORT) ? port->event.fd : -EINVAL;
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
	/* Their tasks were answered since: the threads are two steps from the end. */
	while (load_acquire(&port->posting)) /* [po] */
		host_yield();
	return destroy(port);
}

void port_post(struct ward_port *port, struct pool *pool,
	       struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&port->posted);

	add_relaxed(&pool->inbox.requeued_in, 1); /* its answer */
	/* Once the task is pushed the loop may answer it, and end the port. */
	add_acq_rel(&port->posting, 1);
	do {
		task_priv(task)->link = head;
	} while (!cas_acq_rel(&port->posted, &head, task)); /* [po] */
	if (!head)
		host_event_set(&port->event);
	sub_acq_rel(&port->posting, 1); /* [po] */
}

void port_post_late(struct pool *pool, struct ward_task *task)
{
	add_acq_rel(&pool->refs, 1); /* the lane may be gone, and destroy over */
	port_post(task_priv(task)->port, pool, task);
}
