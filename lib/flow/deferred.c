/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/deferred.h"
#include "front/front.h"

static struct deferred *deferred_of(struct ward_task *task)
{
	return ward_entry(task, struct deferred, task);
}

static int run(struct ward_task *task)
{
	struct deferred *deferred = deferred_of(task);

	deferred->called = true;
	store_relaxed(&deferred->on, host_tid());
	deferred->call(deferred);
	store_relaxed(&deferred->on, 0);
	return 0;
}

/* A pool that is destroyed has not called run(). */
static void done(struct ward_task *task, int status)
{
	(void)status;
	if (!deferred_of(task)->called)
		run(task);
	deferred_of(task)->complete(deferred_of(task));
}

static void release(struct ward_task *task)
{
	deferred_of(task)->put(deferred_of(task));
}

void deferred_submit(struct deferred *deferred, struct pool *pool,
		     const char *name)
{
	deferred->called = false;
	deferred->task = (struct ward_task){ .run = run,
					 .done = done,
					 .release = release,
					 .policy = &policy_once,
					 .name = name };
	if (pool && !submit_at(pool, &deferred->task, 0, 0))
		return;
	done(&deferred->task, 0);
	release(&deferred->task);
}
