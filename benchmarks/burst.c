/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * burst.c - an idle pool is given many empty tasks at once: from the first submit
 * to the last release, ns a task.  The pool has slept before each burst, so that
 * its wakeups are in it.
 *
 * burst_64, burst_1024		each task by a submit of its own
 * burst_64_n, burst_1024_n	all by one call, where there is one
 *	and *_p99		the median burst, and the worst of a hundred
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define BURST_MAX 1024u
#define PAUSE (2 * MS) /* until all have gone to sleep */

/*
 * The last of a part is found cheaply: each task counts down its own part of the burst,
 * and the last one there counts the parts.  So two workers seldom write the same line,
 * and all implementations pay alike.
 */
#define PART 16u
static struct {
	_Alignas(64) _Atomic uint32_t left;
} part[BURST_MAX / PART], parts;
static uint64_t ended;
static _Atomic uint32_t over; /* futex */

static bool last_of(_Atomic uint32_t *left)
{
	return atomic_fetch_sub_explicit(left, 1, memory_order_acq_rel) == 1;
}

static void release(struct ward_task *task)
{
	if (!last_of(&part[job_of(task)->index / PART].left) ||
	    !last_of(&parts.left))
		return;
	ended = os_now();
	os_raise(&over);
}

static void arm(unsigned n)
{
	for (unsigned i = 0; i < n / PART; i++)
		atomic_init(&part[i].left, PART);
	atomic_init(&parts.left, n / PART);
	atomic_init(&over, 0);
}

/* One burst, by the submit of each, or by one for all; ns a task. */
static double burst(const struct load *load, unsigned n, bool at_once)
{
	static struct ward_task *task[BURST_MAX];
	struct job *job = load->window[0];
	uint64_t from;

	arm(n);
	for (unsigned i = 0; i < n; i++)
		task[i] = &job[i].task;
	os_sleep(PAUSE);
	from = os_now();
	if (at_once)
		load->rival->submit_n(0, task, n);
	else
		for (unsigned i = 0; i < n; i++)
			load->rival->submit(0, &job[i]);
	if (load->rival->wait)
		while (!atomic_load_explicit(&over, memory_order_acquire))
			load->rival->wait(0);
	os_await(&over);
	return (double)(ended - from) / n;
}

static void bursts(const struct load *load, unsigned n, bool at_once,
		   double *sample, unsigned count)
{
	char metric[40];

	burst(load, n, at_once); /* warm */
	for (unsigned i = 0; i < count; i++)
		sample[i] = burst(load, n, at_once);
	snprintf(metric, sizeof(metric), "burst_%u%s", n, at_once ? "_n" : "");
	tell(metric, "ns", samples_at(sample, count, .5));
	strcat(metric, "_p99");
	tell(metric, "ns", samples_at(sample, count, .99));
}

struct all {
	struct load load;
	double *sample;
	unsigned count;
};

static void all_bursts(void *arg, unsigned producer)
{
	static const unsigned size[] = { 64, BURST_MAX };
	struct all *all = arg;

	(void)producer;
	for (unsigned i = 0; i < 2; i++) {
		bursts(&all->load, size[i], false, all->sample, all->count);
		if (all->load.rival->submit_n)
			bursts(&all->load, size[i], true, all->sample,
			       all->count);
	}
}

static bool burst_trial(const struct trial *t)
{
	struct all all = { .load = { .release = release },
			   .sample = calloc(t->tasks, sizeof(double)),
			   .count = (unsigned)t->tasks };

	if (!all.sample || !trial_load(&all.load, t))
		return false;
	load_as_producer(&all.load, all_bursts, &all);
	free(all.sample);
	return load_finish(&all.load);
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned usual[] = { 8, 0 };

static void burst_run(const struct options *o, struct book *book)
{
	for (unsigned i = 0; size_at(o, usual, i); i++) {
		struct trial like = { .bench = "burst",
				      .mode = "-",
				      .producers = 1,
				      .workers = size_at(o, usual, i),
				      .tasks = o->quick ? 100 : 500,
				      .ring = 2 * BURST_MAX,
				      .window = BURST_MAX };

		trials_in_turn(o, book, &like, "burst_64", "ns", skip_nothing);
	}
}

static void burst_report(const struct options *o, const struct book *book)
{
	unsigned w = size_at(o, usual, 0);
	const struct column column[] = {
		{ "64", "burst_64", 1, w },
		{ "p99", "burst_64_p99", 1, w },
		{ "64 by one", "burst_64_n", 1, w },
		{ "1024", "burst_1024", 1, w },
		{ "p99", "burst_1024_p99", 1, w },
		{ "1024 by one", "burst_1024_n", 1, w },
	};

	report_columns(o, book, "burst",
		       "burst: an idle pool gets many tasks, ns for each",
		       column, sizeof(column) / sizeof(*column));
}

const struct bench bench_burst = {
	.name = "burst",
	.what = "ns per task of a burst on an idle pool",
	.run = burst_run,
	.trial = burst_trial,
	.report = burst_report,
};
