/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * declared_block.c - scenario 15: a long wait that was declared.
 *
 * Expected: no conviction up to its end, though it is longer than the budget;
 * one that overruns is convicted at its end plus the budget; declaring anew for
 * ever is believed up to a sum, and with beats in between, too, where progress is
 * asked for.
 */
#include "story.h"

#define DECLARED (5 * story_policy.blocked_within / 2)

static int as_declared(struct item *item)
{
	(void)item;
	ward_block_enter(ward_in(DECLARED));
	nap(DECLARED - 50 * MS);
	ward_block_leave();
	return 1;
}

static _Atomic uint64_t began;

static int overruns(struct item *item)
{
	store_release(&began, host_now());
	ward_block_enter(ward_in(DECLARED));
	return task_sleep_until_fenced(item);
}

/* No beat: each declaration ends before the next is made. */
static int declares_for_ever(struct item *item)
{
	(void)item;
	store_release(&began, host_now());
	while (!fenced()) {
		ward_block_enter(ward_in(20 * MS));
		nap(10 * MS);
	}
	return 0;
}

static int beats_and_declares(struct item *item)
{
	(void)item;
	store_release(&began, host_now());
	while (!fenced()) {
		ward_block_enter(ward_in(20 * MS));
		nap(10 * MS);
		ward_block_leave();
		ward_beat();
	}
	return 0;
}

static const struct ward_policy progress = {
	.size = sizeof(progress),
	.progress_within = 150 * MS,
	.declared_within = 300 * MS,
};

static const struct ward_policy capped = {
	.size = sizeof(capped),
	.busy_within = 60 * MS,
	.blocked_within = 150 * MS,
	.declared_within = 300 * MS,
};

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	const struct ward_report *r;
	struct ward_stats s;
	struct item item;

	item_start(pool, &item, as_declared, NULL, "as declared");
	item_ends(&item, 1);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);

	item_start(pool, &item, overruns, NULL, "overruns");
	item_ends(&item, -ETIME);
	r = &told_id(item.incident)->report;
	expect_equal(r->kind, WARD_R_BLOCKED);
	expect(r->at - load_acquire(&began) >=
	       DECLARED + story_policy.blocked_within);
	/* The time that was declared is not in the account. */
	expect(r->ledger.silence < r->at - load_acquire(&began) - DECLARED / 2);

	item_start(pool, &item, declares_for_ever, &capped, "for ever");
	item_ends(&item, -ETIME);
	r = &told_id(item.incident)->report;
	expect_equal(r->kind, WARD_R_BLOCKED);
	expect(r->at - load_acquire(&began) >= capped.declared_within);

	item_start(pool, &item, beats_and_declares, &progress, "beats");
	item_ends(&item, -ETIME);
	r = &told_id(item.incident)->report;
	expect_equal(r->kind, WARD_R_NO_PROGRESS);
	expect(r->at - load_acquire(&began) >= progress.declared_within);
	s = stats_of(pool);
	expect_equal(convicted(&s), 3);
	pool_down(pool);
	return 0;
}
