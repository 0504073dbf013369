/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * throughput.c - what an empty task costs: wall time from the first submit
 * until every task has been run and released, divided by their number.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WARM_TASKS UINT64_C(20000)

static bool counted_right(const struct trial *t, uint64_t made)
{
	uint64_t ran = job_counted();

	if (ran == made)
		return true;
	fprintf(stderr, "%s: %" PRIu64 " tasks went in, %" PRIu64 " ran\n",
		t->impl, made, ran);
	return false;
}

static bool throughput_trial(const struct trial *t)
{
	struct load load = { .rival = rival_find(t->impl),
			     .setup = { .workers = t->workers,
					.producers = t->producers,
					.ring = t->ring,
					.window = t->window } };
	uint64_t wall, n, warm;

	if (!load.rival || !load_start(&load))
		return false;
	/* threads started, pages touched, rings once round */
	warm = load_run(&load, WARM_TASKS, t->cap / 4, &wall);
	n = load_run(&load, t->tasks, t->cap, &wall);
	tell("task", "ns", (double)wall / (double)n);
	return load_finish(&load) && counted_right(t, warm + n);
}

static void throughput_run(const struct options *o, struct book *book)
{
	for (unsigned i = 0; i < o->shapes; i++) {
		struct trial like = { .bench = "throughput",
				      .mode = "-",
				      .producers = o->shape[i].producers,
				      .workers = o->shape[i].workers,
				      .tasks = o->tasks,
				      .cap = o->quick ? 300 * MS : S,
				      .ring = o->ring,
				      .window = o->window };

		trials_in_turn(o, book, &like, "task", "ns", NULL);
	}
}

static const struct figure *task_figure(const struct book *book,
					const char *impl, struct shape s)
{
	struct key key = { "throughput", impl,	    "task",
			   "ns",	 s.workers, s.producers };

	return book_find(book, &key);
}

/* How many times the floor's time a task takes, by the medians. */
static void ratio_row(const struct options *o, const struct book *book,
		      struct table *table)
{
	unsigned row = table_row(table, "ward / floor");

	for (unsigned i = 0; i < o->shapes && i < TABLE_COLUMNS; i++) {
		const struct figure *w, *f;

		w = task_figure(book, "ward", o->shape[i]);
		f = task_figure(book, "floor", o->shape[i]);
		if (w && f)
			table_text(table, row, i, "%.2f",
				   figure_spread(w).median /
					   figure_spread(f).median);
	}
}

static void throughput_report(const struct options *o, const struct book *book)
{
	static struct table table;

	table_start(&table,
		    "throughput: ns per empty task, producers x workers");
	for (unsigned s = 0; s < o->shapes; s++)
		table_column(&table, "%ux%u", o->shape[s].producers,
			     o->shape[s].workers);
	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row = table_row(&table, o->impl[i]->name);

		for (unsigned s = 0; s < table.columns; s++)
			table_cell(&table, row, s,
				   task_figure(book, o->impl[i]->name,
					       o->shape[s]));
	}
	ratio_row(o, book, &table);
	table_print(&table, stdout);
}

const struct bench bench_throughput = {
	.name = "throughput",
	.what = "ns per empty task",
	.run = throughput_run,
	.trial = throughput_trial,
	.report = throughput_report,
};
