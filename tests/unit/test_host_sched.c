/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include <criterion/criterion.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

static void pass(void *arg)
{
	gate_pass(arg);
}

Test(host_sched, lowers_and_raises_another_thread, .timeout = 60)
{
	static struct gate gate;
	struct host_spawn how = { .stack = 65536 };
	host_thread thread;
	int32_t tid;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(host_spawn(&thread, &how, pass, NULL, &gate), 0);
	tid = gate_came(&gate);
	host_lower(tid);
	cr_assert_eq(sched_getscheduler(tid), SCHED_IDLE);
	cr_assert_eq(sched_getscheduler(0), SCHED_OTHER);
	cr_assert(host_raise(tid));
	cr_assert_eq(sched_getscheduler(tid), SCHED_OTHER);
	cr_assert(host_raise(tid), "it is up already");
	gate_open(&gate);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
}

/* Without privileges the way down is open, and the way back is not. */
Test(host_sched, a_user_may_only_lower)
{
	struct rlimit none = { 0, 0 };

	cr_assert_eq(setrlimit(RLIMIT_NICE, &none), 0);
	if (geteuid() == 0)
		cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	host_lower(0);
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
	cr_assert(!host_raise(0));
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
	cr_assert(!host_raise(INT32_MAX), "nobody");
}
