/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.c - scenario 34: fork beside a pool, inside a task or a part of one, again and again
 * while threads die and are replaced.
 *
 * Expected: in the child every call on the pool answers -ECHILD and changes
 * nothing; a task that goes on there cannot come to another one; destroy gives
 * back what is the child's; the child can make a pool of its own.  The parent is
 * untouched.
 */
#include "story.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ward_pool *pool;
static const struct ward_pool_config *shape;

/* In the child: 0 if all is as it must be; no expect(), it prints for others. */
static int refused(void)
{
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct item item;

	item_init(&item, task_nothing, NULL, "child's");
	if (ward_submit(pool, &item.task, WARD_NOWAIT) != -ECHILD ||
	    ward_submit(pool, &item.task, WARD_FOREVER) != -ECHILD)
		return 2;
	if (ward_pool_stats(pool, &stats) != -ECHILD ||
	    ward_audit(pool, &audit) != -ECHILD)
		return 3;
	if (ward_pool_drain(pool, WARD_FOREVER) != -ECHILD ||
	    ward_pool_start(pool) != -ECHILD)
		return 4;
	return 0;
}

static int own_pool(void)
{
	struct ward_pool *own;
	struct item item;

	if (ward_pool_create(&own, shape) || ward_pool_start(own))
		return 5;
	item_init(&item, task_nothing, NULL, "own");
	if (ward_submit(own, &item.task, WARD_FOREVER))
		return 6;
	item_ends(&item, 0);
	return ward_pool_destroy(own, WARD_FOREVER) ? 7 : 0;
}

static int child_beside(void)
{
	int bad = refused();

	if (bad)
		return bad;
	if (ward_pool_destroy(pool, WARD_NOWAIT))
		return 8;
	return own_pool();
}

static void child_ended(pid_t child)
{
	int status;

	expect(child > 0);
	wait_until(waitpid(child, &status, WNOHANG) == child);
	expect(WIFEXITED(status));
	expect_equal(WEXITSTATUS(status), 0);
}

static void beside(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(child_beside());
	child_ended(child);
}

static int forks(struct item *item)
{
	pid_t child = fork();

	(void)item;
	if (child == 0) {
		int bad = refused();

		if (!bad && ward_check() != -ECHILD)
			bad = 9;
		_exit(bad);
	}
	child_ended(child);
	expect_equal(ward_check(), 0);
	return 1;
}

/* In the child the thread must not come to another task; its end is the end of
 * the process. */
static int forks_and_returns(struct item *item)
{
	pid_t parent = getpid(), child = fork();

	(void)item;
	if (child == 0)
		return 0;
	child_ended(child);
	expect_equal(getpid(), parent);
	return 1;
}

/* ---- beside forks of a task ------------------------------------------------------- */

static _Atomic uint32_t outer_runs, inner_runs;
static struct item *gate_of;

static int inner(struct ward_fork *part)
{
	(void)part;
	store_release(&inner_runs, 1);
	while (!load_acquire(&gate_of->gate))
		host_relax();
	return 0;
}

/* On a thief, with a part of its own on another. */
static int outer(struct ward_fork *part)
{
	struct ward_fork own = { .run = inner };
	struct ward_group group = { { 0 } };
	pid_t child;

	(void)part;
	store_release(&outer_runs, 1);
	ward_fork(&group, &own);
	while (!load_acquire(&inner_runs))
		ward_beat();
	child = fork();
	if (child == 0)
		return 0; /* with that one's thread it would wait for ever */
	child_ended(child);
	gate_open(gate_of);
	return ward_join(&group);
}

static int makes_parts(struct item *item)
{
	struct ward_fork part = { .run = outer };
	struct ward_group group = { { 0 } };

	gate_of = item;
	ward_fork(&group, &part);
	while (!load_acquire(&outer_runs))
		ward_beat();
	return ward_join(&group);
}

static void beside_parts(void)
{
	struct ward_policy patient = WARD_POLICY_INIT;
	struct item item;

	patient.busy_within = patient.blocked_within = 2 * IN_TIME;
	item_start(pool, &item, makes_parts, &patient, "parts");
	item_ends(&item, 0);
}

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static _Atomic uint32_t stop;

static void *kill_workers(void *arg)
{
	struct item item;

	(void)arg;
	while (!load_acquire(&stop)) {
		item_start(pool, &item, dies, NULL, "dies");
		item_ends(&item, -EOWNERDEAD);
	}
	return NULL;
}

static void while_healing(void)
{
	pthread_t killer;

	expect(!pthread_create(&killer, NULL, kill_workers, NULL));
	for (int i = 0; i < 40; i++) {
		pid_t child;

		wait_until(stats_of(pool).deaths > (uint64_t)(3 * i));
		child = fork();
		if (child == 0)
			_exit(child_beside());
		child_ended(child);
	}
	store_release(&stop, 1);
	pthread_join(killer, NULL);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct item item;

	if (UNDER_ASAN)
		story_skip("the sanitizer's locks do not survive a fork");
	config.workers = 3; /* a fork's maker, its thief, and one of that */
	shape = &config;
	pool = pool_up(&config);
	beside();
	item_start(pool, &item, forks, NULL, "forks");
	item_ends(&item, 1);
	item_start(pool, &item, forks_and_returns, NULL, "returns");
	item_ends(&item, 1);
	beside_parts();
	while_healing();
	wait_healed(pool);
	pool_down(pool);
	return 0;
}
