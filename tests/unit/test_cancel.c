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

static struct ward_cancel many[TOKENS];
static _Atomic uint32_t fired[TOKENS];
static pthread_barrier_t line;

static void *fires(void *arg)
{
	int cause = (int)(intptr_t)arg;

	pthread_barrier_wait(&line);
	for (int i = 0; i < TOKENS; i++)
		if (ward_cancel_fire(&many[i], cause))
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
			     -ward_cancel_cause(&many[i]));
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

Test(cancel, a_fired_token_refuses_its_task)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	struct ward_cancel of_job = { { 0 } };

	ward_cancel_fire(&of_job, -EIO);
	job.task.cancel = &of_job;
	for (int i = 0; i < 2; i++)
		cr_assert_eq(ward_submit(pool, &job.task,
					 i ? WARD_FOREVER : WARD_NOWAIT),
			     -EIO);
	ward_cancel_init(&of_job);
	ward_cancel_deadline(&of_job, 1);
	cr_assert_eq(ward_submit(pool, &job.task, WARD_FOREVER), -ETIMEDOUT);
	job_is_untouched(&job);
	job.task.cancel = NULL; /* nothing of it is left */
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- deadlines ------------------------------------------------------- */

Test(cancel, a_deadline_that_has_passed_fires)
{
	static const ward_ns at[] = { 0, 1, 2, WARD_S(1) };

	for (int i = 0; i < 4; i++) {
		struct ward_cancel token = { { 0 } };

		cr_assert_eq(ward_cancel_deadline(&token, at[i]), 0);
		cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
		cr_assert_not(ward_cancel_fire(&token, -EIO));
	}
}

Test(cancel, a_deadline_to_come_leaves_it_live)
{
	static const ward_ns at[] = { INT64_MAX, (ward_ns)INT64_MAX + 1,
				      WARD_FOREVER - 1, WARD_FOREVER };

	for (int i = 0; i < 4; i++) {
		struct ward_cancel token = { { 0 } };

		cr_assert_eq(ward_cancel_deadline(&token, at[i]), 0);
		cr_assert_eq(ward_cancel_cause(&token), 0);
		cr_assert(ward_cancel_fire(&token, -EIO));
		cr_assert_eq(ward_cancel_cause(&token), -EIO);
		cr_assert_eq(ward_cancel_deadline(&token, 1), 0);
		cr_assert_eq(ward_cancel_cause(&token), -EIO, "it was first");
	}
}

Test(cancel, the_earliest_deadline_counts)
{
	struct ward_cancel token = { { 0 } };
	ward_ns soon = ward_in(WARD_MS(5));

	ward_cancel_deadline(&token, ward_in(WARD_S(3600)));
	ward_cancel_deadline(&token, soon);
	ward_cancel_deadline(&token, ward_in(WARD_S(3600)));
	while (!ward_cancel_cause(&token))
		host_yield();
	cr_assert_geq(ward_now(), soon);
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
}

/* Nobody has looked since, and yet it is too late. */
Test(cancel, who_fires_after_the_deadline_is_late)
{
	struct ward_cancel token = { { 0 } };
	ward_ns soon = ward_in(WARD_MS(1));

	ward_cancel_deadline(&token, soon);
	while (ward_now() < soon)
		host_yield();
	cr_assert_not(ward_cancel_fire(&token, -EIO));
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
}

/* ---- waiting for it --------------------------------------------------- */

static void *fires_it(void *arg)
{
	ward_cancel_fire(arg, -EPIPE);
	return NULL;
}

Test(cancel, a_wait_ends_when_it_fires)
{
	for (int i = 0; i < 500; i++) {
		struct ward_cancel token = { { 0 } };
		pthread_t thread;

		pthread_create(&thread, NULL, fires_it, &token);
		cr_assert_eq(ward_cancel_wait(&token, WARD_FOREVER), 0);
		cr_assert_eq(ward_cancel_cause(&token), -EPIPE);
		pthread_join(thread, NULL);
	}
}

Test(cancel, a_wait_ends_in_time)
{
	struct ward_cancel token = { { 0 } };
	ward_ns until = ward_in(WARD_MS(5));

	cr_assert_eq(ward_cancel_wait(&token, WARD_NOWAIT), -ETIMEDOUT);
	cr_assert_eq(ward_cancel_wait(&token, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	ward_cancel_deadline(&token, ward_in(WARD_MS(5)));
	cr_assert_eq(ward_cancel_wait(&token, WARD_FOREVER), 0);
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
	cr_assert_eq(ward_cancel_wait(&token, WARD_NOWAIT), 0);
}

static struct ward_cancel waited_for;

static int waits(struct ward_task *task)
{
	job_begins(job_of(task));
	return ward_cancel_wait(&waited_for, WARD_FOREVER);
}

/* A wait inside of a task is ended by the token, its own, a fence, the end. */
Test(cancel, a_wait_in_a_task_ends_when_the_task_is_to)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_cancel own = { { 0 } };
	struct job job[4];

	for (int i = 0; i < 4; i++)
		job[i] = job_of_kind(waits);
	submitted(pool, &job[0]);
	cr_assert(comes_true(sleeps_in_futex(
		(int32_t)load_relaxed(&job[0].ran_on))));
	ward_cancel_fire(&waited_for, -EIO);
	job_had(&job[0], 0);
	ward_cancel_init(&waited_for);

	job[1].task.cancel = &own;
	submitted(pool, &job[1]);
	cr_assert(comes_true(load_acquire(&job[1].runs)));
	ward_cancel_fire(&own, -EPIPE);
	job_had(&job[1], -EPIPE);

	job[2].task.policy = &hasty;
	submitted(pool, &job[2]);
	job_had(&job[2], -ETIME);
	cr_assert(stat_is(pool, zombies, 0), "it has come home");

	submitted(pool, &job[3]);
	cr_assert(comes_true(load_acquire(&job[3].runs)));
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(load_relaxed(&job[3].status), -ESHUTDOWN);
}

/* ---- as a sleeper sees it -------------------------------------------- */

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

/* ---- a deadline moved ------------------------------------------------------------- */

Test(cancel, a_deadline_is_moved_or_lifted)
{
	struct ward_cancel token = { { 0 } }, parent = { { 0 } };
	struct ward_watch link = { 0 }, below = { 0 };
	struct ward_cancel child = { { 0 } };

	cr_assert_eq(ward_cancel_deadline(&token, ward_in(WARD_S(3600))), 0);
	cr_assert_eq(ward_cancel_move(&token, ward_in(WARD_S(7200))), 0);
	cr_assert_eq(ward_cancel_move(&token, WARD_FOREVER), 0);
	cr_assert_eq(ward_cancel_wait(&token, ward_in(1)), -ETIMEDOUT);
	cr_assert_eq(ward_cancel_cause(&token), 0);
	/* Not beyond the parent, and not under a child. */
	cr_assert_eq(ward_cancel_deadline(&parent, ward_in(WARD_MS(20))), 0);
	cr_assert_eq(ward_cancel_link(&token, &parent, &link), 0);
	cr_assert_eq(ward_cancel_move(&token, ward_in(WARD_S(3600))), 0);
	cr_assert_eq(ward_cancel_link(&child, &token, &below), 0);
	cr_assert_eq(ward_cancel_move(&token, WARD_FOREVER), -EBUSY);
	cr_assert(ward_cancel_unwatch(&token, &below));
	cr_assert_eq(ward_cancel_wait(&token, WARD_FOREVER), 0);
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
	cr_assert_eq(ward_cancel_move(&token, WARD_FOREVER), -EALREADY);
	cr_assert_eq(ward_cancel_fini(&token), 0);
	ward_cancel_init(&token);
	cr_assert_eq(ward_cancel_move(&token, 1), 0);
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
	ward_cancel_init(&token);
	ward_cancel_fire(&token, -EINTR);
	cr_assert_eq(ward_cancel_move(&token, WARD_FOREVER), -EALREADY);
	cr_assert_eq(ward_cancel_cause(&token), -EINTR);
}

static void *waits_long(void *arg)
{
	return (void *)(intptr_t)ward_cancel_wait(arg, WARD_FOREVER);
}

/* A thread that sleeps until the one, sleeps until the other. */
Test(cancel, who_sleeps_hears_of_another_deadline)
{
	struct ward_cancel token = { { 0 } };
	pthread_t thread;
	void *said;

	ward_cancel_deadline(&token, ward_in(WARD_S(3600)));
	cr_assert_eq(pthread_create(&thread, NULL, waits_long, &token), 0);
	cr_assert_eq(ward_cancel_move(&token, ward_in(WARD_MS(30))), 0);
	cr_assert_eq(ward_cancel_move(&token, ward_in(WARD_MS(50))), 0);
	pthread_join(thread, &said);
	cr_assert_eq((intptr_t)said, 0);
	cr_assert_eq(ward_cancel_cause(&token), -ETIMEDOUT);
}
