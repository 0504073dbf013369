/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_progress.c - scenario 2: a task beats in an endless loop without progress.
 *
 * Expected: no conviction where the policy asks for no progress; one as without
 * progress where it does; none of a task that gets on.
 */
#include "story.h"

#define LONG (4 * story_policy.busy_within)

static const struct ward_policy asks = {
	.size = sizeof(asks),
	.busy_within = 60 * MS,
	.blocked_within = 150 * MS,
	.progress_within = 60 * MS,
};

static int beats(struct item *item)
{
	uint64_t end = cpu_of_thread() + LONG;

	(void)item;
	while (cpu_of_thread() < end)
		ward_beat();
	return 1;
}

static int beats_until_fenced(struct item *item)
{
	(void)item;
	while (ward_check() == 0)
		ward_progress(0); /* a mere beat */
	expect_equal(ward_check(), -ESTALE);
	return 1;
}

static int gets_on(struct item *item)
{
	uint64_t end = cpu_of_thread() + LONG;

	(void)item;
	while (cpu_of_thread() < end)
		ward_progress(1);
	return 1;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	const struct told *report;
	struct ward_stats s;
	struct item item;

	item_start(pool, &item, beats, NULL, "beats");
	item_ends(&item, 1);
	item_start(pool, &item, gets_on, &asks, "gets on");
	item_ends(&item, 1);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);

	item_start(pool, &item, beats_until_fenced, &asks, "stagnates");
	item_ends(&item, -ETIME);
	report = told_id(item.incident);
	expect_equal(report->report.kind, WARD_R_NO_PROGRESS);
	expect_equal(report->report.budget, asks.progress_within);
	s = stats_of(pool);
	expect_equal(s.convicted_progress, 1);
	expect_equal(convicted(&s), 1);
	pool_down(pool);
	return 0;
}
