/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot.h - what one process writes again and again, and others copy, whole.
 *
 * There are some copies, in memory that others may read.  A writer takes a number,
 * gathers, and then writes the copy that is oldest, which nobody else writes.  The first
 * word of a copy is twice the number; one more while it is being written.
 *
 *  1) Of two copies the one with the higher number was begun later.  A writer that was
 *     held between its beginning and its end does not pass for a new one.
 *  2) A reader that finds the same even word before and after its copying has a copy of
 *     one number [sn].
 *  3) The newest whole copy is never written: the process may end at any step, and leave
 *     the copy that it writes as it is.
 *
 * Writers do not wait.  One that is held keeps a copy from the others; the last two free
 * ones are enough to go on, with fewer nothing is written.  What a reader may see is
 * never read here: others may have changed it.
 *
 *              put    read
 *   put         *      *      beside a writer that was replaced
 *   read        *      *      in another process
 */
#ifndef WARD_LIB_SYNC_SNAPSHOT_H
#define WARD_LIB_SYNC_SNAPSHOT_H

#include "base/atomic.h"
#include <stddef.h>

enum { SNAPSHOT_COPIES = 4, SNAPSHOT_CLAIM = 1 << SNAPSHOT_COPIES };

struct snapshot {
	/* I: */
	char *first;   /* copy, whose bytes are X, for readers [sn]; NULL: none */
	size_t stride; /* a multiple of 8 */
	/* X: */
	_Atomic uint64_t numbers; /* M: that were taken */
	_Atomic uint32_t claims;  /* claims so far:28, copies that a writer has:4 */
	_Atomic uint64_t whole[SNAPSHOT_COPIES]; /* O, claims: the number; 0: none */
};

static inline uint64_t snapshot_begin(struct snapshot *to)
{
	return add_relaxed(&to->numbers, 1) + 1;
}

/* The oldest of the copies that are free; SNAPSHOT_COPIES: there are not two. */
static inline uint32_t snapshot_oldest(const struct snapshot *to,
				       uint32_t claims)
{
	uint64_t least = UINT64_MAX;
	uint32_t found = SNAPSHOT_COPIES, n = 0;

	for (uint32_t i = 0; i < SNAPSHOT_COPIES; i++) {
		uint64_t number = load_relaxed(&to->whole[i]);

		if (claims >> i & 1)
			continue;
		n++;
		if (number < least) {
			least = number;
			found = i;
		}
	}
	return n < 2 ? SNAPSHOT_COPIES : found;
}

/* Numbered, so that what was read of the copies has not moved meanwhile. */
static inline uint32_t snapshot_claim(struct snapshot *to)
{
	uint32_t claims = load_acquire(&to->claims), i; /* [sc] */

	do {
		i = snapshot_oldest(to, claims);
	} while (i < SNAPSHOT_COPIES &&
		 !cas_acq_rel(&to->claims, &claims, /* [sc] */
			      (claims | 1u << i) + SNAPSHOT_CLAIM));
	return i;
}

/* Word by word: a reader may be at it. */
static inline void snapshot_fill(_Atomic uint64_t *copy, const uint64_t *from,
				 size_t words)
{
	for (size_t i = 1; i < words; i++)
		store_relaxed(&copy[i], from[i]);
}

/*
 * Publishes 'bytes' (a multiple of 8, up to the stride), whose first word does not
 * matter.  False: writers that are held have the copies, and nothing was written.
 */
static inline bool snapshot_put(struct snapshot *to, uint64_t number,
				const uint64_t *from, size_t bytes)
{
	uint32_t i = snapshot_claim(to);
	_Atomic uint64_t *copy;

	if (i == SNAPSHOT_COPIES)
		return false;
	copy = (_Atomic uint64_t *)(void *)(to->first + i * to->stride);
	store_relaxed(copy, 2 * number + 1);
	atomic_thread_fence(memory_order_release); /* [sn] not whole | what follows */
	snapshot_fill(copy, from, bytes / 8);
	store_release(copy, 2 * number); /* [sn] */
	store_relaxed(&to->whole[i], number);
	and_acq_rel(&to->claims, ~(1u << i)); /* [sc] */
	return true;
}

#endif
