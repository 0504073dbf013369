/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_memory.c - scenario 23: the n-th allocation fails, for every n: while a pool
 * is created, started, and while it heals.
 *
 * Expected: an error code, the result untouched, and nothing lost; later all
 * goes well.
 *
 * Memory comes as this program says: it is linked with --wrap.
 */
#include "story.h"

#include <pthread.h>

#define NEVER INT32_MAX

static _Atomic int32_t left = NEVER; /* allocations that succeed yet */
static _Atomic int32_t held;	      /* pieces that are not given back */

void *__real_host_alloc(size_t size);
void *__wrap_host_alloc(size_t size);
void __real_host_free(void *mem, size_t size);
void __wrap_host_free(void *mem, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool fails(void)
{
	return load_relaxed(&left) != NEVER && add_relaxed(&left, -1) <= 0;
}

void *__wrap_host_alloc(size_t size)
{
	void *mem = fails() ? NULL : __real_host_alloc(size);

	add_relaxed(&held, mem != NULL);
	return mem;
}

void __wrap_host_free(void *mem, size_t size)
{
	add_relaxed(&held, -(mem != NULL));
	__real_host_free(mem, size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

static struct ward_pool_config config;

static void create(void)
{
	struct ward_pool *const none = (struct ward_pool *)&config;
	struct ward_pool *pool = none;
	int32_t n = 0;
	int err;

	for (;; n++) {
		store_relaxed(&left, n);
		err = ward_pool_create(&pool, &config);
		store_relaxed(&left, NEVER);
		if (!err)
			break;
		expect_equal(err, -ENOMEM);
		expect(pool == none);
		expect_equal(load_relaxed(&held), 0);
	}
	expect(n >= 10); /* it asks for that many pieces at least */
	expect(load_relaxed(&held) > 0);
	pool_leave(pool, IN_TIME, 0);
	expect_equal(load_relaxed(&held), 0);
}

static void start(void)
{
	struct ward_pool *pool;
	unsigned threads = threads_now();
	int32_t n = 0;
	int err;

	for (;; n++) {
		expect_equal(ward_pool_create(&pool, &config), 0);
		store_relaxed(&left, n);
		err = ward_pool_start(pool);
		store_relaxed(&left, NEVER);
		if (!err)
			break;
		expect_equal(err, -ENOMEM);
		pool_leave(pool, IN_TIME, 0);
		wait_until(threads_now() == threads);
		expect_equal(load_relaxed(&held), 0);
	}
	expect(n >= 6); /* a piece for each thread */
	pool_down(pool);
	expect_equal(load_relaxed(&held), 0);
}

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

/* One more allocation succeeds from time to time. */
static void heal(void)
{
	struct ward_pool *pool = pool_up(&config);

	for (int32_t n = 0; n < 4; n++) {
		struct item item[3];

		store_relaxed(&left, n);
		for (int i = 0; i < 2; i++) {
			item_init(&item[i], leaves, NULL, "leaves");
			item_submit(pool, &item[i]);
			item_ends(&item[i], -EOWNERDEAD);
		}
		item_init(&item[2], task_nothing, NULL, "works");
		item_submit(pool, &item[2]);
		item_ends(&item[2], 0);
		if (n < 2) /* two have died, one was to spare */
			told(WARD_R_NO_THREAD, (unsigned)n);
		store_relaxed(&left, NEVER);
		wait_healed(pool);
	}
	pool_down(pool);
	expect_equal(load_relaxed(&held), 0);
}

int main(void)
{
	config = story_config();
	create();
	start();
	heal();
	return 0;
}
