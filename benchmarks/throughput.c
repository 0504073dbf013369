/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * throughput.c - what an empty task costs: from the first submit until every
 * task has been run and released, divided by their number.
 *
 * throughput	ns of wall time
 * cpu		ns of CPU of all threads, submitters and those that look after
 *		the others among them: waits that burn a core are seen here
 * switches	context switches of all threads
 *
 * The last two are figures of the same trials under names of their own, so that
 * all that is called "throughput" is a time on the wall.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

/* The CPU time of the process so far, the threads that have ended included. */
struct usage {
	double cpu, switches;
};

static double ns(struct timeval tv)
{
	return (double)tv.tv_sec * 1e9 + (double)tv.tv_usec * 1e3;
}

static struct usage usage_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct usage){ ns(r.ru_utime) + ns(r.ru_stime),
			       (double)(r.ru_nvcsw + r.ru_nivcsw) };
}

static bool throughput_trial(const struct trial *t)
{
	struct load load = { 0 };
	struct usage before, after;
	uint64_t wall, n, warm;

	if (!trial_load(&load, t))
		return false;
	/* threads started, pages touched, rings once round */
	warm = load_run(&load, WARM_TASKS, t->cap / 4, &wall);
	before = usage_now();
	n = load_run(&load, t->tasks, t->cap, &wall);
	after = usage_now();
	tell("task", "ns", (double)wall / (double)n);
	tell("cpu/task", "ns", (after.cpu - before.cpu) / (double)n);
	tell("switches/task", "count",
	     (after.switches - before.switches) / (double)n);
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

static const struct figure *figure(const struct book *book, const char *bench,
				   const char *impl, struct shape s)
{
	struct key key = { bench, impl, "task", "", s.workers, s.producers };

	return book_find(book, &key);
}

/* How many times the floor's a task takes, by the medians. */
static void ratio_row(const struct options *o, const struct book *book,
		      const char *bench, struct table *table)
{
	unsigned row = table_row(table, "ward / floor");

	for (unsigned i = 0; i < table->columns; i++) {
		const struct figure *w, *f;

		w = figure(book, bench, "ward", o->shape[i]);
		f = figure(book, bench, "floor", o->shape[i]);
		if (w && f)
			table_text(table, row, i, "%.2f",
				   figure_spread(w).median /
					   figure_spread(f).median);
	}
}

static void report(const struct options *o, const struct book *book,
		   const char *bench, const char *title)
{
	static struct table table;

	table_start(&table, title);
	for (unsigned s = 0; s < o->shapes && s < TABLE_COLUMNS; s++)
		table_column(&table, "%ux%u", o->shape[s].producers,
			     o->shape[s].workers);
	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row = table_row(&table, o->impl[i]->name);

		for (unsigned s = 0; s < table.columns; s++)
			table_cell(&table, row, s,
				   figure(book, bench, o->impl[i]->name,
					  o->shape[s]));
	}
	ratio_row(o, book, bench, &table);
	table_print(&table, stdout);
}

static void throughput_report(const struct options *o, const struct book *book)
{
	report(o, book, "throughput",
	       "throughput: ns per empty task, producers x workers");
	report(o, book, "cpu", "cpu: ns of all threads per empty task");
	report(o, book, "switches",
	       "switches: context switches of all threads per empty task");
}

const struct bench bench_throughput = {
	.name = "throughput",
	.what = "ns per empty task",
	.run = throughput_run,
	.trial = throughput_trial,
	.report = throughput_report,
};
