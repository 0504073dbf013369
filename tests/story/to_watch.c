/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * to_watch.c - no test: a program for those of debuggers, tracers and collectors.
 *
 *	to_watch hang	a pool in which something hangs; prints "ready", and waits
 *	to_watch heal	ten times: tasks, of which one hangs and one ends its thread; and a
 *			ward that fails; then it ends
 *	to_watch metrics the same, but for the ward; prints ward_metrics() of it and of another
 *	to_watch count [published]	one worker with 20,000 tasks, all submitted before it
 *			starts, for tools that count instructions
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ward/ward.h>

/* What a program may have, too. */
struct pool {
	int mine;
};
static struct pool own = { 1 };
static struct pool *listed = &own;

static const struct ward_policy hasty = { .size = sizeof(hasty),
					  .busy_within = WARD_MS(20),
					  .blocked_within = WARD_MS(20) };
static const struct ward_policy patient = { .size = sizeof(patient),
					    .busy_within = WARD_S(3600),
					    .blocked_within = WARD_S(3600) };
static sem_t never, let_go;

static int fail(const char *what)
{
	fprintf(stderr, "to_watch: %s\n", what);
	exit(1);
}

static struct ward_pool *pool_of(const char *name, unsigned workers)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.name = name;
	config.workers = workers;
	config.scan = WARD_MS(1);
	config.policy = &patient;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		fail("no pool");
	return pool;
}

static struct ward_stats stats_of(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	if (ward_pool_stats(pool, &stats))
		fail("no stats");
	return stats;
}

/* Until it is so. */
#define await(condition)                                                       \
	do                                                                     \
		usleep(1000);                                                  \
	while (!(condition))

/* ---- hang ------------------------------------------------------------------ */

static int hangs_here(struct ward_task *task)
{
	(void)task;
	while (sem_wait(&never) && errno == EINTR)
		;
	return 0;
}

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static int hang(void)
{
	static struct ward_task stuck = { .run = hangs_here,
					  .name = "stuck",
					  .policy = &hasty };
	static struct ward_task hung = { .run = hangs_here, .name = "hung" };
	static struct ward_task in_row[3], later[3], timed;
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool = pool_of("watched", 2);
	struct ward_lane *row;

	config.name = "row";
	config.active = 1;
	if (ward_lane_create(&row, pool, &config) ||
	    ward_submit(pool, &hung, WARD_FOREVER) ||
	    ward_submit(pool, &stuck, WARD_FOREVER))
		fail("no task");
	await(stats_of(pool).zombies == 1);
	for (int i = 0; i < 3; i++) {
		in_row[i] = (struct ward_task){ .run = hangs_here, .name = "in row" };
		if (ward_lane_submit(row, &in_row[i], WARD_FOREVER))
			fail("no task in the lane");
	}
	await(stats_of(pool).running == 2);
	for (int i = 0; i < 3; i++) {
		later[i] = (struct ward_task){ .run = nothing, .name = "later" };
		if (ward_submit(pool, &later[i], WARD_FOREVER))
			fail("no task later");
	}
	timed = (struct ward_task){ .run = nothing, .name = "timed" };
	if (ward_submit_at(pool, &timed, ward_in(WARD_S(3600)), 0))
		fail("no task in time");
	printf("ready\n");
	fflush(stdout);
	alarm(300);
	pause(); /* it is killed */
	return own.mine == listed->mine;
}

/* ---- heal ------------------------------------------------------------------ */

static int takes_its_time(struct ward_task *task)
{
	(void)task;
	usleep(2000);
	return 0;
}

static int sleeps(struct ward_task *task)
{
	(void)task;
	while (sem_wait(&let_go) && errno == EINTR)
		;
	return 0;
}

static int ends(struct ward_task *task)
{
	(void)task;
	pthread_exit(NULL);
}

static int falls_over(void *arg)
{
	unsigned *times = arg;

	return ++*times < 3 ? -EIO : 0;
}

static void ward(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	unsigned times = 0;
	struct ward *it;

	spec.name = "falls over";
	spec.run = falls_over;
	spec.arg = &times;
	spec.restart = WARD_ON_FAILURE;
	if (ward_steward_create(&steward, &config) ||
	    ward_start(&it, steward, &spec) || ward_wait(it, WARD_FOREVER, NULL))
		fail("no ward");
	ward_put(it);
	if (ward_steward_destroy(steward, WARD_FOREVER))
		fail("no end of the ward");
}

static struct ward_pool *healed(void)
{
	static struct ward_task quick[50], lost[2];
	struct ward_pool *pool = pool_of("watched", 2);

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 50; i++) {
			quick[i] = (struct ward_task){ .run = takes_its_time,
						       .name = "quick" };
			if (ward_submit(pool, &quick[i], WARD_FOREVER))
				fail("no task");
		}
		lost[0] = (struct ward_task){ .run = sleeps,
					      .name = "sleeper",
					      .policy = &hasty };
		lost[1] = (struct ward_task){ .run = ends, .name = "ender" };
		for (int i = 0; i < 2; i++)
			if (ward_submit(pool, &lost[i], WARD_FOREVER))
				fail("no task");
		await(stats_of(pool).zombies == 1);
		sem_post(&let_go);
		await(stats_of(pool).answered == 52 * (unsigned)(round + 1) &&
		      stats_of(pool).zombies == 0);
	}
	return pool;
}

static int heal(void)
{
	struct ward_pool *pool = healed();

	ward();
	return ward_pool_destroy(pool, WARD_FOREVER);
}

static int metrics(void)
{
	struct ward_pool *pool[2] = { healed(), pool_of("other", 1) };
	static char text[WARD_METRICS_ROOM(2)];

	if (ward_metrics(pool, 2, text, sizeof(text)) < 0)
		fail("no metrics");
	fputs(text, stdout);
	for (int i = 0; i < 2; i++)
		if (ward_pool_destroy(pool[i], WARD_FOREVER))
			fail("no end");
	return 0;
}

/* ---- count ----------------------------------------------------------------- */

static int count(uint32_t flags)
{
	enum { TASKS = 20000 };
	static struct ward_task task[TASKS];
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = 1;
	config.ring = 1 << 15;
	config.flags = flags;
	if (ward_pool_create(&pool, &config))
		fail("no pool");
	for (int i = 0; i < TASKS; i++) {
		task[i].run = nothing;
		if (ward_submit(pool, &task[i], WARD_NOWAIT))
			fail("no task");
	}
	if (ward_pool_start(pool) || ward_pool_drain(pool, WARD_FOREVER) ||
	    ward_pool_destroy(pool, WARD_FOREVER))
		fail("no end");
	printf("%d\n", TASKS);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	return !strcmp(what, "hang")	? hang() :
	       !strcmp(what, "heal")	? heal() :
	       !strcmp(what, "metrics") ? metrics() :
	       !strcmp(what, "count")	? count(argc > 2 ? WARD_POOL_PUBLISH : 0) :
					  2;
}
