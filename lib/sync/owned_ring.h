/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owned_ring.h - a bounded ring of pointers that one thread owns: it puts and takes,
 * others steal the oldest.
 *
 * The ring is biased towards its owner, as a biased lock is (Kawachiya, Koseki and
 * Onodera, 2002).  While no thief comes, the owner takes by a plain store to an index of
 * its own: a locked instruction would wait for all stores before it, those to tasks
 * among them, whose lines are on their way.  A thief revokes the bias: it says so in
 * 'head', makes sure by a heavy barrier that the owner sees that, or the thief sees what
 * the owner took, and then makes 'head' the index, by which all take with a swap.  A
 * later owned_bias() gives the owner its way back.
 *
 *              put, take, bias   steal
 *   put, ...   -                 *      the owner's, or of a signal handler in it: put
 *   steal      *                 *      *: any number of threads at once
 *
 * Progress: put is wait-free; take is, while the ring is biased, else lock-free, and so
 * is steal: a revocation that a stopped thief began is ended by the next, or the owner.
 *
 * Invariants:
 *  1) 'head' says what the index of the oldest entry is: itself, or 'taken' while the ring
 *     is biased or revoked.  The index only grows, up to 'tail'.
 *  2) Only the owner writes 'taken', and biases; only a thief begins to revoke.  Each bias
 *     has a number of its own, so that a thief cannot end a revocation of a later one.
 *  3) Where an owner that takes finds its bias revoked, the index from which the ring was
 *     shared is its entry's, which others have then, or the one after it, and the entry is
 *     the owner's.  ODD tells which.
 *  4) An entry is written over only when the index is past it; one cell is kept free, for
 *     a signal handler's put in the middle of a take may believe in one cell too many.
 *
 * Indices and numbers of biases are 32 bits wide: ring.h says what that costs.
 *
 * Edges: [ob] taken | revoked; [or] put | stolen; [oc] stolen | written over.
 */
#ifndef WARD_LIB_SYNC_OWNED_RING_H
#define WARD_LIB_SYNC_OWNED_RING_H

#include "base/check.h"
#include "base/host.h"

#ifndef OWNED_PATIENCE
#define OWNED_PATIENCE 64u /* a thief's looks at an owner that takes, each some 20 ns */
#endif
#ifndef OWNED_CALM
#define OWNED_CALM 4096u /* the most that owned_bias() is asked for in vain */
#endif

struct owned_ring {
	/* W: others look seldom */
	line_aligned uint64_t bias; /* 'head' as it was biased; 0: the ring is shared */
	uint32_t seen;		/* an index that 'head' had */
	uint32_t biases;	/* so far */
	uint32_t calm, need;	/* owned_bias() since a thief was here; and before it acts */
	_Atomic uint32_t claim; /* a put is under way */
	_Atomic uint32_t rung;	/* of bell_ring_asleep() */
	_Atomic uint64_t accepted;

	/* W: thieves look, to know whether there is anything */
	line_aligned _Atomic uint32_t tail; /* [or] */
	_Atomic uint32_t taken; /* [ob] the index, while the ring is biased */
	_Atomic uint32_t brief; /* its entries are taken soon: a thief may wait */

	/* X: an index, or the number of a bias, and flags */
	line_aligned _Atomic uint64_t head;
	/* I: */
	void *_Atomic *cell;
	uint32_t mask;
};

#define OWNED_BIASED ((uint64_t)1 << 32)
#define OWNED_REVOKED ((uint64_t)1 << 33) /* it is about to be shared */
#define OWNED_ODD ((uint64_t)1 << 34)	  /* shared from an odd index on */
#define OWNED_STOLEN ((uint64_t)1 << 35)  /* a thief was here */

/* 'cell' has 'size' entries, a power of two; size - 1 of them hold pointers. */
static inline void owned_init(struct owned_ring *ring, void *_Atomic *cell, uint32_t size)
{
	ring->cell = cell;
	ring->mask = size - 1;
	ring->bias = 0;
	ring->seen = ring->biases = ring->calm = ring->need = 0;
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->taken, 0);
	atomic_init(&ring->brief, 0);
	atomic_init(&ring->claim, 0);
	atomic_init(&ring->rung, 0);
	atomic_init(&ring->accepted, 0);
	atomic_init(&ring->head, 0);
}

static inline bool owned_shared(uint64_t head)
{
	return !(head & (OWNED_BIASED | OWNED_REVOKED));
}

/* The index of the oldest entry; to others than the owner it was. */
static inline uint32_t owned_index(const struct owned_ring *ring)
{
	uint64_t head = load_acquire(&ring->head); /* [oc] */

	return owned_shared(head) ? (uint32_t)head : load_acquire(&ring->taken); /* [ob] */
}

/* The number of entries; exact only while nobody puts or takes. */
static inline uint32_t owned_count(const struct owned_ring *ring)
{
	uint32_t index = owned_index(ring); /* first: the count is not negative */

	return load_acquire(&ring->tail) - index;
}

/* ---- the owner ------------------------------------------------------------------- */

/* False: it is in the middle of a put, and this is a signal handler. */
static inline bool owned_claim(struct owned_ring *ring)
{
	if (load_relaxed(&ring->claim))
		return false;
	store_relaxed(&ring->claim, 1);
	return true;
}

static inline void owned_drop(struct owned_ring *ring)
{
	WARD_ASSERT(CHECK_LOAD(&ring->claim));
	store_release(&ring->claim, 0); /* [P] */
}

/* How many of n would fit. */
static inline uint32_t owned_room(struct owned_ring *ring, uint32_t n)
{
	uint32_t tail = load_relaxed(&ring->tail);
	uint32_t used = tail - ring->seen;

	if (unlikely(used + n > ring->mask)) {
		ring->seen = owned_index(ring); /* [oc] after the thief's copy */
		used = tail - ring->seen;
	}
	if (unlikely(used + n > ring->mask))
		n = used < ring->mask ? ring->mask - used : 0;
	return n;
}

/* After owned_room() has found room. */
static inline void owned_fill(struct owned_ring *ring, void *const *items, uint32_t n)
{
	uint32_t tail = load_relaxed(&ring->tail);

	for (uint32_t i = 0; i < n; i++)
		store_relaxed(&ring->cell[(tail + i) & ring->mask], items[i]);
	store_release(&ring->tail, tail + n); /* [or] */
}

static inline uint32_t owned_put(struct owned_ring *ring, void *const *items, uint32_t n)
{
	n = owned_room(ring, n);
	if (likely(n))
		owned_fill(ring, items, n);
	return n;
}

/* Entries from 'head' on are the caller's, if its swap succeeds. */
static inline uint64_t owned_past(uint64_t head, uint32_t n)
{
	return (head & ~(uint64_t)UINT32_MAX) | (uint32_t)(head + n);
}

static inline uint64_t owned_share_from(uint32_t index)
{
	return index | (index & 1 ? OWNED_ODD : 0);
}

static __attribute__((noinline, unused)) void *owned_take_shared(struct owned_ring *ring)
{
	uint64_t head = load_relaxed(&ring->head);
	void *item;

	do {
		if ((uint32_t)head == load_relaxed(&ring->tail))
			return NULL;
		item = load_relaxed(&ring->cell[(uint32_t)head & ring->mask]);
	} while (!cas_acq_rel(&ring->head, &head, owned_past(head, 1)));
	return item;
}

/* The bias was revoked when the owner had taken 'item' from there: whose is it? */
static cold void *owned_take_revoked(struct owned_ring *ring, uint32_t index, void *item)
{
	uint64_t head = load_acquire(&ring->head);

	ring->bias = 0;
	ring->calm = 0;
	ring->need = ring->need ? 2 * ring->need : 1;
	if (ring->need > OWNED_CALM)
		ring->need = OWNED_CALM;
	index++;
	if (head & OWNED_REVOKED &&
	    cas_acq_rel(&ring->head, &head, owned_share_from(index))) /* [ob] */
		return item;
	if (!(head & OWNED_ODD) == !(index & 1))
		return item;
	return owned_take_shared(ring);
}

/* The oldest, or NULL. */
static hot void *owned_take(struct owned_ring *ring)
{
	uint32_t index = load_relaxed(&ring->taken);
	void *item;

	if (unlikely(!ring->bias))
		return owned_take_shared(ring);
	if (index == load_relaxed(&ring->tail))
		return NULL;
	item = load_relaxed(&ring->cell[index & ring->mask]);
	store_release(&ring->taken, index + 1);
	host_barrier_light(); /* [ob] taken | revoked? */
	if (likely(load_relaxed(&ring->head) == ring->bias))
		return item;
	return owned_take_revoked(ring, index, item);
}

/*
 * Now and then: where no thief has come for long, the ring is biased.  Each revocation
 * doubles how long that is.
 */
static inline void owned_bias(struct owned_ring *ring)
{
	uint64_t head = load_relaxed(&ring->head), bias;

	if (likely(ring->bias))
		return;
	if (head & OWNED_STOLEN) {
		cas_acq_rel(&ring->head, &head, head & ~OWNED_STOLEN);
		ring->calm = 0;
		return;
	}
	if (ring->calm++ < ring->need)
		return;
	bias = OWNED_BIASED | ++ring->biases;
	store_release(&ring->taken, (uint32_t)head); /* [ob] the tail first */
	if (cas_acq_rel(&ring->head, &head, bias)) /* [ob] */
		ring->bias = bias;
}

/* ---- thieves ---------------------------------------------------------------------- */

/* While it is biased: is it empty, or does its owner take from it within so many looks? */
static inline bool owned_moves(const struct owned_ring *ring, uint32_t looks)
{
	uint32_t index = load_acquire(&ring->taken);

	if (index == load_acquire(&ring->tail))
		return true;
	while (looks--) {
		host_relax();
		if (index != load_relaxed(&ring->taken))
			return true;
	}
	return false;
}

/* False: there is nothing, or no hurry. */
static cold bool owned_revoke(struct owned_ring *ring, uint64_t *head, bool polite)
{
	uint64_t revoked = (*head & UINT32_MAX) | OWNED_REVOKED, next;

	if (*head & OWNED_BIASED) {
		if (owned_moves(ring, polite && load_relaxed(&ring->brief) ?
						OWNED_PATIENCE : 0))
			return false;
		if (!cas_acq_rel(&ring->head, head, revoked))
			return true;
	}
	host_barrier_heavy(); /* [ob] revoked | what was taken? */
	*head = revoked;
	next = owned_share_from(load_acquire(&ring->taken));
	if (cas_acq_rel(&ring->head, head, next)) /* [ob] */
		*head = next;
	return true;
}

/*
 * Copies up to max entries to out and takes them with one swap, as ring_take() does.
 * 'polite': not from an owner of brief ones that is about to take them itself.
 */
static inline uint32_t owned_steal(struct owned_ring *ring, void **out, uint32_t max,
				   bool half, bool polite)
{
	uint64_t head = load_acquire(&ring->head);
	uint32_t n;

	do {
		while (!owned_shared(head))
			if (!owned_revoke(ring, &head, polite))
				return 0;
		n = load_acquire(&ring->tail) - (uint32_t)head; /* [or] */
		if (n == 0)
			return 0;
		if (half)
			n -= n / 2;
		if (n > max)
			n = max;
		for (uint32_t i = 0; i < n; i++)
			out[i] = load_relaxed(
				&ring->cell[((uint32_t)head + i) & ring->mask]);
	} while (!cas_acq_rel(&ring->head, &head, /* [oc] after the copy */
			      owned_past(head, n) | OWNED_STOLEN));
	return n;
}

#endif
