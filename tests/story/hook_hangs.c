/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hook_hangs.c - scenario 35: the report hook blocks for ever; later, the start
 * hook of a new thread does.
 *
 * Expected: healing goes on; what cannot be told is counted as suppressed and no
 * more than a fixed number of records is kept; destroy returns by its deadline
 * and counts the hook as a thread that is still out.
 */
#include "story.h"

#include <pthread.h>

enum { DEATHS = 150 };

static _Atomic uint32_t gate, hanging, told_so_far;
static _Atomic uint32_t start_gate, start_hangs;

static void hang(_Atomic uint32_t *at)
{
	while (!load_acquire(at))
		host_wait(at, 0, HOST_FOREVER);
}

static void on_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
	add_acq_rel(&hanging, 1);
	hang(&gate);
	sub_acq_rel(&hanging, 1);
	add_acq_rel(&told_so_far, 1);
}

static void *on_start(void *arg, unsigned thread)
{
	(void)arg;
	(void)thread;
	if (swap_acq_rel(&start_hangs, 0))
		hang(&start_gate);
	return NULL;
}

static const struct ward_hooks hooks = { .start = on_start,
					 .report = on_report };

static int die(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void die_often(struct ward_pool *pool, unsigned times)
{
	struct item item;

	for (unsigned i = 0; i < times; i++) {
		item_start(pool, &item, die, NULL, "die");
		item_ends(&item, -EOWNERDEAD);
	}
	wait_until(stats_of(pool).workers == 2);
}

static void report_hook_hangs(struct ward_pool *pool)
{
	struct ward_stats s;

	die_often(pool, DEATHS);
	wait_healed(pool);
	s = stats_of(pool);
	expect_equal(s.heals, DEATHS);
	expect_equal(load_acquire(&hanging), 1);
	expect_equal(s.reports_told, 0);
	expect(s.reports_suppressed > 0 && s.reports_suppressed < DEATHS);
	audit_whole(pool);
	store_release(&gate, 1);
	host_wake(&gate, INT32_MAX);
	wait_until(stats_of(pool).reports_told + s.reports_suppressed ==
		   DEATHS);
	expect_equal(load_acquire(&told_so_far),
		     stats_of(pool).reports_told);
}

static void start_hook_hangs(struct ward_pool *pool)
{
	store_release(&start_hangs, 1);
	die_often(pool, 1);
	wait_until(!load_acquire(&start_hangs)); /* one is in it */
	die_often(pool, 10);
	store_release(&start_gate, 1);
	host_wake(&start_gate, INT32_MAX);
	wait_healed(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	config.hooks = &hooks;
	pool = pool_up(&config);
	report_hook_hangs(pool);
	start_hook_hangs(pool);
	pool_down(pool);

	store_release(&gate, 0);
	pool = pool_up(&config);
	die_often(pool, 1);
	wait_until(load_acquire(&hanging) == 1);
	pool_leave(pool, 20 * MS, 1);
	store_release(&gate, 1);
	host_wake(&gate, INT32_MAX);
	wait_until(threads_now() == 1);
	return 0;
}
