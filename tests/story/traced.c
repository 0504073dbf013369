/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traced.c - scenario 11: a debugger, here a child of ours, holds one worker
 * inside a task for long.
 *
 * Expected: excused while it is held; convicted by its budget when it was let go
 * and is silent on.
 */
#include "story.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int told_to[2], told_by[2]; /* pipes to and from the debugger */

/* Holds the thread whose number it reads until it reads again. */
static void debug(void)
{
	char c = 'h';
	pid_t tid;

	if (read(told_to[0], &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		_exit(77);
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, NULL, __WALL) != tid ||
	    write(told_by[1], &c, 1) != 1 || read(told_to[0], &c, 1) != 1 ||
	    ptrace(PTRACE_DETACH, tid, NULL, NULL))
		_exit(1);
	_exit(0);
}

static pid_t debugger(void)
{
	pid_t child;

	expect_equal(pipe(told_to), 0);
	expect_equal(pipe(told_by), 0);
	child = fork();
	expect(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(told_by[0]);
		debug();
	}
	close(told_by[1]);
	/* Where only parents may look at their children. */
	prctl(PR_SET_PTRACER, child, 0, 0, 0);
	return child;
}

static void while_held(int (*what)(struct item *item))
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	pid_t child = debugger();
	struct ward_stats s;
	struct item item;
	int status = 0;
	uint64_t held;
	char c = 'g';

	pool = pool_up(&config);
	item_init(&item, what, NULL, "held");
	item_submit(pool, &item);
	item_runs(&item, 1);
	expect_equal(write(told_to[1], &item.tid, sizeof(item.tid)),
		     sizeof(item.tid));
	if (read(told_by[0], &c, 1) != 1) {
		expect_equal(waitpid(child, &status, 0), child);
		expect(WIFEXITED(status) && WEXITSTATUS(status) == 77);
		story_skip("no thread may be held here");
	}
	/* Three of its budgets. */
	held = stats_of(pool).scans + 3 * story_policy.blocked_within /
					      config.scan;
	wait_until(stats_of(pool).scans >= held);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect_equal(load_acquire(&item.done), 0);
	expect_equal(write(told_to[1], &c, 1), 1);
	expect_equal(waitpid(child, &status, 0), child);
	expect_equal(status, 0);
	item_ends(&item, -ETIME);
	expect(told_id(item.incident)->report.ledger.stopped >=
	       2 * story_policy.blocked_within);
	pool_down(pool);
	close(told_by[0]);
	close(told_to[0]);
	close(told_to[1]);
}

int main(void)
{
	while_held(task_spin_until_fenced);
	while_held(task_sleep_until_fenced);
	return 0;
}
