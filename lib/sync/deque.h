/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deque.h - a bounded deque of pointers: its owner pushes and takes the newest,
 * thieves take the oldest.
 *
 * Chase and Lev's (2005), with the orders of Le, Pop, Cohen and Zappa Nardelli
 * (2013), and split in two as in Lace (van Dijk and van de Pol, 2014): what lies below the
 * limit is shared, and taken back with a fence; what lies above is the owner's alone,
 * and costs it no more than a stack.  It does not grow: an owner that finds it full does
 * the work at once, and there is enough for thieves in it.
 *
 *              push   take, share   look, win
 *   push, take   -         -            *      -: all are the owner's
 *   look, win    *         *            *      *: any number of threads at once
 *
 * Thieves that find nothing shared ask: they raise the limit themselves, and mark it.
 * An owner that comes by confirms it.  Where none does (it works on something long), the
 * thief makes sure by a heavy barrier that the owner sees the new limit, and confirms it
 * itself.  So whatever is pushed can be stolen, and only coarse work pays for that.
 *
 * Progress: push and take are wait-free but for swaps of the limit, which fail only
 * because a thief asked; of several thieves that try to win one item, one does.
 *
 * Invariants:
 *  1) top only grows; items are in [top, bottom); bottom is top - 1 only while the
 *     owner is inside take().
 *  2) An item below the limit leaves by the owner's lowering of bottom below it, or by one
 *     compare-and-swap of top past it; never by both: the owner lowers, fences and
 *     looks at top; a thief looks at top, fences and looks at bottom [dq].  Only
 *     the last item may both believe theirs, and then the owner swaps, too.
 *  3) A thief takes only what lies below a confirmed limit, and reads the split before top
 *     and after bottom: 'turn' tells it that the limit was the same in between.
 *  4) An owner that takes an item without a fence lowered bottom before it read the limit;
 *     a thief that confirms raised the limit before its heavy barrier [dt].  So either
 *     the owner sees the limit, or all thieves see bottom.
 *  5) Only the owner lowers the limit, down to bottom, before it pushes again.  A thief that
 *     has read the limit from before is told by top, or by the split, or sees no item.
 *     The limit is nowhere below top: what was stolen lies below it.
 *  6) The n-th item ever stolen is number n: a place is stolen from once.
 *
 * Edges: [dp] pushed | looked at; [dq] lowered | looked at; [dr] won | the cell is
 * written again; [dt] lowered | limit raised.
 */
#ifndef WARD_LIB_SYNC_DEQUE_H
#define WARD_LIB_SYNC_DEQUE_H

#include "base/host.h"
#include <stddef.h>

#ifndef DEQUE_SIZE
#define DEQUE_SIZE 512u /* a power of two */
#endif
#ifndef DEQUE_PATIENCE
#define DEQUE_PATIENCE 64u /* looks for the owner's word, each some 20 ns */
#endif

/* The first two lines are known to the calls in ward/fork.h: slot.h compares. */
struct deque {
	/* W: */
	line_aligned _Atomic uint64_t bottom;
	uint64_t
		room; /* up to which bottom may go without a look; bottom: closed, or full */
	/* I: DEQUE_SIZE of them, elsewhere: not touched without forks */
	void *_Atomic *cell;
	const _Atomic uint64_t
		*asleep;   /* of the calls in fork.h: does anybody sleep? */
	const bool *light; /* the same: host_asymmetric */
	/* X: the limit, whether it is asked for, and a turn: DEQUE_LIMIT() */
	line_aligned _Atomic uint64_t split;
	/* X: */
	line_aligned _Atomic uint64_t top;
};

/*
 * The split: turn:31, asked:1, limit:32.  A limit that is asked for stands there plus 2^30,
 * so that one comparison tells an owner of both.
 */
#define DEQUE_ASKED ((uint64_t)1 << 32)
#define DEQUE_FAR ((uint32_t)1 << 30)
#define DEQUE_LIMIT(split)                                                     \
	((uint32_t)(split) - ((split)&DEQUE_ASKED ? DEQUE_FAR : 0))

/* Another limit, in the next turn. */
static inline uint64_t deque_split_next(uint64_t split, uint32_t limit)
{
	return ((split >> 33) + 1) << 33 | limit;
}

/* The same, by a thief that only asks. */
static inline uint64_t deque_split_asked(uint64_t split, uint32_t limit)
{
	return deque_split_next(split, limit + DEQUE_FAR) | DEQUE_ASKED;
}

/* What was asked for, granted in the same turn. */
static inline uint64_t deque_split_granted(uint64_t asked)
{
	return asked >> 33 << 33 | DEQUE_LIMIT(asked);
}

/*
 * All-zero memory is an empty deque, into which nothing can be pushed yet.  'asleep': a
 * bell's word, for the calls of fork.h.
 */
static inline void deque_init(struct deque *deque, void *_Atomic *cell,
			      const _Atomic uint64_t *asleep)
{
	deque->cell = cell;
	deque->asleep = asleep;
	deque->light = &host_asymmetric;
}

/* By the owner, when it is empty: the next push looks for room. */
static inline void deque_close(struct deque *deque)
{
	deque->room = load_relaxed(&deque->bottom);
}

/* False: full. */
static inline bool deque_push(struct deque *deque, void *item)
{
	uint64_t bottom = load_relaxed(&deque->bottom);

	if (unlikely(bottom == deque->room)) {
		deque->room = load_acquire(&deque->top) + DEQUE_SIZE; /* [dr] */
		if (bottom == deque->room)
			return false;
	}
	store_relaxed(&deque->cell[bottom % DEQUE_SIZE], item);
	store_release(&deque->bottom, bottom + 1); /* [dp] */
	return true;
}

/* ---- the limit ------------------------------------------------------------------- */

/*
 * By the owner, after a take: what is above bottom is shared no longer, and what was asked
 * for is granted.  In an empty one the limit is where the next item goes.
 */
static inline void deque_fit(struct deque *deque, uint32_t bottom, bool empty)
{
	uint64_t split = load_relaxed(&deque->split), next;

	do {
		uint32_t limit = DEQUE_LIMIT(split);

		if (empty || (int32_t)(limit - bottom) > 0)
			limit = bottom;
		if ((uint32_t)split == limit && !(split & DEQUE_ASKED))
			return;
		next = deque_split_next(split, limit);
	} while (!cas_acq_rel(&deque->split, &split, next)); /* [dt] */
}

/* By the owner, which sees what it raises: half of what is its own, or all. */
static inline void deque_share(struct deque *deque, bool all)
{
	uint64_t split = load_relaxed(&deque->split), next;

	do {
		uint32_t limit = DEQUE_LIMIT(split), raise;
		bool asked = split & DEQUE_ASKED;
		int32_t own = (int32_t)((uint32_t)load_relaxed(&deque->bottom) -
					limit);

		if (own < 0)
			own = 0; /* taken back before the owner saw the limit */
		raise = (uint32_t)own;
		if (!all)
			raise = asked ? 0 : (raise + 1) / 2;
		if (!raise && !asked)
			return;
		next = deque_split_next(split, limit + raise);
	} while (!cas_acq_rel(&deque->split, &split, next)); /* [dt] */
}

/*
 * By a thief that found nothing shared: asks for half of what is the owner's alone.
 * False: there is nothing, or the owner has to confirm it and did not yet.
 */
static inline bool deque_ask(struct deque *deque)
{
	uint64_t split = load_acquire(&deque->split), asked;
	uint32_t limit = DEQUE_LIMIT(split),
		 own = (uint32_t)load_relaxed(&deque->bottom) - limit;

	asked = split;
	if (!(split & DEQUE_ASKED)) {
		if ((int32_t)own <= 0)
			return false;
		asked = deque_split_asked(split, limit + (own + 1) / 2);
		if (!cas_acq_rel(&deque->split, &split, asked))
			return true;
	}
	for (uint32_t i = 0; i < DEQUE_PATIENCE; i++) {
		if (load_relaxed(&deque->split) != asked)
			return true;
		host_relax();
	}
	if (!host_barrier_heavy()) /* [dt] raised | what was taken? */
		return false;
	cas_acq_rel(&deque->split, &asked,
		    deque_split_granted(asked)); /* [dt] */
	return true;
}

/* ---- taking ------------------------------------------------------------------------ */

/* What is shared, or nothing.  Of the last one, the swap decides. */
static cold void *deque_take_shared(struct deque *deque, uint64_t bottom)
{
	void *item = load_relaxed(&deque->cell[bottom % DEQUE_SIZE]);
	bool empty;
	uint64_t top;

	barrier_seq_cst(); /* [dq] lowered | who has won? */
	top = load_relaxed(&deque->top);
	empty = (int64_t)(bottom - top) <= 0;
	if (empty) {
		if (bottom != top ||
		    !cas_acq_rel(&deque->top, &top, top + 1)) /* [dr] */
			item = NULL;
		store_release(&deque->bottom, ++bottom);
	}
	deque_fit(deque, (uint32_t)bottom, empty);
	return item;
}

/* The newest, or NULL. */
static inline void *deque_take(struct deque *deque)
{
	uint64_t bottom = load_relaxed(&deque->bottom) - 1;
	uint32_t above;

	/* Release: older items are under it still [dp]. */
	store_release(&deque->bottom, bottom);
	host_barrier_light(); /* [dt] lowered | is the limit below? */
	above = (uint32_t)bottom - (uint32_t)load_relaxed(&deque->split);
	if (likely((int32_t)above >= 0))
		return load_relaxed(&deque->cell[bottom % DEQUE_SIZE]);
	return deque_take_shared(deque, bottom);
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

/* The oldest of what is shared. */
static inline void *deque_look_shared(struct deque *deque, uint64_t *number)
{
	uint64_t split = load_relaxed(
			 &deque->split), /* [dt] by the fence below */
		top = load_acquire(
			&deque->top); /* earlier winners have fenced */

	*number = top;
	if (split & DEQUE_ASKED ||
	    (int32_t)(DEQUE_LIMIT(split) - (uint32_t)top) <= 0)
		return NULL;
	barrier_seq_cst(); /* [dq] that it is the oldest | taken? */
	if ((int64_t)(load_acquire(&deque->bottom) - top) <= 0 || /* [dp] */
	    load_relaxed(&deque->split) != split)
		return NULL;
	return load_relaxed(&deque->cell[top % DEQUE_SIZE]);
}

/* The oldest and its number, still in its place; or NULL. */
static inline void *deque_look(struct deque *deque, uint64_t *number)
{
	void *item = deque_look_shared(deque, number);

	if (item || !deque_ask(deque))
		return item;
	return deque_look_shared(deque, number);
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

/* May a thief have any of it?  Without membarrier, only what the owner shares. */
static inline bool deque_offers(const struct deque *deque)
{
	uint64_t split = load_relaxed(&deque->split);

	if (likely(__atomic_load_n(&host_asymmetric, __ATOMIC_RELAXED)))
		return deque_count(deque);
	return !(split & DEQUE_ASKED) &&
	       (int32_t)(DEQUE_LIMIT(split) -
			 (uint32_t)load_relaxed(&deque->top)) > 0;
}

#endif
