/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_threads.c - scenario 22: threads cannot be made: each one in turn at the
 * start, and all of them for a while during healing.
 *
 * Expected: start answers -EAGAIN, leaves no thread, and can be tried again.
 * Later a spare is used, what cannot be made is tried again ever more slowly,
 * and said once; no hang, no abort; when threads can be had again, the pool
 * becomes whole and what waited is run.
 *
 * The linker puts this file's host_spawn in front of the library's.
 */
#include "story.h"

#include <pthread.h>

/* Scribe, two workers, a spare, steward, deputy, clerk. */
enum { ALL = 7 };

static _Atomic uint32_t calls, fail_at, fail_all;

WRAPPED(host_spawn);
int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	uint32_t n = add_acq_rel(&calls, 1) + 1;

	if (load_acquire(&fail_all) || n == load_relaxed(&fail_at))
		return -EAGAIN;
	return __real_host_spawn(out, how, fn, last, arg);
}

static void at_start(const struct ward_pool_config *config)
{
	uint32_t n = 0, all;

	do {
		struct ward_pool *pool;
		struct item item;

		expect_equal(ward_pool_create(&pool, config), 0);
		item_start(pool, &item, task_nothing, NULL, "waits");
		store_relaxed(&calls, 0);
		store_relaxed(&fail_at, ++n);
		expect_equal(ward_pool_start(pool),
			     n <= ALL ? -EAGAIN : 0);
		all = load_relaxed(&calls);
		store_relaxed(&fail_at, 0);
		if (n <= ALL) {
			wait_until(threads_now() == 1);
			expect_equal(ward_pool_start(pool), 0);
		}
		/* The task may have met a pool that was just giving up its start. */
		wait_until(load_acquire(&item.released));
		expect(item.status == 0 || item.status == -ECANCELED);
		pool_down(pool);
	} while (all >= n);
	expect_equal(n, ALL + 1);
}

static int die(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void one_dies(struct ward_pool *pool)
{
	struct item item;

	item_start(pool, &item, die, NULL, "die");
	item_ends(&item, -EOWNERDEAD);
}

static void while_healing(const struct ward_pool_config *config)
{
	struct ward_pool *pool = pool_up(config);
	struct item last, waits;

	wait_healed(pool);
	store_relaxed(&calls, 0);
	store_release(&fail_all, 1);
	one_dies(pool); /* the spare comes */
	wait_until(stats_of(pool).heals == 1);
	one_dies(pool); /* one is left */
	told(WARD_R_NO_THREAD, 0);
	item_start(pool, &last, task_gate, NULL, "last");
	item_runs(&last, 1);
	expect_equal(stats_of(pool).workers, 1);
	expect_equal(stats_of(pool).vacant, 1);
	audit_now(pool);
	gate_open(&last);
	item_ends(&last, 0);

	item_start(pool, &last, die, NULL, "the last");
	wait_until(stats_of(pool).workers == 0);
	item_start(pool, &waits, task_nothing, NULL, "waits");
	wait_until(load_acquire(&calls) >= 6);
	expect(!load_acquire(&waits.done));
	expect_equal(told_count(WARD_R_NO_THREAD), 1);

	store_release(&fail_all, 0);
	item_ends(&last, -EOWNERDEAD);
	item_ends(&waits, 0);
	wait_healed(pool);
	pool_down(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();

	at_start(&config);
	while_healing(&config);
	return 0;
}
