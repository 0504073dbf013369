/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - a bounded ring of pointers, one producer at a time, many consumers.
 *
 * The ring is a ck_ring (Concurrency Kit, Samy Al Bahra) used by its own rules
 * for a single producer and many consumers, extended by three things: both ends
 * move by batches, the producer keeps a private copy of the consumers' index,
 * and a one-word claim says who the producer is.
 *
 * ck's multi-producer enqueue is not used: after winning its place a producer
 * spins until every earlier one has published, so one producer that is
 * preempted or lost stops them all.  Here the claim is only ever tried; a producer
 * that does not get it goes to another ring.
 *
 *              put    take   claim
 *   put         -      *      own     own: by the holder of the claim
 *   take        *      *      *       *: any number of threads at once
 *
 * Progress: put and drop are wait-free, claim is one try, take is lock-free.
 *
 * Invariants:
 *  1) c_head <= p_tail <= c_head + mask (as differences of 32-bit counters).
 *  2) A cell is written only while p_tail - c_head <= mask leaves it free; so
 *     all that a consumer copied before its CAS on c_head succeeded was whole.
 *  3) head_seen never runs ahead of c_head, so room is never overrated.
 *
 * The indices are 32 bits wide, as ck's are.  A consumer stopped between its
 * reading of c_head and its CAS is fooled if exactly a multiple of 2^32 entries
 * pass meanwhile: it takes entries that are not the ones it copied.  At 4 ns a
 * task that needs a stop of 17 s at full speed of one ring, ending within one
 * task's time of the wrap: odds of 2^-32 for each such stop.
 *
 * Edges: [R] put publishes, take sees; [C] a taken cell is free to be written.
 */
#ifndef WARD_LIB_SYNC_RING_H
#define WARD_LIB_SYNC_RING_H

#include "base/check.h"
#include "sync/wait_queue.h"
#include <ck_ring.h>

struct ring {
	ck_ring_t ck; /* c_head and p_tail, each on a line of its own */

	/* I: set by ring_init */
	ck_ring_buffer_t *cell;
	uint32_t mask;

	/* P: */
	line_aligned _Atomic uint32_t claim; /* X */
	uint32_t head_seen;
	_Atomic uint32_t rung; /* of bell_ring_asleep() */
	_Atomic uint64_t accepted;

	/* X: submitters that wait for room; told when the ring is half empty again */
	line_aligned struct wait_queue room;
};

/* 'cell' has 'size' entries, a power of two; size - 1 of them hold pointers. */
static inline void ring_init(struct ring *ring, ck_ring_buffer_t *cell,
			     uint32_t size)
{
	ck_ring_init(&ring->ck, size);
	ring->cell = cell;
	ring->mask = size - 1;
	ring->head_seen = 0;
	atomic_init(&ring->rung, 0);
	atomic_init(&ring->claim, 0);
	atomic_init(&ring->accepted, 0);
	atomic_init(&ring->room.word, 0);
	atomic_init(&ring->room.inside, 0);
}

/* True: the caller is the producer until ring_drop().  Never waits. */
static hot bool ring_claim(struct ring *ring)
{
	uint32_t none = 0;

	return load_relaxed(&ring->claim) == 0 &&
	       cas_acquire(&ring->claim, &none, 1); /* [P] */
}

static hot void ring_drop(struct ring *ring)
{
	WARD_ASSERT(CHECK_LOAD(&ring->claim));
	store_release(&ring->claim, 0); /* [P] the next holder sees the copies */
}

/* By the producer: how many of n would fit. */
static hot uint32_t ring_room(struct ring *ring, uint32_t n)
{
	uint32_t tail = ck_pr_load_uint(&ring->ck.p_tail); /* ours: P */
	uint32_t room = ring->mask - (tail - ring->head_seen);

	if (unlikely(room < n)) {
		ring->head_seen = ck_pr_load_uint(&ring->ck.c_head);
		ck_pr_fence_acquire(); /* [C] after the consumer's copy */
		room = ring->mask - (tail - ring->head_seen);
	}
	WARD_ASSERT(room <= ring->mask); /* 1) and 3) */
	return n < room ? n : room;
}

/* By the producer, after ring_room() has found room. */
static hot void ring_fill(struct ring *ring, void *const *items, uint32_t n)
{
	uint32_t tail = ck_pr_load_uint(&ring->ck.p_tail); /* ours: P */

	WARD_ASSERT(CHECK_LOAD(&ring->claim));
	WARD_ASSERT(tail + n - ring->head_seen <= ring->mask); /* 2) */
	for (uint32_t i = 0; i < n; i++)
		ck_pr_store_ptr(&ring->cell[(tail + i) & ring->mask].value,
				items[i]);
	ck_pr_fence_release(); /* [R] cells before the index */
	ck_pr_store_uint(&ring->ck.p_tail, tail + n);
}

static hot uint32_t ring_put(struct ring *ring, void *const *items, uint32_t n)
{
	n = ring_room(ring, n);
	if (likely(n))
		ring_fill(ring, items, n);
	return n;
}

/*
 * Copies up to max entries to out and takes them with one swap.  'half' leaves the
 * other half to others: many when there are plenty, one when there are few.
 */
static hot uint32_t ring_take(struct ring *ring, void **out, uint32_t max,
			      bool half)
{
	uint32_t head = ck_pr_load_uint(&ring->ck.c_head);
	uint32_t n;

	do {
		ck_pr_fence_load(); /* c_head before p_tail: n is not negative */
		n = ck_pr_load_uint(&ring->ck.p_tail) - head;
		if (n == 0)
			return 0;
		if (half)
			n -= n / 2;
		if (n > max)
			n = max;
		ck_pr_fence_acquire(); /* [R] the index before the cells */
		for (uint32_t i = 0; i < n; i++)
			out[i] = ck_pr_load_ptr(
				&ring->cell[(head + i) & ring->mask].value);
		ck_pr_fence_release(); /* [C] the copy before the swap */
	} while (!ck_pr_cas_uint_value(&ring->ck.c_head, head, head + n,
				       &head));
	return n;
}

/* The number of entries; exact only while nobody puts or takes. */
static inline uint32_t ring_count(const struct ring *ring)
{
	uint32_t head = ck_pr_load_uint(&ring->ck.c_head);

	ck_pr_fence_load(); /* as in ring_take */
	return ck_pr_load_uint(&ring->ck.p_tail) - head;
}

#endif
