/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stripes.h - a count that many threads add to, each on a line of its own.
 *
 *              add   sum
 *   add         *     *     any number of threads at once, wait-free
 *
 * The count only grows.  A sum sees all that was added before its first load was ordered after
 * it, and maybe more.
 */
#ifndef WARD_LIB_SYNC_STRIPES_H
#define WARD_LIB_SYNC_STRIPES_H

#include "base/atomic.h"
#include "base/host_home.h"

enum { STRIPES = 16 };

/* All-zero is 0. */
struct stripes {
	struct {
		line_aligned _Atomic uint64_t n; /* X */
	} part[STRIPES];
};

static inline void stripes_add(struct stripes *stripes, uint64_t n)
{
	add_acq_rel(&stripes->part[host_home() % STRIPES].n, n);
}

static inline uint64_t stripes_sum(const struct stripes *stripes)
{
	uint64_t sum = 0;

	for (int i = 0; i < STRIPES; i++)
		sum += load_acquire(&stripes->part[i].n);
	return sum;
}

#endif
