/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forkjoin.h - implementations that fork and join: for the bench 'forkjoin' alone.
 */
#ifndef BENCH_FORKJOIN_H
#define BENCH_FORKJOIN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both with one fork for each call that is no leaf. */
struct forker {
	const char *name;
	bool (*up)(unsigned workers);
	uint64_t (*fib)(unsigned n); /* on one of the workers */
	uint64_t (*tree)(uint32_t leaves);
	/* So many empty iterations; NULL: no loops. */
	uint64_t (*loop)(uint32_t n);
	void (*down)(void);
};

/* The smaller part of a tree: a sixteenth. */
static inline uint32_t small_part(uint32_t leaves)
{
	return leaves / 16 ? leaves / 16 : 1;
}

/* Of the loop; the compiler must not leave it out. */
static inline void empty_iterations(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		__asm__ __volatile__("");
}

extern const struct forker forker_ward, forker_floor, forker_openmp,
	forker_onetbb;

#ifdef __cplusplus
}
#endif
#endif
