/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stopped.c - scenario 10: the whole process is stopped and continued, once for
 * half a second (for 30 s if STORY_LONG is set), and many times at the frequency
 * of the scan, while healthy tasks run that use half of their budgets.
 *
 * Expected: no conviction.
 */
#include "story.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: stops and continues its parent. */
static void stop(pid_t parent, uint64_t stopped, uint64_t between,
		 unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		kill(parent, SIGSTOP);
		nap(stopped);
		kill(parent, SIGCONT);
		nap(between);
	}
}

static void while_stopped(struct ward_pool *pool, struct item *item,
			  unsigned items, uint64_t stopped, uint64_t between,
			  unsigned times)
{
	pid_t parent = getpid(), child;
	int status = 0;

	for (unsigned i = 0; i < items; i++)
		item_submit(pool, &item[i]);
	child = fork();
	expect(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stop(parent, stopped, between, times);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		;
	expect_equal(status, 0);
	for (unsigned i = 0; i < items; i++)
		item_ends(&item[i], 1);
}

static int busy(struct item *item)
{
	(void)item;
	burn(story_policy.busy_within / 2);
	return 1;
}

static int asleep(struct item *item)
{
	(void)item;
	nap(story_policy.blocked_within / 2);
	return 1;
}

/* Many short silences, none of them half of a budget. */
static int mixed(struct item *item)
{
	(void)item;
	for (int i = 0; i < 8; i++) {
		burn(story_policy.busy_within / 8);
		nap(story_policy.blocked_within / 8);
		ward_beat();
	}
	return 1;
}

static void all_kinds(struct item *item)
{
	item_init(&item[0], busy, NULL, "busy");
	item_init(&item[1], asleep, NULL, "asleep");
	item_init(&item[2], mixed, NULL, "mixed");
	item_init(&item[3], busy, NULL, "busy");
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct item item[4];
	struct ward_pool *pool;
	struct ward_stats s;

	config.workers = 4;
	pool = pool_up(&config);
	all_kinds(item);
	while_stopped(pool, item, 4, getenv("STORY_LONG") ? 30 * SECOND :
							    SECOND / 2,
		      0, 1);
	all_kinds(item);
	while_stopped(pool, item, 4, config.scan, config.scan, 60);
	all_kinds(item);
	while_stopped(pool, item, 4, 3 * config.scan, config.scan / 2, 60);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	pool_down(pool);
	return 0;
}
