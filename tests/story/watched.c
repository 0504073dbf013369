/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watched.c - a process with a page, for wardtop.sh: one task waits until it is killed.
 */
#include <stdio.h>
#include <unistd.h>
#include <ward/ward.h>

static int waits(struct ward_task *task)
{
	(void)task;
	puts("up");
	fflush(stdout);
	for (;;) {
		ward_beat();
		usleep(1000);
	}
	return 0;
}

int main(void)
{
	static struct ward_task task = { .run = waits, .name = "the only task" };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.name = "watched";
	config.workers = 2;
	config.flags = WARD_POOL_PUBLISH;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool) ||
	    ward_submit(pool, &task, 0))
		return 1;
	return ward_pool_drain(pool, WARD_FOREVER);
}
