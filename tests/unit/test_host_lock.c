/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_lock.h"
#include "wait.h"
#include <criterion/criterion.h>

static struct host_lock lock;
static uint64_t plain; /* by the holder of the lock */

static void *add(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		host_lock_take(&lock);
		plain++;
		host_lock_give(&lock);
	}
	return arg;
}

Test(host_lock, is_held_by_one)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, add, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	cr_assert_eq(plain, 80000);
	cr_assert_eq(lock.word, 0);
}

static _Atomic int32_t tid;

static void *wait_for_it(void *arg)
{
	store_release(&tid, host_tid());
	host_lock_take(&lock);
	plain = 1;
	host_lock_give(&lock);
	return arg;
}

Test(host_lock, wakes_who_sleeps_for_it)
{
	pthread_t thread;

	plain = 0;
	host_lock_take(&lock);
	cr_assert_eq(pthread_create(&thread, NULL, wait_for_it, NULL), 0);
	cr_assert(comes_true(load_acquire(&tid) &&
			     sleeps_in_futex(load_acquire(&tid))));
	cr_assert_eq(lock.word, HOST_LOCK_HELD | HOST_LOCK_WANTED);
	cr_assert_eq(plain, 0);
	host_lock_give(&lock);
	pthread_join(thread, NULL);
	cr_assert_eq(plain, 1);
}

Test(host_lock, keeps_faults_from_being_caught)
{
	cr_assert_eq(host_holds, 0);
	host_lock_take(&lock);
	cr_assert_eq(host_holds, 1);
	host_lock_give(&lock);
	cr_assert_eq(host_holds, 0);
}
