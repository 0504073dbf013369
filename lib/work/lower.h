/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.h - tasks of a lower priority: one queue for each, in the order in which they
 * came, behind all that has none.
 *
 * Putting is a push on a stack; taking is for one thread at a time, which turns
 * the stack round into its own list when that is empty.  The claim is only tried:
 * who does not get it looks elsewhere, and comes again.
 *
 *              put  take
 *   put         *    *    any number of threads at once, lock-free
 *   take             1    by the holder of the claim
 *
 * Edges: [lo] put | taken; the last taker | the next one.
 */
#ifndef WARD_LIB_WORK_LOWER_H
#define WARD_LIB_WORK_LOWER_H

#include "base/atomic.h"
#include <ward/task.h>

struct lower {
	line_aligned struct ward_task *_Atomic arrived; /* the last one first */
	_Atomic uint64_t count; /* in it: never less than are there */
	_Atomic uint32_t claim;
	struct ward_task *first; /* C: the holder's */
};

void lower_put(struct lower *lower, struct ward_task *task);
/* NULL: it is empty, or another is at it. */
struct ward_task *lower_take_claimed(struct lower *lower);

static inline struct ward_task *lower_take(struct lower *lower)
{
	return likely(!load_relaxed(&lower->count)) ? NULL :
						      lower_take_claimed(lower);
}

/* A stack, by their books' links, turned round. */
struct ward_task *lower_turn(struct ward_task *last);

#endif
