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
	void (*down)(void);
};

/* The smaller part of a tree: a sixteenth. */
static inline uint32_t small_part(uint32_t leaves)
{
	return leaves / 16 ? leaves / 16 : 1;
}

extern const struct forker forker_ward, forker_floor, forker_openmp,
	forker_onetbb;

#ifdef __cplusplus
}
#endif
#endif
