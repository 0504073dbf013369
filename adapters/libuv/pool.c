/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c - the lock is for makers alone; fork() waits for it, so that the child has it
 * free and the words whole.
 */
#include "pool.h"
#include "base/atomic.h"
#include "end.h"
#include "internal.h"
#include "log.h"
#include "setup.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, THREADS_MAX = 1024 };	  /* libuv's */
enum { STACK = 8 << 20, STACK_SINCE = 0x012d00 }; /* what libuv asks for, from 1.45 on */

static const struct setting_names names = {
	.budget = "UV_WARD_BUDGET",
	.cpu_budget = "UV_WARD_CPU_BUDGET",
	.zombies = "UV_WARD_ZOMBIES",
	.log = "UV_WARD_LOG",
	.publish = "UV_WARD_PUBLISH",
};

enum {
	SLOW, /* half of the width, for requests that wait for long */
	REST  /* of any width, for what finds no room: never refuses */
};

struct pool {
	struct ward_pool *ward;
	struct ward_lane *lane[END_LANES];
	ward_ns asleep;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pool pool;		/* L: lock; I once 'usable' is set */
static _Atomic uint32_t usable, failed; /* L: lock */
static struct ward_pool *parents;	/* L: lock: in a child, what fork() left */
static sigset_t mask;			/* I: of the thread that made the pool */

/* ---- made ------------------------------------------------------------------- */

/* As libuv has it: any number is made one that is possible, and any word is 0. */
static uint32_t threads(void)
{
	const char *value = getenv("UV_THREADPOOL_SIZE");
	long n = value ? strtol(value, NULL, 10) : THREADS;

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (uint32_t)n;
}

static size_t stack_size(void)
{
	return UV_VERSION_HEX < STACK_SINCE ? uv__thread_stack_size() : STACK;
}

static int pool_create(const struct settings *settings, uint32_t workers)
{
	struct setup setup;

	setup_fill(&setup, settings, &mask);
	setup.config.name = "uv";
	setup.config.workers = 1; /* the others come behind it: pool_make() */
	setup.config.max = workers;
	setup.config.spares = 1 + workers / 16;
	setup.config.stack = stack_size();
	return ward_pool_create(&pool.ward, &setup.config);
}

static int lanes_create(uint32_t workers)
{
	struct ward_lane_config slow = WARD_LANE_CONFIG_INIT;
	struct ward_lane_config rest = WARD_LANE_CONFIG_INIT;
	int err;

	slow.name = "slow";
	slow.active = (workers + 1) / 2;
	rest.name = "rest";
	err = ward_lane_create(&pool.lane[SLOW], pool.ward, &slow);
	if (err)
		return err;
	err = ward_lane_create(&pool.lane[REST], pool.ward, &rest);
	if (err)
		ward_lane_destroy(pool.lane[SLOW]);
	return err;
}

static void lanes_destroy(void)
{
	ward_lane_destroy(pool.lane[SLOW]);
	ward_lane_destroy(pool.lane[REST]);
}

static int pool_make(const struct settings *settings)
{
	uint32_t workers = threads();
	int err = pool_create(settings, workers);

	if (err)
		return err;
	err = lanes_create(workers);
	if (!err) {
		err = ward_pool_start(pool.ward);
		if (err)
			lanes_destroy();
	}
	if (!err)
		return ward_pool_resize(pool.ward, workers, workers);
	ward_pool_destroy(pool.ward, WARD_NOWAIT);
	return err;
}

/* ---- fork ------------------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* What waits in the parent's pool is the parent's. */
static void in_child(void)
{
	if (load_relaxed(&usable))
		parents = pool.ward;
	store_relaxed(&usable, 0);
	store_relaxed(&failed, 0);
	pthread_mutex_unlock(&lock);
}

/* ---- in use ----------------------------------------------------------------- */

static void make_first(void)
{
	static bool watches_forks;
	struct settings settings;
	int err;

	if (!watches_forks)
		watches_forks = !pthread_atfork(before_fork, in_parent, in_child);
	if (parents)
		ward_pool_destroy(parents, WARD_NOWAIT);
	parents = NULL;
	settings_read(&settings, &names);
	log_open(&settings);
	err = pool_make(&settings);
	if (err)
		fprintf(stderr, "libward: no pool for libuv: %s; its requests are done by "
			"the threads that make them\n", strerror(-err));
	pool.asleep = settings.asleep;
	store_relaxed(&failed, err != 0);
	store_release(&usable, !err); /* all of 'pool' before it */
}

static bool is_there(void)
{
	if (likely(load_acquire(&usable))) /* make_first() */
		return true;
	pthread_mutex_lock(&lock);
	if (!load_relaxed(&usable) && !load_relaxed(&failed))
		make_first();
	pthread_mutex_unlock(&lock);
	return load_acquire(&usable);
}

bool pool_submit(struct ward_task *task, bool slow)
{
	if (unlikely(!is_there()))
		return false;
	if (slow)
		return !ward_lane_submit(pool.lane[SLOW], task, WARD_NOWAIT);
	return !ward_submit(pool.ward, task, WARD_NOWAIT) ||
	       !ward_lane_submit(pool.lane[REST], task, WARD_NOWAIT);
}

/*
 * The pool's threads and memory stay: other threads of the program's may be at a submit,
 * and are refused.
 */
void pool_end(void)
{
	if (load_acquire(&usable))
		end_wait(pool.ward, pool.lane, pool.asleep);
}
