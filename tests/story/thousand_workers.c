/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thousand_workers.c - 1024 workers and 64 submitters on whatever cores there are,
 * and now and then a worker that dies.
 *
 * Expected: every task is run and answered once for each time it was accepted; those
 * that were never given a core in time are not taken for lost; the dead are replaced;
 * and when it is over all threads are gone.
 */
#include "story.h"

#include <pthread.h>
#include <stdlib.h>

enum { WORKERS = 1024, SUBMITTERS = 64, WINDOW = 32, SUBMITS = 2000 };
enum { DEATHS = 16 }; /* one for each fourth submitter, in the middle */

struct one {
	struct ward_task task;
	_Atomic uint32_t free, runs, dones;
	uint32_t submits;
	bool deadly;
};

struct submitter {
	struct ward_pool *pool;
	pthread_t thread;
	struct one one[WINDOW];
	bool deadly;
};

static int run(struct ward_task *task)
{
	struct one *one = ward_entry(task, struct one, task);

	add_relaxed(&one->runs, 1);
	if (one->deadly)
		pthread_exit(NULL);
	return 0;
}

static void done(struct ward_task *task, int status)
{
	struct one *one = ward_entry(task, struct one, task);

	expect_equal(status, one->deadly ? -EOWNERDEAD : 0);
	add_relaxed(&one->dones, 1);
}

static void release(struct ward_task *task)
{
	store_release(&ward_entry(task, struct one, task)->free, 1);
}

static void *submit_many(void *arg)
{
	struct submitter *me = arg;

	for (unsigned i = 0; i < SUBMITS; i++) {
		struct one *one = &me->one[i % WINDOW];

		wait_until(load_acquire(&one->free));
		store_relaxed(&one->free, 0);
		one->deadly = me->deadly && i == SUBMITS / 2;
		one->submits++;
		expect_equal(ward_submit(me->pool, &one->task, WARD_FOREVER),
			     0);
	}
	return NULL;
}

static void begin(struct submitter *s, struct ward_pool *pool, bool deadly)
{
	s->pool = pool;
	s->deadly = deadly;
	for (unsigned k = 0; k < WINDOW; k++) {
		s->one[k].task.run = run;
		s->one[k].task.done = done;
		s->one[k].task.release = release;
		store_relaxed(&s->one[k].free, 1);
	}
	expect(!pthread_create(&s->thread, NULL, submit_many, s));
}

static void each_was_run(struct submitter *s)
{
	for (unsigned k = 0; k < WINDOW; k++) {
		struct one *one = &s->one[k];

		wait_until(load_acquire(&one->free));
		expect_equal(load_relaxed(&one->runs), one->submits);
		expect_equal(load_relaxed(&one->dones), one->submits);
	}
}

int main(void)
{
	struct submitter *s = calloc(SUBMITTERS, sizeof(*s));
	struct ward_pool_config config = story_config();
	unsigned before = threads_now();
	struct ward_pool *pool;
	struct ward_stats stats;

	config.workers = WORKERS;
	config.spares = 4;
	config.ring = 256;
	pool = pool_up(&config);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		begin(&s[i], pool, i % 4 == 0);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		pthread_join(s[i].thread, NULL);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		each_was_run(&s[i]);
	wait_healed(pool);
	stats = stats_of(pool);
	expect_equal(stats.workers, WORKERS);
	expect_equal(stats.accepted, SUBMITTERS * SUBMITS);
	expect_equal(stats.deaths, DEATHS);
	expect_equal(stats.heals, DEATHS);
	expect_equal(convicted(&stats), 0);
	pool_down(pool);
	wait_until(threads_now() == before);
	free(s);
	return 0;
}
