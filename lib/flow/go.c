/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go.c - a function and its argument as a task.
 */
#include "base/host.h"
#include <errno.h>
#include <ward/pool.h>

struct call {
	struct ward_task task;
	int (*fn)(void *arg);
	void *arg;
};

static struct call *of(struct ward_task *task)
{
	return ward_entry(task, struct call, task);
}

static int run(struct ward_task *task)
{
	return of(task)->fn(of(task)->arg);
}

static void release(struct ward_task *task)
{
	host_free(of(task), sizeof(struct call));
}

int ward_go(struct ward_pool *pool, int (*fn)(void *arg), void *arg,
	    ward_ns until)
{
	struct call *it;
	int err;

	if (!pool || !fn)
		return -EINVAL;
	it = host_alloc(sizeof(*it));
	if (!it)
		return -ENOMEM;
	it->task.run = run;
	it->task.release = release;
	it->fn = fn;
	it->arg = arg;
	err = ward_submit(pool, &it->task, until);
	if (err)
		release(&it->task);
	return err;
}
