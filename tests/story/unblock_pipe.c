/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unblock_pipe.c - scenario 4: a task is blocked in read() of a silent pipe, and
 * has left a hook that closes the other end.
 *
 * Expected: the hook is called once, before the verdict; the task ends by
 * itself, no thread is lost.  A hook that was taken back is not called, and the
 * task is convicted.
 */
#include "story.h"

#include <unistd.h>

struct pipe {
	struct item item;
	int end[2];
	_Atomic uint32_t called;
};

static void hang_up(void *arg)
{
	struct pipe *pipe = arg;

	expect_equal(add_acq_rel(&pipe->called, 1), 0);
	close(pipe->end[1]);
}

static int reads(struct item *item)
{
	struct pipe *pipe = ward_entry(item, struct pipe, item);
	char c;

	expect_equal(ward_unblock(hang_up, pipe), 0);
	expect_equal(read(pipe->end[0], &c, 1), 0);
	expect_equal(load_acquire(&pipe->called), 1);
	return 5;
}

static int takes_it_back(struct item *item)
{
	struct pipe *pipe = ward_entry(item, struct pipe, item);
	char c;

	expect_equal(ward_unblock(hang_up, pipe), 0);
	expect_equal(ward_unblock(NULL, NULL), 0);
	expect_equal(read(pipe->end[0], &c, 1), 1);
	return 5;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_policy patient = story_policy;
	struct ward_pool *pool;
	struct pipe p = { .called = 0 };
	struct ward_stats s;

	/* The scribe must come to it between half of the budget and all. */
	patient.blocked_within = 600 * MS;
	config.policy = &patient;
	pool = pool_up(&config);
	expect_equal(pipe(p.end), 0);
	item_start(pool, &p.item, reads, NULL, "read");
	item_ends(&p.item, 5);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect_equal(s.heals, 0);
	told(WARD_R_SLOW, 0);
	close(p.end[0]);

	store_relaxed(&p.called, 0);
	expect_equal(pipe(p.end), 0);
	item_start(pool, &p.item, takes_it_back, &story_policy, "read on");
	item_done(&p.item, -ETIME);
	expect_equal(told_id(p.item.incident)->report.kind, WARD_R_BLOCKED);
	expect_equal(load_acquire(&p.called), 0);
	expect_equal(write(p.end[1], "x", 1), 1); /* let it come home */
	item_ends(&p.item, -ETIME);
	told(WARD_R_HOME, 0);
	pool_down(pool);
	return 0;
}
