/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

static atomic_bool next_is_done;

static int spin(struct ward_task *task)
{
	while (!next_is_done)
		; /* a bug: it keeps its CPU, and shows no sign of life */
	printf("%s: run() returns, and nobody asks\n", task->name);
	return 0;
}

static int quick(struct ward_task *task)
{
	(void)task;
	return 0;
}

static void done(struct ward_task *task, int status)
{
	printf("%s: done with \"%s\"\n", task->name,
	       status ? strerror(-status) : "fine");
	next_is_done = !strcmp(task->name, "next");
}

static void release(struct ward_task *task)
{
	printf("%s: released\n", task->name);
}

int main(void)
{
	static const struct ward_policy strict = {
		.size = sizeof(strict),
		.busy_within = WARD_MS(200), /* the default is 1 s */
	};
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_task stuck = { spin, done, release, .name = "stuck" };
	struct ward_task next = { quick, done, NULL, .name = "next" };
	struct ward_pool *pool;

	config.name = "three";
	config.policy = &strict;
	config.workers = 1; /* and that one is stuck */
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool) ||
	    ward_submit(pool, &stuck, WARD_NOWAIT) ||
	    ward_submit(pool, &next, WARD_NOWAIT))
		return 1;
	ward_pool_drain(pool, WARD_FOREVER);
	return ward_pool_destroy(pool, WARD_FOREVER);
}
