/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backoff.h - how long to wait before the next try: exponential, full jitter.
 */
#ifndef WARD_LIB_TASK_BACKOFF_H
#define WARD_LIB_TASK_BACKOFF_H

#include "base/atomic.h"

static inline uint64_t backoff_most(uint64_t least, uint64_t most)
{
	if (most)
		return most;
	return least > UINT64_MAX / 1000 ? UINT64_MAX : least * 1000;
}

/* Evenly distributed: splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t backoff_random(_Atomic uint64_t *rng)
{
	uint64_t z = add_relaxed(rng, UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * Before try n + 1: a random span up to 'least', doubled for each earlier try but the
 * first, but no more than 'most' (0: 1000 x least).
 */
static inline uint64_t backoff_draw(_Atomic uint64_t *rng, uint64_t least,
				    uint64_t most, uint32_t n)
{
	if (!least)
		return 0;
	most = backoff_most(least, most);
	for (; n > 1 && least < most; n--)
		least = least > UINT64_MAX / 2 ? UINT64_MAX : 2 * least;
	if (least > most)
		least = most;
	return backoff_random(rng) % (least == UINT64_MAX ? least : least + 1);
}

#endif
