/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job.h - the work that every implementation is given, and the threads that
 * give it.
 *
 * A producer owns a window of distinct jobs: objects.h says how it takes the next.
 */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include "os.h"
#include "rival.h"

/* A running implementation and the jobs it is given. */
struct load {
	const struct rival *rival;
	struct setup setup;
	int (*run)(struct ward_task *task);	 /* NULL: count */
	void (*release)(struct ward_task *task); /* NULL: it is free again */
	bool free_list;	     /* jobs come from one, not from a window */
	bool sleeps;	     /* who finds it empty sleeps at once */
	struct job **window; /* the jobs of each producer */
	struct list *list;   /* its free list, if asked for */
};

bool load_start(struct load *load);
bool load_finish(struct load *load);

/*
 * Lets the producers hand over 'tasks' jobs between them, or what they manage
 * until 'cap' ns are over, and waits until each has been run and released.
 * Returns how many, and the time from the first submit to the last release.
 */
uint64_t load_run(struct load *load, uint64_t tasks, uint64_t cap,
		  uint64_t *wall);

/*
 * Calls body(arg, 0) on a thread that may submit: the caller's own, unless the
 * implementation has those alone that it carries.
 */
void load_as_producer(struct load *load, producer_fn *body, void *arg);

/* run() of an empty task: adds one to its thread's own counter. */
int job_count(struct ward_task *task);
/* The sum of all those counters, once no job is out. */
uint64_t job_counted(void);

/* run() of a task of about 1 us: the same number of steps each time. */
int job_spin_us(struct ward_task *task);
/* Finds that number. */
void job_spin_calibrate(void);

/* Waits until the job is free again. */
void job_await(const struct rival *rival, unsigned producer, struct job *job);

#endif
