/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <ward/ward.h>

static int run(struct ward_task *task)
{
	printf("%s: on a worker's thread\n", task->name);
	return 0;
}

static void done(struct ward_task *task, int status)
{
	printf("%s: answered with %d\n", task->name, status);
}

int main(void)
{
	struct ward_task hello = { .run = run, .done = done, .name = "hello" };
	struct ward_pool *pool;

	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool) ||
	    ward_submit(pool, &hello, WARD_NOWAIT))
		return 1;
	ward_pool_drain(pool, WARD_FOREVER);
	return ward_pool_destroy(pool, WARD_FOREVER);
}
