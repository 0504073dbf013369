/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat_count.h - how many seats are to be taken, and how many are.
 *
 * Two words.  'size' is what was asked for and what was added to it: a pool begins
 * with 'base' seats, at least 'least', and on demand up to 'most'; 'lent' more stand
 * in for workers that wait inside tasks.  'word' is what is:
 *
 *	leaving:16  taken:16  wanted:16
 *
 * 'wanted' is base + lent; 'taken' seats have a worker, or somebody is just about to
 * sit down; 'leaving' of those have been let go and are just about to get up.
 *
 * Invariants:
 *  1) A seat is counted as taken before its pointer is set, and not any more after
 *     that was cleared.  So who has counted one finds an empty seat.
 *  2) One is counted only while fewer stay than are wanted, and let go only while
 *     more do: no two sit down for one vacancy, and no two get up for one too many.
 *  3) At least one seat is wanted, so who is let go leaves another behind that will
 *     look for work after it.
 *  4) 'wanted' follows 'size': who changes that writes it last (seat_resize), and who
 *     lowers it gives the order to leave after that [cw].
 */
#ifndef WARD_LIB_POOL_SEAT_COUNT_H
#define WARD_LIB_POOL_SEAT_COUNT_H

#include "base/check.h"
#include <stdbool.h>
#include <stdint.h>

#define SEATS_MAX 8190u

struct seat_count {
	_Atomic uint64_t size; /* X: S, and who resizes */
	_Atomic uint64_t word; /* X */
};

/* ---- the size ---------------------------------------------------------------- */

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

/* ---- the word ----------------------------------------------------------------- */

#define SEATS_WANTED(w) ((uint32_t)(w)&0xffff)
#define SEATS_TAKEN(w) ((uint32_t)((w) >> 16) & 0xffff)
#define SEATS_LEAVING(w) ((uint32_t)((w) >> 32) & 0xffff)
#define SEATS_TAKEN_ONE ((uint64_t)1 << 16)
#define SEATS_LEAVING_ONE ((uint64_t)1 << 32)
/* Those that stay. */
#define SEATS_STAY(w) (SEATS_TAKEN(w) - SEATS_LEAVING(w))

/* Seats that are wanted and empty. */
static inline uint32_t seats_vacant(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	return SEATS_STAY(word) < SEATS_WANTED(word)
		       ? SEATS_WANTED(word) - SEATS_STAY(word)
		       : 0;
}

/* Is somebody one too many? */
static inline bool seats_over(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	return SEATS_STAY(word) > SEATS_WANTED(word);
}

/* Is there one worker at most, and is there to be no other? */
static inline bool seats_is_one(const struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	return SEATS_TAKEN(word) <= 1 && SEATS_WANTED(word) <= 1;
}

/*
 * May a spare sit down; of 'seats' in all?  Where the last empty seat is one that its
 * worker is just getting up from, that worker sees to it.
 */
static inline bool seats_may_claim(uint64_t word, uint32_t seats)
{
	return SEATS_STAY(word) < SEATS_WANTED(word) &&
	       SEATS_TAKEN(word) < seats;
}

/* It is about to. */
static inline bool seats_claim(struct seat_count *count, uint32_t seats)
{
	uint64_t word = load_acquire(&count->word);

	do {
		if (!seats_may_claim(word, seats))
			return false;
	} while (!cas_acq_rel(&count->word, &word, word + SEATS_TAKEN_ONE));
	return true;
}

/* A worker is about to get up, if one is too many. */
static inline bool seats_dismiss(struct seat_count *count)
{
	uint64_t word = load_acquire(&count->word);

	do {
		if (SEATS_STAY(word) <= SEATS_WANTED(word))
			return false;
	} while (!cas_acq_rel(&count->word, &word, word + SEATS_LEAVING_ONE));
	return true;
}

/* A seat was left; did its worker have to be let go? */
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
