/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forks.c - scenario 34: fork in a task, and fork while the pool heals.
 *
 * Expected: in the child every call on the parent's pool says -ECHILD, destroy
 * gives back what is the child's, and a pool of its own works.  The parent is
 * untouched.
 */
#include "story.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS 24

static struct ward_pool *parents;

static void is_foreign(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct ward_task task = WARD_TASK_INIT(NULL);
	struct ward_task *tasks[] = { &task };
	struct item item;

	item_init(&item, task_nothing, NULL, "foreign");
	task = item.task;
	expect_equal(ward_submit(pool, &task, WARD_FOREVER), -ECHILD);
	expect_equal(ward_submit_n(pool, tasks, 1, WARD_NOWAIT), -ECHILD);
	expect_equal(ward_pool_start(pool), -ECHILD);
	expect_equal(ward_pool_drain(pool, WARD_FOREVER), -ECHILD);
	expect_equal(ward_pool_stats(pool, &stats), -ECHILD);
	expect_equal(ward_audit(pool, &audit), -ECHILD);
}

static void has_its_own(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct item item;

	item_init(&item, task_spin_until_fenced, NULL, "own");
	item_submit(pool, &item);
	item_ends(&item, -ETIME);
	pool_down(pool);
}

static void parted(pid_t child)
{
	int status = 0;

	expect(child > 0);
	while (waitpid(child, &status, 0) < 0)
		expect_equal(errno, EINTR);
	expect_equal(status, 0);
}

/* ---- in a task ----------------------------------------------------------------- */

static int forks_and_leaves(struct item *item)
{
	pid_t child = fork();

	(void)item;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		expect_equal(ward_check(), -ECHILD);
		is_foreign(parents);
		expect_equal(ward_pool_destroy(parents, WARD_FOREVER), 0);
		has_its_own();
		_exit(0);
	}
	ward_block_enter(ward_in(IN_TIME));
	parted(child);
	ward_block_leave();
	return 3;
}

/* Its child returns from the task: then the thread, and so the child, ends. */
static int forks_and_returns(struct item *item)
{
	static pid_t child;

	(void)item;
	child = fork();
	if (child == 0)
		return 0;
	ward_block_enter(ward_in(IN_TIME));
	parted(child);
	ward_block_leave();
	return 3;
}

/* ---- while the pool heals -------------------------------------------------------- */

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void while_healing(struct ward_pool *pool)
{
	for (int i = 0; i < FORKS; i++) {
		struct item item[2];
		pid_t child;

		item_init(&item[0], leaves, NULL, "leaves");
		item_init(&item[1], task_spin_until_fenced, NULL, "spins");
		item_submit(pool, &item[0]);
		if (i % 4 == 0) {
			item_submit(pool, &item[1]);
			item_runs(&item[1], 1);
		}
		child = fork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			is_foreign(pool);
			expect_equal(ward_pool_destroy(pool, WARD_FOREVER), 0);
			_exit(0);
		}
		parted(child);
		item_ends(&item[0], -EOWNERDEAD);
		if (i % 4 == 0)
			item_ends(&item[1], -ETIME);
	}
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_stats s;
	struct item item;

	parents = pool_up(&config);
	item_init(&item, forks_and_leaves, NULL, "forks");
	item_submit(parents, &item);
	item_ends(&item, 3);
	item_init(&item, forks_and_returns, NULL, "forks");
	item_submit(parents, &item);
	item_ends(&item, 3);
	s = stats_of(parents);
	expect_equal(convicted(&s) + s.deaths, 0);
	while_healing(parents);
	s = stats_of(parents);
	expect_equal(s.deaths, FORKS);
	expect_equal(s.convicted_livelock, FORKS / 4);
	pool_down(parents);
	return 0;
}
