/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grows_on_demand.c - more tasks that sleep than workers, in a pool that may grow.
 *
 * Expected: it grows until all of them run, and no further; when they have ended, and
 * the idle time is over, workers leave, those that it began with stay, and then it
 * sleeps: nothing of it wakes up.
 */
#include "story.h"

enum { TASKS = 12, MOST = 16 };

int main(void)
{
	static const struct ward_policy patient = { .size = sizeof(patient),
						    .blocked_within =
							    3600 * SECOND };
	struct ward_pool_config config = story_config();
	static struct item item[TASKS];
	unsigned before = threads_now(), whole;
	struct ward_pool *pool;
	struct ward_stats s;
	uint64_t scans;

	config.max = MOST;
	config.idle = 50 * MS;
	pool = pool_up(&config);
	whole = threads_now();
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < TASKS; i++)
			item_start(pool, &item[i], task_gate, &patient,
				   "sleeps");
		for (unsigned i = 0; i < TASKS; i++)
			item_runs(&item[i], 1);
		s = stats_of(pool);
		expect(s.workers >= TASKS && s.workers <= MOST);
		expect_equal(s.least, 2);
		expect_equal(s.most, MOST);
		for (unsigned i = 0; i < TASKS; i++) {
			gate_open(&item[i]);
			item_ends(&item[i], 0);
		}
		wait_until(stats_of(pool).workers == 2);
		wait_healed(pool);
		wait_until(threads_now() == whole);
	}
	s = stats_of(pool);
	expect_equal(s.heals, 0);
	expect_equal(s.rescues, 0);
	/* The steward lingers for a second; then it looks no more. */
	wait_until(load_acquire(&((struct pool *)pool)->steward_asleep));
	scans = stats_of(pool).scans;
	nap(200 * MS);
	expect_equal(stats_of(pool).scans, scans);
	pool_down(pool);
	wait_until(threads_now() == before);
	return 0;
}
