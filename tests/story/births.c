/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * births.c - threads that do not come up: in hooks.start each ends by a raw exit, of
 * which nobody hears while there is no spare; or every second one does; or all do.
 *
 * Expected: start comes back, with a whole pool or with -EOWNERDEAD; the pool has all
 * its spares in the end; and those that fail hold up no others.
 */
#include "story.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint32_t births, fail_first, fail_each;

static void *start(void *arg, unsigned thread)
{
	uint32_t n = add_acq_rel(&births, 1) + 1, each = load_acquire(&fail_each);

	(void)arg;
	(void)thread;
	if (n > load_acquire(&fail_first) && (!each || n % each))
		return NULL;
	/* A sanitizer keeps a record of each thread that its end clears. */
	if (UNDER_ASAN)
		pthread_exit(NULL);
	syscall(SYS_exit, 0);
	return NULL;
}

static const struct ward_hooks hooks = { .start = start,
					 .report = story_report };

static struct ward_pool *made(uint32_t workers, uint32_t first, uint32_t each)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	config.workers = config.max = workers;
	config.hooks = &hooks;
	store_relaxed(&births, 0);
	store_relaxed(&fail_first, first);
	store_release(&fail_each, each);
	expect_equal(ward_pool_create(&pool, &config), 0);
	return pool;
}

static void in_the_end(uint32_t workers, uint32_t first, uint32_t each)
{
	struct ward_pool *pool = made(workers, first, each);

	expect_equal(ward_pool_start(pool), 0);
	wait_healed(pool);
	pool_down(pool);
}

static void never(void)
{
	struct ward_pool *pool = made(2, UINT32_MAX, 0);
	unsigned threads = threads_now();

	expect_equal(ward_pool_start(pool), -EOWNERDEAD);
	wait_until(threads_now() == threads);
	store_release(&fail_first, 0); /* it can be tried again */
	expect_equal(ward_pool_start(pool), 0);
	wait_healed(pool);
	pool_down(pool);
}

int main(void)
{
	in_the_end(2, 3, 0); /* all that start makes, spares too */
	in_the_end(16, 0, 2);
	never();
	return 0;
}
