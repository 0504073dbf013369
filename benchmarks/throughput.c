/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * throughput.c - what an empty task costs, in each placement.
 *
 * throughput	ns of wall time
 * cpu		ns of CPU of all threads, submitters and those that look after
 *		the others among them: waits that burn a core are seen here
 * switches	context switches of all threads
 *
 * The last two are figures of the same trials under names of their own, so that
 * all that is called "throughput" is a time on the wall.
 *
 * task		each of a producer's objects has its turn: a window
 * free_list	the object that came back last is used next; first shape only
 */
#include "cost.h"

#include <string.h>

static const char *const metrics[] = { "task", "free_list" };

static bool throughput_trial(const struct trial *t)
{
	struct load load = { .free_list = !strcmp(t->mode, "free_list") };
	const char *what = metrics[load.free_list];
	struct cost cost;
	char metric[40];

	if (!cost_of(&load, t, &cost))
		return false;
	tell(what, "ns", cost.wall);
	snprintf(metric, sizeof(metric), "cpu/%s", what);
	tell(metric, "ns", cost.cpu);
	snprintf(metric, sizeof(metric), "switches/%s", what);
	tell(metric, "count", cost.switches);
	return true;
}

/* ---- plan --------------------------------------------------------------- */

static void shape_run(const struct options *o, struct book *book,
		      enum placement placement, struct shape shape,
		      const char *metric)
{
	struct trial like = { .bench = "throughput",
			      .mode = metric,
			      .producers = shape.producers,
			      .workers = shape.workers,
			      .tasks = o->tasks,
			      .cap = o->quick ? 300 * MS : S,
			      .ring = o->ring,
			      .window = o->window,
			      .placement = placement };

	trials_in_turn(o, book, &like, metric, "ns", NULL);
}

static void throughput_run(const struct options *o, struct book *book)
{
	for (unsigned p = 0; p < o->placements; p++) {
		for (unsigned i = 0; i < o->shapes; i++)
			shape_run(o, book, o->placement[p], o->shape[i],
				  "task");
		if (!o->brief)
			shape_run(o, book, o->placement[p], o->shape[0],
				  "free_list");
	}
}

/* ---- report ------------------------------------------------------------- */

/* A column for each shape, and the last of the free list. */
static unsigned columns_of(const struct options *o, struct column *column)
{
	static char head[TABLE_COLUMNS][16];
	unsigned n = 0;

	for (unsigned i = 0; i <= o->shapes; i++) {
		bool list = i == o->shapes;
		struct shape s = o->shape[list ? 0 : i];

		if (!list && n == TABLE_COLUMNS - 1)
			continue;
		snprintf(head[n], sizeof(head[n]), "%ux%u%s", s.producers,
			 s.workers, list ? " list" : "");
		column[n] = (struct column){ head[n], metrics[list],
					     s.producers, s.workers };
		n++;
	}
	return n;
}

static void throughput_report(const struct options *o, const struct book *book)
{
	struct column column[TABLE_COLUMNS];
	unsigned columns = columns_of(o, column);

	for (unsigned p = 0; p < o->placements; p++) {
		struct grid grid = { .placement = o->placement[p],
				     .column = column,
				     .columns = columns };

		grid.bench = "throughput";
		grid.title =
			"throughput: ns per empty task, producers x workers";
		grid_figures(o, book, &grid);
		grid_ratios(o, book, &grid);
		grid.bench = "cpu";
		grid.title = "cpu: ns of all threads per empty task";
		grid_figures(o, book, &grid);
		grid.bench = "switches";
		grid.title = "switches: of all threads per empty task";
		grid_figures(o, book, &grid);
	}
}

const struct bench bench_throughput = {
	.name = "throughput",
	.what = "ns per empty task, in each placement",
	.run = throughput_run,
	.trial = throughput_trial,
	.report = throughput_report,
};
