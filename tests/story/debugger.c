/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debugger.c - scenario 11: one worker's thread is held by a debugger, for ten
 * times its budget.
 *
 * Expected: excused while it is held; when it is let go, it ends as if nothing
 * had been.
 */
#include "story.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: holds the thread until told to let it go. */
static int hold(pid_t thread, int held, int go)
{
	int status;
	char c;

	if (ptrace(PTRACE_SEIZE, thread, NULL, NULL))
		return 77;
	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) ||
	    waitpid(thread, &status, __WALL) != thread)
		return 1;
	if (write(held, "x", 1) != 1 || read(go, &c, 1) != 1)
		return 1;
	return ptrace(PTRACE_DETACH, thread, NULL, NULL) ? 1 : 0;
}

static int beats_until_marked(struct item *item)
{
	while (!load_acquire(&item->mark))
		ward_beat();
	return 1;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct ward_stats s;
	struct item item;
	int held[2], go[2], status;
	pid_t child;
	char c;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	expect(!pipe(held) && !pipe(go));
	item_init(&item, beats_until_marked, NULL, "held");
	item_submit(pool, &item);
	item_runs(&item, 1);
	child = fork();
	expect(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(held[0]);
		_exit(hold(load_relaxed(&item.tid), held[1], go[0]));
	}
	close(held[1]);
	if (read(held[0], &c, 1) != 1) {
		store_release(&item.mark, 1);
		waitpid(child, &status, 0);
		expect_equal(WEXITSTATUS(status), 77);
		story_skip("no right to trace");
	}
	nap(10 * story_policy.busy_within); /* that long, by definition */
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect_equal(s.running, 1);
	store_release(&item.mark, 1);
	expect_equal(write(go[1], "x", 1), 1);
	item_ends(&item, 1);
	expect_equal(waitpid(child, &status, 0), child);
	expect_equal(status, 0);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	pool_down(pool);
	return 0;
}
