/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latency.c - how long a task waits for an idle pool.
 *
 * start_*	one task, 50 us to 1 ms after the last: from before the submit
 *		to its first instruction
 * trip_*	the same task: until the submitter, asleep meanwhile, runs again
 * start_50us_*, trip_50us_*
 *		the same, one task each 50 us
 * over_ideal	tasks of 1 us as fast as they go: wall time above that of
 *		threads that run them without any pool, percent
 */
#include "bench.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

/* The same gaps for everyone. */
static uint64_t gap(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return GAP_MIN + (*seed >> 33) % (GAP_MAX - GAP_MIN);
}

struct samples {
	double *start, *trip;
	unsigned n;
};

static void one_task(struct load *load, struct job *job, struct samples *s)
{
	uint64_t from = os_now(), to;

	atomic_store_explicit(&job->free, 0, memory_order_relaxed);
	load->rival->submit(0, job);
	if (load->rival->wait)
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

static bool wake_trial(const struct trial *t)
{
	unsigned n = (unsigned)t->tasks;
	struct samples s = { calloc(n, sizeof(double)),
			     calloc(n, sizeof(double)), 0 };
	struct load load = { .rival = rival_find(t->impl),
			     .setup = { t->workers, 1, t->ring, t->window },
			     .run = run_stamp };

	if (!s.start || !s.trip || !load.rival || !load_start(&load))
		return false;
	if (!load.rival->wait)
		for (uint32_t i = 0; i < t->window; i++)
			load.window[0][i].task.release = release_wake;
	one_by_one(&load, n / 10 + 1, 50 * US, &s); /* warm */
	one_by_one(&load, n, 0, &s);
	tell_samples("start", s.start, n, true);
	tell_samples("trip", s.trip, n, true);
	one_by_one(&load, n, 50 * US, &s);
	tell_samples("start_50us", s.start, n, true);
	tell_samples("trip_50us", s.trip, n, true);
	free(s.start);
	free(s.trip);
	return load_finish(&load);
}

/* ---- many short ones ---------------------------------------------------- */

struct ideal {
	pthread_barrier_t *gate;
	uint64_t tasks, from, to;
};

static void *ideal_main(void *arg)
{
	struct ideal *me = arg;
	struct job job = { .task = WARD_TASK_INIT(job_spin_us) };

	pthread_barrier_wait(me->gate);
	me->from = os_now();
	for (uint64_t i = 0; i < me->tasks; i++)
		job_spin_us(&job.task);
	me->to = os_now();
	return NULL;
}

/*
 * What so many threads need for the tasks when each simply has its share: ns a
 * task.  Measured, since two busy cores may be slower than one.
 */
static double ideal_ns(unsigned threads, uint64_t tasks)
{
	struct ideal *part = calloc(threads, sizeof(*part));
	pthread_t *thread = calloc(threads, sizeof(*thread));
	uint64_t from = UINT64_MAX, to = 0;
	pthread_barrier_t gate;

	if (!part || !thread || pthread_barrier_init(&gate, NULL, threads))
		exit(1);
	for (unsigned i = 0; i < threads; i++) {
		part[i] = (struct ideal){ .gate = &gate,
					  .tasks = tasks / threads };
		if (pthread_create(&thread[i], NULL, ideal_main, &part[i]))
			exit(1);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		from = part[i].from < from ? part[i].from : from;
		to = part[i].to > to ? part[i].to : to;
	}
	pthread_barrier_destroy(&gate);
	free(part);
	free(thread);
	return (double)(to - from) / (double)(tasks / threads * threads);
}

static bool short_trial(const struct trial *t)
{
	struct load load = { .rival = rival_find(t->impl),
			     .setup = { t->workers, 1, t->ring, t->window },
			     .run = job_spin_us };
	unsigned cpus = machine_cpus();
	unsigned threads = t->workers < cpus ? t->workers : cpus;
	double before, after, ideal, took;
	uint64_t wall, n;

	job_spin_calibrate();
	if (!load.rival || !load_start(&load))
		return false;
	load_run(&load, t->tasks / 10, t->cap, &wall);
	before = ideal_ns(threads, t->tasks / 2);
	n = load_run(&load, t->tasks, t->cap, &wall);
	after = ideal_ns(threads, t->tasks / 2);
	ideal = fmin(before, after);
	took = (double)wall / (double)n;
	tell("over_ideal", "%", 100 * (took - ideal) / ideal);
	return load_finish(&load);
}

static bool latency_trial(const struct trial *t)
{
	return strcmp(t->mode, "short") ? wake_trial(t) : short_trial(t);
}

/* ---- plan and report ---------------------------------------------------- */

static unsigned latency_workers(const struct options *o)
{
	return o->nworkers ? o->workers[0] : 8;
}

static void latency_run(const struct options *o, struct book *book)
{
	struct trial like = { .bench = "latency",
			      .mode = "wake",
			      .producers = 1,
			      .workers = latency_workers(o),
			      .tasks = o->quick ? 500 : 4000,
			      .cap = 10 * S,
			      .ring = o->ring,
			      .window = 64 };

	trials_in_turn(o, book, &like, "start_p50", "us", skip_nothing);
	like.mode = "short";
	like.workers = machine_cpus();
	like.tasks = o->quick ? 100000 : 400000;
	like.window = o->window;
	trials_in_turn(o, book, &like, "over_ideal", "%", skip_nothing);
}

static void latency_report(const struct options *o, const struct book *book)
{
	static const struct {
		const char *metric, *head;
		bool cpus;
	} column[] = {
		{ "start_p50", "start p50", false },
		{ "start_p99", "p99", false },
		{ "start_p999", "p99.9", false },
		{ "trip_p50", "trip p50", false },
		{ "trip_p99", "p99", false },
		{ "start_50us_p50", "50us p50", false },
		{ "start_50us_p99", "p99", false },
		{ "start_50us_p999", "p99.9", false },
		{ "over_ideal", "1us tasks +%", true },
	};
	static struct table table;

	table_start(&table,
		    "latency: us from submit to start (and back), idle pool");
	for (unsigned c = 0; c < sizeof(column) / sizeof(*column); c++)
		table_column(&table, "%s", column[c].head);
	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row;

		if (skip_nothing(o->impl[i]))
			continue;
		row = table_row(&table, o->impl[i]->name);
		for (unsigned c = 0; c < table.columns; c++) {
			struct key key = { "latency",
					   o->impl[i]->name,
					   column[c].metric,
					   "",
					   column[c].cpus ? machine_cpus()
							  : latency_workers(o),
					   1 };

			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_latency = {
	.name = "latency",
	.what = "us from submit to start, on an idle pool",
	.run = latency_run,
	.trial = latency_trial,
	.report = latency_report
};
