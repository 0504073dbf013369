/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * left_behind.c - pools are destroyed, again and again: idle ones without any
 * time to wait; ones whose threads are stuck, and come home, or leave, only
 * afterwards; and where the kernel has no futex_waitv.
 *
 * Expected: idle threads are no threads left; what was left gives everything
 * back when it comes: threads, descriptors, memory, and release() of its task.
 */
#include "story.h"
#include "../unit/filter.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define STUCK 4u

static _Atomic int32_t held; /* pieces of memory */

WRAPPED(host_alloc);
void *__wrap_host_alloc(size_t size)
{
	void *mem = __real_host_alloc(size);

	add_relaxed(&held, mem != NULL);
	return mem;
}

WRAPPED(host_free);
void __wrap_host_free(void *mem, size_t size)
{
	add_relaxed(&held, -(mem != NULL));
	__real_host_free(mem, size);
}

static void nothing_is_left(unsigned threads, unsigned descriptors)
{
	wait_until(threads_now() == threads);
	wait_until(descriptors_now() == descriptors);
	wait_until(load_relaxed(&held) == 0);
}

static void idle(uint64_t span)
{
	unsigned threads = threads_now(), descriptors = descriptors_now();
	struct ward_pool_config config = story_config();

	for (int i = 0; i < 50; i++)
		pool_leave(pool_up(&config), span, 0);
	nothing_is_left(threads, descriptors);
}

static int stays(struct item *item)
{
	task_gate(item);
	if (item->number)
		pthread_exit(NULL);
	return 0;
}

static void stuck(bool leaves)
{
	unsigned threads = threads_now(), descriptors = descriptors_now();
	struct ward_pool_config config = story_config();
	struct item item[STUCK];
	struct ward_pool *pool;

	config.workers = STUCK;
	for (int round = 0; round < 5; round++) {
		pool = pool_up(&config);
		for (unsigned i = 0; i < STUCK; i++) {
			item_init(&item[i], stays, NULL, "stays");
			item[i].number = leaves;
			item_submit(pool, &item[i]);
		}
		for (unsigned i = 0; i < STUCK; i++)
			item_runs(&item[i], 1);
		pool_leave(pool, 10 * MS, STUCK);
		for (unsigned i = 0; i < STUCK; i++) {
			expect_equal(load_acquire(&item[i].done), 1);
			expect_equal(load_acquire(&item[i].released), 0);
			gate_open(&item[i]);
		}
		for (unsigned i = 0; i < STUCK; i++)
			item_ends(&item[i], -ECANCELED);
		nothing_is_left(threads, descriptors);
	}
}

/* In a process of its own: what is refused once stays refused. */
static void without_waitv(void)
{
	pid_t child = fork();
	int status = 0;

	expect(child >= 0);
	if (child == 0) {
		if (!refuse_call(SYS_futex_waitv, ENOSYS))
			_exit(0); /* not here: nothing to be seen */
		idle(IN_TIME);
		stuck(false);
		_exit(0);
	}
	expect_equal(waitpid(child, &status, 0), child);
	expect_equal(status, 0);
}

int main(void)
{
	idle(0);
	idle(IN_TIME);
	stuck(false);
	stuck(true);
	without_waitv();
	return 0;
}
