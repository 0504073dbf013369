/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits: since when, by whose budgets it is answered, and what ends it.
 */
#include "lane_job.h"
#include "work/pool.h"

/* ---- too late, wherever it waits ---------------------------------------------- */

static const struct ward_policy soon = { .size = sizeof(soon),
					 .start_within = WARD_MS(1) };

static int sleeps_and_exits(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	pthread_exit(NULL);
}

/* Longer than all may that were submitted until now. */
static void pass_the_window(void)
{
	uint64_t until = host_now() + WARD_MS(2);

	while (host_now() < until)
		host_yield();
}

enum { QUEUED = 130 }; /* more than are sampled, or lie in a hand */

static void all_are_late(struct job *job, int n)
{
	for (int i = 0; i < n; i++) {
		job_had(&job[i], -ETIMEDOUT);
		cr_assert_eq(job[i].runs, 0, "%d has run", i);
	}
}

Test(waits, too_late_in_a_ring_and_in_the_hand_of_one_that_died)
{
	static struct job job[QUEUED];
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job first = job_of_kind(sleeps_and_exits);

	submitted(pool, &first);
	for (int i = 0; i < QUEUED; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.policy = &soon;
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_start(pool), 0);
	cr_assert(runs(&first));
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, QUEUED);
	job_had(&first, -EOWNERDEAD);
	ended(pool);
}

Test(waits, too_late_in_a_lane)
{
	static struct job job[QUEUED];
	struct ward_pool *pool = pool_of(1);
	struct job first = job_of_kind(job_sleep);
	struct ward_lane *lane = lane_with(
		pool,
		(struct ward_lane_config){ .active = 1, .policy = &soon });

	first.task.policy = &patient;
	sent(lane, &first);
	cr_assert(runs(&first));
	for (int i = 0; i < QUEUED; i++) {
		job[i] = job_of_kind(job_run);
		sent(lane, &job[i]);
	}
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, QUEUED);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -ETIMEDOUT);
	given_back(lane);
	ended(pool);
}

Test(waits, too_late_though_its_time_has_come)
{
	struct ward_pool *pool = pool_of(1);
	struct job first = job_of_kind(job_sleep), job[2];

	submitted(pool, &first);
	cr_assert(runs(&first));
	for (int i = 0; i < 2; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.policy = &soon;
		cr_assert_eq(ward_submit_at(pool, &job[i].task,
					    i ? ward_in(WARD_MS(1)) : 0, 0),
			     0);
	}
	pass_the_window();
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, 2);
	ended(pool);
}

/* The time for which it was sent is not held against it. */
Test(waits, the_window_begins_when_its_time_has_come)
{
	static const struct ward_policy hour = { .size = sizeof(hour),
						 .start_within = WARD_S(3600) };
	struct ward_pool *pool = pool_of(1);
	struct job once = job_of_kind(job_run), again = job_of_kind(job_run);
	ward_ns at = ward_in(WARD_S(7200)), before = ward_now();

	once.task.policy = again.task.policy = &hour;
	cr_assert_eq(ward_submit_at(pool, &once.task, at, 0), 0);
	cr_assert_eq(book_of(&once.task)->stamp, at);
	cr_assert_eq(ward_submit_at(pool, &again.task, 0, WARD_S(7200)), 0);
	cr_assert(comes_true(
		*(volatile uint64_t *)&book_of(&again.task)->stamp >=
		before + WARD_S(7200)));
	ward_task_cancel(pool, &once.task, 0);
	ward_task_cancel(pool, &again.task, 0);
	job_had(&once, -ECANCELED);
	job_had(&again, -ECANCELED);
	cr_assert_eq(again.runs, 1);
	ended(pool);
}

/* ---- by whose budgets a callback is judged -------------------------------------- */

/* Longer than the hasty ones allow, silent. */
static void slow_done(struct ward_task *task, int status)
{
	uint64_t until = host_now() + WARD_MS(100);

	while (host_now() < until)
		host_relax();
	job_done(task, status);
}

static void endless_done(struct ward_task *task, int status)
{
	job_done(task, status);
	while (!load_relaxed(&job_of(task)->stop))
		host_relax();
}

/* After 'before' the worker answers 'job', which never ran. */
static struct ward_pool *answers(struct job *before, struct job *job)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);

	submitted(pool, before);
	submitted(pool, job);
	cr_assert_eq(ward_task_cancel(pool, &job->task, 0), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	return pool;
}

Test(waits, an_answer_is_not_judged_by_the_task_before)
{
	struct job before = job_of_kind(job_run), job = job_of_kind(job_run);
	struct ward_pool *pool;

	before.task.policy = &hasty;
	job.task.done = slow_done;
	pool = answers(&before, &job);
	job_had(&job, -ECANCELED);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
}

Test(waits, an_answer_is_judged_by_its_own_budgets)
{
	struct job before = job_of_kind(job_run), job = job_of_kind(job_run);
	struct ward_pool *pool;

	job.task.policy = &hasty;
	job.task.done = endless_done;
	pool = answers(&before, &job);
	cr_assert(stat_is(pool, zombies_entered, 1));
	store_release(&job.stop, 1);
	job_had(&job, -ECANCELED);
	cr_assert(stat_is(pool, zombies, 0));
	ended(pool);
}

static void dies_in_done(struct ward_task *task, int status)
{
	job_done(task, status);
	pthread_exit(NULL);
}

static void slow_release(struct ward_task *task)
{
	slow_done(task, load_relaxed(&job_of(task)->status));
	store_release(&job_of(task)->dones, 1);
	job_release(task);
}

/* The heir runs a hasty one first, and then owes a release. */
Test(waits, a_release_that_is_owed_is_not_judged_by_the_task_before)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run), other[64];

	job.task.done = dies_in_done;
	job.task.release = slow_release;
	for (int i = 0; i < 64; i++) {
		other[i] = job_of_kind(job_run);
		other[i].task.policy = &hasty;
		submitted(pool, &other[i]);
		if (i == 32)
			submitted(pool, &job);
	}
	job_had(&job, 0);
	for (int i = 0; i < 64; i++)
		job_had(&other[i], 0);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
}

/* ---- behind a task that takes long ---------------------------------------------- */

static uint32_t in_hand(struct ward_pool *handle)
{
	struct pool *pool = (struct pool *)handle;

	return ring_count(&pool->slot[0].hand.ring) +
	       ring_count(&pool->slot[1].hand.ring);
}

Test(waits, one_at_a_time_where_that_is_asked_for)
{
	struct ward_pool_config config = job_config(1);
	struct job job[8];
	struct ward_pool *pool;

	config.flags = WARD_POOL_NO_BATCH;
	config.scan = WARD_S(1); /* nobody shares anything out */
	pool = created(&config);
	for (int i = 0; i < 8; i++) {
		job[i] = job_of_kind(i ? job_run : job_sleep);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_start(pool), 0);
	cr_assert(runs(&job[0]));
	cr_assert_eq(in_hand(pool), 0);
	gate_open(&job[0].gate);
	for (int i = 0; i < 8; i++)
		job_had(&job[i], 0);
	ended(pool);
}
