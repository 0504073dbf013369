/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * high.h - the highest number so far: a word that never goes back.
 */
#ifndef WARD_LIB_SYNC_HIGH_H
#define WARD_LIB_SYNC_HIGH_H

#include "base/atomic.h"

static inline void high_raise(_Atomic uint64_t *high, uint64_t to)
{
	uint64_t seen = load_relaxed(high);

	while (seen < to && !cas_acq_rel(high, &seen, to))
		;
}

#endif
