/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include <signal.h>

Test(cancel, all_zero_is_live)
{
	struct ward_cancel token = { { 0 } };

	cr_assert_eq(ward_cancel_cause(&token), 0);
	cr_assert_eq(ward_cancel_cause(NULL), 0);
}

Test(cancel, the_first_cause_stays)
{
	struct ward_cancel token = { { 0 } };

	cr_assert(ward_cancel_fire(&token, -EPIPE));
	cr_assert_eq(ward_cancel_cause(&token), -EPIPE);
	cr_assert_not(ward_cancel_fire(&token, -EIO));
	cr_assert_not(ward_cancel_fire(&token, 0));
	cr_assert_eq(ward_cancel_cause(&token), -EPIPE);
}

Test(cancel, what_is_no_error_stands_for_canceled)
{
	static const int cause[] = { 0, 1, 5, INT32_MAX };

	for (int i = 0; i < 4; i++) {
		struct ward_cancel token = { { 0 } };

		cr_assert(ward_cancel_fire(&token, cause[i]));
		cr_assert_eq(ward_cancel_cause(&token), -ECANCELED);
	}
}

Test(cancel, any_negative_cause_is_kept)
{
	static const int cause[] = { -1, -ETIME, -4095, INT32_MIN };

	for (int i = 0; i < 4; i++) {
		struct ward_cancel token = { { 0 } };

		cr_assert(ward_cancel_fire(&token, cause[i]));
		cr_assert_eq(ward_cancel_cause(&token), cause[i]);
	}
}

Test(cancel, no_token_is_not_fired)
{
	cr_assert_not(ward_cancel_fire(NULL, -EIO));
	ward_cancel_init(NULL);
}

Test(cancel, init_makes_it_live_again)
{
	struct ward_cancel token;

	memset(&token, 0xff, sizeof(token));
	ward_cancel_init(&token);
	cr_assert_eq(ward_cancel_cause(&token), 0);
	cr_assert(ward_cancel_fire(&token, -EIO));
	ward_cancel_init(&token);
	cr_assert_eq(ward_cancel_cause(&token), 0);
	cr_assert(ward_cancel_fire(&token, -EPIPE));
}

static struct ward_cancel handled;

static void fire(int signo)
{
	ward_cancel_fire(&handled, -signo);
}

Test(cancel, may_be_fired_by_a_signal_handler)
{
	signal(SIGUSR1, fire);
	raise(SIGUSR1);
	cr_assert_eq(ward_cancel_cause(&handled), -SIGUSR1);
}

enum { THREADS = 4, TOKENS = 20000 };

static struct ward_cancel token[TOKENS];
static _Atomic uint32_t fired[TOKENS];
static pthread_barrier_t line;

static void *fires(void *arg)
{
	int cause = (int)(intptr_t)arg;

	pthread_barrier_wait(&line);
	for (int i = 0; i < TOKENS; i++)
		if (ward_cancel_fire(&token[i], cause))
			add_relaxed(&fired[i], (uint32_t)-cause);
	return NULL;
}

Test(cancel, one_of_many_fires_it)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&line, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		intptr_t cause = -(1 << i);

		pthread_create(&thread[i], NULL, fires, (void *)cause);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < TOKENS; i++)
		cr_assert_eq((int)load_relaxed(&fired[i]),
			     -ward_cancel_cause(&token[i]));
}

/* ---- as a task sees it ----------------------------------------------- */

static int until_fired(struct ward_task *task)
{
	int cause;

	job_begins(job_of(task));
	while (!(cause = ward_check()))
		host_relax();
	return cause;
}

Test(cancel, a_task_sees_it_in_check)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(until_fired);
	struct ward_cancel of_job = { { 0 } };

	job.task.cancel = &of_job;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.runs)));
	cr_assert(ward_cancel_fire(&of_job, -EPIPE));
	job_had(&job, -EPIPE);
	ended(pool);
}

/* Nothing is interrupted, and nothing that is queued is skipped. */
Test(cancel, a_fired_token_keeps_no_task_from_running)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	struct ward_cancel of_job = { { 0 } };

	ward_cancel_fire(&of_job, -EIO);
	job.task.cancel = &of_job;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), -EIO);
	ended(pool);
}

/* ---- as one sees it who sleeps --------------------------------------- */

static int until_woken(struct ward_task *task)
{
	job_begins(job_of(task));
	return ward_pause(WARD_FOREVER);
}

/* All that pause on one token, whichever worker they are on. */
Test(cancel, wakes_all_who_pause)
{
	enum { ALL = 6 };
	struct ward_pool *pool = pool_of(ALL);
	struct ward_cancel of_all = { { 0 } };
	struct job job[ALL];

	for (int i = 0; i < ALL; i++) {
		job[i] = job_of_kind(until_woken);
		job[i].task.cancel = &of_all;
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < ALL; i++) {
		cr_assert(comes_true(load_acquire(&job[i].runs)));
		cr_assert(comes_true(sleeps_in_futex(
			(int32_t)load_relaxed(&job[i].ran_on))));
	}
	cr_assert(ward_cancel_fire(&of_all, -EPIPE));
	for (int i = 0; i < ALL; i++)
		job_had(&job[i], -EPIPE);
	ended(pool);
}

/* Fired at any time from before it pauses to after. */
Test(cancel, a_pause_never_misses_it)
{
	struct ward_pool *pool = pool_of(1);

	for (int i = 0; i < 3000; i++) {
		struct job job = job_of_kind(until_woken);
		struct ward_cancel of_job = { { 0 } };

		job.task.cancel = &of_job;
		submitted(pool, &job);
		if (i % 3)
			comes_true(load_acquire(&job.runs));
		for (int k = i % 200; k; k--)
			host_relax();
		cr_assert(ward_cancel_fire(&of_job, -EIO));
		job_had(&job, -EIO);
	}
	ended(pool);
}
