/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h - C11 atomics by the names of their orders, so that each access says
 * what it means and none is sequentially consistent by accident.
 *
 * Orders are acquire and release on the access.  seq_cst stands only in fences,
 * and only where a store must be seen before a later load of another word
 * (docs/memory-ordering.md lists every such pair by its letter).
 *
 * A field that several threads see has a letter, which says who may write it.  A letter
 * at the head of a comment on its own lines is for all fields below, down to the next
 * one; beside a field it is for that field.  Any thread that reaches the record may read.
 *
 *	I	nobody any more: set before another thread can see the record
 *	W	the record's own thread, with plain stores: the worker of a slot or a
 *		local queue, the owner of a deque, the steward whose term it is
 *	X	any thread, in one step: a swap, an addition, a compare-and-swap
 *	M	the same, and it only ever grows, or moves once
 *	O	the thread that owns the record by a step of the word named beside it
 *	P	the holder of the claim beside it
 *	L	the holder of the lock named beside it
 *	T	the thread that dispatches the lane
 *	S	the steward in office
 *	C	the clerk
 *	E	the ends of a pool: the one thread that is in start() or destroy()
 */
#ifndef WARD_LIB_BASE_ATOMIC_H
#define WARD_LIB_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WARD_LINE 64
#define line_aligned __attribute__((aligned(WARD_LINE)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define cold __attribute__((cold, noinline))
#define hot inline __attribute__((always_inline))

#define load_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)
#define load_acquire(p) atomic_load_explicit(p, memory_order_acquire)
#define store_relaxed(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define store_release(p, v) atomic_store_explicit(p, v, memory_order_release)
#define swap_acq_rel(p, v)                                                     \
	atomic_exchange_explicit(p, v, memory_order_acq_rel)
#define add_relaxed(p, v)                                                      \
	atomic_fetch_add_explicit(p, v, memory_order_relaxed)
#define add_acq_rel(p, v)                                                      \
	atomic_fetch_add_explicit(p, v, memory_order_acq_rel)
#define sub_acq_rel(p, v)                                                      \
	atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)
#define or_acq_rel(p, v)                                                       \
	atomic_fetch_or_explicit(p, v, memory_order_acq_rel)
#define and_acq_rel(p, v)                                                      \
	atomic_fetch_and_explicit(p, v, memory_order_acq_rel)
#define or_relaxed(p, v)                                                       \
	atomic_fetch_or_explicit(p, v, memory_order_relaxed)
/* On failure *seen is the present value, read with acquire. */
#define cas_acq_rel(p, seen, v)                                                \
	atomic_compare_exchange_strong_explicit(                               \
		p, seen, v, memory_order_acq_rel, memory_order_acquire)
#define cas_acquire(p, seen, v)                                                \
	atomic_compare_exchange_strong_explicit(                               \
		p, seen, v, memory_order_acquire, memory_order_relaxed)
#define cas_relaxed(p, seen, v)                                                \
	atomic_compare_exchange_strong_explicit(                               \
		p, seen, v, memory_order_relaxed, memory_order_relaxed)
#define barrier_seq_cst() atomic_thread_fence(memory_order_seq_cst)

/* A counter that one thread writes and any may read: no locked instruction. */
#define count_own(p, n) store_relaxed(p, load_relaxed(p) + (n))
/* The same, where a load with acquire is to see what was counted. */
#define count_own_release(p, n) store_release(p, load_relaxed(p) + (n))

/* The highest number so far: the word never goes back. */
static inline void high_raise(_Atomic uint64_t *high, uint64_t to)
{
	uint64_t seen = load_relaxed(high);

	while (seen < to && !cas_acq_rel(high, &seen, to))
		;
}

/* Fetches the line exclusively before it is written, which saves a second trip. */
static inline void prefetch_own(const volatile void *line)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw %0"
			     :
			     : "m"(*(const volatile char *)line));
#else
	__builtin_prefetch((const void *)line, 1);
#endif
}

#endif
