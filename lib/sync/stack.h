/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h - a lock-free stack of indices into an array that stays where it is
 * (Treiber, 1986), with a tag against ABA.
 *
 * 'next[i]' belongs to the holder of i; on the stack, to the stack.  Push and
 * pop: any number of threads at once, lock-free.  The 32-bit tag moves with
 * every change; a stale swap succeeds only after exactly 2^32 changes.
 *
 * Edge [Y]: push | pop, also for what the pusher wrote to its entry.
 */
#ifndef WARD_LIB_SYNC_STACK_H
#define WARD_LIB_SYNC_STACK_H

#include "base/atomic.h"

#define STACK_NONE UINT32_MAX

struct stack {
	_Atomic uint64_t top;	/* X: tag:32 | index + 1:32 */
	_Atomic uint32_t *next; /* I; the words: the pusher of that entry */
};

static inline void stack_init(struct stack *stack, _Atomic uint32_t *next)
{
	atomic_init(&stack->top, 0);
	stack->next = next;
}

static inline uint64_t stack_word(uint64_t seen, uint32_t top)
{
	return ((seen >> 32) + 1) << 32 | top;
}

static inline void stack_push(struct stack *stack, uint32_t i)
{
	uint64_t seen = load_relaxed(&stack->top);

	do {
		store_relaxed(&stack->next[i], (uint32_t)seen);
	} while (!cas_acq_rel(&stack->top, &seen, stack_word(seen, i + 1)));
}

static inline uint32_t stack_pop(struct stack *stack)
{
	uint64_t seen = load_acquire(&stack->top); /* [Y] */

	while ((uint32_t)seen) {
		uint32_t i = (uint32_t)seen - 1;
		uint32_t below = load_relaxed(&stack->next[i]);

		if (cas_acq_rel(&stack->top, &seen, stack_word(seen, below)))
			return i;
	}
	return STACK_NONE;
}

/* Takes all at once, the last pushed first; stack_after() follows to STACK_NONE. */
static inline uint32_t stack_take(struct stack *stack)
{
	uint64_t seen = load_acquire(&stack->top); /* [Y] */

	while ((uint32_t)seen)
		if (cas_acq_rel(&stack->top, &seen, stack_word(seen, 0)))
			return (uint32_t)seen - 1;
	return STACK_NONE;
}

static inline uint32_t stack_after(struct stack *stack, uint32_t i)
{
	uint32_t below = load_relaxed(&stack->next[i]);

	return below ? below - 1 : STACK_NONE;
}

#endif
