/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.h - where a producer's next job comes from, and how one goes back.
 *
 * A window: the producer walks round its jobs, takes each that is free, and passes
 * over those that are still out.
 *
 * A free list, as an allocator has one: a job goes back on top of a stack, and the
 * producer takes all that are there at once, the last one first.  One that was never
 * used is begun if there are none.
 *
 * Either way the next one's line is asked for while this one is handed over.
 */
#ifndef BENCH_OBJECTS_H
#define BENCH_OBJECTS_H

#include "job.h"

/* Numbers here are indices + 1; 0 is the end of the list. */
#define LIST_ASLEEP UINT32_MAX

struct list {
	_Alignas(64) _Atomic uint32_t back; /* the last that came back; futex */
	_Alignas(64) uint32_t own;	    /* of those that were taken */
	uint32_t begun;			    /* of the window, so far */
};

bool objects_start(struct load *load);
void objects_finish(struct load *load);
/* Until all of its jobs are back. */
void objects_await(struct load *load, unsigned producer);

/* Waits as the implementation does, or yields and then naps: one that only waits
 * must not take the workers' CPUs. */
void objects_wait(const struct rival *rival, unsigned producer,
		  unsigned *waits);
/* The free list is empty: waits for a job, and returns its number. */
uint32_t list_refill(struct load *load, unsigned producer);

static inline bool job_is_free(struct job *job)
{
	return atomic_load_explicit(&job->free, memory_order_acquire); /* [J] */
}

/* How far beyond the next one; from 1 to 7 nothing differs. */
#define AHEAD 3u

static inline struct job *window_next(struct load *load, unsigned producer,
				      uint32_t *at)
{
	struct job *window = load->window[producer];
	uint32_t n = load->setup.window;
	unsigned waits = 0;

	for (uint32_t tried = 0;; tried++) {
		struct job *job = &window[*at];

		*at = *at + 1 == n ? 0 : *at + 1;
		if (job_is_free(job)) {
			os_prefetch(&window[*at + AHEAD < n ? *at + AHEAD : 0]);
			atomic_store_explicit(&job->free, 0,
					      memory_order_relaxed);
			return job;
		}
		if (tried == n) {
			objects_wait(load->rival, producer, &waits);
			tried = 0;
		}
	}
}

static inline struct job *list_next(struct load *load, unsigned producer)
{
	struct list *list = &load->list[producer];
	struct job *window = load->window[producer], *job;
	uint32_t number = list->own;

	if (!number)
		number = list_refill(load, producer);
	job = &window[number - 1];
	list->own = atomic_load_explicit(&job->free, memory_order_relaxed);
	if (list->own)
		os_prefetch(&window[list->own - 1]);
	return job;
}

static inline struct job *objects_next(struct load *load, unsigned producer,
				       uint32_t *at)
{
	return load->free_list ? list_next(load, producer)
			       : window_next(load, producer, at);
}

#endif
