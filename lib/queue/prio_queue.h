/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prio_queue.h - tasks of a lower priority: one queue for each, in the order in which
 * they came, behind all that has none.
 *
 * Putting is a push on a stack; taking is for one thread at a time, which turns
 * the stack round into its own list when that is empty.  The claim is only tried:
 * who does not get it looks elsewhere, and comes again.  A taker that is held inside
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
 * Counts are for who wants to know how many; whether there is any says the queue
 * itself.  So one that is stopped between the two keeps nobody awake.
 */
#ifndef WARD_LIB_QUEUE_PRIO_QUEUE_H
#define WARD_LIB_QUEUE_PRIO_QUEUE_H

#include "base/atomic.h"
#include <ward/task.h>

struct prio_queue {
	/* X: */
	line_aligned struct ward_task *_Atomic arrived; /* the last one first */
	_Atomic uint64_t in;		 /* M: that were ever put, or are about to be */
	_Atomic uint32_t claim;
	struct ward_task *_Atomic first; /* P */
	_Atomic uint64_t out;		 /* P: that were ever taken */
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
/* NULL: it is empty, or another is at it. */
struct ward_task *prio_take_claimed(struct prio_queue *queue);

static inline struct ward_task *prio_take(struct prio_queue *queue)
{
	return likely(prio_empty(queue)) ? NULL : prio_take_claimed(queue);
}

/*
 * By one more who may have the claim: each that is in it is looked at, in order.  Of
 * which 'out' says true, it has taken.
 */
void prio_filter(struct prio_queue *queue,
		 bool (*out)(void *arg, struct ward_task *task), void *arg);

/* A stack, by their books' links, turned round. */
struct ward_task *prio_reverse(struct ward_task *last);

#endif
