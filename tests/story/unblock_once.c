/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unblock_once.c - the unblock hook belongs to one wait of one task.
 *
 * Expected: it is not called for a task that is only busy; not for the task that
 * came after the one that the warning was for; and the thread that left it is not
 * gone before it has returned.
 */
#include "story.h"

#include <pthread.h>
#include <unistd.h>

static const struct ward_policy slow = {
	.size = sizeof(slow),
	.busy_within = 800 * MS, /* the scribe comes between half and all */
	.blocked_within = 800 * MS,
};

static _Atomic uint32_t called;

static void count(void *arg)
{
	(void)arg;
	add_acq_rel(&called, 1);
}

/* ---- busy ------------------------------------------------------------------------ */

static int busy_with_hook(struct item *item)
{
	uint64_t warned = told_count(WARD_R_SLOW);

	(void)item;
	expect_equal(ward_unblock(count, NULL), 0);
	while (told_count(WARD_R_SLOW) == warned)
		;
	return 1;
}

static void not_for_the_busy(struct ward_pool *pool)
{
	struct item item;

	item_start(pool, &item, busy_with_hook, NULL, "busy");
	item_ends(&item, 1);
	expect_equal(load_acquire(&called), 0);
}

/* ---- the next task ----------------------------------------------------------------- */

static _Atomic uint32_t hold; /* the scribe is held in the report hook */

static void held_report(void *arg, const struct ward_report *report)
{
	while (load_acquire(&hold))
		host_wait(&hold, 1, HOST_FOREVER);
	story_report(arg, report);
}

static int blocks_until_warned(struct item *item)
{
	struct pool *pool = ((struct slot *)host_self())->pool;
	uint64_t raised = load_acquire(&pool->tell.raised);

	(void)item;
	expect_equal(ward_unblock(count, NULL), 0);
	while (load_acquire(&pool->tell.raised) == raised)
		nap(MS);
	return 1;
}

static int hooks_and_beats(struct item *item)
{
	expect_equal(ward_unblock(count, NULL), 0);
	while (!load_acquire(&item->gate)) {
		ward_beat();
		nap(MS);
	}
	return 1;
}

/* A warning of the first task is told while the second one is there. */
static void not_for_the_next(struct ward_pool *pool)
{
	unsigned told_before = told_count(WARD_R_SLOW);
	struct item first, warned, next;

	store_release(&hold, 1);
	/* Its warning holds the scribe; it's called. */
	item_start(pool, &first, blocks_until_warned, NULL, "first");
	item_ends(&first, 1);
	item_start(pool, &warned, blocks_until_warned, NULL, "warned");
	item_ends(&warned, 1);
	store_release(&called, 0);
	item_start(pool, &next, hooks_and_beats, NULL, "next");
	item_runs(&next, 1);
	store_release(&hold, 0);
	host_wake(&hold, INT32_MAX);
	wait_until(told_count(WARD_R_SLOW) >= told_before + 2);
	expect_equal(load_acquire(&called), 0);
	gate_open(&next);
	item_ends(&next, 1);
}

/* ---- the thread it works on ----------------------------------------------------------- */

struct stand {
	struct item item;
	struct ward_pool *pool;
	pthread_t thread;
};

/* Kills the thread that it should free, and stays long enough for a reaping. */
static void cancels(void *arg)
{
	struct stand *stand = arg;
	struct ward_stats before = stats_of(stand->pool);

	expect_equal(pthread_cancel(stand->thread), 0);
	wait_until(stats_of(stand->pool).scans > before.scans + 20);
	expect_equal(stats_of(stand->pool).threads_joined,
		     before.threads_joined);
	expect_equal(pthread_tryjoin_np(stand->thread, NULL), EBUSY);
	store_release(&stand->item.mark, 1);
}

static int stands(struct item *item)
{
	struct stand *stand = ward_entry(item, struct stand, item);

	stand->thread = pthread_self();
	expect_equal(ward_unblock(cancels, stand), 0);
	leave_frames_open();
	for (;;)
		pause();
	return 0;
}

static void not_joined_before(struct ward_pool *pool)
{
	struct stand stand = { .pool = pool };

	item_start(pool, &stand.item, stands, NULL, "stands");
	item_ends(&stand.item, -EOWNERDEAD);
	expect_equal(load_acquire(&stand.item.mark), 1);
	wait_healed(pool);
}

int main(void)
{
	const struct ward_hooks hooks = { .report = held_report };
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	config.workers = 1;
	config.policy = &slow;
	config.hooks = &hooks;
	pool = pool_up(&config);
	not_for_the_busy(pool);
	not_for_the_next(pool);
	not_joined_before(pool);
	pool_down(pool);
	return 0;
}
