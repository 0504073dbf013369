/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.h - tasks of a lower priority: one queue for each, in the order in which they
 * came, behind all that has none.
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
#ifndef WARD_LIB_WORK_LOWER_H
#define WARD_LIB_WORK_LOWER_H

#include "base/atomic.h"
#include <ward/task.h>

struct lower {
	/* X: */
	line_aligned struct ward_task *_Atomic arrived; /* the last one first */
	_Atomic uint64_t in;		 /* M: that were ever put, or are about to be */
	_Atomic uint32_t claim;
	struct ward_task *_Atomic first; /* P */
	_Atomic uint64_t out;		 /* P: that were ever taken */
};

static inline bool lower_empty(const struct lower *lower)
{
	return !load_relaxed(&lower->arrived) && !load_relaxed(&lower->first);
}

static inline uint64_t lower_count(const struct lower *lower)
{
	uint64_t out = load_relaxed(&lower->out), in = load_relaxed(&lower->in);

	return in > out ? in - out : 0;
}

void lower_put(struct lower *lower, struct ward_task *task);
/* NULL: it is empty, or another is at it. */
struct ward_task *lower_take_claimed(struct lower *lower);

static inline struct ward_task *lower_take(struct lower *lower)
{
	return likely(lower_empty(lower)) ? NULL : lower_take_claimed(lower);
}

/*
 * By one more who may have the claim: each that is in it is looked at, in order.  Of
 * which 'out' says true, it has taken.
 */
void lower_sift(struct lower *lower,
		bool (*out)(void *arg, struct ward_task *task), void *arg);

/* A stack, by their books' links, turned round. */
struct ward_task *lower_turn(struct ward_task *last);

#endif
