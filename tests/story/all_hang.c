/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * all_hang.c - scenario 14: all workers hang at once, with tasks behind them;
 * the spares that come hang too, until no more may be replaced.
 *
 * Expected: one report for each ward, one that it is degraded; below the cap
 * every task behind is answered; above it the pool stands still and says so, and
 * goes on by itself when a fenced thread comes home; in the end every task was
 * answered, once.
 */
#include "story.h"

enum { WORKERS = 3, ZOMBIES = 4, BEHIND = 40 };

static _Atomic uint32_t gate;

static int hang(struct item *item)
{
	(void)item;
	while (!load_acquire(&gate))
		host_wait(&gate, 0, HOST_FOREVER);
	return 1;
}

static struct item first[WORKERS], behind[BEHIND], more[WORKERS + ZOMBIES];

static void hang_below_the_cap(struct ward_pool *pool)
{
	for (int i = 0; i < WORKERS; i++)
		item_start(pool, &first[i], hang, NULL, "hang");
	for (int i = 0; i < BEHIND; i++)
		item_start(pool, &behind[i], task_nothing, NULL, "behind");
	for (int i = 0; i < WORKERS; i++)
		item_done(&first[i], -ETIME);
	for (int i = 0; i < BEHIND; i++)
		item_ends(&behind[i], 0);
	for (int i = 0; i < WORKERS; i++)
		expect_equal(told_id(first[i].incident)->report.kind,
			     WARD_R_BLOCKED);
	expect_equal(told_count(WARD_R_BLOCKED), WORKERS);
	expect_equal(told_count(WARD_R_DEGRADED), 0);
	expect_equal(stats_of(pool).zombies, WORKERS);
}

static void hang_above_the_cap(struct ward_pool *pool)
{
	struct ward_stats s;

	for (int i = 0; i < WORKERS + ZOMBIES; i++)
		item_start(pool, &more[i], hang, NULL, "more");
	told(WARD_R_DEGRADED, 0);
	wait_until(stats_of(pool).running == WORKERS);
	s = stats_of(pool);
	expect_equal(s.zombies, ZOMBIES);
	expect_equal(s.degraded, 1);
	expect_equal(told_count(WARD_R_BLOCKED), ZOMBIES);
	audit_now(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct ward_stats s;

	config.workers = WORKERS;
	config.zombies = ZOMBIES;
	pool = pool_up(&config);
	hang_below_the_cap(pool);
	hang_above_the_cap(pool);
	store_release(&gate, 1);
	host_wake(&gate, INT32_MAX);
	for (int i = 0; i < WORKERS; i++)
		item_ends(&first[i], -ETIME);
	for (int i = 0; i < WORKERS + ZOMBIES; i++) {
		wait_until(load_acquire(&more[i].released));
		expect(more[i].status == 1 || more[i].status == -ETIME);
	}
	told(WARD_R_RECOVERED, 0);
	wait_healed(pool);
	s = stats_of(pool);
	expect_equal(told_count(WARD_R_DEGRADED), 1);
	/* Threads that came home made room for those that slept still. */
	expect(s.zombies_entered >= ZOMBIES);
	expect_equal(s.zombies_returned, s.zombies_entered);
	pool_down(pool);
	return 0;
}
