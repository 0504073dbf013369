/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * submit_deadlock.c - every worker waits, inside a task, for room that only
 * workers could make, and there may be no more workers.
 *
 * Expected: convicted as blocked like any sleep; the wait ends with -ESTALE, the
 * threads come home, their attempts are answered with -ETIME, and all that was
 * accepted is run.
 */
#include "story.h"

enum { NESTED = 400 };

static struct ward_pool *pool;
static struct item parent[2], child[2][NESTED];
static unsigned accepted[2];
static int last[2];

static int floods(struct item *item)
{
	unsigned me = (unsigned)item->number;

	for (unsigned i = 0; i < NESTED; i++) {
		item_init(&child[me][i], task_nothing, NULL, "nested");
		last[me] = ward_submit(pool, &child[me][i].task, WARD_FOREVER);
		if (last[me])
			break;
		accepted[me]++;
	}
	return 3;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_stats s;

	config.ring = 4;
	config.max = config.workers;
	pool = pool_up(&config);
	for (unsigned i = 0; i < 2; i++) {
		item_init(&parent[i], floods, NULL, "flood");
		parent[i].number = i;
		item_submit(pool, &parent[i]);
	}
	/* The second one may go on when the first was fenced. */
	wait_until(load_acquire(&parent[0].released) &&
		   load_acquire(&parent[1].released));
	expect(parent[0].status == -ETIME || parent[1].status == -ETIME);
	for (int i = 0; i < 2; i++) {
		if (parent[i].status == -ETIME)
			expect_equal(last[i], -ESTALE);
		else
			expect_equal(parent[i].status, 3);
		for (unsigned k = 0; k < accepted[i]; k++)
			item_ends(&child[i][k], 0);
	}
	s = stats_of(pool);
	expect(s.convicted_blocked >= 1);
	expect_equal(convicted(&s), s.convicted_blocked);
	pool_down(pool);
	return 0;
}
