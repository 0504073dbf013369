/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deque.h - a bounded deque of pointers: its owner pushes and takes the newest,
 * thieves take the oldest.
 *
 * Chase and Lev's (2005), with the orders of Le, Pop, Cohen and Zappa Nardelli
 * (2013).  It does not grow: an owner that finds it full does the work at once, and
 * there is enough for thieves in it.
 *
 *              push   take   look, win
 *   push         -      -       *        -: both are the owner's
 *   look, win    *      *       *        *: any number of threads at once
 *
 * Progress: push and take are wait-free; of several thieves that try to win one item,
 * one does.
 *
 * Invariants:
 *  1) top only grows; items are in [top, bottom); bottom is top - 1 only while the
 *     owner is inside take().
 *  2) An item leaves by the owner's lowering of bottom below it, or by one
 *     compare-and-swap of top past it; never by both: the owner lowers, fences and
 *     looks at top; a thief looks at top, fences and looks at bottom [dq].  Only
 *     the last item may both believe theirs, and then the owner swaps, too.
 *  3) The n-th item ever stolen is number n: a place is stolen from once.
 *
 * Edges: [dp] pushed | looked at; [dq] lowered | looked at; [dr] won | the cell is
 * written again.
 */
#ifndef WARD_LIB_SYNC_DEQUE_H
#define WARD_LIB_SYNC_DEQUE_H

#include "base/atomic.h"
#include <stddef.h>

#ifndef DEQUE_SIZE
#define DEQUE_SIZE 512u /* a power of two */
#endif

struct deque {
	/* W: */
	line_aligned _Atomic uint64_t bottom;
	uint64_t top_seen; /* never ahead of top */
	/* I: DEQUE_SIZE of them, elsewhere: not touched without forks */
	void *_Atomic *cell;
	/* X: */
	line_aligned _Atomic uint64_t top;
};

/* All-zero memory is an empty deque, into which nothing can be pushed yet. */
static inline void deque_init(struct deque *deque, void *_Atomic *cell)
{
	deque->cell = cell;
}

/* False: full. */
static inline bool deque_push(struct deque *deque, void *item)
{
	uint64_t bottom = load_relaxed(&deque->bottom);

	if (unlikely(bottom - deque->top_seen >= DEQUE_SIZE)) {
		deque->top_seen = load_acquire(&deque->top); /* [dr] */
		if (bottom - deque->top_seen >= DEQUE_SIZE)
			return false;
	}
	store_relaxed(&deque->cell[bottom % DEQUE_SIZE], item);
	store_release(&deque->bottom, bottom + 1); /* [dp] */
	return true;
}

/* The last one: the swap decides. */
static cold void *deque_take_last(struct deque *deque, uint64_t bottom,
				  uint64_t top)
{
	void *item = NULL;

	if (bottom == top) {
		item = load_relaxed(&deque->cell[bottom % DEQUE_SIZE]);
		if (!cas_acq_rel(&deque->top, &top, top + 1)) /* [dr] */
			item = NULL;
	}
	store_release(&deque->bottom, bottom + 1);
	return item;
}

/* The newest, or NULL. */
static inline void *deque_take(struct deque *deque)
{
	uint64_t bottom = load_relaxed(&deque->bottom) - 1, top;

	/* Release: older items are under it still [dp]. */
	store_release(&deque->bottom, bottom);
	barrier_seq_cst(); /* [dq] lowered | who has won? */
	top = load_relaxed(&deque->top);
	if (likely((int64_t)(bottom - top) > 0))
		return load_relaxed(&deque->cell[bottom % DEQUE_SIZE]);
	return deque_take_last(deque, bottom, top);
}

/*
 * By the owner: drops all above 'base'.  The load sees all that thieves did before they
 * won: take() has read as much, but not with acquire.
 */
static inline void deque_drop(struct deque *deque, uint64_t base)
{
	while (load_relaxed(&deque->bottom) > base && deque_take(deque))
		;
	(void)load_acquire(&deque->top); /* [dl] */
}

/* The oldest and its number, still in its place; or NULL. */
static inline void *deque_look(struct deque *deque, uint64_t *number)
{
	uint64_t top = load_acquire(&deque->top); /* earlier winners have fenced */

	barrier_seq_cst(); /* [dq] that it is the oldest | taken? */
	*number = top;
	if ((int64_t)(load_acquire(&deque->bottom) - top) <= 0) /* [dp] */
		return NULL;
	return load_relaxed(&deque->cell[top % DEQUE_SIZE]);
}

/* True: the item that was seen there is the caller's. */
static inline bool deque_win(struct deque *deque, uint64_t number)
{
	return cas_acq_rel(&deque->top, &number, number + 1); /* [dr] */
}

/* The number of items, without a fence: a guess, for all but the owner. */
static inline uint64_t deque_count(const struct deque *deque)
{
	int64_t n = (int64_t)(load_relaxed(&deque->bottom) -
			      load_relaxed(&deque->top));

	return n > 0 ? (uint64_t)n : 0;
}

#endif
