/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - what idle workers keep: resident memory of the process, and how
 * much it grew for each worker that has run a task and sleeps again; and what a
 * pool keeps for a thread that has submitted.
 *
 * rss		all of the process, KiB
 * rss_worker	its growth since before the start, for each worker, KiB
 * touched_worker
 *		of that, what was written to (private and dirty)
 * rss_submitter, touched_submitter
 *		the growth from when so many threads have begun until each of
 *		them has submitted a task and still is there, for each
 */
#include "bench.h"
#include "threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

struct memory {
	uint64_t rss, dirty;
};

static struct memory memory_now(void)
{
	return (struct memory){ memory_kib("Rss"),
				memory_kib("Private_Dirty") };
}

/* KiB for each of n since then. */
static void tell_growth(const char *what, const struct memory *before,
			unsigned n)
{
	struct memory now = memory_now();
	char metric[40];

	snprintf(metric, sizeof(metric), "rss_%s", what);
	tell(metric, "KiB", ((double)now.rss - (double)before->rss) / n);
	snprintf(metric, sizeof(metric), "touched_%s", what);
	tell(metric, "KiB", ((double)now.dirty - (double)before->dirty) / n);
}

static bool workers_trial(const struct trial *t)
{
	struct load load = { .run = run_meet };
	struct memory before = memory_now();
	uint64_t wall;

	expected = t->workers;
	if (!trial_load(&load, t))
		return false;
	load_run(&load, t->workers, 10 * S, &wall);
	os_sleep(200 * MS);
	tell("rss", "KiB", (double)memory_kib("Rss"));
	tell_growth("worker", &before, t->workers);
	return load_finish(&load);
}

/* ---- submitters ----------------------------------------------------------- */

static struct {
	struct load *load;
	_Atomic uint32_t numbers, ready, submitted;
	_Atomic uint32_t submit, leave; /* futexes */
} crowd;

/* So that the depth of a call is not taken for what the pool keeps. */
static __attribute__((noinline)) void touch_stack(void)
{
	volatile char deep[16384];

	for (unsigned i = 0; i < sizeof(deep); i += 1024)
		deep[i] = 1;
}

static uint32_t next_of(_Atomic uint32_t *count)
{
	return atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
}

static void await_count(_Atomic uint32_t *count, uint32_t n)
{
	while (atomic_load_explicit(count, memory_order_acquire) < n)
		os_sleep(MS);
}

static void submit_one(unsigned producer)
{
	struct job *job = crowd.load->window[producer];

	atomic_store_explicit(&job->free, 0, memory_order_relaxed);
	crowd.load->rival->submit(producer, job);
	job_await(crowd.load->rival, producer, job);
}

static void *submitter_main(void *arg)
{
	touch_stack();
	next_of(&crowd.ready);
	os_await(&crowd.submit);
	submit_one(next_of(&crowd.numbers));
	next_of(&crowd.submitted);
	os_await(&crowd.leave);
	return arg;
}

static bool submitters_trial(const struct trial *t)
{
	struct load load = { 0 };
	pthread_t *thread = calloc(t->producers, sizeof(*thread));
	struct memory before;

	if (!thread || !trial_load(&load, t))
		return false;
	crowd.load = &load;
	for (unsigned i = 0; i < t->producers; i++)
		submit_one(i); /* by this thread: all has been used once */
	for (unsigned i = 0; i < t->producers; i++)
		if (pthread_create(&thread[i], NULL, submitter_main, NULL))
			return false;
	await_count(&crowd.ready, t->producers);
	os_sleep(50 * MS);
	before = memory_now();
	os_raise(&crowd.submit);
	await_count(&crowd.submitted, t->producers);
	os_sleep(50 * MS);
	tell_growth("submitter", &before, t->producers);
	os_raise(&crowd.leave);
	for (unsigned i = 0; i < t->producers; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	return load_finish(&load);
}

static bool memory_trial(const struct trial *t)
{
	return strcmp(t->mode, "submitters") ? workers_trial(t)
					     : submitters_trial(t);
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned usual[] = { 64, 1024, 0 };
enum { SUBMITTERS = 256 };

static void memory_run(const struct options *o, struct book *book)
{
	struct trial like = { .bench = "memory",
			      .mode = "workers",
			      .producers = 1,
			      .cap = S,
			      .ring = o->ring };

	for (unsigned i = 0; size_at(o, usual, i); i++) {
		like.workers = size_at(o, usual, i);
		like.window = like.workers; /* one job for each, no more */
		trials_in_turn(o, book, &like, "rss", "KiB", skip_nothing);
	}
	like.mode = "submitters";
	like.workers = 2;
	like.producers = SUBMITTERS;
	like.ring = 64;
	like.window = 1;
	trials_in_turn(o, book, &like, "rss_submitter", "KiB", skip_nothing);
}

static void memory_report(const struct options *o, const struct book *book)
{
	struct column column[TABLE_COLUMNS];
	char head[TABLE_COLUMNS][20];
	unsigned n = 0, w;

	for (unsigned i = 0; n < 9 && (w = size_at(o, usual, i)); i++) {
		snprintf(head[n], sizeof(head[n]), "RSS of %u", w);
		column[n] = (struct column){ head[n], "rss", 1, w };
		n++;
		column[n++] = (struct column){ "a worker", "rss_worker", 1, w };
		column[n++] =
			(struct column){ "touched", "touched_worker", 1, w };
	}
	column[n++] = (struct column){ "a submitter", "rss_submitter",
				       SUBMITTERS, 2 };
	column[n++] = (struct column){ "touched", "touched_submitter",
				       SUBMITTERS, 2 };
	report_columns(o, book, "memory",
		       "memory: KiB of a process with so many idle workers, "
		       "and for each of 256 submitters",
		       column, n);
}

const struct bench bench_memory = {
	.name = "memory",
	.what = "KiB of idle workers, and of a submitter",
	.run = memory_run,
	.trial = memory_trial,
	.report = memory_report,
};
