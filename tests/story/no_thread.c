/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_thread.c - scenario 22: threads cannot be made, at start and while healing.
 *
 * Expected: start says so, whichever thread it was, leaves none behind, and may
 * be called again.  While healing the spare is used all the same; told once;
 * tried again, and whole as soon as threads can be had.
 *
 * Births fail as this program says: it is linked with --wrap.
 */
#include "story.h"

#include <pthread.h>

#define NEVER INT32_MAX

static _Atomic int32_t births_left = NEVER; /* then none any more */
static _Atomic uint32_t refused;

int __real_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg),
		      void *arg);
int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg),
		      void *arg);

int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	int32_t n = load_acquire(&births_left);

	if (n != NEVER && add_acq_rel(&births_left, -1) <= 0) {
		add_acq_rel(&refused, 1);
		return -EAGAIN;
	}
	return __real_host_spawn(out, how, fn, last, arg);
}

static void works(struct ward_pool *pool)
{
	struct item item;

	item_init(&item, task_nothing, NULL, "works");
	item_submit(pool, &item);
	item_ends(&item, 0);
}

/* Each of two workers, a spare, clerk, steward, scribe; before and after. */
static void at_start(void)
{
	struct ward_pool_config config = story_config();
	unsigned threads = threads_now(), n = 0;
	int err;

	do {
		struct ward_pool *pool;
		struct item item;

		expect_equal(ward_pool_create(&pool, &config), 0);
		/* What was submitted before is there for a later start. */
		item_init(&item, task_nothing, NULL, "early");
		item_submit(pool, &item);
		store_release(&births_left, (int32_t)n);
		err = ward_pool_start(pool);
		store_release(&births_left, NEVER);
		if (err) {
			expect_equal(err, -EAGAIN);
			wait_until(threads_now() == threads);
			expect_equal(stats_of(pool).workers, 0);
			expect_equal(ward_pool_start(pool), 0);
			n++;
		}
		wait_until(load_acquire(&item.released));
		expect(item.status == 0 || item.status == -ECANCELED);
		works(pool);
		pool_down(pool);
		wait_until(threads_now() == threads);
	} while (err);
	expect_equal(n, 6);
	expect(load_acquire(&refused) >= 6);
}

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void dies(struct ward_pool *pool)
{
	struct item item;

	item_init(&item, leaves, NULL, "leaves");
	item_submit(pool, &item);
	item_ends(&item, -EOWNERDEAD);
}

static void while_healing(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct ward_stats s;
	struct item last;
	uint32_t before;

	store_release(&births_left, 0);
	before = load_acquire(&refused);
	dies(pool); /* the spare takes its seat */
	wait_until(stats_of(pool).heals == 1);
	expect_equal(stats_of(pool).vacant, 0);
	works(pool);
	dies(pool); /* now there is one worker, and no spare */
	item_init(&last, leaves, NULL, "leaves");
	item_submit(pool, &last);
	wait_until(stats_of(pool).vacant == 2); /* nobody is left to answer */
	told(WARD_R_NO_THREAD, 0);
	wait_until(load_acquire(&refused) >= before + 5);
	expect_equal(told_count(WARD_R_NO_THREAD), 1);
	store_release(&births_left, NEVER);
	item_ends(&last, -EOWNERDEAD);
	works(pool);
	wait_healed(pool);
	s = stats_of(pool);
	expect_equal(s.deaths, 3);
	expect_equal(s.heals, 3);
	pool_down(pool);
}

int main(void)
{
	at_start();
	while_healing();
	return 0;
}
