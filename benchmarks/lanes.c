/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lanes.c - what order costs: ns per empty task, from one producer, wall time.
 *
 * plain	the pool without lanes
 * one_lane	one lane that is bounded by nothing
 * lanes	10,000 lanes of width 1, one after the other
 * plain_random, lanes_random
 *		the same, each task's lane by chance
 *
 * All have the same tasks, the same producer that chooses a number for each of them,
 * and the same run(), which counts by that number.  In a lane of width 1 it must find
 * the count that was given when the task went in.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS = 10 * 1000, MODES = 5 };

/* By a job's index; the producer's line, eight jobs each. */
static struct turn {
	uint32_t key, count;
} turn[JOB_WINDOW];

static uint32_t given[KEYS];
static _Atomic uint32_t had[KEYS];
static _Atomic uint32_t wrong;
static struct ward_lane *lane[KEYS];
static unsigned lanes;
static bool ordered, by_chance;
static uint64_t next;

static int run_counted(struct ward_task *task)
{
	const struct turn *t = &turn[job_of(task)->index];
	uint32_t n = atomic_load_explicit(&had[t->key], memory_order_relaxed);

	if (ordered && n != t->count)
		atomic_fetch_add_explicit(&wrong, 1, memory_order_relaxed);
	atomic_store_explicit(&had[t->key], n + 1, memory_order_relaxed);
	return job_count(task);
}

static uint32_t choose(void)
{
	if (!by_chance)
		return (uint32_t)(next++ % KEYS);
	next = next * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((next >> 32) * KEYS >> 32);
}

static void submit(unsigned producer, struct job *job)
{
	struct turn *t = &turn[job->index];
	struct ward_lane *to;

	t->key = choose();
	t->count = given[t->key]++;
	if (!lanes) {
		rival_ward.submit(producer, job);
		return;
	}
	to = lane[lanes == 1 ? 0 : t->key];
	if (ward_lane_submit(to, &job->task, WARD_FOREVER)) {
		fprintf(stderr, "lanes: a task was refused\n");
		_exit(1);
	}
}

static bool start(const struct setup *setup)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;

	config.active = ordered;
	if (!rival_ward.start(setup))
		return false;
	for (unsigned i = 0; i < lanes; i++)
		if (ward_lane_create(&lane[i], bench_pool, &config))
			return false;
	return true;
}

static bool finish(void)
{
	for (unsigned i = 0; i < lanes; i++)
		if (ward_lane_join(lane[i], WARD_FOREVER) ||
		    ward_lane_destroy(lane[i]))
			return false;
	return rival_ward.finish();
}

static const struct rival through = {
	.name = "lanes", .start = start, .submit = submit, .finish = finish
};

static const char *const mode[MODES] = { "plain", "one_lane", "lanes",
					 "plain_random", "lanes_random" };

static bool lanes_trial(const struct trial *t)
{
	struct load load = { .rival = &through,
			     .setup = { t->workers, 1, t->ring, t->window },
			     .run = run_counted };
	uint64_t wall, n, warm;

	ordered = !strncmp(t->mode, "lanes", 5);
	lanes = ordered ? KEYS : !strcmp(t->mode, "one_lane");
	by_chance = strstr(t->mode, "random");
	if (!load_start(&load))
		return false;
	warm = load_run(&load, 2 * KEYS, t->cap, &wall);
	n = load_run(&load, t->tasks, t->cap, &wall);
	tell(t->mode, "ns", (double)wall / (double)n);
	if (!load_finish(&load))
		return false;
	if (wrong)
		fprintf(stderr, "lanes: %u tasks out of turn\n", wrong);
	return !wrong && job_counted() == warm + n;
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned usual[] = { 1, 2, 8 };

static unsigned sizes(const struct options *o, const unsigned **size)
{
	*size = o->nworkers ? o->workers : usual;
	return o->nworkers ? o->nworkers : sizeof(usual) / sizeof(*usual);
}

static void one(const struct options *o, struct book *book, unsigned workers,
		const char *as)
{
	struct key key = { "lanes", "ward", as, "ns", workers, 1, NULL };
	struct trial t = { .bench = "lanes",
			   .impl = "ward",
			   .mode = as,
			   .producers = 1,
			   .workers = workers,
			   .tasks = o->quick ? 100000 : 1000000,
			   .cap = 5 * S,
			   .ring = o->ring,
			   .window = o->window };
	struct results r;

	progress("lanes  1x%u  %s", workers, as);
	trial_run(&t, TRIAL_LIMIT_S, &r);
	if (r.n)
		book_add(book, &key, results_find(&r, as));
}

static void lanes_run(const struct options *o, struct book *book)
{
	const unsigned *size;
	unsigned n = sizes(o, &size);

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < o->runs * MODES; k++)
			one(o, book, size[i], mode[(k + k / MODES) % MODES]);
	progress_end();
}

static const struct figure *figure(const struct book *book, const char *as,
				   unsigned workers)
{
	struct key key = { "lanes", "ward", as, "", workers, 1, NULL };

	return book_find(book, &key);
}

static void lanes_report(const struct options *o, const struct book *book)
{
	static struct table table;
	const unsigned *size;
	unsigned n = sizes(o, &size), row;

	table_start(&table, "lanes: ns per empty task, 1 producer x workers");
	for (unsigned i = 0; i < n && i < TABLE_COLUMNS; i++)
		table_column(&table, "1x%u", size[i]);
	for (unsigned k = 0; k < MODES; k++) {
		row = table_row(&table, mode[k]);
		for (unsigned i = 0; i < table.columns; i++)
			table_cell(&table, row, i,
				   figure(book, mode[k], size[i]));
	}
	row = table_row(&table, "lanes / plain");
	for (unsigned i = 0; i < table.columns; i++) {
		const struct figure *l = figure(book, "lanes", size[i]),
				    *p = figure(book, "plain", size[i]);

		if (l && p)
			table_text(&table, row, i, "%.2f",
				   figure_spread(l).median /
					   figure_spread(p).median);
	}
	table_print(&table, stdout);
}

const struct bench bench_lanes = {
	.name = "lanes",
	.what = "ns per empty task of 10,000 lanes of width 1",
	.run = lanes_run,
	.trial = lanes_trial,
	.report = lanes_report,
};
