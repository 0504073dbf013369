/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook that may free a blocked task, called at half of its budget.
 */
#include "job.h"
#include <sys/prctl.h>

static const struct ward_policy brief = { .size = sizeof(brief),
					  .busy_within = WARD_S(1),
					  .blocked_within = WARD_S(1) };

static struct hook {
	_Atomic uint32_t calls, over, other_calls;
	_Atomic int32_t on;
	char thread[16];
	struct gate hold; /* the call stays in there */
} hook;

static void opens_gate(void *arg)
{
	prctl(PR_GET_NAME, hook.thread);
	store_relaxed(&hook.on, host_tid());
	add_acq_rel(&hook.calls, 1);
	gate_open(arg);
}

static void other(void *arg)
{
	add_acq_rel(&hook.other_calls, 1);
	gate_open(arg);
}

static int arms(struct ward_task *task)
{
	struct job *job = job_of(task);

	cr_assert_eq(ward_unblock(opens_gate, &job->gate), 0);
	return job_sleep(task);
}

Test(unblock, saves_a_blocked_task)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(arms);
	struct ward_stats stats;

	job.task.policy = &brief;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), 0);
	cr_assert_eq(hook.calls, 1);
	cr_assert_str_eq(hook.thread, "ward/scribe");
	cr_assert(comes_true(told_of(WARD_R_SLOW)));
	stats = stats_of(pool);
	cr_assert_eq(stats.heals, 0);
	cr_assert_eq(stats.stalled, 0);
	ended(pool);
	cr_assert_eq(hook.calls, 1);
}

static int arms_two(struct ward_task *task)
{
	struct job *job = job_of(task);

	cr_assert_eq(ward_unblock(opens_gate, &job->gate), 0);
	cr_assert_eq(ward_unblock(other, &job->gate), 0);
	return job_sleep(task);
}

Test(unblock, the_last_one_armed_is_called)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(arms_two);

	job.task.policy = &brief;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(hook.calls, 0);
	cr_assert_eq(hook.other_calls, 1);
	ended(pool);
}

static int takes_back(struct ward_task *task)
{
	struct job *job = job_of(task);

	cr_assert_eq(ward_unblock(opens_gate, &job->gate), 0);
	cr_assert_eq(ward_unblock(NULL, NULL), 0);
	return job_sleep(task);
}

Test(unblock, taken_back_it_is_not_called)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(takes_back);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	ended(pool);
	cr_assert_eq(hook.calls, 0);
}

/* The next task in the slot has not armed it. */
static int arms_and_returns(struct ward_task *task)
{
	cr_assert_eq(ward_unblock(opens_gate, &hook.hold), 0);
	return job_run(task);
}

Test(unblock, with_the_end_of_run_it_is_taken_back)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(arms_and_returns);
	struct job next = job_of_kind(job_sleep);

	submitted(pool, &job);
	job_had(&job, 0);
	next.task.policy = &hasty;
	submitted(pool, &next);
	cr_assert(comes_true(load_acquire(&next.dones) == 1));
	gate_open(&next.gate);
	job_had(&next, -ETIME);
	ended(pool);
	cr_assert_eq(hook.calls, 0);
}

/* ---- taking back waits for a call that is under way ------------------ */

static struct job *waited_job;

static void opens_and_stays(void *arg)
{
	int32_t tid = load_acquire(&waited_job->ran_on);

	add_acq_rel(&hook.calls, 1);
	gate_open(arg);
	/* By now the task has gone on, and waits for us. */
	comes_true(load_acquire(&hook.hold.came) && sleeps_in_futex(tid));
	store_release(&hook.over, 1);
}

static int takes_back_late(struct ward_task *task)
{
	struct job *job = job_of(task);

	cr_assert_eq(ward_unblock(opens_and_stays, &job->gate), 0);
	job_begins(job);
	gate_pass(&job->gate);
	store_release(&hook.hold.came, 1);
	if (job->answer)
		cr_assert_eq(ward_unblock(NULL, NULL), 0);
	job->answer = (int)load_acquire(&hook.over);
	return job_ends(job);
}

static void waits_for_the_call(bool by_hand)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(takes_back_late);

	waited_job = &job;
	job.answer = by_hand;
	job.task.policy = &brief;
	submitted(pool, &job);
	job_had(&job, by_hand);
	cr_assert_eq(hook.over, 1, "before it was answered");
	cr_assert_eq(hook.calls, 1);
	ended(pool);
}

Test(unblock, taking_it_back_waits_for_the_call)
{
	waits_for_the_call(true);
}

Test(unblock, the_end_of_run_waits_for_the_call)
{
	waits_for_the_call(false);
}

/* ---- it is for blocked threads ---------------------------------------- */

static int arms_and_spins(struct ward_task *task)
{
	cr_assert_eq(ward_unblock(opens_gate, &job_of(task)->gate), 0);
	return job_spin(task);
}

Test(unblock, a_spinner_is_not_asked)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(arms_and_spins);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	ended(pool);
	cr_assert_eq(hook.calls, 0);
}

/* ---- its thread ends while it is called -------------------------------- */

enum { DEATHS = 8 };

static struct slot *_Atomic record; /* of the thread that ended so */
static struct job *next_there;

/* Until another task waits in there, if one comes. */
static void outlives_its_thread(void *arg)
{
	gate_open(arg);
	comes_true(load_acquire(&next_there->gate.came));
	store_release(&hook.over, 1);
}

static int ends_in_its_hook(struct ward_task *task)
{
	struct job *job = job_of(task);

	store_release(&record, host_self());
	cr_assert_eq(ward_unblock(outlives_its_thread, &job->gate), 0);
	gate_pass(&job->gate);
	raw_exit();
	return 0;
}

/* Once it runs on the next thread of that record, if there is one. */
static int arms_in_the_record(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	if (host_self() != load_acquire(&record) && job->runs <= DEATHS)
		raw_exit();
	cr_assert_eq(ward_unblock(opens_gate, &job->gate), 0);
	gate_pass(&job->gate);
	return job_ends(job);
}

Test(unblock, a_late_call_leaves_the_next_threads_hook_alone)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(ends_in_its_hook);
	struct job next = job_of_kind(arms_in_the_record);
	struct ward_policy dies = brief;

	if (UNDER_ASAN)
		cr_skip_test("a raw exit leaves its record of the thread");
	dies.deaths = DEATHS;
	dies.runs = DEATHS + 1;
	next_there = &next;
	job.task.policy = &brief;
	next.task.policy = &dies;
	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	submitted(pool, &next);
	cr_assert(comes_true(load_acquire(&next.dones) == 1));
	cr_assert_eq(hook.over, 1);
	cr_assert_eq(hook.calls, 1, "it was called when that was blocked");
	job_had(&next, 0);
	ended(pool);
}
