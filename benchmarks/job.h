/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job.h - the work that every implementation is given, and the threads that
 * give it.
 *
 * A producer owns a window of distinct jobs.  It walks round it, hands over
 * each job that is free, and passes over those that are still out; a job is
 * free again when its release hook says so.  All jobs are the same size and
 * laid out alike for all: two cache lines, of which the first holds the mark,
 * the functions and libward's first private word.
 */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include "os.h"
#include <ward/ward.h>

struct job {
	_Alignas(64) _Atomic uint32_t free; /* 1: the producer's */
	uint16_t producer, index;	    /* in whose window, and where */
	struct ward_task task;
	uint64_t at; /* when it began, where that is asked for */
};

static inline struct job *job_of(struct ward_task *task)
{
	return ward_entry(task, struct job, task);
}

/* What a worker does with a job it took; the same for all implementations. */
static inline void job_run(struct job *job)
{
	struct ward_task *task = &job->task;
	int status = task->run(task);

	if (task->done)
		task->done(task, status);
	if (task->release)
		task->release(task);
}

#define JOB_WINDOW 65536u

/* What is to be started. */
struct setup {
	unsigned workers, producers;
	uint32_t ring;	 /* jobs that one producer may have queued */
	uint32_t window; /* jobs that one producer has */
};

/*
 * An implementation: a pool behind four calls.  A producer calls submit() and
 * wait() with its number, on its own thread.
 */
struct rival {
	const char *name;
	const char *what; /* one line */
	/* false: it cannot be started so */
	bool (*start)(const struct setup *setup);
	/* Takes the job; waits for room as the implementation does. */
	void (*submit)(unsigned producer, struct job *job);
	/* Takes n at once, fewer than have room.  NULL: it cannot. */
	void (*submit_n)(unsigned producer, struct ward_task **task,
			 unsigned n);
	/* The producer has no free job.  NULL: it yields, or naps. */
	void (*wait)(unsigned producer);
	/* All jobs are back.  False: something is not as it should be. */
	bool (*finish)(void);
};

/* A running implementation and the jobs it is given. */
struct load {
	const struct rival *rival;
	struct setup setup;
	int (*run)(struct ward_task *task); /* NULL: count */
	struct job **window;
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
