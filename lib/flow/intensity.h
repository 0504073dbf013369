/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intensity.h - how often something happened lately: a score that fades by half
 * in a given time, and grows by one with each event.
 *
 * Numbers are in 1/65536.  2^-f for the fraction f of a half-life is the product of
 * 2^-(1/2), 2^-(1/4) ... for the bits that are set in it: 16 of them, so that the
 * error is below 16/65536 of the score.
 */
#ifndef WARD_LIB_FLOW_INTENSITY_H
#define WARD_LIB_FLOW_INTENSITY_H

#include <stdbool.h>
#include <stdint.h>

#define INTENSITY_ONE 65536u

struct intensity { /* all-zero: nothing has happened yet */
	uint64_t score;
	uint64_t at; /* when that was its score */
};

/* score * 2^-(span / half) */
static inline uint64_t intensity_fade(uint64_t score, uint64_t span,
				      uint64_t half)
{
	/* 65536 * 2^-(1 / 2^(i + 1)) */
	static const uint32_t root[16] = { 46341, 55109, 60097, 62757,
					   64132, 64830, 65182, 65359,
					   65447, 65492, 65514, 65525,
					   65530, 65533, 65535, 65535 };
	uint64_t whole = span / half, rest = span % half;

	if (whole >= 64)
		return 0;
	score >>= whole;
	for (int i = 0; i < 16 && rest; i++) {
		/* rest < half: does it reach one half of it?  Without overflow. */
		bool bit = rest >= half - rest;

		rest = bit ? rest - (half - rest) : rest + rest;
		if (bit)
			score = (score >> 16) * root[i] +
				((score & 0xffff) * root[i] >> 16);
	}
	return score;
}

/* One event.  True: that is more than 'most', with half-life 'half'. */
static inline bool intensity_add(struct intensity *intensity, uint64_t now,
				 uint32_t most, uint64_t half)
{
	uint64_t span = now > intensity->at ? now - intensity->at : 0;

	intensity->score = intensity_fade(intensity->score, span, half) +
			   INTENSITY_ONE;
	intensity->at = now;
	return intensity->score > (uint64_t)most * INTENSITY_ONE;
}

#endif
