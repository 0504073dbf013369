/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - what idle workers keep: resident memory of the process, and how
 * much it grew for each worker that has run a task and sleeps again.
 *
 * rss		all of the process, KiB
 * rss_worker	its growth since before the start, for each worker, KiB
 * touched_worker
 *		of that, what was written to (private and dirty)
 */
#include "bench.h"
#include "threads.h"

/* Every worker takes one task, and keeps it until all have one. */
static _Atomic uint32_t arrived;
static uint32_t expected;
static _Atomic uint32_t all_there;

static int run_meet(struct ward_task *task)
{
	if (atomic_fetch_add_explicit(&arrived, 1, memory_order_acq_rel) + 1 ==
	    expected)
		os_raise(&all_there);
	os_await(&all_there);
	return job_count(task);
}

static bool memory_trial(const struct trial *t)
{
	struct load load = { .rival = rival_find(t->impl),
			     .setup = { t->workers, 1, t->ring, t->window },
			     .run = run_meet };
	uint64_t rss = memory_kib("Rss"), wall;
	uint64_t dirty = memory_kib("Private_Dirty");

	expected = t->workers;
	if (!load.rival || !load_start(&load))
		return false;
	load_run(&load, t->workers, 10 * S, &wall);
	os_sleep(200 * MS);
	tell("rss", "KiB", (double)memory_kib("Rss"));
	tell("rss_worker", "KiB",
	     (double)(memory_kib("Rss") - rss) / t->workers);
	tell("touched_worker", "KiB",
	     (double)(memory_kib("Private_Dirty") - dirty) / t->workers);
	return load_finish(&load);
}

static unsigned sizes(const struct options *o, unsigned at)
{
	static const unsigned usual[] = { 64, 1024 };

	if (o->nworkers)
		return at < o->nworkers ? o->workers[at] : 0;
	return at < 2 ? usual[at] : 0;
}

static void memory_run(const struct options *o, struct book *book)
{
	for (unsigned i = 0; sizes(o, i); i++) {
		struct trial like = { .bench = "memory",
				      .mode = "-",
				      .producers = 1,
				      .workers = sizes(o, i),
				      .cap = S,
				      .ring = o->ring,
				      /* one job for each worker, no more */
				      .window = sizes(o, i) };

		trials_in_turn(o, book, &like, "rss", "KiB", skip_nothing);
	}
}

static void memory_report(const struct options *o, const struct book *book)
{
	static const char *const metric[] = { "rss", "rss_worker",
					      "touched_worker" };
	static struct table table;

	table_start(&table,
		    "memory: KiB of a process with so many idle workers");
	for (unsigned s = 0; sizes(o, s) && s < 4; s++) {
		table_column(&table, "RSS of %u", sizes(o, s));
		table_column(&table, "a worker");
		table_column(&table, "touched");
	}
	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row;

		if (skip_nothing(o->impl[i]))
			continue;
		row = table_row(&table, o->impl[i]->name);
		for (unsigned c = 0; c < table.columns; c++) {
			struct key key = { "memory",	    o->impl[i]->name,
					   metric[c % 3],   "",
					   sizes(o, c / 3), 1 };

			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_memory = {
	.name = "memory",
	.what = "KiB of idle workers",
	.run = memory_run,
	.trial = memory_trial,
	.report = memory_report,
};
