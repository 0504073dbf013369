/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debugger.c - scenario 11: one worker's thread is held by a debugger, for ten
 * times its budget.
 *
 * Expected: excused while it is held; when it is let go, it ends as if nothing
 * had been.
 */
#include "hold.h"

static int beats_until_marked(struct item *item)
{
	while (!load_acquire(&item->mark))
		ward_beat();
	return 1;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct ward_stats s;
	struct item item;
	struct hold it;

	item_start(pool, &item, beats_until_marked, NULL, "held");
	item_runs(&item, 1);
	if (!hold(&it, load_relaxed(&item.tid))) {
		store_release(&item.mark, 1);
		story_skip("no right to trace");
	}
	nap(10 * story_policy.busy_within); /* that long, by definition */
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect_equal(s.running, 1);
	store_release(&item.mark, 1);
	dismissed(&it);
	item_ends(&item, 1);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	pool_down(pool);
	return 0;
}
