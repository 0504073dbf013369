/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/tree.h"
#include "front/front.h"

static struct timer *timer_of(struct ward_task *task)
{
	return ward_entry(task, struct timer, task);
}

static int run(struct ward_task *task)
{
	struct timer *timer = timer_of(task);
	struct tree *tree = timer->ward->tree;

	tree_lock(tree);
	if (timer->due <= host_now() && !tree->closed) {
		timer->due = WARD_FOREVER;
		timer->fired(timer->ward);
	}
	tree_unlock(tree);
	return 0;
}

/* False: the pool takes nothing any more. */
static bool arm(struct timer *timer)
{
	struct tree *tree = timer->ward->tree;

	timer->armed = !tree->closed &&
		       !submit_at(tree->pool, &timer->task, timer->due, 0);
	return timer->armed;
}

/* Out of the pool; into it again, if it was set again. */
static void release(struct ward_task *task)
{
	struct timer *timer = timer_of(task);
	struct ward *ward = timer->ward;
	bool again;

	tree_lock(ward->tree);
	timer->armed = false;
	again = timer->due != WARD_FOREVER && arm(timer);
	tree_unlock(ward->tree);
	if (!again)
		member_put(&ward->me);
}

void timer_init(struct timer *timer, struct ward *ward,
		void (*fired)(struct ward *ward))
{
	timer->task = (struct ward_task){ .run = run,
					  .release = release,
					  .policy = &policy_once,
					  .name = ward->spec.name };
	timer->ward = ward;
	timer->fired = fired;
	timer->due = WARD_FOREVER;
}

void timer_set(struct timer *timer, ward_ns due)
{
	timer->due = due;
	if (!timer->armed && arm(timer))
		member_hold(&timer->ward->me);
}

void timer_unset(struct timer *timer)
{
	struct tree *tree = timer->ward->tree;

	timer->due = WARD_FOREVER;
	if (!timer->armed || tree->closed ||
	    !later_take_back(&tree->pool->inbox, &timer->task))
		return; /* who has it finds nothing due */
	task_set(task_priv(&timer->task), TASK_FREE);
	timer->armed = false;
	member_put(&timer->ward->me); /* the caller has another */
}
