/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aborts.c - WARD_STALL_ABORT, and so many are stuck that more is to be told than
 * may be printed in a second, or than there are records for.
 *
 * Expected: the process aborts, and what it says last is a report of a stall.  It
 * aborts, too, where the program's own hook for reports hangs.  And so does a tree of
 * stewards whose root gives up, with WARD_LAST_ABORT.
 */
#include "story.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct ward_policy quick = {
	.size = sizeof(quick),
	.busy_within = SECOND,
	.blocked_within = 100 * MS,
};

static void hangs(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
	nap(IN_TIME);
}

static const struct ward_hooks deaf = { .report = hangs };

/* Never returns: the pool must end it. */
static void child(unsigned workers, const struct ward_hooks *hooks)
{
	static const struct rlimit no_core;
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct item *item = calloc(workers, sizeof(*item));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	expect(item != NULL);
	config.workers = workers;
	config.policy = &quick;
	config.hooks = hooks;
	config.on_stall = WARD_STALL_ABORT;
	config.trace_signo = WARD_TRACE_NONE;
	pool = pool_up(&config);
	for (unsigned i = 0; i < workers; i++)
		item_start(pool, &item[i], task_sleep_until_fenced, NULL,
			   "stuck");
	for (unsigned i = 0; i < workers; i++)
		item_ends(&item[i], 0);
	_exit(2);
}

static int fails(void *arg)
{
	(void)arg;
	return -EIO;
}

/* As before, of a root that gives up. */
static void root(void)
{
	static const struct rlimit no_core;
	struct ward_pool_config config = story_config();
	struct ward_steward_config tree = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	struct ward *ward;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	config.hooks = &deaf;
	tree.pool = &config;
	tree.last = WARD_LAST_ABORT;
	spec.run = fails;
	expect_equal(ward_steward_create(&steward, &tree), 0);
	expect_equal(ward_start(&ward, steward, &spec), 0);
	nap(IN_TIME);
	_exit(2);
}

/* 'hooks' NULL: what is told goes to stderr.  No workers: a tree of stewards. */
static void ends(unsigned workers, const struct ward_hooks *hooks)
{
	char buf[4096], last[4096] = "";
	int status = 0, fd[2];
	FILE *file;
	pid_t pid;

	expect_equal(pipe(fd), 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		if (workers)
			child(workers, hooks);
		root();
	}
	close(fd[1]);
	file = fdopen(fd[0], "r");
	expect(file != NULL);
	while (fgets(buf, sizeof(buf), file))
		memcpy(last, buf, sizeof(last));
	fclose(file);
	expect_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		story_fail(__FILE__, __LINE__,
			   "%u stuck: status %x, last words '%s'", workers,
			   status, last);
	if (!hooks && !strstr(last, " blocked: "))
		story_fail(__FILE__, __LINE__, "last words '%s'", last);
}

int main(void)
{
	ends(1, NULL);
	ends(24, NULL);	 /* more than 10 lines */
	ends(100, NULL); /* more than there are records */
	ends(1, &deaf);
	ends(0, &deaf);
	return 0;
}
