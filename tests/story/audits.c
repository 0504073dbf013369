/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audits.c - the books are audited all the time while tasks run, workers die and
 * others are fenced.
 *
 * Expected: no audit ever finds anything broken.
 */
#include "story.h"

#include <pthread.h>

#define LOAD 32u
#define AUDITS 3000
#define LOSSES 12u

static struct ward_pool *the_pool;
static struct ward_task load[LOAD];
static _Atomic uint32_t free_load[LOAD], stop, losses;

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static void comes_again(struct ward_task *task)
{
	store_release(&free_load[task - load], 1);
}

static void *submits(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop))
		for (unsigned i = 0; i < LOAD; i++)
			if (swap_acq_rel(&free_load[i], 0))
				expect_equal(ward_submit(the_pool, &load[i],
							 WARD_FOREVER),
					     0);
	return NULL;
}

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void *ruins(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LOSSES; i++) {
		struct item item;

		item_start(the_pool, &item,
			   i % 4 ? leaves : task_spin_until_fenced, NULL,
			   "ruin");
		item_ends(&item, i % 4 ? -EOWNERDEAD : -ETIME);
		add_acq_rel(&losses, 1);
	}
	return NULL;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	pthread_t submitter, ruiner;

	the_pool = pool_up(&config);
	for (unsigned i = 0; i < LOAD; i++) {
		load[i] = (struct ward_task){ .run = nothing,
					      .release = comes_again };
		store_relaxed(&free_load[i], 1);
	}
	pthread_create(&submitter, NULL, submits, NULL);
	pthread_create(&ruiner, NULL, ruins, NULL);
	for (int i = 0; i < AUDITS || load_acquire(&losses) < LOSSES; i++)
		audit_now(the_pool);
	pthread_join(ruiner, NULL);
	store_relaxed(&stop, 1);
	pthread_join(submitter, NULL);
	pool_down(the_pool);
	return 0;
}
