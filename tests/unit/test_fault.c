/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include <signal.h>

/* The stories tell of all the ways; here is which faults are a task's own. */

static volatile uintptr_t nowhere = 0x10;

static void fault(void)
{
	*(volatile uint32_t *)nowhere = 1;
}

static struct ward_pool *pool_that(uint32_t flags)
{
	struct ward_pool_config config = job_config(1);

	config.flags = flags;
	return started(&config);
}

static int faults(struct ward_task *task)
{
	job_begins(job_of(task));
	fault();
	return 1;
}

static __attribute__((unused)) void faulty_done(struct ward_task *task, int status)
{
	(void)task;
	(void)status;
	fault();
}

static __attribute__((unused)) void faulty_release(struct ward_task *task)
{
	(void)task;
	fault();
}

static struct ward_pool *other;

/* The fault is the caller's, whose pool it is that is called. */
static int submits_to_another(struct ward_task *task)
{
	static struct job theirs;

	theirs = job_of_kind(job_run);
	job_begins(job_of(task));
	submitted(other, &theirs);
	fault();
	return 1;
}

Test(fault, is_the_end_of_the_attempt)
{
	struct ward_pool *pool = pool_that(WARD_POOL_CATCH_FAULTS);
	struct job job = job_of_kind(faults);

	submitted(pool, &job);
	job_had(&job, -EFAULT);
	cr_assert(stat_is(pool, heals, 1));
	cr_assert_eq(stats_of(pool).faulted, 1);
	cr_assert_eq(stats_of(pool).died, 0);
	cr_assert(comes_true(told_of(WARD_R_FAULT) != NULL));
	cr_assert_eq(told_of(WARD_R_FAULT)->addr, (void *)0x10);
	cr_assert_eq(told_of(WARD_R_FAULT)->id,
		     load_relaxed(&job.incident));
	job = job_of_kind(job_run);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* Also by a thread that called the library just before: nothing is held any more. */
Test(fault, after_a_call_on_another_pool)
{
	struct ward_pool *pool = pool_that(WARD_POOL_CATCH_FAULTS);
	struct job job = job_of_kind(submits_to_another);

	other = pool_of(1);
	submitted(pool, &job);
	job_had(&job, -EFAULT);
	cr_assert(stat_is(pool, heals, 1));
	ended(pool);
	ended(other);
}

#if !UNDER_ASAN /* whose handler was there before: it ends the test its way */
Test(fault, of_a_pool_that_does_not_ask_for_it, .signal = SIGSEGV)
{
	struct ward_pool *catching = pool_that(WARD_POOL_CATCH_FAULTS);
	struct job job = job_of_kind(faults);

	(void)catching;
	submitted(pool_that(0), &job);
	job_had(&job, -EFAULT);
}

Test(fault, of_done, .signal = SIGSEGV)
{
	struct job job = job_of_kind(job_run);

	job.task.done = faulty_done;
	submitted(pool_that(WARD_POOL_CATCH_FAULTS), &job);
	(void)job_is_released(&job);
}

Test(fault, of_release, .signal = SIGSEGV)
{
	struct job job = job_of_kind(job_run);

	job.task.release = faulty_release;
	submitted(pool_that(WARD_POOL_CATCH_FAULTS), &job);
	(void)job_is_released(&job);
}

Test(fault, of_nobody, .signal = SIGSEGV)
{
	pool_that(WARD_POOL_CATCH_FAULTS);
	fault();
}
#endif
