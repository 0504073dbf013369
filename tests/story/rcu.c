/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rcu.c - a program that uses liburcu itself: a task hangs inside of a read-side
 * section, so that no grace period of the program's ends any more.
 *
 * Expected: that is the program's affair.  Workers that die are reaped and
 * replaced, a fork comes back, and destroy keeps its deadline.
 */
#include "story.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu-bp.h>

static int hang_inside(struct item *item)
{
	urcu_bp_read_lock();
	task_gate(item);
	urcu_bp_read_unlock();
	return 0;
}

static int leave(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void forks(void)
{
	pid_t child = fork();
	int status;

	expect(child >= 0);
	if (child == 0)
		_exit(0);
	expect_equal(waitpid(child, &status, 0), child);
	expect_equal(status, 0);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct item hangs, dies;

	item_start(pool, &hangs, hang_inside, NULL, "hangs");
	item_done(&hangs, -ETIME);
	/* More than there are records: they have to be used again. */
	for (int i = 0; i < 16; i++) {
		item_start(pool, &dies, leave, NULL, "dies");
		item_ends(&dies, -EOWNERDEAD);
	}
	wait_until(stats_of(pool).vacant == 0 && stats_of(pool).spares == 1);
	forks();
	pool_leave(pool, 50 * MS, 1); /* but the one that hangs */
	gate_open(&hangs);
	item_ends(&hangs, -ETIME);
	return 0;
}
