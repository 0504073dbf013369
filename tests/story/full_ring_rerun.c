/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * full_ring_rerun.c - scenario 29: every ring is full when lost tasks must run
 * again.
 *
 * Expected: there is room for them by construction; they run before what waits,
 * and nothing is lost.
 */
#include "story.h"

#include <pthread.h>

enum { FILLERS = 400, LOST = 6 };

static struct item filler[FILLERS], lost[LOST];
static _Atomic uint32_t order;

static int counts(struct item *item)
{
	item->number = add_acq_rel(&order, 1);
	return 0;
}

/* Dies when it is told to; the second attempt counts. */
static int dies_first(struct item *item)
{
	if (load_relaxed(&item->runs) == 1) {
		task_gate(item);
		pthread_exit(NULL);
	}
	return counts(item);
}

/* From this thread until its ring takes no more. */
static unsigned fill(struct ward_pool *pool)
{
	unsigned n = 0;

	for (; n < FILLERS; n++) {
		item_init(&filler[n], counts, NULL, "filler");
		if (ward_submit(pool, &filler[n].task, WARD_NOWAIT))
			break;
	}
	return n;
}

int main(void)
{
	static const struct ward_policy again = { .size = sizeof(again),
						  .runs = 2,
						  .deaths = 1,
						  .blocked_within =
							  3600 * SECOND };
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct item more;
	unsigned filled;

	config.workers = LOST;
	config.spares = 1;
	config.ring = 4;
	pool = pool_up(&config);
	for (int i = 0; i < LOST; i++) {
		item_start(pool, &lost[i], dies_first, &again, "lost");
		item_runs(&lost[i], 1);
	}
	filled = fill(pool);
	expect(filled > 0 && filled < FILLERS);
	item_init(&more, counts, NULL, "more");
	expect_equal(ward_submit(pool, &more.task, WARD_NOWAIT), -EAGAIN);

	/* All at once, with not a cell free. */
	for (int i = 0; i < LOST; i++)
		gate_open(&lost[i]);
	for (int i = 0; i < LOST; i++) {
		item_ends(&lost[i], 0);
		expect_equal(load_acquire(&lost[i].runs), 2);
	}
	for (unsigned i = 0; i < filled; i++)
		item_ends(&filler[i], 0);
	expect_equal(load_acquire(&order), filled + LOST);
	expect_equal(stats_of(pool).reruns, LOST);
	pool_down(pool);
	return 0;
}
