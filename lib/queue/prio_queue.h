/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prio_queue.h - tasks of one lower priority, in the order in which they came.
 *
 * Putting is a push on a stack; taking is for one thread at a time, which reverses
 * the stack into a list when that is empty.  The claim is only tried: a thread that
 * does not get it looks elsewhere, and comes again.  A taker that is held inside
 * keeps others from this one queue until it goes on: for some instructions, none of
 * them the user's.  (To pop without a claim would read a link in memory that the user
 * may have freed.)
 *
 *              put  take
 *   put         *    *    any number of threads at once, lock-free
 *   take             1    by the holder of the claim
 *
 * Edges: [lo] put | taken; the last taker | the next one.
 *
 * The counts are for statistics; the lists themselves say whether there is any task.
 * So a thread that is stopped between the two keeps no worker awake.
 */
#ifndef WARD_LIB_QUEUE_PRIO_QUEUE_H
#define WARD_LIB_QUEUE_PRIO_QUEUE_H

#include "base/atomic.h"
#include <ward/task.h>

struct prio_queue {
	/* X: */
	line_aligned struct ward_task *_Atomic arrived; /* the last one first */
	_Atomic uint64_t in;		 /* M: ever put, or about to be */
	_Atomic uint32_t claim;
	struct ward_task *_Atomic first; /* P */
	_Atomic uint64_t out;		 /* P: ever taken */
};

static inline bool prio_empty(const struct prio_queue *queue)
{
	return !load_relaxed(&queue->arrived) && !load_relaxed(&queue->first);
}

static inline uint64_t prio_count(const struct prio_queue *queue)
{
	uint64_t out = load_relaxed(&queue->out), in = load_relaxed(&queue->in);

	return in > out ? in - out : 0;
}

void prio_put(struct prio_queue *queue, struct ward_task *task);
/* NULL: it is empty, or claimed. */
struct ward_task *prio_take_claimed(struct prio_queue *queue);

static inline struct ward_task *prio_take(struct prio_queue *queue)
{
	return likely(prio_empty(queue)) ? NULL : prio_take_claimed(queue);
}

/* Calls 'out' for each task, in order, if the claim is free; true: 'out' has taken it. */
void prio_filter(struct prio_queue *queue,
		 bool (*out)(void *arg, struct ward_task *task), void *arg);

/* Reverses a stack. */
struct ward_task *prio_reverse(struct ward_task *last);

#endif
