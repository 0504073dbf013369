/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latency.c - how long a task waits for an idle pool.
 *
 * start_*	one task, 50 us to 1 ms after the last: from before the submit
 *		to its first instruction
 * trip_*	the same task: until the submitter, asleep meanwhile, runs again
 * start_50us_*, trip_50us_*
 *		the same, one task each 50 us
 */
#include "bench.h"

#include <stdlib.h>

#define GAP_MIN (50 * US)
#define GAP_MAX MS

/* ---- one task at a time ------------------------------------------------- */

static int run_stamp(struct ward_task *task)
{
	job_of(task)->at = os_now();
	return job_count(task);
}

static void release_wake(struct ward_task *task)
{
	os_raise(&job_of(task)->free);
}

/* Everyone gets these gaps. */
static uint64_t gap(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return GAP_MIN + (*seed >> 33) % (GAP_MAX - GAP_MIN);
}

struct samples {
	double *start, *trip;
	unsigned n;
};

/* Must the submitter wait as the implementation says? */
static bool waits_itself(const struct rival *rival)
{
	return rival->wait && !rival->helps;
}

static void one_task(struct load *load, struct job *job, struct samples *s)
{
	uint64_t from = os_now(), to;

	atomic_store_explicit(&job->free, 0, memory_order_relaxed);
	load->rival->submit(0, job);
	if (waits_itself(load->rival))
		job_await(load->rival, 0, job);
	else
		os_await(&job->free);
	to = os_now();
	s->start[s->n] = (double)(job->at - from) / 1e3;
	s->trip[s->n++] = (double)(to - from) / 1e3;
}

/* fixed: a gap each time, or 0 */
static void one_by_one(struct load *load, unsigned n, uint64_t fixed,
		       struct samples *s)
{
	struct job *job = load->window[0];
	uint64_t seed = 1, at = os_now();

	s->n = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t now = os_now();

		at += fixed ? fixed : gap(&seed);
		at = at > now ? at : now; /* late is not made up for */
		os_sleep_until(at);
		one_task(load, &job[i % load->setup.window], s);
	}
}

struct wake {
	struct load load;
	struct samples s;
	unsigned n;
};

static void wake_all(void *arg, unsigned producer)
{
	struct wake *w = arg;

	(void)producer;
	one_by_one(&w->load, w->n / 10 + 1, 50 * US, &w->s); /* warm */
	one_by_one(&w->load, w->n, 0, &w->s);
	tell_samples("start", w->s.start, w->n, true);
	tell_samples("trip", w->s.trip, w->n, true);
	one_by_one(&w->load, w->n, 50 * US, &w->s);
	tell_samples("start_50us", w->s.start, w->n, true);
	tell_samples("trip_50us", w->s.trip, w->n, true);
}

static bool latency_trial(const struct trial *t)
{
	struct wake w = { .load = { .rival = rival_find(t->impl),
				    .run = run_stamp },
			  .n = (unsigned)t->tasks };

	if (!waits_itself(w.load.rival))
		w.load.release = release_wake;
	w.s.start = calloc(w.n, sizeof(double));
	w.s.trip = calloc(w.n, sizeof(double));
	if (!w.s.start || !w.s.trip || !trial_load(&w.load, t))
		return false;
	load_as_producer(&w.load, wake_all, &w);
	free(w.s.start);
	free(w.s.trip);
	return load_finish(&w.load);
}

/* ---- plan and report ---------------------------------------------------- */

static unsigned latency_workers(const struct options *o)
{
	return o->nworkers ? o->workers[0] : 8;
}

static void latency_run(const struct options *o, struct book *book)
{
	struct trial like = { .bench = "latency",
			      .mode = "-",
			      .producers = 1,
			      .workers = latency_workers(o),
			      .tasks = o->quick ? 500 : 4000,
			      .cap = 10 * S,
			      .ring = o->ring,
			      .window = 64 };

	trials_in_turn(o, book, &like, "start_p50", "us", skip_nothing);
}

static void latency_report(const struct options *o, const struct book *book)
{
	unsigned w = latency_workers(o);
	const struct column column[] = {
		{ "start p50", "start_p50", 1, w },
		{ "p99", "start_p99", 1, w },
		{ "p99.9", "start_p999", 1, w },
		{ "trip p50", "trip_p50", 1, w },
		{ "p99", "trip_p99", 1, w },
		{ "50us p50", "start_50us_p50", 1, w },
		{ "p99", "start_50us_p99", 1, w },
		{ "p99.9", "start_50us_p999", 1, w },
	};

	report_columns(o, book, "latency",
		       "latency: us from submit to start (and back), idle pool",
		       column, sizeof(column) / sizeof(*column));
}

const struct bench bench_latency = {
	.name = "latency",
	.what = "us from submit to start, on an idle pool",
	.run = latency_run,
	.trial = latency_trial,
	.report = latency_report
};
