/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idle.c - what a pool does when it has nothing to do: context switches and CPU
 * time of all its threads while nobody submits.
 */
#include "bench.h"
#include "threads.h"

#define WARM_TASKS 1000
#define SETTLE (2 * S) /* the steward lingers 1 s after the last park */

static bool idle_trial(const struct trial *t)
{
	struct load load = { 0 };
	struct threads_sum before, after;
	uint64_t wall;

	if (!trial_load(&load, t))
		return false;
	load_run(&load, WARM_TASKS, S, &wall);
	os_sleep(SETTLE);
	before = threads_sum("");
	os_sleep(t->cap);
	after = threads_sum("");
	tell("context_switches", "count",
	     (double)(after.switches - before.switches));
	tell("cpu", "ms", (double)(after.cpu - before.cpu) / 1e6);
	return load_finish(&load);
}

static unsigned idle_workers(const struct options *o)
{
	return o->nworkers ? o->workers[0] : 8;
}

static void idle_run(const struct options *o, struct book *book)
{
	struct options once = *o;
	struct trial like = { .bench = "idle",
			      .mode = "-",
			      .producers = 1,
			      .workers = idle_workers(o),
			      .cap = o->quick ? S : 3 * S,
			      .ring = o->ring,
			      .window = o->window };

	/* five seconds a trial, and nothing that a crowd of runs would show */
	once.runs = o->runs < 3 ? o->runs : 3;
	trials_in_turn(&once, book, &like, "context_switches", "count",
		       skip_nothing);
}

static void idle_report(const struct options *o, const struct book *book)
{
	unsigned w = idle_workers(o);
	const struct column column[] = {
		{ "ctx switches", "context_switches", 1, w },
		{ "CPU ms", "cpu", 1, w },
	};

	report_columns(o, book, "idle",
		       o->quick ? "idle: a pool without work, 1 s"
				: "idle: a pool without work, 3 s",
		       column, 2);
}

const struct bench bench_idle = {
	.name = "idle",
	.what = "context switches of a pool without work",
	.run = idle_run,
	.trial = idle_trial,
	.report = idle_report
};
