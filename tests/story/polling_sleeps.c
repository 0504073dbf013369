/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polling_sleeps.c - scenario 3: a task polls with short sleeps for ever, so that
 * neither its CPU time nor one long sleep gives it away.
 *
 * Expected: blocked, by its blocked budget.
 */
#include "story.h"

/* Each look costs a little CPU; a busy machine leaves little of the sleep. */
static const struct ward_policy sleeps = {
	.size = sizeof(sleeps),
	.busy_within = 10 * SECOND,
	.blocked_within = 150 * MS,
};

static int poll_for_ever(struct item *item)
{
	while (!fenced())
		nap(item->number);
	expect_equal(ward_check(), -ESTALE);
	return 0;
}

int main(void)
{
	static const uint64_t sleep[] = { 100000, MS, 20 * MS };
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct ward_stats s;

	for (int i = 0; i < 3; i++) {
		const struct ward_report *r;
		struct item item;

		item_init(&item, poll_for_ever, &sleeps, "poll");
		item.number = sleep[i];
		item_submit(pool, &item);
		item_ends(&item, -ETIME);
		r = &told_id(item.incident)->report;
		expect_equal(r->kind, WARD_R_BLOCKED);
		expect(r->ledger.blocked >= sleeps.blocked_within);
		expect_equal(r->budget, sleeps.blocked_within);
	}
	s = stats_of(pool);
	expect_equal(s.convicted_blocked, 3);
	expect_equal(convicted(&s), 3);
	pool_down(pool);
	return 0;
}
