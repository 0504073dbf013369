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

struct trial {
	unsigned workers;		/* 0: a tree of stewards */
	const struct ward_hooks *hooks; /* NULL: what is told goes to stderr */
	pid_t pid;
	int fd;
};

static void begins(struct trial *t)
{
	int fd[2];

	expect_equal(pipe(fd), 0);
	t->pid = fork();
	expect(t->pid >= 0);
	if (t->pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		if (t->workers)
			child(t->workers, t->hooks);
		root();
	}
	close(fd[1]);
	t->fd = fd[0];
}

static void ends(const struct trial *t)
{
	char buf[4096], last[4096] = "";
	FILE *file = fdopen(t->fd, "r");
	int status = 0;

	expect(file != NULL);
	while (fgets(buf, sizeof(buf), file))
		memcpy(last, buf, sizeof(last));
	fclose(file);
	expect_equal(waitpid(t->pid, &status, 0), t->pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		story_fail(__FILE__, __LINE__,
			   "%u stuck: status %x, last words '%s'", t->workers,
			   status, last);
	if (!t->hooks && !strstr(last, " blocked: "))
		story_fail(__FILE__, __LINE__, "last words '%s'", last);
}

/* Side by side: a hook that hangs is given some seconds. */
int main(void)
{
	struct trial trial[] = {
		{ .workers = 1 },
		{ .workers = 24 },  /* more than 10 lines */
		{ .workers = 100 }, /* more than there are records */
		{ .workers = 1, .hooks = &deaf },
		{ .workers = 0, .hooks = &deaf },
	};
	enum { N = sizeof(trial) / sizeof(trial[0]) };

	for (int i = 0; i < N; i++)
		begins(&trial[i]);
	for (int i = 0; i < N; i++)
		ends(&trial[i]);
	return 0;
}
