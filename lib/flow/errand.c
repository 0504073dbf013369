/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * errand.c - see errand.h.
 */
#include "flow/errand.h"

/* Once: what is run again has been done before, or will be by its own thread. */
const struct ward_policy flow_once = { .size = sizeof(flow_once), .runs = 1 };

static struct errand *errand_of(struct ward_task *task)
{
	return ward_entry(task, struct errand, task);
}

static int run(struct ward_task *task)
{
	struct errand *errand = errand_of(task);

	errand->made = true;
	store_relaxed(&errand->on, host_tid());
	errand->make(errand);
	store_relaxed(&errand->on, 0);
	return 0;
}

/* In a pool that is destroyed run() never came. */
static void done(struct ward_task *task, int status)
{
	(void)status;
	if (!errand_of(task)->made)
		run(task);
	errand_of(task)->then(errand_of(task));
}

static void release(struct ward_task *task)
{
	errand_of(task)->put(errand_of(task));
}

void errand_submit(struct errand *errand, struct pool *pool, const char *name)
{
	errand->made = false;
	errand->task = (struct ward_task){ .run = run,
					 .done = done,
					 .release = release,
					 .policy = &flow_once,
					 .name = name };
	if (pool && !submit_at(pool, &errand->task, 0, 0))
		return;
	done(&errand->task, 0);
	release(&errand->task);
}
