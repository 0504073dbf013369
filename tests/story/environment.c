/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environment.c - scenario 13: all wards are silent at once, because the steward
 * itself does not get to look, and then they are fine.
 *
 * Expected: each time one report of the environment, no conviction; the time is
 * held against nobody, though it is many budgets long.  Wards that are all
 * silent within their budgets are no incident at all.
 *
 * The steward is kept from waking up: this program is linked with --wrap.
 */
#include "story.h"

#define WARDS 6u
#define LATE (700 * MS)

static struct ward_pool *the_pool;
static _Atomic uint32_t late; /* armed: the steward oversleeps once */

WRAPPED(host_wait);
int __wrap_host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	struct pool *pool = (struct pool *)the_pool;

	if (pool && word == &pool->steward_word && swap_acq_rel(&late, 0))
		nap(LATE);
	return __real_host_wait(word, seen, until);
}

static int sleeps(struct item *item)
{
	nap(item->number);
	return 1;
}

static void all_silent(struct ward_pool *pool, uint64_t span, bool oversleep)
{
	struct item item[WARDS];

	for (unsigned i = 0; i < WARDS; i++) {
		item_init(&item[i], sleeps, NULL, "sleeps");
		item[i].number = span;
		item_submit(pool, &item[i]);
	}
	for (unsigned i = 0; i < WARDS; i++)
		item_runs(&item[i], 1);
	store_release(&late, oversleep);
	for (unsigned i = 0; i < WARDS; i++)
		item_ends(&item[i], 1);
	wait_until(!load_acquire(&late));
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_stats s;

	config.workers = WARDS;
	the_pool = pool_up(&config);
	for (int i = 0; i < 3; i++)
		all_silent(the_pool, story_policy.blocked_within / 2, false);
	expect_equal(told_count(WARD_R_ENVIRONMENT), 0);
	for (unsigned i = 0; i < 2; i++) {
		all_silent(the_pool, LATE - 100 * MS, true);
		told(WARD_R_ENVIRONMENT, i);
		all_silent(the_pool, MS, false);
	}
	s = stats_of(the_pool);
	expect_equal(convicted(&s), 0);
	expect_equal(s.heals, 0);
	expect(s.worst_lateness >= LATE - 2 * config.scan);
	expect_equal(told_count(WARD_R_ENVIRONMENT), 2);
	pool_down(the_pool);
	return 0;
}
