/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rival.h - what every implementation is given and must do; read by C and by
 * C++.  All jobs are the same size and laid out alike for all: the first cache
 * line holds the mark, the functions and libward's first private word.
 */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include <stdbool.h>
#include <stdint.h>
#include <ward/ward.h>

#ifdef __cplusplus
#include <atomic>
#define MARK std::atomic<uint32_t>
extern "C" {
#else
#define MARK _Atomic uint32_t
#endif

struct job {
	/* In a window 1: the producer's; in a free list the next one. */
	__attribute__((aligned(64))) MARK free;
	uint16_t producer, index; /* in whose window, and where */
	struct ward_task task;
	uint64_t at; /* when it began, where that is asked for */
};

static inline struct job *job_of(struct ward_task *task)
{
	return ward_entry(task, struct job, task);
}

/* A worker's way with a job that it took; every implementation's. */
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

/* The pool that is to be started. */
struct setup {
	unsigned workers, producers;
	uint32_t ring;	 /* jobs that one producer may have queued */
	uint32_t window; /* jobs that one producer has */
};

/* A producer's function, with its number. */
typedef void producer_fn(void *arg, unsigned producer);

/*
 * An implementation: a pool behind a few calls.  A producer calls submit() and wait()
 * with its number, on its own thread.  A queue without a bound is bounded by the
 * producer's window.
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
	/*
	 * Only threads of its own may submit: calls body() on one for each
	 * producer, and returns when all have returned.  NULL: any thread may.
	 */
	void (*carry)(producer_fn *body, void *arg);
	/* wait() runs jobs, too: not asked where one waits for a worker. */
	bool helps;
};

extern const struct rival rival_nothing, rival_floor, rival_ward, rival_ck_mpmc,
	rival_mutex, rival_libuv, rival_glib, rival_tbb_enqueue,
	rival_tbb_group, rival_openmp, rival_moodycamel, rival_asio;

#ifdef __cplusplus
}
#endif

#endif
