/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orphaned.c - answers to what is requeued where no worker is left.
 */
#include "run/run.h"

/*
 * The calling worker's slot, if it is outside: a callback that ends its thread must be
 * seen in an epoch, or what was due after it is requeued by nobody.
 */
static struct slot *own_idle_slot(const struct pool *pool)
{
	struct slot *slot = host_self();

	return slot && slot->pool == pool &&
			       !slot_inside(load_relaxed(&slot->word)) ?
		       slot :
		       NULL;
}

/* A callback may call it again: the outer call finds what the callback has brought. */
void orphaned_cancel_all(struct pool *pool)
{
	const void *outer = host_mine();
	struct slot *slot = own_idle_slot(pool);
	struct local_queue local;
	struct ward_task *task;

	if (outer == pool)
		return;
	host_set_mine(pool);
	local_init(&local, 0);
	local.batch = 1; /* a thread that ends in a callback takes no other with it */
	while ((task = inbox_take(&pool->inbox, &local))) {
		uint64_t word = load_acquire(&task_priv(task)->word); /* [K] */

		if (task_state(word) == TASK_QUEUED)
			worker_answer(pool, slot, task,
				      task_skip(task_priv(task), TASK_QUEUED,
						0, -ECANCELED));
		else
			worker_settle(pool, slot, task);
	}
	host_set_mine(outer);
}

void orphaned_answer_all(struct pool *pool)
{
	later_open(&pool->inbox);
	orphaned_cancel_all(pool);
}
