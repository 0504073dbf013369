/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct host_sched kept(int policy, int priority)
{
	return (struct host_sched){ policy, priority };
}

/* Skips, with a word, what the kernel does not allow to this user. */
static void takes(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param) == 0)
		return;
	cr_log_warn("policy %d is refused here: %s", policy, strerror(errno));
	cr_skip_test("the policy is refused here");
}

static void pass(void *arg)
{
	gate_pass(arg);
}

/* The caller's policy is inherited, so it is a thread of that one. */
static void goes_down_and_up(int policy, int priority, int niceness)
{
	static struct gate gate;
	struct host_spawn how = { .stack = 65536 };
	struct sched_param param;
	struct host_sched was;
	host_thread thread;
	int32_t tid;

	if (niceness)
		cr_assert_eq(setpriority(PRIO_PROCESS, 0, niceness), 0);
	else
		niceness = getpriority(PRIO_PROCESS, 0); /* the test's own */
	takes(policy, priority);
	cr_assert_eq(host_spawn(&thread, &how, pass, NULL, &gate), 0);
	tid = gate_came(&gate);
	cr_assert(host_lower(tid, &was));
	cr_assert_eq(sched_getscheduler(tid) & ~SCHED_RESET_ON_FORK,
		     SCHED_IDLE);
	cr_assert_eq(sched_getscheduler(0), policy, "nobody else");
	if (!host_raise(tid, &was)) {
		cr_log_warn("the way back from SCHED_IDLE is refused here");
		gate_open(&gate);
		cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
		cr_skip_test("the way back is refused here");
	}
	cr_assert_eq(sched_getscheduler(tid), policy);
	cr_assert_eq(sched_getparam(tid, &param), 0);
	cr_assert_eq(param.sched_priority, priority);
	cr_assert_eq(getpriority(PRIO_PROCESS, (id_t)tid), niceness);
	cr_assert(host_raise(tid, &was), "it is up already");
	gate_open(&gate);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
}

Test(host_sched, the_ordinary, .timeout = 60)
{
	goes_down_and_up(SCHED_OTHER, 0, 0);
}

Test(host_sched, the_nice, .timeout = 60)
{
	goes_down_and_up(SCHED_OTHER, 0, 7);
}

Test(host_sched, batches, .timeout = 60)
{
	goes_down_and_up(SCHED_BATCH, 0, 3);
}

Test(host_sched, real_time, .timeout = 60)
{
	goes_down_and_up(SCHED_FIFO, 3, 0);
}

Test(host_sched, real_time_in_turns, .timeout = 60)
{
	goes_down_and_up(SCHED_RR, 5, 0);
}

Test(host_sched, what_children_do_not_inherit, .timeout = 60)
{
	struct host_sched was;

	takes(SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
	cr_assert(host_lower(0, &was));
	if (!host_raise(0, &was))
		cr_skip_test("the way back is refused here");
	cr_assert_eq(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK);
}

/* The policy was there before, and stays. */
Test(host_sched, the_idle_are_let_alone)
{
	struct host_sched was;

	takes(SCHED_IDLE, 0);
	cr_assert(!host_lower(0, &was));
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
}

/* A task may have asked for something else meanwhile. */
Test(host_sched, what_a_thread_made_of_itself_stays)
{
	struct host_sched was = kept(SCHED_OTHER, 0);

	takes(SCHED_BATCH, 0);
	cr_assert(host_raise(0, &was));
	cr_assert_eq(sched_getscheduler(0), SCHED_BATCH);
}

/* Without privileges the way down is open, and the way back is not. */
Test(host_sched, a_user_may_only_lower)
{
	struct rlimit none = { 0, 0 };
	struct host_sched was;

	cr_assert_eq(setrlimit(RLIMIT_NICE, &none), 0);
	if (geteuid() == 0)
		cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert(host_lower(0, &was));
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
	cr_assert(!host_raise(0, &was));
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
	cr_assert(!host_lower(INT32_MAX, &was), "nobody");
	cr_assert(!host_raise(INT32_MAX, &was), "nobody");
}

static int priority_now(void)
{
	struct sched_param param;

	cr_assert_eq(sched_getparam(0, &param), 0);
	return param.sched_priority;
}

static uint64_t slice_now(void)
{
	uint64_t attributes[6] = { sizeof(attributes) };

	cr_assert_eq(syscall(SYS_sched_getattr, 0, attributes, sizeof(attributes), 0),
		     0);
	return attributes[3];
}

Test(host_sched, a_step_up_and_down_where_there_are_priorities)
{
	struct host_step was;

	takes(SCHED_RR, 4);
	cr_assert(host_step_up(&was));
	cr_assert_eq(priority_now(), 5);
	cr_assert_eq(sched_getscheduler(0), SCHED_RR);
	host_step_down(&was);
	cr_assert_eq(priority_now(), 4);
	takes(SCHED_FIFO, sched_get_priority_max(SCHED_FIFO));
	cr_assert(!host_step_up(&was), "there is none above");
	cr_assert_eq(priority_now(), sched_get_priority_max(SCHED_FIFO));
}

Test(host_sched, a_shorter_slice_where_there_are_none)
{
	uint64_t slice = slice_now();
	struct host_step was;

	cr_assert(host_step_up(&was));
	cr_assert_eq(sched_getscheduler(0), SCHED_OTHER);
	cr_assert_eq(was.priority, 0);
	if (slice) /* since Linux 6.12 */
		cr_assert_eq(slice_now(), HOST_SLICE);
	host_step_down(&was);
	cr_assert_eq(slice_now(), slice);
	takes(SCHED_IDLE, 0);
	cr_assert(!host_step_up(&was), "runs when nobody else wants to");
}

/* What the thread was given meanwhile is not taken from it. */
Test(host_sched, down_to_the_ground_only_from_where_it_went)
{
	struct host_step was;

	cr_assert(host_step_up(&was));
	takes(SCHED_RR, 4);
	host_step_down(&was);
	cr_assert_eq(priority_now(), 4);
	takes(SCHED_IDLE, 0);
	host_step_down(&was);
	cr_assert_eq(sched_getscheduler(0), SCHED_IDLE);
}
