/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seats, spares and zombies: which thread has which seat when workers are lost and come
 * back.
 */
#include "job.h"

static void is_whole(struct ward_pool *pool, uint32_t workers, uint32_t spares)
{
	cr_assert(stat_is(pool, workers, workers));
	cr_assert(stat_is(pool, vacant, 0));
	cr_assert(stat_is(pool, spares, spares));
	cr_assert(stat_is(pool, zombies, 0));
	cr_assert(stat_is(pool, degraded, 0));
}

Test(seat, spares_are_made_up_for)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;
	uint64_t created;

	config.spares = 3;
	pool = started(&config);
	is_whole(pool, 2, 3);
	for (int i = 0; i < 20; i++) {
		struct job job = job_of_kind(job_exit);

		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
	}
	/* A task is answered before its dead thread's seat is vacated. */
	cr_assert(stat_is(pool, heals, 20));
	is_whole(pool, 2, 3);
	/* One too many is made now and then, where a spare is just sitting down. */
	cr_assert(comes_true(stats_of(pool).threads_joined + 5 ==
			     stats_of(pool).threads_created));
	created = stats_of(pool).threads_created;
	cr_assert(created >= 5 + 20 && created <= 5 + 2 * 20);
	ended(pool);
}

/* More come home than are wanted: some leave. */
Test(seat, who_is_too_many_leaves)
{
	uint32_t before = threads(), whole;
	struct ward_pool *pool = pool_of(2);
	struct job job[6];

	whole = threads();
	for (int i = 0; i < 6; i++) {
		job[i] = job_of_kind(job_sleep);
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < 6; i++)
		cr_assert(comes_true(load_acquire(&job[i].dones) == 1));
	cr_assert(stat_is(pool, zombies, 6));
	for (int i = 0; i < 6; i++)
		gate_open(&job[i].gate);
	for (int i = 0; i < 6; i++)
		job_had(&job[i], -ETIME);
	is_whole(pool, 2, 1);
	cr_assert(comes_true(threads() == whole));
	cr_assert_eq(stats_of(pool).zombies_entered, 6);
	cr_assert_eq(stats_of(pool).zombies_returned, 6);
	ended(pool);
	cr_assert(comes_true(threads() == before));
}

Test(seat, all_workers_at_once_with_work_behind_them)
{
	enum { N = 100 };
	static struct job hangs[4], job[N];
	struct ward_pool *pool = pool_of(4);

	for (int i = 0; i < 4; i++) {
		hangs[i] = job_of_kind(i % 2 ? job_sleep : job_spin);
		hangs[i].task.policy = &hasty;
		submitted(pool, &hangs[i]);
	}
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++)
		job_had(&job[i], 0);
	for (int i = 0; i < 4; i++) {
		cr_assert(comes_true(load_acquire(&hangs[i].dones) == 1));
		cr_assert_eq(load_relaxed(&hangs[i].status), -ETIME);
		store_release(&hangs[i].stop, 1);
		gate_open(&hangs[i].gate);
		job_had(&hangs[i], -ETIME);
	}
	is_whole(pool, 4, 1);
	ended(pool);
}

/* ---- as many zombies as may be --------------------------------------- */

Test(seat, at_the_cap_convicts_stay_seated)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	struct job *out, *in;

	config.zombies = 1;
	pool = started(&config);
	for (int i = 0; i < 2; i++) {
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	cr_assert(stat_is(pool, degraded, 1));
	cr_assert(comes_true(told_of(WARD_R_DEGRADED)));
	cr_assert_eq(stats_of(pool).zombies, 1);
	/* Its answer comes from the thread that has taken its seat. */
	cr_assert(comes_true(load_acquire(&job[0].dones) +
				     load_acquire(&job[1].dones) ==
			     1));
	out = load_relaxed(&job[0].dones) ? &job[0] : &job[1];
	in = load_relaxed(&job[0].dones) ? &job[1] : &job[0];
	cr_assert_eq(load_relaxed(&out->status), -ETIME);

	gate_open(&in->gate); /* it was never fenced */
	job_had(in, 0);
	cr_assert_eq(load_relaxed(&in->check), 0);
	gate_open(&out->gate);
	job_had(out, -ETIME);
	is_whole(pool, 2, 1);
	cr_assert(comes_true(told_of(WARD_R_RECOVERED)));
	cr_assert_eq(told_times(WARD_R_DEGRADED), 1);
	cr_assert_eq(told_times(WARD_R_RECOVERED), 1);
	ended(pool);
}

Test(seat, below_the_cap_again_the_next_is_replaced)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	struct job next = job_of_kind(job_run), *out, *in;

	config.zombies = 1;
	pool = started(&config);
	for (int i = 0; i < 2; i++) {
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	cr_assert(stat_is(pool, degraded, 1));
	submitted(pool, &next);
	job_had(&next, 0); /* still serving, on one seat */
	out = load_relaxed(&job[0].dones) ? &job[0] : &job[1];
	in = load_relaxed(&job[0].dones) ? &job[1] : &job[0];
	gate_open(&out->gate);
	job_had(out, -ETIME);
	cr_assert(comes_true(load_acquire(&in->dones) == 1));
	cr_assert_eq(load_relaxed(&in->status), -ETIME);
	gate_open(&in->gate);
	job_had(in, -ETIME);
	is_whole(pool, 2, 1);
	ended(pool);
}

/* Degraded with every seat stuck: what is queued waits, and is not lost. */
Test(seat, with_all_seats_stuck_tasks_wait)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	struct job next = job_of_kind(job_run);

	config.zombies = 1;
	pool = started(&config);
	for (int i = 0; i < 2; i++) {
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	submitted(pool, &next);
	cr_assert(stat_is(pool, degraded, 1));
	cr_assert_eq(stats_of(pool).queued, 1);
	gate_open(&job[1].gate);
	job_had(&next, 0);
	job_had(&job[1], 0);
	gate_open(&job[0].gate);
	job_had(&job[0], -ETIME);
	is_whole(pool, 1, 1);
	ended(pool);
}
