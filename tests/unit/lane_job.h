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

/* lane_of(pool, .active = 1) */
#define lane_of(pool, ...)                                                     \
	lane_with(pool, (struct ward_lane_config){ __VA_ARGS__ })

/* Its last task is counted out after that one's release, by another thread. */
static inline void given_back(struct ward_lane *lane)
{
	cr_assert(comes_true(ward_lane_count(lane) == 0));
	cr_assert_eq(ward_lane_destroy(lane), 0);
}

static inline void gone(struct ward_pool *pool, struct ward_lane *lane)
{
	given_back(lane);
	ended(pool);
}

/* Pool and lane come to their end, and the lane's join says that. */
static inline void finished(struct ward_pool *pool, struct ward_lane *lane,
			    int status)
{
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), status);
	cr_assert_eq(ward_lane_count(lane), 0);
	gone(pool, lane);
}

static inline void sent(struct ward_lane *lane, struct job *job)
{
	cr_assert_eq(ward_lane_submit(lane, &job->task, WARD_NOWAIT), 0);
}

static inline void sent_all(struct ward_lane *lane, struct job *job, int n,
			    int (*run)(struct ward_task *task))
{
	for (int i = 0; i < n; i++) {
		job[i] = job_of_kind(run);
		sent(lane, &job[i]);
	}
}

static inline void gates_open(struct job *job, int n)
{
	for (int i = 0; i < n; i++)
		gate_open(&job[i].gate);
}

static inline void all_had(struct job *job, int n, int32_t status)
{
	for (int i = 0; i < n; i++)
		job_had(&job[i], status);
}

static inline bool runs(struct job *job)
{
	return comes_true(load_acquire(&job->runs) == 1);
}

static inline void begun(struct ward_lane *lane, struct job *job)
{
	sent(lane, job);
	cr_assert(runs(job));
}

#endif
