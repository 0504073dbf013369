/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c - see timer.h.
 */
#include "flow/timer.h"
#include "flow/tree.h"
#include "front/front.h"

static struct timer *timer_of(struct ward_task *task)
{
	return ward_entry(task, struct timer, task);
}

static int run(struct ward_task *task)
{
	struct timer *timer = timer_of(task);

	tree_lock(timer->tree);
	if (timer->due <= host_now() && !timer->tree->closed) {
		timer->due = WARD_FOREVER;
		timer->fired(timer);
	}
	tree_unlock(timer->tree);
	return 0;
}

/* False: the pool takes nothing any more. */
static bool arm(struct timer *timer)
{
	return !timer->tree->closed &&
	       !submit_at(timer->tree->pool, &timer->task, timer->due, 0);
}

/* Out of the pool; into it again, if it was set again. */
static void release(struct ward_task *task)
{
	struct timer *timer = timer_of(task);

	tree_lock(timer->tree);
	timer->armed = timer->due != WARD_FOREVER && arm(timer);
	if (timer->armed) {
		tree_unlock(timer->tree);
		return;
	}
	tree_unlock(timer->tree);
	member_put(timer->owner);
}

void timer_init(struct timer *timer, struct tree *tree, struct member *owner,
		void (*fired)(struct timer *timer), const char *name)
{
	timer->task = (struct ward_task){ .run = run,
					  .release = release,
					  .policy = &flow_once,
					  .name = name };
	timer->tree = tree;
	timer->owner = owner;
	timer->fired = fired;
	timer->due = WARD_FOREVER;
	timer->armed = false;
}

void timer_set(struct timer *timer, ward_ns due)
{
	timer->due = due;
	if (timer->armed)
		return;
	timer->armed = arm(timer);
	if (timer->armed)
		member_hold(timer->owner);
}

void timer_unset(struct timer *timer)
{
	timer->due = WARD_FOREVER;
	if (!timer->armed || timer->tree->closed ||
	    !later_take_back(&timer->tree->pool->inbox, &timer->task))
		return; /* who has it finds nothing due */
	task_set(task_priv(&timer->task), TASK_FREE);
	timer->armed = false;
	member_put(timer->owner); /* the caller has another */
}
