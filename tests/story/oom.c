/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oom.c - scenario 23: the n-th allocation fails, for every n until none does:
 * of create, then of start.
 *
 * Expected: -ENOMEM, nothing is lost, nothing is left; the next try works.
 *
 * The linker puts this file's host_alloc, host_free, calloc and mmap in front of
 * the library's.
 */
#include "story.h"
#include <sys/mman.h>

static _Atomic uint32_t calls, fail_at;
static _Atomic int64_t held;

static bool fails(void)
{
	return add_relaxed(&calls, 1) + 1 == load_relaxed(&fail_at);
}

WRAPPED(host_alloc);
void *__wrap_host_alloc(size_t size)
{
	void *mem = fails() ? NULL : __real_host_alloc(size);

	if (mem)
		add_relaxed(&held, (int64_t)size);
	return mem;
}

WRAPPED(host_free);
void __wrap_host_free(void *mem, size_t size)
{
	if (mem)
		add_relaxed(&held, -(int64_t)size);
	__real_host_free(mem, size);
}

WRAPPED(calloc);
void *__wrap_calloc(size_t n, size_t size)
{
	if (!fails())
		return __real_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

WRAPPED(mmap);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset)
{
	if (!fails())
		return __real_mmap(addr, len, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

static void of_create(const struct ward_pool_config *config)
{
	struct ward_pool *pool = NULL;
	uint32_t n = 0;
	int err;

	do {
		store_relaxed(&calls, 0);
		store_relaxed(&fail_at, ++n);
		err = ward_pool_create(&pool, config);
		store_relaxed(&fail_at, 0);
		if (err) {
			expect_equal(err, -ENOMEM);
			expect(pool == NULL);
			expect_equal(load_relaxed(&held), 0);
		}
	} while (err);
	expect(n > 10);
	expect(load_relaxed(&calls) < n);
	printf("create: %u allocations\n", n - 1);
	pool_leave(pool, 0, 0);
	expect_equal(load_relaxed(&held), 0);
}

static void of_start(const struct ward_pool_config *config)
{
	struct ward_pool *pool;
	struct item item;
	uint32_t n = 0;
	int err;

	expect_equal(ward_pool_create(&pool, config), 0);
	item_start(pool, &item, task_nothing, NULL, "waits");
	do {
		store_relaxed(&calls, 0);
		store_relaxed(&fail_at, ++n);
		err = ward_pool_start(pool);
		store_relaxed(&fail_at, 0);
		if (err) {
			expect_equal(err, -ENOMEM);
			wait_until(threads_now() == 1);
		}
	} while (err);
	expect(n > 5);
	printf("start: %u allocations\n", n - 1);
	/* The task may have met a pool that was just giving up its start. */
	wait_until(load_acquire(&item.released));
	expect(item.status == 0 || item.status == -ECANCELED);
	pool_down(pool);
	expect_equal(load_relaxed(&held), 0);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	unsigned descriptors = descriptors_now();

	config.cpus = "0";
	config.flags = WARD_POOL_CATCH_FAULTS; /* their stacks, too */
	of_create(&config);
	of_start(&config);
	expect_equal(descriptors_now(), descriptors);
	return 0;
}
