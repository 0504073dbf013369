/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orphaned.c - answers to what is requeued where no worker is left.
 */
#include "run/run.h"

/* A callback may call it again: the outer call finds what the callback has brought. */
void orphaned_cancel_all(struct pool *pool)
{
	const void *outer = host_mine();
	struct slot *slot = host_self();
	struct local_queue local;
	struct ward_task *task;

	if (outer == pool)
		return;
	/*
	 * A worker outside has an epoch to show: a callback that ends its thread must be
	 * seen in one, or what was due after it is requeued by nobody.
	 */
	if (slot && (slot->pool != pool ||
		     slot_inside(load_relaxed(&slot->word))))
		slot = NULL;
	host_set_mine(pool);
	local_init(&local, 0);
	local.batch = 1; /* a thread that ends in a callback takes no other with it */
	while ((task = inbox_take(&pool->inbox, &local)))
		worker_settle(pool, slot, task);
	host_set_mine(outer);
}

void orphaned_answer_all(struct pool *pool)
{
	later_open(&pool->inbox);
	orphaned_cancel_all(pool);
}
