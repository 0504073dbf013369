/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane_turns.c - lanes that are nearly always empty, or nearly never: several threads
 * and tasks submit to the same few lanes, each task to be the only one in its lane as
 * often as not, and some are recalled.
 *
 * Expected: no lane ever has more tasks running than it is wide; what one thread has
 * put into a lane of width 1 runs in that order; every task is answered once, and the
 * lanes are empty in the end.
 */
#include "story.h"

#include <pthread.h>

enum { SUBMITTERS = 3, LANES = 4, EACH = 20000 / (UNDER_ASAN ? 10 : 1) };

static const uint32_t width[LANES] = { 1, 1, 2, 0 };

struct piece {
	struct ward_task task;
	unsigned lane, submitter, number;
	_Atomic uint32_t ran, answered, recalled;
};

static struct ward_pool *pool;
static struct ward_lane *lane[LANES];
static _Atomic uint32_t running[LANES];
static uint32_t last[LANES][SUBMITTERS]; /* of a width of 1: the lane's own */
static struct piece piece[SUBMITTERS][EACH];

static int run(struct ward_task *task)
{
	struct piece *me = ward_entry(task, struct piece, task);
	uint32_t beside = add_acq_rel(&running[me->lane], 1);

	if (width[me->lane])
		expect(beside < width[me->lane]);
	if (width[me->lane] == 1) {
		expect(me->number >= last[me->lane][me->submitter]);
		last[me->lane][me->submitter] = me->number + 1;
	}
	add_acq_rel(&me->ran, 1);
	sub_acq_rel(&running[me->lane], 1);
	return 0;
}

static void done(struct ward_task *task, int status)
{
	struct piece *me = ward_entry(task, struct piece, task);

	expect_equal(add_acq_rel(&me->answered, 1), 0);
	expect_equal(load_acquire(&me->ran), status ? 0 : 1);
}

/* Goes on when the lane is empty as often as when it is not. */
static void *submit(void *arg)
{
	struct piece *mine = arg;

	for (unsigned i = 0; i < EACH; i++) {
		unsigned at = i / 3 % LANES;

		mine[i].task.run = run;
		mine[i].task.done = done;
		mine[i].lane = at;
		mine[i].number = i;
		mine[i].submitter = (unsigned)(mine - piece[0]) / EACH;
		expect_equal(ward_lane_submit(lane[at], &mine[i].task,
					      WARD_FOREVER),
			     0);
		if (i % 97 == 0 && !ward_task_cancel(pool, &mine[i].task, 0))
			store_relaxed(&mine[i].recalled, 1);
		while (i % 5 == 0 && ward_lane_count(lane[at]))
			host_yield();
	}
	return NULL;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_lane_config how = WARD_LANE_CONFIG_INIT;
	pthread_t thread[SUBMITTERS];

	config.workers = 3;
	pool = pool_up(&config);
	for (unsigned i = 0; i < LANES; i++) {
		how.active = width[i];
		expect_equal(ward_lane_create(&lane[i], pool, &how), 0);
	}
	for (unsigned i = 0; i < SUBMITTERS; i++)
		pthread_create(&thread[i], NULL, submit, piece[i]);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < LANES; i++) {
		int err = ward_lane_join(lane[i], ward_in(IN_TIME));

		expect(err == 0 || err == -ECANCELED);
		expect_equal(ward_lane_count(lane[i]), 0);
		expect_equal(ward_lane_destroy(lane[i]), 0);
	}
	for (unsigned i = 0; i < SUBMITTERS * EACH; i++) {
		struct piece *one = &piece[i / EACH][i % EACH];

		expect_equal(load_acquire(&one->answered), 1);
		if (load_relaxed(&one->recalled))
			expect_equal(load_acquire(&one->ran), 0);
	}
	pool_down(pool);
	return 0;
}
