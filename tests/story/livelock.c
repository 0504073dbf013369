/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * livelock.c - scenario 1: a task spins for ever: bare, with pause, with
 * sched_yield, in cheap system calls.
 *
 * Expected: convicted as a livelock after its budget of its own CPU time, not
 * before; the report names task, worker and budget, and its ledger adds up; a
 * task behind it runs.  (The backtrace is nudge_signal.c's.)
 */
#include "story.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum way { BARE, PAUSE, YIELD, CALL, WAYS };

static const char *const name[] = { "bare", "pause", "yield", "call" };

static int spin(struct item *item)
{
	uint64_t began = cpu_of_thread();

	while (!fenced()) {
		if (item->number == PAUSE)
			host_relax();
		else if (item->number == YIELD)
			sched_yield();
		else if (item->number == CALL)
			syscall(SYS_getppid);
	}
	/* The fence came after the budget, and not at once. */
	expect(cpu_of_thread() - began >= story_policy.busy_within);
	expect_equal(ward_check(), -ESTALE);
	return 0;
}

static void check_report(const struct item *item)
{
	const struct told *t = told_id(item->incident);
	const struct ward_report *r = &t->report;

	expect_equal(r->kind, WARD_R_LIVELOCK);
	expect(!strcmp(t->task, name[item->number]));
	expect_equal(r->tid, load_relaxed(&item->tid));
	expect_equal(r->budget, story_policy.busy_within);
	expect(r->ledger.busy >= r->budget);
	expect_equal(r->ledger.busy + r->ledger.blocked + r->ledger.starved +
			     r->ledger.stopped + r->ledger.blind,
		     r->ledger.silence);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct item item[WAYS], behind;
	struct ward_pool *pool;
	struct ward_stats s;

	config.workers = 1;
	/* All are waited for: lowered, beside whatever else is busy here, they
	 * would come home when the machine is idle. */
	config.flags = WARD_POOL_KEEP_PRIORITY;
	pool = pool_up(&config);
	for (int way = 0; way < WAYS; way++) {
		item_init(&item[way], spin, NULL, name[way]);
		item[way].number = (uint64_t)way;
		item_submit(pool, &item[way]);
		item_start(pool, &behind, task_nothing, NULL, "behind");
		item_ends(&item[way], -ETIME);
		item_ends(&behind, 0);
		check_report(&item[way]);
		wait_healed(pool);
	}
	s = stats_of(pool);
	expect_equal(s.convicted_livelock, WAYS);
	expect_equal(convicted(&s), WAYS);
	expect_equal(s.late, WAYS);
	/* A spinner that sees the fence at once may keep its seat. */
	expect_equal(s.zombies_returned, s.zombies_entered);
	pool_down(pool);
	return 0;
}
