/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * work1us.c - tasks of 1 us as fast as they go, one producer and as many workers
 * as there are cores.
 *
 * task		ns of wall time for each
 * ideal	the same of threads that run them without any pool
 * over_ideal	what is lost, percent of the ideal
 */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>

enum { ROUNDS = 5 };

/* ---- without a pool ----------------------------------------------------- */

struct ideal {
	pthread_barrier_t *gate;
	uint64_t tasks, cpu;
};

static void *ideal_main(void *arg)
{
	struct ideal *me = arg;
	struct job job = { .task = WARD_TASK_INIT(job_spin_us) };

	pthread_barrier_wait(me->gate);
	me->cpu = os_own_cpu();
	for (uint64_t i = 0; i < me->tasks; i++)
		job_spin_us(&job.task);
	me->cpu = os_own_cpu() - me->cpu;
	return NULL;
}

/*
 * The time that so many threads need for the tasks when each simply has its share, and
 * a core for itself: ns a task, by their own CPU time, since new threads are not always
 * on cores of their own at once.  Measured at the same time, since two busy cores may
 * be slower than one.
 */
static double ideal_ns(unsigned threads, uint64_t tasks)
{
	struct ideal *part = calloc(threads, sizeof(*part));
	pthread_t *thread = calloc(threads, sizeof(*thread));
	pthread_barrier_t gate;
	uint64_t cpu = 0;

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
		cpu += part[i].cpu;
	}
	pthread_barrier_destroy(&gate);
	free(part);
	free(thread);
	return (double)cpu / threads / (double)(tasks / threads * threads);
}

/* ---- with one ------------------------------------------------------------ */

/*
 * Both in turn, a fifth of the tasks each time, and the medians of both: what else
 * the machine does falls on either.
 */
static bool work1us_trial(const struct trial *t)
{
	struct load load = { .run = job_spin_us };
	unsigned cpus = machine_cpus();
	unsigned threads = t->workers < cpus ? t->workers : cpus;
	double pool[ROUNDS], bare[ROUNDS], took, ideal;
	uint64_t wall, n;

	job_spin_calibrate();
	if (!trial_load(&load, t))
		return false;
	load_run(&load, t->tasks / 10, t->cap, &wall);
	for (unsigned i = 0; i < ROUNDS; i++) {
		bare[i] = ideal_ns(threads, t->tasks / ROUNDS);
		n = load_run(&load, t->tasks / ROUNDS, t->cap, &wall);
		pool[i] = (double)wall / (double)n;
	}
	took = samples_at(pool, ROUNDS, .5);
	ideal = samples_at(bare, ROUNDS, .5);
	tell("over_ideal", "%", 100 * (took - ideal) / ideal);
	tell("task", "ns", took);
	tell("ideal", "ns", ideal);
	return load_finish(&load);
}

/* ---- plan and report ---------------------------------------------------- */

static unsigned sizes(const struct options *o, unsigned at)
{
	const unsigned usual[] = { machine_cpus(), 0 };

	return size_at(o, usual, at);
}

static void work1us_run(const struct options *o, struct book *book)
{
	for (unsigned i = 0; sizes(o, i); i++) {
		struct trial like = { .bench = "work1us",
				      .mode = "-",
				      .producers = 1,
				      .workers = sizes(o, i),
				      .tasks = o->quick ? 200000 : 800000,
				      .cap = 10 * S,
				      .ring = o->ring,
				      .window = o->window };

		trials_in_turn(o, book, &like, "over_ideal", "%", skip_nothing);
	}
}

static void work1us_report(const struct options *o, const struct book *book)
{
	struct column column[4];
	char head[4][20];
	unsigned n = 0;

	for (; n < 4 && sizes(o, n); n++) {
		snprintf(head[n], sizeof(head[n]), "1x%u", sizes(o, n));
		column[n] = (struct column){ head[n], "over_ideal", 1,
					     sizes(o, n) };
	}
	report_columns(o, book, "work1us",
		       "work1us: tasks of 1 us, percent over ideal", column, n);
}

const struct bench bench_work1us = {
	.name = "work1us",
	.what = "percent that tasks of 1 us take above ideal",
	.run = work1us_run,
	.trial = work1us_trial,
	.report = work1us_report,
};
