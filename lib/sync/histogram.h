/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * histogram.h - spans of time, counted by their order of magnitude.
 *
 * Bucket i counts spans of [2^i, 2^(i+1)) ns; the first also 0, the last also
 * everything longer (nine minutes and more).
 *
 *              add    merge
 *   add         -      *      one owner adds
 *   merge       *      *      any thread reads: each count is one that was true
 */
#ifndef WARD_LIB_SYNC_HISTOGRAM_H
#define WARD_LIB_SYNC_HISTOGRAM_H

#include "base/atomic.h"
#include <ward/stats.h>

struct histogram {
	_Atomic uint64_t bucket[WARD_BUCKETS]; /* all-zero is empty */
};

static inline unsigned histogram_index(uint64_t ns)
{
	unsigned log2 = 63u - (unsigned)__builtin_clzll(ns | 1);

	return log2 < WARD_BUCKETS ? log2 : WARD_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *histogram, uint64_t ns)
{
	count_own(&histogram->bucket[histogram_index(ns)], 1);
}

/* Where several threads add: a locked instruction. */
static inline void histogram_add_shared(struct histogram *histogram,
					uint64_t ns)
{
	add_relaxed(&histogram->bucket[histogram_index(ns)], 1);
}

/* Adds its counts to those of 'sum'. */
static inline void histogram_merge(const struct histogram *histogram,
				   uint64_t sum[WARD_BUCKETS])
{
	for (unsigned i = 0; i < WARD_BUCKETS; i++)
		sum[i] += load_relaxed(&histogram->bucket[i]);
}

#endif
