/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane_job.h - jobs sent through lanes, for the tests of lanes.
 */
#ifndef UNIT_LANE_JOB_H
#define UNIT_LANE_JOB_H

#include "job.h"

static inline struct ward_lane *lane_with(struct ward_pool *pool,
					  struct ward_lane_config config)
{
	struct ward_lane *lane = NULL;

	config.size = sizeof(config);
	cr_assert_eq(ward_lane_create(&lane, pool, &config), 0);
	return lane;
}

static inline void given_back(struct ward_lane *lane)
{
	cr_assert_eq(ward_lane_count(lane), 0);
	cr_assert_eq(ward_lane_destroy(lane), 0);
}

static inline void sent(struct ward_lane *lane, struct job *job)
{
	cr_assert_eq(ward_lane_submit(lane, &job->task, WARD_NOWAIT), 0);
}

static inline bool runs(struct job *job)
{
	return comes_true(load_acquire(&job->runs) == 1);
}

#endif
