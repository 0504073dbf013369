/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * end.c - answered is what has ended, and what the steward has convicted.  What is in a
 * lane comes to the pool by and by, and is counted there from then on only.
 */
#include "end.h"
#include "log.h"
#include <errno.h>

#define LOOK WARD_MS(5)
#ifndef TELL /* where time is jerky, for ever */
#define TELL WARD_S(5)
#endif

static bool is_empty(const struct ward_lane *lane)
{
	struct ward_lane_stats stats = WARD_LANE_STATS_INIT;

	return ward_lane_stats(lane, &stats) || !stats.inside;
}

static bool lanes_are_empty(struct ward_lane *const lane[END_LANES])
{
	for (int i = 0; i < END_LANES; i++)
		if (!is_empty(lane[i]))
			return false;
	return true;
}

/* A degraded pool convicts no more, so what hangs is not told from what works. */
static bool is_stuck(const struct ward_stats *stats, ward_ns asleep)
{
	static uint64_t answered;
	static ward_ns since;

	if (stats->answered != answered || !stats->degraded)
		since = ward_now();
	answered = stats->answered;
	return ward_now() - since > 2 * asleep;
}

static bool all_answered(struct ward_pool *pool, struct ward_lane *const lane[END_LANES],
			 ward_ns asleep)
{
	struct ward_stats stats = WARD_STATS_INIT;
	bool empty = lanes_are_empty(lane); /* before the look at the pool */

	return ward_pool_stats(pool, &stats) ||
	       (empty && stats.answered == stats.accepted) ||
	       is_stuck(&stats, asleep);
}

static bool all_told(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	return ward_pool_stats(pool, &stats) ||
	       log_convictions() + stats.reports_suppressed >= stats.stalled;
}

/* A log that hangs is not waited for. */
static void wait_told(struct ward_pool *pool)
{
	ward_ns until = ward_in(TELL);

	while (!all_told(pool) && ward_now() < until)
		ward_pause(ward_in(WARD_MS(1)));
}

void end_wait(struct ward_pool *pool, struct ward_lane *const lane[END_LANES],
	      ward_ns asleep)
{
	int err;

	do {
		err = ward_pool_drain(pool, ward_in(LOOK));
	} while (err == -ETIMEDOUT && !all_answered(pool, lane, asleep));
	wait_told(pool);
}
