/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zombie_home.c - scenario 25: a thread that lost its attempt comes home after
 * the task ran again and ended, and beats, checks, commits, submits, declares,
 * asks for its fence number, pauses, raises.
 *
 * Expected: refused; the task's memory is its own until it left run(), and
 * release() comes then; the thread becomes a spare.  One that comes home while
 * the second attempt still runs leaves release() to that; one that comes home
 * after the pool was destroyed finds it there.
 */
#include "story.h"

static struct ward_pool *pool;

/* The first attempt hangs until the gate; the second does the work. */
static int hang_first(struct item *item)
{
	struct item late;
	uint64_t number;

	if (load_relaxed(&item->runs) == 1) {
		task_gate(item);
		expect(!load_acquire(&item->released));
		ward_beat();
		ward_progress(3);
		expect_equal(ward_check(), -ESTALE);
		expect_equal(ward_commit(), -ESTALE);
		ward_block_enter(ward_in(SECOND));
		ward_block_leave();
		expect_equal(ward_unblock(NULL, NULL), 0);
		expect_equal(ward_fence(&number), -ESTALE);
		expect_equal(ward_pause(WARD_FOREVER), -ESTALE);
		expect_equal(ward_fail(-EIO, "a zombie's"), -EIO);
		expect(ward_self() != NULL);
		expect_equal(ward_self()->attempt, 1);
		/* A task that it had ready is a task like any. */
		item_init(&late, task_nothing, NULL, "late");
		expect_equal(ward_submit(pool, &late.task, WARD_NOWAIT), 0);
		item_ends(&late, 0);
		if (item->number == 2) { /* what comes after run() is left out */
			add_relaxed(&item->ended, 1);
			ward_raise(-EDOM, "too late");
		}
		return 1;
	}
	if (item->number == 1)
		wait_until(load_acquire(&item->mark));
	expect_equal(ward_fence(&number), 0);
	expect_equal(ward_commit(), 0);
	return 2;
}

static void after_the_second(const struct ward_policy *policy, uint64_t how)
{
	struct item item;

	item_init(&item, hang_first, policy, "after");
	item.number = how;
	item_submit(pool, &item);
	item_done(&item, 2);
	expect_equal(load_acquire(&item.runs), 2);
	expect_equal(load_acquire(&item.ended), 1);
	audit_now(pool);
	expect(!load_acquire(&item.released));
	gate_open(&item);
	item_ends(&item, 2);
	expect_equal(load_acquire(&item.ended), 2);
}

static void during_the_second(const struct ward_policy *policy)
{
	struct item item;

	item_init(&item, hang_first, policy, "during");
	item.number = 1;
	item_submit(pool, &item);
	item_runs(&item, 2);
	gate_open(&item);
	wait_until(load_acquire(&item.ended) == 1);
	wait_until(stats_of(pool).zombies == 0);
	expect(!load_acquire(&item.done));
	expect(!load_acquire(&item.released));
	store_release(&item.mark, 1);
	item_ends(&item, 2);
}

static _Atomic uint32_t refused;

static int after_the_end(struct item *item)
{
	struct item late;

	task_gate(item);
	expect(!load_acquire(&item->released));
	expect_equal(ward_check(), -ESTALE);
	expect_equal(ward_commit(), -ESTALE);
	item_init(&late, task_nothing, NULL, "too late");
	expect_equal(ward_submit(pool, &late.task, WARD_NOWAIT), -ESHUTDOWN);
	add_acq_rel(&refused, 1);
	return 1;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_policy again = story_policy;
	struct item item;
	struct ward_stats s;
	unsigned threads;

	again.runs = 2;
	again.stalls = 1;
	again.blocked_within = 100 * MS;
	pool = pool_up(&config);
	after_the_second(&again, 0);
	wait_healed(pool);
	after_the_second(&again, 2);
	wait_healed(pool);
	during_the_second(&again);
	wait_healed(pool);
	s = stats_of(pool);
	expect_equal(s.late, 3);
	expect_equal(s.stale_commits, 3);
	expect_equal(s.regrets, 3);
	expect_equal(s.zombies_returned, 3);
	expect_equal(s.failed, 3); /* the second attempts: they end with 2 */
	audit_whole(pool);

	item_init(&item, after_the_end, &again, "the end");
	again.runs = 1;
	item_submit(pool, &item);
	item_done(&item, -ETIME);
	pool_leave(pool, 20 * MS, 1);
	threads = threads_now();
	expect_equal(threads, 3); /* it, and the task that waits for it */
	expect(!load_acquire(&item.released));
	gate_open(&item);
	item_ends(&item, -ETIME);
	expect_equal(load_acquire(&refused), 1);
	wait_until(threads_now() == 1);
	return 0;
}
