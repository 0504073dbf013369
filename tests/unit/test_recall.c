/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include "task/task_priv.h"
#include "pool/pool.h"

/* One worker, and what it is busy with until its gate is opened. */
static struct ward_pool *busy_pool(struct job *first)
{
	struct ward_pool *pool = pool_of(1);

	*first = job_of_kind(job_sleep);
	submitted(pool, first);
	cr_assert(comes_true(load_acquire(&first->runs) == 1));
	return pool;
}

Test(recall, what_is_queued_never_runs)
{
	struct job first, job = job_of_kind(job_run);
	struct ward_pool *pool = busy_pool(&first);

	submitted(pool, &job);
	cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR), 0);
	cr_assert_eq(ward_task_cancel(pool, &job.task, -EPIPE), -EALREADY);
	gate_open(&first.gate);
	job_had(&job, -EINTR);
	cr_assert_eq(job.runs, 0);
	cr_assert_eq(job.incident, 0, "no failure");
	job_had(&first, 0);
	ended(pool);
}

static int until_told(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!ward_check())
		host_relax();
	store_relaxed(&job_of(task)->check, ward_check());
	return -ECANCELED;
}

static int pauses(struct ward_task *task)
{
	job_begins(job_of(task));
	store_relaxed(&job_of(task)->check, ward_pause(WARD_FOREVER));
	return 0;
}

Test(recall, what_runs_is_told)
{
	static int (*const kind[])(struct ward_task *) = { until_told, pauses };
	struct ward_pool *pool = pool_of(2);

	for (int i = 0; i < 2; i++) {
		struct job job = job_of_kind(kind[i]);

		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.runs) == 1));
		cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR),
			     -EINPROGRESS);
		cr_assert(job_is_released(&job));
		cr_assert_eq(job.check, -EINTR);
	}
	ended(pool);
}

Test(recall, what_failed_is_not_run_again)
{
	static const struct ward_policy again = { .size = sizeof(again),
						  .runs = 100,
						  .errors = 100,
						  .backoff_min = WARD_S(3600),
						  .backoff_max = WARD_S(3600) };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	struct ward_stats stats = WARD_STATS_INIT;

	job.answer = -EIO;
	job.task.policy = &again;
	submitted(pool, &job);
	cr_assert(comes_true(!ward_pool_stats(pool, &stats) &&
			     stats.waiting == 1));
	cr_assert_eq(ward_task_cancel(pool, &job.task, 0), 0);
	job_had(&job, -ECANCELED);
	cr_assert_eq(job.runs, 1);
	ended(pool);
}

Test(recall, what_waits_for_its_time_is_answered_at_once)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run), other = job_of_kind(job_run);

	cr_assert_eq(ward_submit_at(pool, &other.task, ward_in(WARD_S(3600)),
				    0),
		     0);
	cr_assert_eq(ward_submit_at(pool, &job.task, ward_in(WARD_S(3600)), 1),
		     0);
	cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR), 0);
	job_had(&job, -EINTR);
	cr_assert_eq(job.runs, 0);
	job_is_untouched(&other);
	cr_assert_eq(ward_task_cancel(pool, &other.task, 0), 0);
	job_had(&other, -ECANCELED);
	ended(pool);
}

Test(recall, what_is_idle_or_over_is_not_there)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);

	cr_assert_eq(ward_task_cancel(pool, &job.task, 0), -ENOENT);
	job_is_untouched(&job);
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(ward_task_cancel(pool, &job.task, 0), -ENOENT);
	/* The task may be used again. */
	job = job_of_kind(job_run);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

Test(recall, refuses_what_is_no_cause)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);

	cr_assert_eq(ward_task_cancel(NULL, &job.task, 0), -EINVAL);
	cr_assert_eq(ward_task_cancel(pool, NULL, 0), -EINVAL);
	cr_assert_eq(ward_task_cancel(pool, &job.task, 1), -EINVAL);
	cr_assert_eq(ward_task_cancel(pool, &job.task, -4096), -EINVAL);
	cr_assert_eq(ward_task_cancel(pool, &job.task, INT32_MIN), -EINVAL);
	job_is_untouched(&job);
	ended(pool);
}

static int commits_late(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!ward_check())
		host_relax();
	store_relaxed(&job_of(task)->check, ward_commit());
	return 0;
}

Test(recall, who_was_cancelled_does_not_commit)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_cancel token = { { 0 } };

	for (int i = 0; i < 2; i++) {
		struct job job = job_of_kind(commits_late);

		job.task.cancel = i ? &token : NULL;
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.runs) == 1));
		if (i)
			ward_cancel_fire(&token, 0);
		else
			ward_task_cancel(pool, &job.task, 0);
		job_had(&job, 0);
		cr_assert_eq(job.check, -ESTALE);
	}
	ended(pool);
}

/* ---- a token, and a window ------------------------------------------------ */

Test(recall, a_fired_token_keeps_it_from_running)
{
	struct ward_cancel token = { { 0 } };
	struct job first, job = job_of_kind(job_run);
	struct ward_pool *pool = busy_pool(&first);

	job.task.cancel = &token;
	submitted(pool, &job);
	ward_cancel_fire(&token, -EPIPE);
	gate_open(&first.gate);
	job_had(&job, -EPIPE);
	cr_assert_eq(job.runs, 0);
	job_had(&first, 0);
	ended(pool);
}

Test(recall, too_late_is_not_run)
{
	static const struct ward_policy soon = { .size = sizeof(soon),
						 .start_within = 1 };
	static const struct ward_policy later = { .size = sizeof(later),
						  .start_within = WARD_S(60) };
	struct job first, job = job_of_kind(job_run), fresh = job;
	struct ward_pool *pool = busy_pool(&first);

	job.task.policy = &soon;
	fresh.task.policy = &later;
	submitted(pool, &job);
	submitted(pool, &fresh);
	gate_open(&first.gate);
	job_had(&job, -ETIMEDOUT);
	cr_assert_eq(job.runs, 0);
	job_had(&fresh, 0);
	cr_assert_eq(fresh.runs, 1);
	job_had(&first, 0);
	ended(pool);
}

/* ---- again and again -------------------------------------------------------- */

static int thrice(struct ward_task *task)
{
	job_begins(job_of(task));
	return load_relaxed(&job_of(task)->runs) == 3 ? 7 : 0;
}

Test(recall, a_period_ends_with_a_failure)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(thrice);
	ward_ns began = ward_now();

	cr_assert_eq(ward_submit_at(pool, &job.task, 0, WARD_MS(2)), 0);
	job_had(&job, 7);
	cr_assert_eq(job.runs, 3);
	cr_assert_eq(job.attempt, 1);
	cr_assert_geq(ward_now() - began, WARD_MS(4), "from end to start");
	ended(pool);
}

static uint32_t committed, at_first;

/* Each third one fails, until it is run again; after 30 good ones it is cancelled. */
static int fails_now_and_then(struct ward_task *task)
{
	uint32_t n = add_relaxed(&job_of(task)->runs, 1) + 1;

	if (n % 3 == 2)
		return -EIO;
	at_first += ward_self()->attempt == 1;
	committed += ward_commit() == 0;
	return committed == 30 ? -ECANCELED : 0;
}

Test(recall, each_run_of_a_period_is_as_good_as_the_first)
{
	static const struct ward_policy twice = { .size = sizeof(twice),
						  .runs = 2,
						  .errors = 1 };
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(fails_now_and_then);

	job.task.policy = &twice;
	cr_assert_eq(ward_submit_at(pool, &job.task, 0, 1), 0);
	job_had(&job, -ECANCELED);
	cr_assert_eq(committed, 30, "%u", committed);
	cr_assert_eq(at_first, 15, "%u", at_first);
	cr_assert_eq(job.runs, 45);
	ended(pool);
}

/* A thread that was fenced in an earlier run commits in none. */
static struct gate stuck;
static _Atomic int32_t late_commit = 1;

static int hangs_at_first(struct ward_task *task)
{
	struct job *job = job_of(task);

	if (add_relaxed(&job->runs, 1) == 0) {
		gate_pass(&stuck);
		store_release(&late_commit, ward_commit());
		return 0;
	}
	if (ward_commit())
		return -EIO;
	return load_relaxed(&job->runs) == 10 ? -ECANCELED : 0;
}

Test(recall, a_zombie_of_an_earlier_run_commits_in_none)
{
	static const struct ward_policy again = { .size = sizeof(again),
						  .busy_within = WARD_MS(20),
						  .blocked_within = WARD_MS(20),
						  .runs = 2,
						  .stalls = 1 };
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(hangs_at_first);

	job.task.policy = &again;
	cr_assert_eq(ward_submit_at(pool, &job.task, 0, 1), 0);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	gate_open(&stuck);
	job_had(&job, -ECANCELED);
	cr_assert_eq(late_commit, -ESTALE);
	cr_assert_eq(job.runs, 10);
	ended(pool);
}

Test(recall, a_period_ends_when_it_is_cancelled)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run);
	int err;

	cr_assert_eq(ward_submit_at(pool, &job.task, 0, 1), 0);
	cr_assert(comes_true(load_relaxed(&job.runs) >= 10));
	err = ward_task_cancel(pool, &job.task, -EINTR);
	cr_assert(err == 0 || err == -EINPROGRESS);
	job_had(&job, -EINTR);
	ended(pool);
}

Test(recall, a_period_ends_when_the_pool_drains)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run);

	cr_assert_eq(ward_submit_at(pool, &job.task, 0, WARD_S(3600)), 0);
	cr_assert(comes_true(stats_of(pool).ended == 1));
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	job_had(&job, -ECANCELED);
	cr_assert_eq(job.runs, 1);
	ended(pool);
}

Test(recall, refuses_what_has_no_time)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);

	cr_assert_eq(ward_submit_at(pool, &job.task, WARD_FOREVER, 0), -EINVAL);
	cr_assert_eq(ward_submit_at(NULL, &job.task, 0, 0), -EINVAL);
	cr_assert_eq(ward_submit_at(pool, NULL, 0, 0), -EINVAL);
	job_is_untouched(&job);
	ended(pool);
}

/* ---- exactly what happened ------------------------------------------------------ */

static void free_job(struct ward_task *task)
{
	struct ward_task **kept = (struct ward_task **)task->name;

	*kept = NULL;
	memset(task, 0x5a, sizeof(*task));
	job_release(task); /* last: the test goes on */
}

/* The task is answered beside the call, and its memory is gone before that returns. */
Test(recall, who_waits_for_its_time_is_said_so)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_task *kept;

	for (int i = 0; i < 2000; i++) {
		struct job job = job_of_kind(job_run);

		kept = &job.task;
		job.task.name = (const char *)&kept;
		job.task.release = free_job;
		cr_assert_eq(ward_submit_at(pool, &job.task,
					    ward_in(WARD_S(3600)), 0),
			     0);
		cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR), 0);
		cr_assert(comes_true(load_acquire(&job.releases) == 1));
		cr_assert_eq(job.runs, 0);
		cr_assert_eq(load_relaxed(&job.status), -EINTR);
	}
	ended(pool);
}

static int cancels_itself(struct ward_task *task)
{
	job_begins(job_of(task));
	job_of(task)->answer = ward_task_cancel(
		(struct ward_pool *)slot_here()->pool, task, -EINTR);
	return 0;
}

static _Atomic int in_done;

static void cancels_in_done(struct ward_task *task, int status)
{
	job_done(task, status);
	store_relaxed(&in_done,
		      ward_task_cancel((struct ward_pool *)slot_here()->pool,
				       task, -EINTR));
}

Test(recall, who_runs_or_has_ended_is_said_so)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(cancels_itself);

	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(job.answer, -EINPROGRESS);
	job = job_of_kind(job_run);
	job.task.done = cancels_in_done;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&in_done), -ENOENT);
	ended(pool);
}

/* ---- held ------------------------------------------------------------------------ */

Test(recall, who_holds_a_task_keeps_its_memory)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run);
	int status = 7;

	job.answer = -EIO;
	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	submitted(pool, &job);
	cr_assert_eq(ward_task_wait(pool, &job.task, WARD_FOREVER, &status), 0);
	cr_assert_eq(status, -EIO);
	cr_assert_eq(job.dones, 1);
	cr_assert_eq(ward_task_cancel(pool, &job.task, 0), -ENOENT);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(20))), -ETIMEDOUT);
	cr_assert_eq(job.releases, 0);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	job_had(&job, -EIO);
	ended(pool);
}

Test(recall, who_holds_a_task_may_outlive_the_pool)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run), never = job;

	cr_assert_eq(ward_task_hold(pool, &never.task), 0);
	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	cr_assert_eq(ward_submit_at(pool, &job.task, ward_in(WARD_S(3600)), 0),
		     0);
	cr_assert_eq(ward_task_wait(pool, &job.task, 1, NULL), -ETIMEDOUT);
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	cr_assert_eq(job.dones, 1);
	cr_assert_eq(job.releases, 0);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	cr_assert_eq(job.releases, 1, "on this thread");
	cr_assert_eq(ward_task_drop(pool, &never.task), 0);
	job_is_untouched(&never);
}

static int holds_itself(struct ward_task *task)
{
	job_begins(job_of(task));
	job_of(task)->answer =
		ward_task_hold((struct ward_pool *)slot_here()->pool, task);
	return 0;
}

Test(recall, who_is_inside_may_hold_it)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(holds_itself);

	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(job.answer, 0);
	cr_assert_eq(job.releases, 0);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	job_had(&job, 0);
	ended(pool);
}

static int fails(struct ward_task *task)
{
	job_begins(job_of(task));
	return -EIO;
}

/* Its word was looked at before, and said that nobody did. */
static void holds_when_done(struct ward_task *task, int status)
{
	int err = ward_task_hold((struct ward_pool *)slot_here()->pool, task);

	job_of(task)->answer = err;
	job_done(task, status);
}

Test(recall, who_holds_it_in_done_hears_what_that_was_told)
{
	static int (*const kind[])(struct ward_task *) = { fails, job_run };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(fails);

	for (uint32_t i = 0; i < 2; i++) {
		int status = 7;

		job.task.run = kind[i];
		job.task.done = holds_when_done;
		store_relaxed(&job.dones, 0);
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.dones) == 1));
		cr_assert_eq(ward_task_wait(pool, &job.task, WARD_FOREVER,
					    &status),
			     0);
		cr_assert_eq(status, job.status);
		cr_assert_eq(status, i ? 0 : -EIO);
		cr_assert_eq(ward_task_drop(pool, &job.task), 0);
		cr_assert(comes_true(load_acquire(&job.releases) == i + 1));
	}
	ended(pool);
}

static int waits_for_itself(struct ward_task *task)
{
	job_begins(job_of(task));
	return ward_task_wait((struct ward_pool *)slot_here()->pool, task,
			      WARD_FOREVER, NULL);
}

Test(recall, nobody_waits_for_itself)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(waits_for_itself);

	submitted(pool, &job);
	job_had(&job, -EDEADLK);
	ended(pool);
}

/* ---- given back ------------------------------------------------------------------- */

Test(recall, who_waits_for_its_time_is_given_back)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_stats stats = WARD_STATS_INIT;
	struct job job = job_of_kind(job_run), again = job_of_kind(job_run);

	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(ward_submit_at(pool, &job.task,
					    ward_in(WARD_S(3600)), 0),
			     0);
		cr_assert_eq(ward_task_recall(pool, &job.task, 0),
			     WARD_RECALLED);
	}
	job_is_untouched(&job);
	cr_assert_eq(ward_task_recall(pool, &job.task, 0), -ENOENT);
	cr_assert_eq(ward_submit_at(pool, &again.task, ward_in(WARD_S(3600)),
				    1),
		     0);
	cr_assert_eq(ward_task_recall(pool, &again.task, 0), 0, "periodic");
	job_had(&again, -ECANCELED);
	cr_assert_eq(ward_submit_at(pool, &job.task, 0, 0), 0);
	job_had(&job, 0);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	cr_assert_eq(ward_pool_stats(pool, &stats), 0);
	cr_assert_eq(stats.accepted, 2);
	cr_assert_eq(stats.answered, 2);
	cr_assert_eq(stats.waiting, 0);
	ended(pool);
}

static struct ward_pool *waited_in;

static void *waits_till_it_is_over(void *job)
{
	int status = 7;
	int err = ward_task_wait(waited_in, &((struct job *)job)->task,
				 WARD_FOREVER, &status);

	return (void *)(intptr_t)(err ? err : status);
}

Test(recall, who_waits_for_what_is_given_back_waits_no_more)
{
	struct ward_pool *pool = waited_in = pool_of(2);
	struct wait_queue *answered = &((struct pool *)pool)->answered;
	struct job job = job_of_kind(job_run);
	pthread_t waiter;
	void *got;

	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	cr_assert_eq(ward_submit_at(pool, &job.task, ward_in(WARD_S(3600)), 0),
		     0);
	pthread_create(&waiter, NULL, waits_till_it_is_over, &job);
	cr_assert(comes_true(load_acquire(&answered->inside) == 1));
	cr_assert_eq(ward_task_recall(pool, &job.task, -EINTR), WARD_RECALLED);
	cr_assert(comes_true(load_acquire(&answered->inside) == 0));
	pthread_join(waiter, &got);
	cr_assert_eq((int)(intptr_t)got, -EINTR, "and why");
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	job_is_untouched(&job);
	ended(pool);
}

static struct ward_cancel refusal;

static void *waits_while_it_is_put(void *arg)
{
	struct job *job = arg;

	while (task_state(load_acquire(&task_priv(&job->task)->word)) ==
	       TASK_FREE)
		host_yield();
	return waits_till_it_is_over(job);
}

static void *refuses_it(void *answered)
{
	while (!load_acquire(&((struct wait_queue *)answered)->inside))
		host_yield();
	ward_cancel_fire(&refusal, -EINTR);
	return NULL;
}

Test(recall, who_waits_for_what_is_refused_waits_no_more)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job fill[2] = { job_of_kind(job_run), job_of_kind(job_run) };
	struct job job = job_of_kind(job_run);
	struct wait_queue *answered;
	pthread_t waiter, other;

	config.ring = 2;
	pool = waited_in = created(&config);
	answered = &((struct pool *)pool)->answered;
	submitted(pool, &fill[0]);
	cr_assert_eq(ward_submit(pool, &fill[1].task, WARD_NOWAIT), -EAGAIN);
	job.task.cancel = &refusal;
	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	pthread_create(&waiter, NULL, waits_while_it_is_put, &job);
	pthread_create(&other, NULL, refuses_it, answered);
	cr_assert_eq(ward_submit(pool, &job.task, WARD_FOREVER), -EINTR);
	cr_assert(comes_true(load_acquire(&answered->inside) == 0));
	pthread_join(waiter, NULL);
	pthread_join(other, NULL);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	job_is_untouched(&job);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
}

/* Beside its time: it is given back, or it runs, or it is answered; once. */
Test(recall, its_time_may_come_meanwhile)
{
	struct ward_pool *pool = pool_of(2);
	uint32_t back = 0;

	for (int i = 0; i < 3000; i++) {
		struct job job = job_of_kind(job_run);
		int err;

		cr_assert_eq(ward_task_hold(pool, &job.task), 0);
		cr_assert_eq(ward_submit_at(pool, &job.task,
					    ward_in((ward_ns)(i % 200) * 1000),
					    0),
			     0);
		err = ward_task_recall(pool, &job.task, -EINTR);
		cr_assert_eq(ward_task_wait(pool, &job.task, WARD_FOREVER,
					    NULL),
			     0);
		cr_assert_eq(job.dones, err != WARD_RECALLED);
		cr_assert_eq(job.runs, err == -EINPROGRESS || err == -ENOENT);
		cr_assert_eq(ward_task_drop(pool, &job.task), 0);
		if (err != WARD_RECALLED)
			cr_assert(job_is_released(&job));
		back += err == WARD_RECALLED;
	}
	cr_assert_gt(back, 0);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	ended(pool);
}
