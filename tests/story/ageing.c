/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ageing.c - priorities, and work of the highest that never ends: each of its tasks
 * submits itself again as soon as it is given back.
 *
 * Expected: the lower ones get their share all the same, the lowest too, while the
 * highest goes on; and it gets most.
 */
#include "story.h"

enum { HIGH = 64, LOW = 20, RANKS = 4 };

struct endless {
	struct ward_task task;
	struct ward_lane *lane;
};

static _Atomic uint32_t stop, out;
static _Atomic uint64_t ran[RANKS];

static int run_high(struct ward_task *task)
{
	(void)task;
	add_relaxed(&ran[0], 1);
	return 0;
}

static void again(struct ward_task *task)
{
	struct endless *it = ward_entry(task, struct endless, task);

	if (load_acquire(&stop) ||
	    ward_lane_submit(it->lane, &it->task, WARD_NOWAIT))
		sub_acq_rel(&out, 1);
}

struct low {
	struct ward_task task;
	unsigned rank;
};

static int run_low(struct ward_task *task)
{
	add_relaxed(&ran[ward_entry(task, struct low, task)->rank], 1);
	return 0;
}

static struct ward_lane *lane_of_rank(struct ward_pool *pool, unsigned rank)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_lane *lane;

	config.prio = rank;
	expect_equal(ward_lane_create(&lane, pool, &config), 0);
	return lane;
}

int main(void)
{
	static struct endless high[HIGH];
	static struct low low[RANKS][LOW];
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	struct ward_lane *lane[RANKS];
	uint64_t before;

	for (unsigned rank = 0; rank < RANKS; rank++)
		lane[rank] = lane_of_rank(pool, rank);
	store_relaxed(&out, HIGH);
	for (int i = 0; i < HIGH; i++) {
		high[i].task.run = run_high;
		high[i].task.release = again;
		high[i].lane = lane[0];
		expect_equal(ward_lane_submit(lane[0], &high[i].task,
					      WARD_FOREVER),
			     0);
	}
	for (unsigned rank = RANKS - 1; rank > 0; rank--)
		for (int i = 0; i < LOW; i++) {
			low[rank][i].task.run = run_low;
			low[rank][i].rank = rank;
			expect_equal(ward_lane_submit(lane[rank],
						      &low[rank][i].task,
						      WARD_FOREVER),
				     0);
		}
	for (unsigned rank = 1; rank < RANKS; rank++)
		expect_equal(ward_lane_join(lane[rank], ward_in(IN_TIME)), 0);
	before = load_relaxed(&ran[0]);
	for (unsigned rank = 1; rank < RANKS; rank++)
		expect_equal(load_relaxed(&ran[rank]), LOW);
	expect(before > 10 * LOW * (RANKS - 1));
	wait_until(load_relaxed(&ran[0]) > before + HIGH); /* it went on */
	store_release(&stop, 1);
	wait_until(load_acquire(&out) == 0);
	for (unsigned rank = 0; rank < RANKS; rank++) {
		expect_equal(ward_lane_join(lane[rank], ward_in(IN_TIME)), 0);
		expect_equal(ward_lane_destroy(lane[rank]), 0);
	}
	pool_down(pool);
	return 0;
}
