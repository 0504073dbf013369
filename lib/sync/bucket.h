/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bucket.h - a token bucket in one word.
 *
 * Tokens fall due one after the other, an interval apart.  The word is a point in
 * time: all tokens that were due until then are spent.  So the bucket's content is
 * the time between the word and now; it is full when that is the span, burst
 * intervals, and a draw moves the word ahead by an interval a token:
 *
 *	to = max(spent, now - span) + n * interval
 *
 * They are due at 'to'.  If that is not later than now they are there; else they are
 * taken from the future, and the drawer waits until then.
 *
 *  1) Within any time from s to e no more than burst + rate * (e - s) tokens fall
 *     to draws whose time lies there (a draw's time is 'to', or its 'now' if that
 *     is later).  Draws take disjoint stretches of the word's way.  That of the
 *     first begins no earlier than s - span, that of the last ends no later than e.
 *     It does not matter in which order the draws of several threads come, nor how
 *     old their 'now' is when they swap.
 *  2) The word goes back by undoing alone, and only from where that very draw has
 *     left it: no other draw has come since, or all are undone.  Later draws were told
 *     their times; tokens given back before them could be had again just then, above
 *     the burst.
 *
 * Time is counted in ticks of 1/32 ns, and compared by differences: a bucket that
 * nobody draws from for nine years may hold less than it should for as long.  The
 * interval is rounded up, never down, to a whole tick and to 27 digits of binary:
 * the rate is too small by up to 1/32 ns a token and a part in 67 million.
 *
 * The pace is one word, too: its reader sees burst and interval of the same setting.
 * No word carries anything but itself: all accesses are relaxed.
 */
#ifndef WARD_LIB_SYNC_BUCKET_H
#define WARD_LIB_SYNC_BUCKET_H

#include "base/atomic.h"

#define BUCKET_TICK_BITS 5
#define BUCKET_BURST_MAX (UINT32_C(1) << 31)
#define BUCKET_RATE_MAX 1e9
#define BUCKET_SPAN_MAX (UINT64_C(1) << 61)  /* ticks: 2.2 years */
#define BUCKET_AHEAD_MAX (UINT64_C(1) << 62) /* of a draw: 4.5 years */

struct bucket {
	/* X: */
	_Atomic uint64_t spent; /* ticks */
	_Atomic uint64_t pace;	/* 0: not set yet */
};

/* For bucket_undo(). */
struct draw {
	uint64_t to, cost; /* ticks */
};

/* ---- the pace ------------------------------------------------------------ */

/*
 *	 63          33 32       27 26           0
 *	| burst - 1    | exponent  | digits       |	interval = digits << exponent
 */
#define PACE_DIGITS 27
#define PACE_EXPONENT 6

static inline uint64_t pace_interval(uint64_t pace)
{
	return (pace & ((UINT64_C(1) << PACE_DIGITS) - 1))
	       << (pace >> PACE_DIGITS & ((1u << PACE_EXPONENT) - 1));
}

static inline uint64_t pace_burst(uint64_t pace)
{
	return (pace >> (PACE_DIGITS + PACE_EXPONENT)) + 1;
}

static inline uint64_t pace_span(uint64_t pace)
{
	return pace_burst(pace) * pace_interval(pace);
}

/* Tokens a second, a little less than were asked for. */
static inline double pace_rate(uint64_t pace)
{
	return (1e9 * (1 << BUCKET_TICK_BITS)) / (double)pace_interval(pace);
}

/*
 * Ticks a token, rounded up; 0: too many.  A double is a whole number and a power
 * of two, so this is the only rounding.
 */
static inline uint64_t pace_ticks(double per_s)
{
	const unsigned __int128 second = UINT64_C(1000000000)
					 << BUCKET_TICK_BITS;
	unsigned __int128 ticks;
	uint64_t whole;
	unsigned down = 0;

	while (per_s < 0x1p52 && down < 90) {
		per_s *= 2;
		down++;
	}
	whole = (uint64_t)per_s;
	if (per_s < 0x1p52)
		return 0; /* no token for years */
	ticks = ((second << down) + whole - 1) / whole;
	return ticks > BUCKET_SPAN_MAX ? 0 : (uint64_t)ticks;
}

/* 0: a full bucket would hold more than BUCKET_SPAN_MAX. */
static inline uint64_t pace_of(double per_s, uint32_t burst)
{
	uint64_t digits = pace_ticks(per_s), exponent = 0;

	while (digits >> PACE_DIGITS) {
		digits = (digits + 1) >> 1;
		exponent++;
	}
	if (!digits || digits << exponent > BUCKET_SPAN_MAX / burst)
		return 0;
	return (uint64_t)(burst - 1) << (PACE_DIGITS + PACE_EXPONENT) |
	       exponent << PACE_DIGITS | digits;
}

/* ---- the word ------------------------------------------------------------ */

static inline uint64_t bucket_ticks(uint64_t ns)
{
	return ns << BUCKET_TICK_BITS;
}

static inline bool tick_after(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

/* A full bucket. */
static inline void bucket_init(struct bucket *bucket, uint64_t pace,
			       uint64_t now)
{
	store_relaxed(&bucket->spent, bucket_ticks(now) - pace_span(pace));
	store_relaxed(&bucket->pace, pace);
}

/* How far ahead of now a draw may lie to be due by 'until': ticks, at most the maximum. */
static inline uint64_t bucket_ahead(uint64_t now, uint64_t until)
{
	uint64_t ahead = until > now ? until - now : 0;

	return ahead < BUCKET_AHEAD_MAX >> BUCKET_TICK_BITS
		       ? ahead << BUCKET_TICK_BITS
		       : BUCKET_AHEAD_MAX;
}

/* The draw as it would be just now; false: due more than 'ahead' ticks later. */
static inline bool bucket_look(uint64_t spent, uint64_t pace, uint64_t n,
			       uint64_t now, uint64_t ahead, struct draw *draw)
{
	uint64_t tick = bucket_ticks(now), full = tick - pace_span(pace);

	draw->cost = n * pace_interval(pace);
	draw->to = (tick_after(full, spent) ? full : spent) + draw->cost;
	return !tick_after(draw->to, tick + ahead);
}

/*
 * Draws n tokens, 1..burst, at 'now'.  False: they would be due more than 'ahead'
 * ticks later, and nothing has changed.  Lock-free.
 */
static inline bool bucket_draw(struct bucket *bucket, uint64_t n, uint64_t now,
			       uint64_t ahead, struct draw *draw)
{
	uint64_t spent = load_relaxed(&bucket->spent);
	uint64_t pace = load_relaxed(&bucket->pace);

	do {
		if (!bucket_look(spent, pace, n, now, ahead, draw))
			return false;
	} while (!cas_relaxed(&bucket->spent, &spent, draw->to));
	return true;
}

/*
 * The same, of tokens that are there, at a 'now' that lies between two points: DRAWN or
 * NONE, if it is the same at both; else UNSURE.
 */
enum about { UNSURE, DRAWN, NONE };

static inline enum about bucket_draw_about(struct bucket *bucket, uint64_t n,
					   uint64_t from, uint64_t to)
{
	uint64_t spent = load_relaxed(&bucket->spent);
	uint64_t pace = load_relaxed(&bucket->pace);
	uint64_t cost = n * pace_interval(pace);
	uint64_t full = bucket_ticks(to) - pace_span(pace);

	do {
		if (tick_after(full, spent))
			return UNSURE;
		if (tick_after(spent + cost, bucket_ticks(to)))
			return NONE;
		if (tick_after(spent + cost, bucket_ticks(from)))
			return UNSURE;
	} while (!cas_relaxed(&bucket->spent, &spent, spent + cost));
	return DRAWN;
}

/* The draw's time, ns: now, or rounded up. */
static inline uint64_t bucket_due(const struct draw *draw, uint64_t now)
{
	const uint64_t up = (UINT64_C(1) << BUCKET_TICK_BITS) - 1;
	uint64_t tick = bucket_ticks(now);

	return tick_after(draw->to, tick)
		       ? now + ((draw->to - tick + up) >> BUCKET_TICK_BITS)
		       : now;
}

/* False: others have drawn since, and the tokens stay spent. */
static inline bool bucket_undo(struct bucket *bucket, const struct draw *draw)
{
	uint64_t seen = draw->to;

	return cas_relaxed(&bucket->spent, &seen, draw->to - draw->cost);
}

#endif
