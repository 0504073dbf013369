/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/* ---- time ------------------------------------------------------------ */

Test(host, now_is_the_monotonic_clock)
{
	struct timespec before, after;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &before);
	now = host_now();
	clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert_geq(now, (uint64_t)before.tv_sec * 1000 * MS +
				   (uint64_t)before.tv_nsec);
	cr_assert_leq(now, (uint64_t)after.tv_sec * 1000 * MS +
				   (uint64_t)after.tv_nsec);
}

Test(host, utc_is_the_wall_clock)
{
	time_t before = time(NULL);
	int64_t s;
	uint32_t ns;

	host_utc(&s, &ns);
	cr_assert_geq(s, before - 1);
	cr_assert_leq(s, time(NULL) + 1);
	cr_assert_lt(ns, 1000000000u);
}

/* ---- futex ----------------------------------------------------------- */

Test(host, wait_ends_at_its_time_and_not_before)
{
	_Atomic uint32_t word = 7;
	uint64_t until = host_now() + 20 * MS;

	while (host_wait(&word, 7, until) != -ETIMEDOUT)
		cr_assert_lt(host_now(), until + IN_TIME);
	cr_assert_geq(host_now(), until);
}

Test(host, wait_until_the_past_is_one_look)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(host_wait(&word, 7, 0), -ETIMEDOUT);
	cr_assert_eq(host_wait(&word, 7, host_now()), -ETIMEDOUT);
}

Test(host, wait_for_another_value_does_not_sleep, .timeout = 20)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(host_wait(&word, 8, HOST_FOREVER), 0);
	cr_assert_eq(host_wait(&word, 8, HOST_FOREVER - 1), 0);
}

static void pass(void *arg)
{
	gate_pass(arg);
}

Test(host, wake_wakes_all_that_it_is_told_to, .timeout = 60)
{
	static struct gate gate[3];
	struct host_spawn how = { .stack = 65536 };
	host_thread thread[3];

	for (int i = 0; i < 3; i++)
		cr_assert_eq(host_spawn(&thread[i], &how, pass, NULL, &gate[i]),
			     0);
	for (int i = 0; i < 3; i++)
		cr_assert(comes_true(sleeps_in_futex(gate_came(&gate[i]))));
	for (int i = 0; i < 3; i++) {
		gate_open(&gate[i]);
		cr_assert_eq(host_join(thread[i], HOST_FOREVER), 0);
	}
}

Test(host, calls_keep_errno)
{
	_Atomic uint32_t word = 7;
	struct host_stat_files files = host_stat_of(1 << 29);
	struct host_sched was = { 0, 0 };
	struct host_sample look;

	errno = 4711;
	host_wait(&word, 7, 0);
	host_wait(&word, 8, HOST_FOREVER);
	host_wake(&word, 1);
	host_barrier_heavy();
	host_sample(&files, &look);
	host_futex_holder(8);
	host_raise(1 << 29, &was);
	host_write_stderr("", 0);
	cr_assert_eq(errno, 4711);
}

/* ---- a thread's own words -------------------------------------------- */

struct words {
	uint32_t home, home_again;
	void *self, *self_set;
	int32_t tid;
};

static void words(void *arg)
{
	struct words *mine = arg;

	mine->home = host_home();
	mine->home_again = host_home();
	mine->self = host_self();
	host_set_self(mine);
	mine->self_set = host_self();
	mine->tid = host_tid();
}

Test(host, each_thread_has_a_home_and_a_self)
{
	struct words mine[4];
	struct host_spawn how = { .stack = 65536 };
	host_thread thread;

	cr_assert_null(host_self());
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(host_spawn(&thread, &how, words, NULL, &mine[i]),
			     0);
		cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	}
	words(&mine[3]);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(mine[i].home, (uint32_t)i);
		cr_assert_eq(mine[i].home_again, (uint32_t)i);
		cr_assert_null(mine[i].self);
		cr_assert_eq(mine[i].self_set, &mine[i]);
		cr_assert_gt(mine[i].tid, 0);
	}
	cr_assert_eq(mine[3].tid, getpid());
	cr_assert_neq(mine[0].tid, getpid());
}

/* ---- last words ------------------------------------------------------ */

Test(host, complaints_go_to_stderr_whole)
{
	static char line[100000], got[100001];
	int ends[2];
	size_t have = 0;

	/* A pipe takes this only by pieces unless it is made larger. */
	cr_assert_eq(pipe(ends), 0);
	cr_assert_geq(fcntl(ends[1], F_SETPIPE_SZ, 1 << 17), 1 << 17);
	memset(line, 'x', sizeof(line));
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	host_write_stderr(line, sizeof(line));
	close(ends[1]);
	close(STDERR_FILENO);
	for (ssize_t n;
	     (n = read(ends[0], got + have, sizeof(got) - have)) > 0;)
		have += (size_t)n;
	cr_assert_eq(have, sizeof(line));
	cr_assert_eq(memcmp(got, line, have), 0);
	host_write_stderr(line, sizeof(line)); /* to nobody: it just ends */
}
