/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callbacks.c - callbacks that ruin their worker: release() leaves, also where
 * it was requeued because done() left before it; release() spins, requeued or late.
 *
 * Expected: a drain does not wait for what will never come; a callback is judged
 * as a task is, and its seat is healed.
 */
#include "story.h"

#include <pthread.h>

static _Atomic uint32_t released;

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static void leave_done(struct ward_task *task, int status)
{
	(void)task;
	(void)status;
	pthread_exit(NULL);
}

static void leave_release(struct ward_task *task)
{
	(void)task;
	add_acq_rel(&released, 1);
	pthread_exit(NULL);
}

static void spin_release(struct ward_task *task)
{
	(void)task;
	while (!fenced())
		;
	add_acq_rel(&released, 1);
}

/* The end of a pool with one such task and one behind it. */
static struct ward_stats ends_well(struct ward_task task)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct ward_stats s;
	struct item behind;

	config.workers = 1;
	pool = pool_up(&config);
	store_relaxed(&released, 0);
	expect_equal(ward_submit(pool, &task, WARD_FOREVER), 0);
	item_start(pool, &behind, task_nothing, NULL, "behind");
	item_ends(&behind, 0);
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	wait_healed(pool);
	s = stats_of(pool);
	pool_down(pool);
	expect_equal(load_acquire(&released), 1);
	return s;
}

/* ---- the release() of a task whose zombie comes home ----------------------------- */

struct late {
	struct ward_task task;
	_Atomic uint32_t go;
};

static int spins_till_told(struct ward_task *task)
{
	struct late *late = ward_entry(task, struct late, task);

	while (!load_acquire(&late->go))
		;
	return 0;
}

static void late_release_leaves(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct late late = { .task = { .run = spins_till_told,
				       .release = leave_release } };

	store_relaxed(&released, 0);
	expect_equal(ward_submit(pool, &late.task, WARD_FOREVER), 0);
	wait_until(stats_of(pool).zombies == 1);
	store_release(&late.go, 1);
	wait_until(stats_of(pool).deaths == 1);
	expect_equal(load_acquire(&released), 1);
	pool_down(pool);
	expect_equal(load_acquire(&released), 1);
}

int main(void)
{
	struct ward_stats s;

	s = ends_well((struct ward_task){ .run = nothing,
					  .release = leave_release });
	expect_equal(s.deaths, 1);
	s = ends_well((struct ward_task){ .run = nothing,
					  .done = leave_done,
					  .release = leave_release });
	expect_equal(s.deaths, 2);
	s = ends_well((struct ward_task){ .run = nothing,
					  .release = spin_release });
	expect_equal(s.convicted_livelock, 1);
	s = ends_well((struct ward_task){ .run = nothing,
					  .done = leave_done,
					  .release = spin_release });
	expect_equal(s.deaths, 1);
	expect_equal(s.convicted_livelock, 1);
	late_release_leaves();
	return 0;
}
