/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resize_under_load.c - a pool is resized up and down all the time, while producers
 * submit and workers are killed.
 *
 * Expected: every accepted task is answered and released once; the books are right at
 * each look, and whole in the end; no wakeup is lost; in the end there are as many
 * threads as the last size wants.
 */
#include "story.h"
#include <pthread.h>

enum { PRODUCERS = 3, ITEMS = 1500, SIZES = 120, MOST = 9 };

static struct ward_pool *pool;
static _Atomic uint32_t producing;

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static int naps(struct item *item)
{
	(void)item;
	nap(MS / 5);
	return 0;
}

static void *produce(void *arg)
{
	struct item *item = arg;

	for (unsigned i = 0; i < ITEMS; i++) {
		item_init(&item[i],
			  i % 97 == 96 ? dies
			  : i % 7 == 6 ? naps
				       : task_nothing,
			  NULL, "load");
		item_submit(pool, &item[i]);
	}
	sub_acq_rel(&producing, 1);
	return NULL;
}

int main(void)
{
	static struct item item[PRODUCERS][ITEMS];
	struct ward_pool_config config = story_config();
	pthread_t producer[PRODUCERS];
	unsigned before, sizes = 0;
	struct ward_stats s;

	config.workers = 1;
	config.max = MOST;
	config.idle = MS;
	before = threads_now();
	pool = pool_up(&config);
	store_release(&producing, PRODUCERS);
	for (unsigned i = 0; i < PRODUCERS; i++)
		expect(!pthread_create(&producer[i], NULL, produce, item[i]));
	while (load_acquire(&producing) || sizes < SIZES) {
		uint32_t workers = 1 + sizes * 7 % MOST;
		uint32_t max =
			sizes % 3 ? 0 : workers + sizes % (MOST + 1 - workers);

		expect_equal(ward_pool_resize(pool, workers, max), 0);
		audit_now(pool);
		sizes++;
		story_breathe();
	}
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(producer[i], NULL);
	for (unsigned i = 0; i < PRODUCERS; i++)
		for (unsigned k = 0; k < ITEMS; k++)
			item_ends(&item[i][k], k % 97 == 96 ? -EOWNERDEAD : 0);
	expect_equal(ward_pool_resize(pool, 2, 2), 0);
	wait_until(stats_of(pool).workers == 2);
	wait_healed(pool);
	/* Two workers, a spare, steward, deputy, clerk and scribe. */
	wait_until(threads_now() == before + 7);
	s = stats_of(pool);
	expect_equal(s.rescues, 0);
	expect_equal(s.deaths, PRODUCERS * (ITEMS / 97));
	pool_down(pool);
	wait_until(threads_now() == before);
	return 0;
}
