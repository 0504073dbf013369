/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat_count.h - how many seats are to be taken, and how many are.
 *
 * The two words, and who moves them: docs/states.md.  'taken' seats have a worker, or a
 * spare that is just about to sit down; 'leaving' of those have a worker that was dismissed
 * and is about to go.
 *
 * Invariants:
 *  1) A seat is counted as taken before its pointer is set, and until that was
 *     cleared.  So a thread that has counted one finds an empty seat.
 *  2) A seat is claimed only while fewer stay than are wanted, and dismissed only while
 *     more do: no two sit down for one vacancy, and no two get up for one too many.
 *  3) At least one seat is wanted, so a worker that leaves has another behind it that
 *     will look for work.
 *  4) 'wanted' follows 'size': a thread that changes 'size' then writes 'wanted'
 *     (seat_resize), and after it has lowered that gives the order to leave [cw].
 */
#ifndef WARD_LIB_POOL_SEAT_COUNT_H
#define WARD_LIB_POOL_SEAT_COUNT_H

#include "base/check.h"
#include <stdbool.h>
#include <stdint.h>

#define SEATS_MAX 8190u

struct seat_count {
	_Atomic uint64_t size; /* X: S, and ward_pool_resize() */
	_Atomic uint64_t word; /* X */
};

struct size {
	uint32_t least, most; /* with least = most it does not grow on demand */
	uint32_t base, lent;
	bool open; /* 'most' was left open: more may be lent than that */
};

static inline uint64_t size_pack(const struct size *s)
{
	return (uint64_t)s->least | (uint64_t)s->most << 15 |
	       (uint64_t)s->base << 30 | (uint64_t)s->lent << 45 |
	       (uint64_t)s->open << 60;
}

static inline struct size size_of(uint64_t word)
{
	return (struct size){ .least = word & 0x7fff,
			      .most = word >> 15 & 0x7fff,
			      .base = word >> 30 & 0x7fff,
			      .lent = word >> 45 & 0x7fff,
			      .open = word >> 60 & 1 };
}

static inline void seats_init(struct seat_count *count, const struct size *size)
{
	atomic_init(&count->size, size_pack(size));
	atomic_init(&count->word, size->base); /* wanted */
}

#define SEATS_WANTED(w) ((uint32_t)(w)&0xffff)
#define SEATS_TAKEN(w) ((uint32_t)((w) >> 16) & 0xffff)
#define SEATS_LEAVING(w) ((uint32_t)((w) >> 32) & 0xffff)
#define SEATS_TAKEN_ONE ((uint64_t)1 << 16)
#define SEATS_LEAVING_ONE ((uint64_t)1 << 32)
#define SEATS_STAY(w) (SEATS_TAKEN(w) - SEATS_LEAVING(w))

/* Seats that are wanted and empty. */
static inline uint32_t seats_vacant(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	return SEATS_STAY(word) < SEATS_WANTED(word)
		       ? SEATS_WANTED(word) - SEATS_STAY(word)
		       : 0;
}

/* Is there a worker too many? */
static inline bool seats_over(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word); /* [cw] */

	return SEATS_STAY(word) > SEATS_WANTED(word);
}

/* Is there one worker at most, and is no other wanted? */
static inline bool seats_is_one(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	return SEATS_TAKEN(word) <= 1 && SEATS_WANTED(word) <= 1;
}

/*
 * May a spare sit down, of 'seats' in all?  If the last one is just being left, the
 * worker that leaves it matches.
 */
static inline bool seats_may_claim(uint64_t word, uint32_t seats)
{
	return SEATS_STAY(word) < SEATS_WANTED(word) &&
	       SEATS_TAKEN(word) < seats;
}

/* A spare is about to sit down. */
static inline bool seats_claim(struct seat_count *count, uint32_t seats)
{
	uint64_t word = load_acquire(&count->word);

	do {
		if (!seats_may_claim(word, seats))
			return false;
	} while (!cas_acq_rel(&count->word, &word, word + SEATS_TAKEN_ONE));
	return true;
}

/* The caller is about to get up, if there is a worker too many. */
static inline bool seats_dismiss(struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	do {
		if (SEATS_STAY(word) <= SEATS_WANTED(word))
			return false;
	} while (!cas_acq_rel(&count->word, &word, word + SEATS_LEAVING_ONE));
	return true;
}

/* A seat was left; was its worker dismissed? */
static inline void seats_left(struct seat_count *count, bool dismissed)
{
	uint64_t word = sub_acq_rel(
		&count->word,
		SEATS_TAKEN_ONE + (dismissed ? SEATS_LEAVING_ONE : 0));

	WARD_ASSERT(SEATS_TAKEN(word) && SEATS_LEAVING(word) >= dismissed &&
		    SEATS_LEAVING(word) <= SEATS_TAKEN(word));
}

static inline void seats_want(struct seat_count *count, uint32_t wanted)
{
	uint64_t word = load_acquire(&count->word);

	WARD_ASSERT(wanted && wanted <= SEATS_MAX); /* 3) */
	while (!cas_acq_rel(&count->word, &word,
			    word - SEATS_WANTED(word) + wanted))
		;
}

#endif
