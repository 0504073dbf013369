/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lane_limits.c - a lane's limits changed while it runs.
 */
#include "lane_job.h"
#include "lane/limit.h"

#define HOURLY (1 / 3600.0)

static struct ward_pool *pool;
static struct ward_lane *lane;
static struct ward_limit slow, quick;
static struct ward_limit *both[] = { &slow, &quick };
static struct ward_limit *only_slow[] = { &slow };
static struct ward_limit *only_quick[] = { &quick };

static uint64_t spent(const struct ward_limit *limit)
{
	return load_relaxed(&limit_of(limit)->bucket.spent);
}

static uint64_t interval(const struct ward_limit *limit)
{
	return pace_interval(load_relaxed(&limit_of(limit)->bucket.pace));
}

/* The limit has no token any more, and the next one is given away. */
static bool is_promised(const struct ward_limit *limit)
{
	return comes_true(spent(limit) > bucket_ticks(host_now()));
}

/* A token is there, of each; of 'slow' the next one comes in an hour. */
static void set_up(void)
{
	cr_assert_eq(ward_limit_init(&slow, HOURLY, 1), 0);
	cr_assert_eq(ward_limit_init(&quick, HOURLY, 2), 0);
	pool = pool_of(2);
}

static void change(struct ward_limit *const *limits, uint32_t n)
{
	cr_assert_eq(ward_lane_set_limits(lane, limits, n), 0);
}

/* The lane has let go of it; a turn may be just under way. */
static bool is_free(struct ward_limit *limit)
{
	return comes_true(ward_limit_fini(limit) == 0);
}

/* The first is through, the second waits an hour, and the others for it. */
static void wait_for_slow(struct job *job, int n)
{
	sent_all(lane, job, n, job_run);
	job_had(&job[0], 0);
	cr_assert(is_promised(&slow));
	for (int i = 1; i < n; i++)
		cr_assert_eq(job[i].runs, 0);
}

static void tear_down(int status)
{
	finished(pool, lane, status);
}

/* ---- what waits ---------------------------------------------------------------- */

Test(lane_limits, without_them_what_waited_goes_on)
{
	struct job job[3];
	uint64_t before;

	set_up();
	lane = lane_of(pool, .limits = only_slow, .nlimits = 1);
	cr_assert_eq(ward_limit_fini(&slow), -EBUSY);
	sent_all(lane, job, 1, job_run);
	job_had(&job[0], 0);
	before = spent(&slow);
	sent_all(lane, job, 3, job_run);
	cr_assert(comes_true(spent(&slow) != before));
	change(NULL, 0);
	all_had(job, 3, 0);
	cr_assert_eq(spent(&slow), before, "what it was to have is given back");
	cr_assert(is_free(&slow));
	tear_down(0);
}

Test(lane_limits, what_was_granted_by_those_that_stay_is_kept)
{
	struct job job[3];
	uint64_t before;

	set_up();
	lane = lane_of(pool, .limits = both, .nlimits = 2);
	wait_for_slow(job, 3);
	before = spent(&quick);
	change(only_quick, 1);
	job_had(&job[1], 0);
	cr_assert(comes_true(spent(&quick) != before), "for the third");
	cr_assert_eq(spent(&quick) - before, interval(&quick),
		     "and nothing more");
	cr_assert_eq(job[2].runs, 0);
	cr_assert(is_free(&slow));
	cr_assert_eq(ward_limit_fini(&quick), -EBUSY);
	cr_assert(ward_lane_cancel(lane, -EINTR));
	job_had(&job[2], -EINTR);
	tear_down(-EINTR);
	cr_assert_eq(ward_limit_fini(&quick), 0);
}

Test(lane_limits, what_waited_waits_by_the_new_ones)
{
	struct job job[2];
	ward_ns began;

	set_up();
	lane = lane_of(pool, .limits = only_slow, .nlimits = 1);
	wait_for_slow(job, 2);
	cr_assert_eq(ward_limit_set(&quick, 20, 1), 0);
	cr_assert_eq(ward_limit_take(only_quick, 1, 1, WARD_FOREVER, NULL), 0);
	began = ward_now();
	change(only_quick, 1);
	job_had(&job[1], 0);
	cr_assert_geq(ward_now() - began, WARD_MS(20));
	tear_down(0);
}

/* The second task would have been granted soon, and now in an hour. */
Test(lane_limits, stricter_ones_hold_for_what_waits)
{
	struct job job[2];
	ward_ns began = ward_now();

	set_up();
	cr_assert_eq(ward_limit_set(&quick, 20, 1), 0);
	cr_assert_eq(ward_limit_take(only_slow, 1, 1, WARD_FOREVER, NULL), 0);
	lane = lane_of(pool, .limits = only_quick, .nlimits = 1);
	sent_all(lane, job, 2, job_run);
	job_had(&job[0], 0);
	change(both, 2);
	cr_assert(comes_true(ward_now() > began + WARD_MS(150)));
	cr_assert_eq(job[1].runs, 0);
	change(only_quick, 1);
	job_had(&job[1], 0);
	tear_down(0);
}

Test(lane_limits, a_lane_without_gets_some)
{
	struct job job[3];

	set_up();
	lane = lane_of(pool, .active = 2);
	sent_all(lane, job, 1, job_run);
	job_had(&job[0], 0);
	change(only_slow, 1);
	wait_for_slow(job, 3);
	cr_assert_eq(ward_task_cancel(pool, &job[1].task, -EINTR), 0);
	job_had(&job[1], -EINTR);
	change(NULL, 0);
	job_had(&job[2], 0);
	tear_down(-EINTR);
	cr_assert_eq(ward_limit_fini(&slow), 0);
}

Test(lane_limits, cancelled_while_it_waits_for_others)
{
	struct job job[3];

	set_up();
	lane = lane_of(pool, .limits = only_slow, .nlimits = 1);
	wait_for_slow(job, 3);
	cr_assert_eq(ward_limit_set(&quick, HOURLY, 1), 0);
	change(both, 2);
	change(only_quick, 1);
	job_had(&job[1], 0);
	cr_assert(ward_lane_cancel(lane, -EPIPE));
	job_had(&job[2], -EPIPE);
	tear_down(-EPIPE);
}

/* ---- by the submitter ----------------------------------------------------------- */

static void *sends(void *arg)
{
	static struct job own;

	own = job_of_kind(job_run);
	*(int *)arg = ward_lane_submit(lane, &own.task, WARD_FOREVER);
	return NULL;
}

Test(lane_limits, a_caller_does_not_wait_for_what_was_taken_away)
{
	struct job held[2];
	uint64_t before;
	pthread_t thread;
	int said = 1;

	set_up();
	lane = lane_of(pool, .queued = 1, .flags = WARD_LANE_CALLER_RUNS,
		       .limits = only_slow, .nlimits = 1);
	held[0] = job_of_kind(job_sleep);
	begun(lane, &held[0]);
	before = spent(&slow);
	cr_assert_eq(pthread_create(&thread, NULL, sends, &said), 0);
	cr_assert(comes_true(spent(&slow) != before));
	change(only_quick, 1);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(said, 0);
	cr_assert_eq(spent(&slow), before);
	cr_assert(is_free(&slow));
	gate_open(&held[0].gate);
	tear_down(0);
}

/* ---- beside all the rest ---------------------------------------------------------- */

enum { MANY = 4000 };
static struct job many[MANY];
static _Atomic uint32_t stop;

static void *changes(void *arg)
{
	struct ward_limit *const *set[] = { NULL, only_slow, only_quick, both };
	static const uint32_t n[] = { 0, 1, 1, 2 };
	uint32_t i = (uint32_t)(uintptr_t)arg;

	for (; !load_relaxed(&stop); i++) {
		change(set[i % 4], n[i % 4]);
		host_yield();
	}
	return NULL;
}

static void change_beside(uint32_t active)
{
	pthread_t thread[2];

	set_up();
	cr_assert_eq(ward_limit_set(&slow, 5e4, 1), 0);
	cr_assert_eq(ward_limit_set(&quick, 1e5, 2), 0);
	lane = lane_of(pool, .active = active);
	for (uintptr_t i = 0; i < 2; i++)
		cr_assert_eq(
			pthread_create(&thread[i], NULL, changes, (void *)i),
			0);
	sent_all(lane, many, MANY, job_run);
	all_had(many, MANY, 0);
	store_relaxed(&stop, 1);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_join(thread[i], NULL), 0);
	tear_down(0);
	cr_assert_eq(ward_limit_fini(&slow), 0);
	cr_assert_eq(ward_limit_fini(&quick), 0);
}

Test(lane_limits, changed_beside_tasks, .timeout = 60)
{
	change_beside(0);
}

Test(lane_limits, changed_beside_tasks_of_a_key, .timeout = 60)
{
	change_beside(1);
}

/* ---- bad input ------------------------------------------------------------------- */

static int refused(struct ward_limit *const *limits, uint32_t n)
{
	return ward_lane_set_limits(lane, limits, n);
}

Test(lane_limits, what_makes_no_sense)
{
	static struct ward_limit chain[WARD_LIMITS_MAX], none;
	struct ward_limit *bad[9] = { &none }, *null[] = { &slow, NULL };
	struct ward_limit *long_one[] = { &chain[0], &slow };
	struct ward_lane *other = NULL;
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;

	set_up();
	lane = lane_of(pool, .limits = only_quick, .nlimits = 1);
	for (int i = 0; i < WARD_LIMITS_MAX; i++)
		cr_assert_eq(ward_limit_init(&chain[i], 1, 1), 0);
	for (int i = 0; i < WARD_LIMITS_MAX - 1; i++)
		cr_assert_eq(ward_limit_under(&chain[i], &chain[i + 1]), 0);
	cr_assert_eq(refused(NULL, 1), -EINVAL);
	cr_assert_eq(refused(bad, 1), -EINVAL, "never initialised");
	cr_assert_eq(refused(null, 2), -EINVAL);
	cr_assert_eq(refused(bad, 9), -EINVAL);
	cr_assert_eq(refused(long_one, 2), -E2BIG);
	cr_assert_eq(ward_lane_set_limits(NULL, only_slow, 1), -EINVAL);
	cr_assert_eq(ward_limit_fini(&quick), -EBUSY, "nothing has changed");
	cr_assert_eq(ward_limit_fini(&slow), 0);
	cr_assert_eq(ward_limit_fini(&slow), -EINVAL);
	cr_assert_eq(ward_limit_fini(NULL), -EINVAL);
	config.limits = only_slow;
	config.nlimits = 1;
	cr_assert_eq(ward_lane_create(&other, pool, &config), -EINVAL);
	config.limits = long_one;
	config.nlimits = 1;
	cr_assert_eq(ward_lane_create(&other, pool, &config), 0);
	given_back(other);
	tear_down(0);
}

Test(lane_limits, none_beside_lanes_under_a_lane)
{
	struct ward_lane *over, *under, *none = NULL;
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;

	set_up();
	over = lane_of(pool, .active = 1);
	under = lane_of(pool, .under = over);
	lane = over;
	cr_assert_eq(refused(only_slow, 1), -EINVAL);
	cr_assert_eq(refused(NULL, 0), 0, "as it is");
	lane = under;
	cr_assert_eq(refused(only_slow, 1), -EINVAL);
	given_back(under);
	lane = over;
	cr_assert_eq(refused(only_slow, 1), -EINVAL, "it was shared");
	given_back(over);
	lane = lane_of(pool, .active = 1);
	change(only_slow, 1);
	change(NULL, 0);
	config.under = lane;
	cr_assert_eq(ward_lane_create(&none, pool, &config), -EINVAL);
	cr_assert_eq(ward_limit_fini(&slow), 0);
	tear_down(0);
}
