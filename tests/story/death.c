/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * death.c - scenario 16: a thread leaves inside a task by pthread_exit, by
 * cancellation of itself or from outside, by a raw exit; also inside done() and
 * release().
 *
 * Expected: the attempt ends with -EOWNERDEAD and a report, or runs again where
 * the policy allows it; the seat is taken by another thread; threads and
 * descriptors are as before.
 */
#include "story.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum way { EXIT, CANCEL, CANCELLED, RAW, WAYS };
enum { TIMES = 8 };

static const char *const name[] = { "exit", "cancel", "cancelled", "raw" };

static pthread_t victim;

static void leave(enum way way, struct item *item)
{
	if (way == EXIT)
		pthread_exit(NULL);
	if (way == CANCEL) {
		pthread_cancel(pthread_self());
		pthread_testcancel();
	}
	if (way == CANCELLED) {
		victim = pthread_self();
		store_release(&item->mark, 1);
		leave_frames_open();
		for (;;)
			pause();
	}
	/* A sanitizer keeps a record of each thread that its end clears. */
	if (!UNDER_ASAN)
		syscall(SYS_exit, 0);
	pthread_exit(NULL);
}

static int die(struct item *item)
{
	leave((enum way)item->number, item);
	return 1;
}

static int die_once(struct item *item)
{
	if (load_relaxed(&item->runs) == 1)
		leave((enum way)item->number, item);
	return 0;
}

static void cancel_from_outside(struct item *item)
{
	wait_until(load_acquire(&item->mark));
	store_release(&item->mark, 0);
	expect_equal(pthread_cancel(victim), 0);
}

static void dies_and_is_answered(struct ward_pool *pool, enum way way)
{
	struct ward_stats before = stats_of(pool), after;
	const struct told *report;
	struct item item;

	item_init(&item, die, NULL, name[way]);
	item.number = way;
	item_submit(pool, &item);
	if (way == CANCELLED)
		cancel_from_outside(&item);
	item_ends(&item, -EOWNERDEAD);
	report = told_id(item.incident);
	expect_equal(report->report.kind, WARD_R_DEATH);
	expect_equal(report->report.tid, load_relaxed(&item.tid));
	expect_equal(report->report.attempt, 1);
	expect(report->report.worker < 2);
	expect(!strcmp(report->task, name[way]));
	wait_healed(pool);
	after = stats_of(pool);
	expect_equal(after.deaths, before.deaths + 1);
	expect_equal(after.died, before.died + 1);
	expect_equal(after.heals, before.heals + 1);
	audit_whole(pool);
}

static void dies_and_runs_again(struct ward_pool *pool, enum way way)
{
	struct ward_policy again = story_policy;
	struct item item;

	again.runs = 3;
	again.deaths = 1;
	item_init(&item, die_once, &again, name[way]);
	item.number = way;
	item_submit(pool, &item);
	if (way == CANCELLED)
		cancel_from_outside(&item);
	item_ends(&item, 0);
	expect_equal(load_acquire(&item.runs), 2);
	/* The budget of deaths is one, whatever the runs. */
	item_init(&item, die, &again, name[way]);
	item.number = way;
	item_submit(pool, &item);
	if (way == CANCELLED) {
		cancel_from_outside(&item);
		cancel_from_outside(&item);
	}
	item_ends(&item, -EOWNERDEAD);
	expect_equal(load_acquire(&item.runs), 2);
	wait_healed(pool);
}

/* ---- callbacks ----------------------------------------------------------------- */

static _Atomic uint32_t dones, releases;

static int run_nothing(struct ward_task *task)
{
	(void)task;
	return 7;
}

static void done_dies(struct ward_task *task, int status)
{
	(void)task;
	expect_equal(status, 7);
	add_acq_rel(&dones, 1);
	pthread_exit(NULL);
}

static void release_counts(struct ward_task *task)
{
	(void)task;
	add_acq_rel(&releases, 1);
}

static void release_dies(struct ward_task *task)
{
	(void)task;
	add_acq_rel(&releases, 1);
	pthread_exit(NULL);
}

static void dies_in_callback(struct ward_pool *pool)
{
	struct ward_task a = { .run = run_nothing,
			       .done = done_dies,
			       .release = release_counts };
	struct ward_task b = { .run = run_nothing, .release = release_dies };

	expect_equal(ward_submit(pool, &a, WARD_FOREVER), 0);
	wait_until(load_acquire(&releases) == 1);
	expect_equal(load_acquire(&dones), 1);
	expect_equal(ward_submit(pool, &b, WARD_FOREVER), 0);
	wait_until(load_acquire(&releases) == 2);
	wait_healed(pool);
	audit_whole(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	unsigned descriptors, threads;

	wait_healed(pool);
	descriptors = descriptors_now();
	threads = threads_now();
	for (int i = 0; i < TIMES; i++)
		for (int way = 0; way < WAYS; way++)
			dies_and_is_answered(pool, (enum way)way);
	for (int way = 0; way < WAYS; way++)
		dies_and_runs_again(pool, (enum way)way);
	dies_in_callback(pool);
	wait_until(threads_now() == threads);
	wait_until(descriptors_now() == descriptors);
	pool_down(pool);
	wait_until(threads_now() == 1);
	return 0;
}
