/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recall.c - ns a ward_task_cancel() of a task that has not begun, while the pool's
 * one worker is held by another.
 *
 * queued	1000 of them, in the pool
 * in_lane	the same, waiting in a lane of width 1
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

enum { TASKS = 1000, ROUNDS = 7 };

static struct ward_task task[TASKS], gate;
static _Atomic uint32_t begun, open, ended, ran;

static int hold(struct ward_task *me)
{
	(void)me;
	os_raise(&begun);
	while (!atomic_load_explicit(&open, memory_order_acquire)) {
		os_sleep(100 * US);
		ward_beat();
	}
	return 0;
}

static int run_wrongly(struct ward_task *me)
{
	(void)me;
	atomic_fetch_add_explicit(&ran, 1, memory_order_relaxed);
	return 0;
}

static void over(struct ward_task *me)
{
	(void)me;
	atomic_fetch_add_explicit(&ended, 1, memory_order_release);
}

static int put(struct ward_lane *lane, struct ward_task *one)
{
	return lane ? ward_lane_submit(lane, one, WARD_NOWAIT)
		    : ward_submit(bench_pool, one, WARD_NOWAIT);
}

static bool one_round(struct ward_lane *lane, double *best)
{
	uint64_t from;
	double took;

	begun = open = ended = 0;
	gate.run = hold;
	gate.release = over;
	if (put(lane, &gate))
		return false;
	os_await(&begun);
	for (int i = 0; i < TASKS; i++) {
		task[i].run = run_wrongly;
		task[i].release = over;
		if (put(lane, &task[i]))
			return false;
	}
	from = os_now();
	for (int i = 0; i < TASKS; i++)
		if (ward_task_cancel(bench_pool, &task[i], 0))
			return false;
	took = (double)(os_now() - from) / TASKS;
	*best = took < *best ? took : *best;
	atomic_store_explicit(&open, 1, memory_order_release);
	while (atomic_load_explicit(&ended, memory_order_acquire) <= TASKS)
		os_sleep(100 * US);
	return !ran;
}

static bool rounds(const char *metric, struct ward_lane *lane)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++)
		if (!one_round(lane, &best)) {
			fprintf(stderr, "recall: a task was not recalled\n");
			return false;
		}
	tell(metric, "ns", best);
	return true;
}

static bool recall_trial(const struct trial *t)
{
	struct setup setup = { t->workers, 1, t->ring, t->window };
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_lane *lane;

	config.active = 1;
	if (!rival_ward.start(&setup) ||
	    ward_lane_create(&lane, bench_pool, &config))
		return false;
	return rounds("queued", NULL) && rounds("in_lane", lane) &&
	       ward_lane_join(lane, WARD_FOREVER) == -ECANCELED &&
	       !ward_lane_destroy(lane) && rival_ward.finish();
}

/* ---- plan and report ---------------------------------------------------- */

static void recall_run(const struct options *o, struct book *book)
{
	struct options only = *o;
	struct trial like = { .bench = "recall",
			      .mode = "-",
			      .producers = 1,
			      .workers = 1,
			      .ring = 4096,
			      .window = o->window };

	only.impl[0] = &rival_ward;
	only.impls = 1;
	trials_in_turn(&only, book, &like, "queued", "ns", NULL);
}

static void recall_report(const struct options *o, const struct book *book)
{
	static const char *const metric[] = { "queued", "in_lane" };
	static struct table table;

	(void)o;
	table_start(&table, "recall: a task that is not wanted any more");
	table_column(&table, "ns");
	for (unsigned i = 0; i < 2; i++) {
		struct key key = { "recall", "ward", metric[i], "", 1, 1, NULL };

		table_cell(&table, table_row(&table, metric[i]), 0,
			   book_find(book, &key));
	}
	table_print(&table, stdout);
}

const struct bench bench_recall = {
	.name = "recall",
	.what = "what it costs to recall a task that has not begun",
	.run = recall_run,
	.trial = recall_trial,
	.report = recall_report,
};
