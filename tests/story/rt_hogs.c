/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rt_hogs.c - scenario 9: real-time threads keep everything else, the steward
 * too, from every CPU for most of a second.
 *
 * Expected: that time is blind or starved: no conviction of tasks that use half
 * of their budgets; the steward's lateness is told, once.
 */
#include "story.h"

#include <pthread.h>
#include <sched.h>

#define HOG (800 * MS) /* less than what the kernel leaves to real time */

static pthread_barrier_t all_there;

static void *hog(void *arg)
{
	uint64_t until;

	(void)arg;
	pthread_barrier_wait(&all_there);
	until = host_now() + HOG;
	while (host_now() < until)
		;
	return NULL;
}

/* On that CPU, above everything else; false: not allowed. */
static bool spawn(pthread_t *thread, int cpu)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_attr_t attr;
	cpu_set_t one;
	int err;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	err = pthread_create(thread, &attr, hog, NULL);
	pthread_attr_destroy(&attr);
	return err == 0;
}

static int half_busy(struct item *item)
{
	burn(story_policy.busy_within / 2);
	return (int)item->number;
}

static int half_asleep(struct item *item)
{
	nap(story_policy.blocked_within / 2);
	return (int)item->number;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	static pthread_t thread[CPU_SETSIZE];
	struct ward_pool *pool;
	struct item item[4];
	struct ward_stats s;
	int hogs = 0;
	cpu_set_t set;

	expect_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	config.workers = 4;
	pool = pool_up(&config);
	pthread_barrier_init(&all_there, NULL, (unsigned)CPU_COUNT(&set) + 1);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (!spawn(&thread[hogs++], cpu))
			story_skip("no real-time priority here");
	}
	for (unsigned i = 0; i < 4; i++) {
		item_init(&item[i], i % 2 ? half_busy : half_asleep, NULL,
			  "half");
		item[i].number = i;
		item_submit(pool, &item[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		item_runs(&item[i], 1);
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < hogs; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < 4; i++)
		item_ends(&item[i], (int)i);
	told(WARD_R_ENVIRONMENT, 0);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect(s.worst_lateness >= SECOND / 2);
	expect_equal(told_count(WARD_R_ENVIRONMENT), 1);
	pool_down(pool);
	return 0;
}
