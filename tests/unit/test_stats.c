/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

static uint64_t sum(const uint64_t bucket[WARD_BUCKETS])
{
	uint64_t n = 0;

	for (int i = 0; i < WARD_BUCKETS; i++)
		n += bucket[i];
	return n;
}

static uint64_t above(const uint64_t bucket[WARD_BUCKETS], ward_ns span)
{
	uint64_t n = 0;

	for (int i = 0; i < WARD_BUCKETS; i++)
		if (UINT64_C(2) << i > span)
			n += bucket[i];
	return n;
}

Test(stats, a_new_pool_has_none)
{
	struct ward_pool_config config = job_config(3);
	struct ward_stats stats, zero = WARD_STATS_INIT;
	struct ward_pool *pool;

	zero.neighbourhoods = 1;
	zero.zombies_cap = 5;
	zero.zombies_asleep_cap = 7;
	zero.vacant = zero.wanted = zero.least = zero.most = 3;
	config.zombies = zero.zombies_cap;
	config.zombies_asleep = zero.zombies_asleep_cap;
	pool = created(&config);
	stats = stats_of(pool);
	cr_assert_arr_eq(&stats, &zero, sizeof(zero));
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

Test(stats, every_task_is_in_the_numbers)
{
	enum { N = 1000 };
	static struct job job[N];
	struct ward_pool *pool = pool_of(2);
	struct ward_stats stats;

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++)
		job_had(&job[i], 0);
	cr_assert(stat_is(pool, answered, N));
	cr_assert(stat_is(pool, idle, 2));
	stats = stats_of(pool);
	cr_assert_eq(stats.size, sizeof(stats));
	cr_assert_eq(stats.accepted, N);
	cr_assert_eq(stats.started, N);
	cr_assert_eq(stats.ended, N);
	cr_assert_eq(stats.queued, 0);
	cr_assert_eq(stats.owed, 0);
	cr_assert_eq(stats.running, 0);
	cr_assert_eq(stats.workers, 2);
	cr_assert_eq(stats.stalled + stats.died + stats.late, 0);
	cr_assert_eq(stats.reruns + stats.stale_commits, 0);
	cr_assert_eq(stats.deaths + stats.heals + stats.acquitted, 0);
	cr_assert_eq(stats.threads_created, 3);
	cr_assert_eq(stats.threads_joined, 0);
	cr_assert_eq(stats.rescues, 0);
	/* One in 64 of those of one ring. */
	cr_assert_eq(sum(stats.queue_time), (N + 63) / 64);
	cr_assert_eq(sum(stats.run_time), (N + 63) / 64);
	cr_assert_eq(sum(stats.heal_time), 0);
	ended(pool);
}

static int fails(struct ward_task *task)
{
	job_begins(job_of(task));
	return job_of(task)->answer;
}

Test(stats, what_fails_and_what_becomes_of_it)
{
	struct ward_policy policy = patient;
	struct ward_pool *pool = pool_of(1);
	struct job job[3] = { job_of_kind(fails), job_of_kind(fails),
			      job_of_kind(job_exit) };
	struct ward_stats stats;

	policy.runs = 3;
	policy.errors = 2;
	job[0].answer = -EIO; /* three times */
	job[0].task.policy = &policy;
	job[1].answer = -ECANCELED; /* which is no failure */
	job[1].task.policy = &policy;
	for (int i = 0; i < 3; i++)
		submitted(pool, &job[i]);
	job_had(&job[0], -EIO);
	job_had(&job[1], -ECANCELED);
	job_had(&job[2], -EOWNERDEAD);
	cr_assert(stat_is(pool, answered, 3));
	stats = stats_of(pool);
	cr_assert_eq(stats.started, 5);
	cr_assert_eq(stats.ended, 4);
	cr_assert_eq(stats.failed, 3);
	cr_assert_eq(stats.died, 1);
	cr_assert_eq(stats.faulted, 0);
	cr_assert_eq(stats.reruns, 2);
	cr_assert_eq(stats.dead_letters, 2);
	cr_assert_eq(stats.waiting, 0);
	cr_assert_eq(stats.regrets, 0);
	cr_assert_eq(sum(stats.regret_time), 0);
	ended(pool);
}

Test(stats, who_does_what_now)
{
	struct ward_pool *pool = pool_of(3);
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	struct ward_stats stats;

	for (int i = 0; i < 2; i++) {
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	cr_assert(stat_is(pool, idle, 1));
	stats = stats_of(pool);
	cr_assert_eq(stats.running, 2);
	cr_assert_eq(stats.workers, 3);
	cr_assert_eq(stats.started, 2);
	cr_assert_eq(stats.ended, 0);
	cr_assert_eq(stats.accepted, 2);
	cr_assert_eq(stats.answered, 0);
	for (int i = 0; i < 2; i++)
		gate_open(&job[i].gate);
	ended(pool);
}

Test(stats, what_waits_is_counted)
{
	struct ward_pool *pool = pool_of(1);
	struct job first = job_of_kind(job_sleep), job[5];

	submitted(pool, &first);
	cr_assert(gate_came(&first.gate));
	for (unsigned i = 0; i < 5; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
		cr_assert_eq(stats_of(pool).queued, i + 1);
	}
	gate_open(&first.gate);
	ended(pool);
	job_had(&first, 0);
}

/* The first task of a ring is one of those whose times are taken. */
Test(stats, run_time_is_the_time_in_run)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);
	ward_ns from;

	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	from = ward_now();
	while (ward_now() < from + WARD_MS(5))
		host_yield();
	gate_open(&job.gate);
	job_had(&job, 0);
	cr_assert(stat_is(pool, ended, 1));
	cr_assert_eq(sum(stats_of(pool).run_time), 1);
	cr_assert_eq(above(stats_of(pool).run_time, WARD_MS(5)), 1);
	ended(pool);
}

Test(stats, queue_time_is_the_time_before_it)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job job = job_of_kind(job_run);
	ward_ns from;

	submitted(pool, &job);
	from = ward_now();
	while (ward_now() < from + WARD_MS(5))
		host_yield();
	cr_assert_eq(ward_pool_start(pool), 0);
	job_had(&job, 0);
	cr_assert_eq(sum(stats_of(pool).queue_time), 1);
	cr_assert_eq(above(stats_of(pool).queue_time, WARD_MS(5)), 1);
	ended(pool);
}

Test(stats, each_heal_has_its_time)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_stats stats;

	for (int i = 0; i < 10; i++) {
		struct job job = job_of_kind(job_exit);

		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
	}
	cr_assert(stat_is(pool, heals, 10));
	/* By the healed seat's thread, when it is up. */
	cr_assert(comes_true(sum(stats_of(pool).heal_time) == 10));
	stats = stats_of(pool);
	cr_assert_eq(stats.deaths, 10);
	cr_assert_eq(stats.died, 10);
	cr_assert_eq(stats.started, 10);
	cr_assert_eq(stats.ended, 0);
	ended(pool);
}

Test(stats, reports_are_told_or_suppressed)
{
	struct ward_pool *pool = pool_of(1);

	for (int i = 0; i < 10; i++) {
		struct job job = job_of_kind(job_exit);

		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
	}
	cr_assert(stat_is(pool, reports_told, 10));
	cr_assert_eq(stats_of(pool).reports_suppressed, 0);
	cr_assert_eq(told_times(WARD_R_DEATH), 10);
	ended(pool);
}

/* A look costs; one that runs on is looked at, one that ends is not. */
Test(stats, the_steward_counts_its_rounds_and_looks)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);
	uint64_t scans;

	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	scans = stats_of(pool).scans;
	cr_assert(comes_true(stats_of(pool).scans >= scans + 20));
	cr_assert_geq(stats_of(pool).looks, 1);
	cr_assert_lt(stats_of(pool).looks, stats_of(pool).scans / 2);
	gate_open(&job.gate);
	ended(pool);
}

/* ---- snapshots while it runs ----------------------------------------- */

static _Atomic uint32_t enough;

static int resubmitted(struct ward_task *task)
{
	(void)task;
	return 0;
}

static struct ward_pool *busy_pool;

static void again(struct ward_task *task)
{
	if (load_relaxed(&enough) || ward_submit(busy_pool, task, 0))
		job_release(task);
}

Test(stats, answers_are_never_more_than_tasks)
{
	enum { N = 8, SNAPSHOTS = 20000 };
	struct ward_stats last = { 0 };
	struct job job[N];

	busy_pool = pool_of(3);
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(resubmitted);
		job[i].task.done = NULL;
		job[i].task.release = again;
		submitted(busy_pool, &job[i]);
	}
	for (int i = 0; i < SNAPSHOTS; i++) {
		struct ward_stats stats = stats_of(busy_pool);

		cr_assert_leq(stats.answered, stats.accepted);
		cr_assert_leq(stats.ended, stats.started);
		cr_assert_leq(stats.running + stats.idle, stats.workers);
		cr_assert_eq(stats.workers + stats.vacant, 3);
		cr_assert_geq(stats.accepted, last.accepted, "never fewer");
		cr_assert_geq(stats.answered, last.answered);
		cr_assert_geq(stats.started, last.started);
		cr_assert_geq(stats.ended, last.ended);
		last = stats;
	}
	cr_assert_gt(last.answered, 0);
	store_relaxed(&enough, 1);
	for (int i = 0; i < N; i++)
		cr_assert(job_is_released(&job[i]));
	ended(busy_pool);
}
