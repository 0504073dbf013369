/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_proc.c - scenario 37: no /proc, no descriptors left, and a kernel that
 * refuses futex_waitv and membarrier; each in a process of its own.
 *
 * Expected: fewer accounts, said once: a livelock is still convicted by the
 * thread's CPU clock, sleep is not seen, so a sleeper is not convicted; deaths,
 * a raw exit too, are healed.
 */
#include "story.h"
#include "../unit/filter.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool no_proc(void)
{
	char dir[] = "/tmp/no_proc.XXXXXX";
	bool done = mkdtemp(dir) && chroot(dir) == 0 && chdir("/") == 0;

	return done;
}

static bool no_descriptors(void)
{
	struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_NOFILE, &none) == 0;
}

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static bool no_calls(void)
{
	return refuse_call(SYS_futex_waitv, EPERM) &&
	       refuse_call(SYS_membarrier, EPERM);
}

static int leave(struct item *item)
{
	/* A sanitizer keeps a record of each thread that its end clears. */
	if (item->number && !UNDER_ASAN)
		syscall(SYS_exit, 0);
	pthread_exit(NULL);
}

static void die(struct ward_pool *pool, bool raw)
{
	struct item item;

	item_init(&item, leave, NULL, raw ? "raw" : "exit");
	item.number = raw;
	item_submit(pool, &item);
	item_ends(&item, -EOWNERDEAD);
	expect_equal(told_id(item.incident)->report.kind, WARD_R_DEATH);
	wait_healed(pool);
}

static int sleep_long(struct item *item)
{
	nap(3 * story_policy.blocked_within);
	return (int)item->number;
}

static void convicts_a_spinner(struct ward_pool *pool)
{
	struct item item;

	item_start(pool, &item, task_spin_until_fenced, NULL, "spin");
	item_ends(&item, -ETIME);
	expect_equal(told_id(item.incident)->report.kind, WARD_R_LIVELOCK);
	wait_healed(pool);
}

static void does_not_see_sleep(struct ward_pool *pool)
{
	struct item item[2];

	for (int i = 0; i < 2; i++) {
		item_init(&item[i], sleep_long, NULL, "sleep");
		item[i].number = 9;
		item_submit(pool, &item[i]);
	}
	for (int i = 0; i < 2; i++)
		item_ends(&item[i], 9);
}

static void sees_sleep(struct ward_pool *pool)
{
	struct item item;

	item_start(pool, &item, task_sleep_until_fenced, NULL, "sleep");
	item_ends(&item, -ETIME);
	expect_equal(told_id(item.incident)->report.kind, WARD_R_BLOCKED);
	wait_healed(pool);
}

/* The reports that come then, and those that do not. */
static int tell(bool evidence)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);

	convicts_a_spinner(pool);
	if (evidence)
		sees_sleep(pool);
	else
		does_not_see_sleep(pool);
	for (int i = 0; i < 3; i++) {
		die(pool, false);
		die(pool, true);
	}
	expect_equal(told_count(WARD_R_EVIDENCE), evidence ? 0 : 1);
	pool_down(pool);
	return 0;
}

/* From the start: a process that has never had those calls. */
static void tell_anew(const char *self)
{
	execl(self, self, "told", (char *)NULL);
	_exit(77);
}

static bool in_child(bool (*without)(void), bool evidence, const char *self)
{
	pid_t child = fork();
	int status;

	expect(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		host_init(); /* loads what pthread_exit() needs */
		if (!without())
			_exit(77);
		if (self)
			tell_anew(self);
		_exit(tell(evidence));
	}
	expect_equal(waitpid(child, &status, 0), child);
	expect(WIFEXITED(status));
	if (WEXITSTATUS(status) != 77)
		expect_equal(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	bool all;

	if (argc > 1)
		return tell(true);
	all = in_child(no_calls, true, argv[0]);
	all &= in_child(no_descriptors, false, NULL);
	all &= in_child(no_proc, false, NULL);
	if (!all)
		story_skip("no seccomp, or no right to chroot");
	return 0;
}
