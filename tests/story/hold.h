/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hold.h - one thread of this process is held, as by a debugger, and let go.
 */
#ifndef WARD_TESTS_STORY_HOLD_H
#define WARD_TESTS_STORY_HOLD_H

#include "story.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct hold {
	pid_t child; /* that traces the thread */
	int held, go;
};

/* In the child: holds the thread until told to let it go. */
static inline int hold_it(pid_t thread, int held, int go)
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

/* Returns when the thread is held.  False: there is no right to trace. */
static inline bool hold(struct hold *hold, int32_t thread)
{
	int held[2], go[2], status;
	char c;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	expect(!pipe(held) && !pipe(go));
	hold->child = fork();
	expect(hold->child >= 0);
	if (hold->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(held[0]);
		_exit(hold_it(thread, held[1], go[0]));
	}
	close(held[1]);
	close(go[0]);
	hold->held = held[0];
	hold->go = go[1];
	if (read(held[0], &c, 1) == 1)
		return true;
	waitpid(hold->child, &status, 0);
	expect_equal(WEXITSTATUS(status), 77);
	return false;
}

static inline void dismissed(struct hold *hold)
{
	int status;

	expect_equal(write(hold->go, "x", 1), 1);
	expect_equal(waitpid(hold->child, &status, 0), hold->child);
	expect_equal(status, 0);
	close(hold->held);
	close(hold->go);
}

#endif
