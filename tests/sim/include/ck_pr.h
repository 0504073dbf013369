/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ck_pr.h - stands in for Concurrency Kit's in a simulation build, so that the
 * unmodified <ck_ring.h> runs under the scheduler and the memory models.
 *
 * The operations get no more order than ck promises on its weakest machine:
 * loads, stores and swaps are relaxed, fences are C11's acquire and release.
 * The only pointers that the library moves by ck_pr are the cells of a ring.
 * They belong to one thread at a time, and that too is checked: see sim_cell_load().
 */
#ifndef CK_PR_H
#define CK_PR_H

#include <ck_cc.h>
#include <ck_stdint.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define ck_pr_load_uint(p)                                                     \
	((unsigned int)sim_load((void *)(uintptr_t)(p), 4, SIM_RELAXED,        \
				SIM_HERE))
#define ck_pr_store_uint(p, v)                                                 \
	sim_store(p, 4, (unsigned int)(v), SIM_RELAXED, SIM_HERE)
#define ck_pr_load_ptr(p)                                                      \
	((void *)(uintptr_t)sim_cell_load((void *)(uintptr_t)(p), SIM_HERE))
#define ck_pr_store_ptr(p, v) sim_cell_store(p, (uintptr_t)(v), SIM_HERE)

#define ck_pr_cas_uint_value(p, was, v, seen)                                  \
	(__extension__({                                                       \
		uint64_t was_ = (unsigned int)(was);                           \
		bool done_ = sim_cell_cas(p, &was_, (unsigned int)(v),         \
					  SIM_HERE);                           \
		*(seen) = (unsigned int)was_;                                  \
		done_;                                                         \
	}))
#define ck_pr_cas_uint(p, was, v)                                              \
	(__extension__({                                                       \
		uint64_t was_ = (unsigned int)(was);                           \
		sim_cell_cas(p, &was_, (unsigned int)(v), SIM_HERE);           \
	}))

#define ck_pr_fence_load() sim_fence(SIM_ACQUIRE, SIM_HERE)
#define ck_pr_fence_acquire() sim_fence(SIM_ACQUIRE, SIM_HERE)
#define ck_pr_fence_release() sim_fence(SIM_RELEASE, SIM_HERE)
#define ck_pr_fence_store() sim_fence(SIM_RELEASE, SIM_HERE)
#define ck_pr_fence_store_atomic() sim_fence(SIM_RELEASE, SIM_HERE)
#define ck_pr_stall() sim_relax(SIM_HERE)

#endif
