/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overhead.c - what being looked after costs.
 *
 * supervision_pinned
 *		ns a task above the floor, one producer and one worker on one
 *		core, where no cache line travels
 * supervision_1x8
 *		the same, 1 producer and 8 workers on all cores
 * task_pinned, task_1x8
 *		what these are differences of
 * catching_pinned
 *		ns a task, of being able to catch faults: a pool that does above
 *		one that does not, both as in task_pinned
 * beat, progress, check
 *		ns a call inside a task, above an empty loop
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* ---- one task ----------------------------------------------------------- */

static bool task_trial(const struct trial *t, bool pinned)
{
	bool catching = !strcmp(t->impl, ward_catching.name);
	struct load load = { .rival = catching ? &ward_catching : NULL };
	uint64_t wall, n;

	if (pinned && !machine_use(1))
		return false;
	if (!trial_load(&load, t))
		return false;
	load_run(&load, 20000, t->cap / 4, &wall);
	n = load_run(&load, t->tasks, t->cap, &wall);
	tell("task", "ns", (double)wall / (double)n);
	return load_finish(&load);
}

/* ---- one call ----------------------------------------------------------- */

enum { CALLS = 4 * 1000 * 1000 };

/* The best of several rounds of one loop, ns a turn. */
#define LOOP(call)                                                             \
	({                                                                     \
		double best_ = 1e9;                                            \
		for (int round_ = 0; round_ < 7; round_++) {                   \
			uint64_t from_ = os_now();                             \
			double took_;                                          \
			for (int i_ = 0; i_ < CALLS; i_++) {                   \
				call;                                          \
				__asm__ volatile("" ::: "memory");             \
			}                                                      \
			took_ = (double)(os_now() - from_) / CALLS;            \
			best_ = took_ < best_ ? took_ : best_;                 \
		}                                                              \
		best_;                                                         \
	})

static double call_ns[3];

static int run_calls(struct ward_task *task)
{
	double empty = LOOP((void)0);

	ward_beat();
	call_ns[0] = LOOP(ward_beat()) - empty;
	call_ns[1] = LOOP(ward_progress(1)) - empty;
	call_ns[2] = LOOP((void)ward_check()) - empty;
	return job_count(task);
}

static bool calls_trial(const struct trial *t)
{
	struct load load = { .rival = &rival_ward,
			     .setup = { 1, 1, t->ring, 1 },
			     .run = run_calls };
	uint64_t wall;

	if (!load_start(&load))
		return false;
	load_run(&load, 1, S, &wall);
	tell("beat", "ns", call_ns[0]);
	tell("progress", "ns", call_ns[1]);
	tell("check", "ns", call_ns[2]);
	return load_finish(&load);
}

static bool overhead_trial(const struct trial *t)
{
	if (!strcmp(t->mode, "pinned") || !strcmp(t->mode, "spread"))
		return task_trial(t, t->mode[0] == 'p');
	return calls_trial(t);
}

/* ---- plan and report ---------------------------------------------------- */

static void book_one(struct book *book, const char *impl, const char *metric,
		     const char *unit, unsigned workers, double value)
{
	struct key key = { "overhead", impl, metric, unit, workers, 1, NULL };

	book_add(book, &key, value);
}

static bool ask(struct trial *t, const char *impl, struct results *r)
{
	t->impl = impl;
	progress("overhead  %s  %s", t->mode, impl);
	trial_run(t, TRIAL_LIMIT_S, r);
	return !r->failed && !r->collapsed;
}

/* Two, one after the other; each pair gives one difference. */
struct pair {
	const char *mode;
	unsigned workers;
	const char *first, *second;
	const char *task;	/* of each, as it is told; */
	const char *difference; /* of the first above the second */
};

static const struct pair
	supervision_pinned = { "pinned", 1, "ward", "floor", "task_pinned",
			       "supervision_pinned" },
	supervision_spread = { "spread", 8, "ward", "floor", "task_1x8",
			       "supervision_1x8" },
	catching_pinned = { "pinned", 1, "catching", "ward", NULL,
			    "catching_pinned" };

static void pair(const struct options *o, struct book *book, unsigned run,
		 const struct pair *p)
{
	const char *const impl[] = { p->first, p->second };
	struct trial t = { .bench = "overhead",
			   .mode = p->mode,
			   .producers = 1,
			   .workers = p->workers,
			   .tasks = o->tasks,
			   .cap = S,
			   .ring = o->ring,
			   .window = o->window };
	double ns[2];

	for (unsigned k = 0; k < 2; k++) {
		unsigned i = (run + k) % 2;
		struct results r;

		if (!ask(&t, impl[i], &r))
			return;
		ns[i] = results_find(&r, "task");
		if (p->task)
			book_one(book, impl[i], p->task, "ns", t.workers,
				 ns[i]);
	}
	book_one(book, "ward", p->difference, "ns", t.workers, ns[0] - ns[1]);
}

static void calls(const struct options *o, struct book *book)
{
	struct trial t = { .bench = "overhead",
			   .impl = "ward",
			   .mode = "calls",
			   .producers = 1,
			   .workers = 1,
			   .ring = o->ring };

	trial_book(book, &t, TRIAL_LIMIT_S);
}

static void overhead_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++) {
		calls(o, book);
		if (o->brief)
			continue;
		pair(o, book, run, &supervision_pinned);
		pair(o, book, run, &supervision_spread);
		pair(o, book, run, &catching_pinned);
	}
	progress_end();
}

static void overhead_report(const struct options *o, const struct book *book)
{
	static struct table table;

	(void)o;
	table_start(&table, "overhead: what being looked after costs");
	table_column(&table, "cost");
	table_column(&table, "unit");
	for (unsigned i = 0; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];
		char label[64];
		unsigned row;

		if (strcmp(f->bench, "overhead"))
			continue;
		snprintf(label, sizeof(label), "%s%s%s",
			 strcmp(f->impl, "ward") ? f->impl : "",
			 strcmp(f->impl, "ward") ? " " : "", f->metric);
		row = table_row(&table, label);
		table_cell(&table, row, 0, f);
		table_text(&table, row, 1, "%s", f->unit);
	}
	table_print(&table, stdout);
}

const struct bench bench_overhead = {
	.name = "overhead",
	.what = "what supervision costs",
	.run = overhead_run,
	.trial = overhead_trial,
	.report = overhead_report,
};
