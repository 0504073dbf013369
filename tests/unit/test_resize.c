/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools that grow, shrink and are resized.
 */
#include "job.h"

static bool is_whole(struct ward_pool *pool, uint32_t workers)
{
	return stat_is(pool, workers, workers) &&
	       stat_is(pool, wanted, workers) && stat_is(pool, vacant, 0) &&
	       stat_is(pool, idle, workers) && stat_is(pool, spares, 1);
}

static struct ward_pool *up_to(uint32_t workers, uint32_t max, ward_ns idle)
{
	struct ward_pool_config config = job_config(workers);

	config.spares = 1;
	config.max = max;
	config.idle = idle;
	return started(&config);
}

Test(resize, up_and_down_of_an_idle_pool)
{
	static const uint32_t to[] = { 8, 1, 3, 3, 7, 2, 8, 1 };
	uint32_t before = threads();
	struct ward_pool *pool = up_to(2, 8, 0);

	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		cr_assert_eq(ward_pool_resize(pool, to[i], 0), 0);
		cr_assert_eq(stats_of(pool).least, to[i]);
		cr_assert_eq(stats_of(pool).most, to[i]);
		cr_assert(is_whole(pool, to[i]));
		cr_assert(comes_true(threads() == before + 4 + to[i] + 1));
	}
	cr_assert_eq(stats_of(pool).heals, 0, "nothing had to be healed");
	cr_assert_eq(stats_of(pool).rescues, 0);
	ended(pool);
	cr_assert(comes_true(threads() == before));
}

Test(resize, before_the_start)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;

	config.max = 8;
	pool = created(&config);
	cr_assert_eq(ward_pool_resize(pool, 5, 0), 0);
	cr_assert_eq(stats_of(pool).threads_created, 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	cr_assert_eq(stats_of(pool).workers, 5);
	ended(pool);
}

Test(resize, no_task_is_interrupted)
{
	enum { N = 4 };
	struct ward_pool *pool = up_to(N, N, 0);
	struct job job[N], queued = job_of_kind(job_run);

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_sleep);
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	submitted(pool, &queued);
	cr_assert_eq(ward_pool_resize(pool, 1, 0), 0);
	cr_assert_eq(stats_of(pool).workers, N);
	for (int i = 0; i < N - 1; i++) {
		gate_open(&job[i].gate);
		job_had(&job[i], 0);
	}
	cr_assert(stat_is(pool, workers, 1));
	cr_assert_eq(load_relaxed(&queued.runs), 0, "one is left, and busy");
	gate_open(&job[N - 1].gate);
	job_had(&job[N - 1], 0);
	job_had(&queued, 0);
	cr_assert(is_whole(pool, 1));
	cr_assert_eq(stats_of(pool).late, 0);
	ended(pool);
}

Test(resize, more_help_at_once)
{
	struct ward_pool *pool = up_to(1, 4, 0);
	struct job holds = job_of_kind(job_sleep), next = job_of_kind(job_run);

	cr_assert_eq(ward_pool_resize(pool, 1, 0), 0);
	submitted(pool, &holds);
	cr_assert(gate_came(&holds.gate));
	submitted(pool, &next);
	cr_assert_eq(ward_pool_resize(pool, 2, 0), 0);
	job_had(&next, 0);
	gate_open(&holds.gate);
	job_had(&holds, 0);
	ended(pool);
}

static struct ward_pool *own;

static int from_inside(struct ward_task *task)
{
	job_begins(job_of(task));
	cr_assert_eq(ward_pool_resize(own, 1, 0), 0);
	cr_assert_eq(ward_pool_resize(own, 3, 3), 0);
	cr_assert_eq(ward_pool_resize(own, 1, 2), 0);
	return job_ends(job_of(task));
}

Test(resize, from_a_task)
{
	struct job job = job_of_kind(from_inside);

	own = up_to(2, 3, 0);
	submitted(own, &job);
	job_had(&job, 0);
	cr_assert_eq(stats_of(own).least, 1);
	cr_assert_eq(stats_of(own).most, 2);
	ended(own);
}

Test(resize, refused_or_made_to_fit)
{
	struct ward_pool_config config = job_config(3);
	struct ward_pool *pool = created(&config);

	cr_assert_eq(ward_pool_resize(pool, 7, 0), 0, "3 and 4 more");
	cr_assert_eq(ward_pool_resize(pool, 8, 0), -ERANGE);
	cr_assert_eq(ward_pool_resize(pool, 3, 8), -ERANGE);
	cr_assert_eq(stats_of(pool).wanted, 7);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);

	config.flags = WARD_POOL_CLAMP;
	pool = created(&config);
	cr_assert_eq(ward_pool_resize(pool, 1000, 5), 0);
	cr_assert_eq(stats_of(pool).least, 7);
	cr_assert_eq(stats_of(pool).most, 7);
	cr_assert_eq(ward_pool_resize(pool, 0, 1000), 0);
	cr_assert_eq(stats_of(pool).least, 1);
	cr_assert_eq(stats_of(pool).most, 7);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

Test(resize, sizes_that_are_made_to_fit)
{
	struct ward_pool_config config = job_config(1u << 20);
	struct ward_pool *pool;
	struct ward_stats stats;

	config.flags = WARD_POOL_CLAMP;
	config.max = 7;
	config.spares = config.zombies = UINT32_MAX;
	config.ring = 1000;
	config.stack = 1;
	config.scan = 1;
	config.idle = 1;
	pool = created(&config);
	stats = stats_of(pool);
	cr_assert_eq(stats.least, 4096);
	cr_assert_eq(stats.most, 4096);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);

	config = job_config(3);
	config.flags = WARD_POOL_CLAMP;
	config.max = 2;
	config.ring = UINT32_MAX;
	config.stack = SIZE_MAX;
	config.scan = WARD_FOREVER;
	pool = created(&config);
	stats = stats_of(pool);
	cr_assert_eq(stats.least, 3);
	cr_assert_eq(stats.most, 3);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

/* ---- on demand ------------------------------------------------------- */

Test(resize, grows_while_all_are_busy_and_shrinks_when_idle)
{
	enum { N = 6 };
	uint32_t before = threads();
	struct ward_pool *pool = up_to(1, N, WARD_MS(20));
	struct job job[N];

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_sleep);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++)
		cr_assert(gate_came(&job[i].gate), "%d", i);
	cr_assert_eq(stats_of(pool).workers, N);
	for (int i = 0; i < N; i++) {
		gate_open(&job[i].gate);
		job_had(&job[i], 0);
	}
	cr_assert(is_whole(pool, 1));
	cr_assert(comes_true(threads() == before + 4 + 1 + 1));
	cr_assert_eq(stats_of(pool).rescues, 0);
	ended(pool);
}

Test(resize, started_ahead)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;

	config.spares = 1;
	config.max = 5;
	config.flags = WARD_POOL_AHEAD;
	pool = started(&config);
	cr_assert_eq(stats_of(pool).workers, 5);
	cr_assert_eq(ward_pool_resize(pool, 2, 3), 0);
	cr_assert(is_whole(pool, 3));
	ended(pool);
}

/* ---- in place of those that wait ------------------------------------- */

static int declares(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	ward_block_enter(WARD_FOREVER);
	gate_pass(&job->gate);
	ward_block_leave();
	return job_ends(job);
}

Test(resize, who_waits_is_stood_in_for)
{
	enum { N = 5 };
	struct ward_pool *pool = up_to(1, 0, 0);
	struct job job[N], last = job_of_kind(job_run);

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(declares);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++)
		cr_assert(gate_came(&job[i].gate), "%d", i);
	cr_assert_eq(stats_of(pool).workers, N);
	cr_assert_eq(stats_of(pool).blocked, N);
	submitted(pool, &last);
	cr_assert(comes_true(told_of(WARD_R_NO_THREAD)), "as many as may be");
	cr_assert_eq(load_relaxed(&last.runs), 0);
	for (int i = 0; i < N; i++)
		gate_open(&job[i].gate);
	for (int i = 0; i < N; i++)
		job_had(&job[i], 0);
	job_had(&last, 0);
	cr_assert(is_whole(pool, 1));
	cr_assert_eq(told_times(WARD_R_NO_THREAD), 1);
	ended(pool);
}

/* A fixed pool with its most named: not one more. */
Test(resize, nobody_stands_in_beyond_the_most)
{
	struct ward_pool *pool = up_to(1, 1, 0);
	struct job waits = job_of_kind(declares), next = job_of_kind(job_run);

	submitted(pool, &waits);
	cr_assert(gate_came(&waits.gate));
	submitted(pool, &next);
	cr_assert(comes_true(told_of(WARD_R_NO_THREAD)));
	cr_assert_eq(load_relaxed(&next.runs), 0);
	cr_assert_eq(stats_of(pool).workers, 1);
	gate_open(&waits.gate);
	job_had(&waits, 0);
	job_had(&next, 0);
	ended(pool);
}

/* ---- with the dead and the fenced ------------------------------------- */

/* Beats until it is told to stop, and is silent then. */
static int falls_silent(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	while (!load_acquire(&job->stop)) {
		ward_beat();
		host_yield();
	}
	gate_pass(&job->gate);
	return job_ends(job);
}

Test(resize, a_seat_that_is_not_wanted_any_more_is_not_healed)
{
	struct ward_pool *pool = up_to(3, 3, 0);
	struct job job[3];

	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(falls_silent);
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
		cr_assert(comes_true(load_acquire(&job[i].runs) == 1));
	}
	cr_assert_eq(ward_pool_resize(pool, 1, 0), 0);
	for (int i = 0; i < 3; i++)
		store_release(&job[i].stop, 1);
	for (int i = 0; i < 3; i++)
		cr_assert(comes_true(load_acquire(&job[i].dones) == 1));
	for (int i = 0; i < 3; i++) {
		gate_open(&job[i].gate);
		job_had(&job[i], -ETIME);
	}
	cr_assert(is_whole(pool, 1));
	cr_assert_eq(stats_of(pool).heals, 1);
	ended(pool);
}
