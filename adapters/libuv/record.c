/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.c - those that are free are a stack of indices, with a tag against ABA
 * (lib/sync/stack.h has the same over an array that does not grow).  Piece k of their
 * memory has FIRST << k of them.
 *
 * Edges: put | get, a record as it was left; piece_make() | record_at(), zeroes.
 */
#include "record.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_SHIFT = 6, FIRST = 1 << FIRST_SHIFT, PIECES = 24 };

static struct record *_Atomic piece[PIECES]; /* M */
static _Atomic uint32_t made;		     /* M: indices that are given out */
static _Atomic uint64_t top;		     /* X: tag:32 | index + 1:32 */

static unsigned piece_of(uint32_t index)
{
	return 31u - (unsigned)__builtin_clz(index + FIRST) - FIRST_SHIFT;
}

static struct record *record_at(uint32_t index)
{
	unsigned k = piece_of(index);

	return load_acquire(&piece[k]) + (index + FIRST - ((uint32_t)FIRST << k));
}

static bool piece_make(unsigned k)
{
	struct record *none = NULL, *fresh;
	size_t bytes = sizeof(*fresh) * FIRST << k;

	if (k >= PIECES)
		return false;
	if (load_acquire(&piece[k]))
		return true;
	fresh = aligned_alloc(WARD_LINE, bytes);
	if (!fresh)
		return false;
	memset(fresh, 0, bytes);
	if (!cas_acq_rel(&piece[k], &none, fresh))
		free(fresh); /* another thread was first */
	return true;
}

static struct record *record_make(void)
{
	uint32_t index = load_relaxed(&made);
	struct record *record;

	do {
		if (!piece_make(piece_of(index)))
			return NULL;
	} while (!cas_relaxed(&made, &index, index + 1));
	record = record_at(index);
	record->index = index;
	return record;
}

static uint64_t next_word(uint64_t seen, uint32_t below)
{
	return ((seen >> 32) + 1) << 32 | below;
}

struct record *record_get(void)
{
	uint64_t seen = load_acquire(&top);

	while ((uint32_t)seen) {
		struct record *record = record_at((uint32_t)seen - 1);
		uint32_t below = load_relaxed(&record->below);

		if (cas_acq_rel(&top, &seen, next_word(seen, below)))
			return record;
	}
	return record_make();
}

void record_put(struct record *record)
{
	uint64_t seen = load_relaxed(&top);

	do {
		store_relaxed(&record->below, (uint32_t)seen);
	} while (!cas_acq_rel(&top, &seen, next_word(seen, record->index + 1)));
}
