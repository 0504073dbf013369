/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fair.c - under a load that never lets a ring run empty, nobody's task is left
 * behind: not one from another thread, nor those in the local queue of a worker that
 * was replaced.
 *
 * Expected: each runs while the load goes on.
 */
#include "story.h"

#include <pthread.h>

#define MARKED 40u
#define FLOOD 64u

static struct ward_pool *the_pool;
static _Atomic uint32_t stop;
static _Atomic uint64_t flooded; /* tasks of the load that have run */

/* A part of the load: submits itself again when it has ended. */
static int some_work(struct ward_task *task)
{
	(void)task;
	for (unsigned i = 0; i < 500; i++)
		host_relax();
	add_relaxed(&flooded, 1);
	return 0;
}

static struct ward_task load[FLOOD];
static _Atomic uint32_t free_load[FLOOD];

static void comes_again(struct ward_task *task)
{
	store_release(&free_load[task - load], 1);
}

/* One thread keeps its ring as full as it can. */
static void *flood(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop)) {
		for (unsigned i = 0; i < FLOOD; i++) {
			if (!swap_acq_rel(&free_load[i], 0))
				continue;
			expect_equal(ward_submit(the_pool, &load[i],
						 WARD_FOREVER),
				     0);
		}
	}
	return NULL;
}

static pthread_t begin_load(void)
{
	pthread_t thread;

	store_relaxed(&stop, 0);
	for (unsigned i = 0; i < FLOOD; i++) {
		load[i] = (struct ward_task){ .run = some_work,
					      .release = comes_again };
		store_relaxed(&free_load[i], 1);
	}
	pthread_create(&thread, NULL, flood, NULL);
	return thread;
}

static void end_load(pthread_t thread)
{
	store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
}

static void another_threads_task(void)
{
	pthread_t thread = begin_load();

	wait_until(load_acquire(&flooded) > 4 * FLOOD);
	for (int i = 0; i < 50; i++) {
		struct item item;

		item_start(the_pool, &item, task_nothing, NULL, "another's");
		item_ends(&item, 0);
	}
	end_load(thread);
}

/* The first of a batch hangs; the others lie in its worker's own ring. */
static void hand_of_the_replaced(const struct ward_pool_config *config)
{
	static struct item item[MARKED + 1];
	struct ward_task *task[MARKED + 1];
	pthread_t thread;

	expect_equal(ward_pool_create(&the_pool, config), 0);
	for (unsigned i = 0; i <= MARKED; i++) {
		item_init(&item[i], i ? task_nothing : task_spin_until_fenced,
			  NULL, i ? "marked" : "hangs");
		task[i] = &item[i].task;
	}
	expect_equal(ward_submit_n(the_pool, task, MARKED + 1, WARD_NOWAIT),
		     MARKED + 1);
	expect_equal(ward_pool_start(the_pool), 0);
	item_runs(&item[0], 1);
	thread = begin_load();
	item_done(&item[0], -ETIME);
	for (unsigned i = 1; i <= MARKED; i++)
		item_ends(&item[i], 0);
	end_load(thread);
	item_ends(&item[0], -ETIME);
	pool_down(the_pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();

	config.workers = 1;
	the_pool = pool_up(&config);
	another_threads_task();
	pool_down(the_pool);
	hand_of_the_replaced(&config);
	return 0;
}
