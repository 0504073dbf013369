/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rand.h - numbers that a seed decides (SplitMix64, Steele, Lea and Flood 2014).
 */
#ifndef WARD_TESTS_TORTURE_RAND_H
#define WARD_TESTS_TORTURE_RAND_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline struct rng rng_of(uint64_t seed, uint64_t a, uint64_t b)
{
	struct rng rng = { seed };

	rng.state = rng_next(&rng) ^ a * UINT64_C(0xd1342543de82ef95);
	rng.state = rng_next(&rng) ^ b * UINT64_C(0x2545f4914f6cdd1d);
	return rng;
}

/* 0 .. n-1 */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)((rng_next(rng) >> 32) * n >> 32);
}

static inline uint32_t rng_range(struct rng *rng, uint32_t low, uint32_t high)
{
	return low + rng_below(rng, high - low + 1);
}

/* True once in n. */
static inline int rng_once(struct rng *rng, uint32_t n)
{
	return rng_below(rng, n) == 0;
}

#endif
