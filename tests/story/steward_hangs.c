/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward_hangs.c - scenario 38: the steward is held while the pool works; then a
 * task of the pool hangs, too.
 *
 * Expected: it is noticed and told, and another takes over: it convicts the task.
 * The old one, let go, touches nothing: it leaves, and the books are right.
 */
#include "office.h"

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct item busy, stuck;
	struct steward *old;
	struct ward_stats s;
	struct hold it;

	config.workers = 2;
	pool = pool_up(&config);
	old = in_office(pool);
	item_start(pool, &busy, beats_until_marked, NULL, "busy");
	item_runs(&busy, 1);
	wait_until(load_relaxed(&old->tid));
	if (!hold(&it, load_relaxed(&old->tid))) {
		store_release(&busy.mark, 1);
		story_skip("no right to trace");
	}
	item_start(pool, &stuck, task_spin_until_fenced, NULL, "stuck");
	expect_equal(told(WARD_R_STEWARD, 0)->report.tid,
		     load_relaxed(&old->tid));
	expect(in_office(pool) != old);
	expect_equal(told_count(WARD_R_STEWARD), 1);
	item_done(&stuck, -ETIME);
	item_ends(&stuck, -ETIME);
	s = stats_of(pool);
	expect_equal(s.convicted_livelock, 1);

	dismissed(&it);
	wait_until(load_relaxed(&old->tid) == 0);
	store_release(&busy.mark, 1);
	item_ends(&busy, 0);
	pool_down(pool);
	expect_equal(told_count(WARD_R_STEWARD), 1);
	return 0;
}
