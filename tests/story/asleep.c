/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asleep.c - the steward sleeps while all are parked, but not while a seat is
 * vacant: the spare that takes it goes from its waiting place to a task without
 * ever having been on the park, so that nothing else would wake the steward.
 *
 * Expected: the steward looks around for longer than it lingers, and convicts that
 * thread's livelock.
 */
#include "story.h"

#include <pthread.h>

enum { LINGERS = 200 }; /* scans, of 5 ms or more: longer than a second */

static _Atomic uint32_t gate; /* threads are made only when it is open */
static _Atomic uint32_t births;

static void *start(void *arg, unsigned thread)
{
	(void)arg;
	(void)thread;
	if (add_acq_rel(&births, 1) >= 2)
		while (!load_acquire(&gate))
			host_wait(&gate, 0, HOST_FOREVER);
	return NULL;
}

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

int main(void)
{
	const struct ward_hooks hooks = { .start = start,
					  .report = story_report };
	struct ward_pool_config config = story_config();
	struct item dead[2], spin, behind;
	struct ward_pool *pool;
	const struct pool *inside;
	uint64_t scans;

	config.workers = 1;
	config.hooks = &hooks;
	pool = pool_up(&config); /* a worker and a spare: two births */
	inside = (const struct pool *)pool;
	for (int i = 0; i < 2; i++)
		item_start(pool, &dead[i], leaves, NULL, "leaves");
	/* Both are dead; the next thread in the seat hangs in its start hook. */
	wait_until(stats_of(pool).deaths == 2);
	item_start(pool, &spin, task_spin_until_fenced, NULL, "spins");
	item_start(pool, &behind, task_nothing, NULL, "behind");
	scans = stats_of(pool).scans;
	wait_until(stats_of(pool).scans >= scans + LINGERS);
	expect(!load_acquire(&inside->steward_asleep));
	store_release(&gate, 1);
	host_wake(&gate, INT32_MAX);
	item_ends(&spin, -ETIME);
	item_ends(&behind, 0);
	for (int i = 0; i < 2; i++)
		item_ends(&dead[i], -EOWNERDEAD);
	expect_equal(stats_of(pool).convicted_livelock, 1);
	pool_down(pool);
	return 0;
}
