/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdatomic.h - stands in for the compiler's in a simulation build: each access
 * is a step of the scheduler and obeys the memory model of the run.
 *
 * Only what the library may use is here: explicit orders, no seq_cst access.
 * An operation that is missing does not compile, which is meant.
 */
#ifndef SIM_STDATOMIC_H
#define SIM_STDATOMIC_H

#include <stdbool.h>
#include <stdint.h>
#include "../access.h"

typedef enum {
	memory_order_relaxed = SIM_RELAXED,
	memory_order_acquire = SIM_ACQUIRE,
	memory_order_release = SIM_RELEASE,
	memory_order_acq_rel = SIM_ACQ_REL,
	memory_order_seq_cst = SIM_SEQ_CST
} memory_order;

/* The type without _Atomic; any value of up to 8 bytes as bits and back. */
#define SIM_TYPE(p) __typeof__((void)0, *(p))
#define SIM_BITS(p, v)                                                         \
	(__extension__({                                                       \
		SIM_TYPE(p) value_ = (v);                                      \
		uint64_t bits_ = 0;                                            \
		_Static_assert(sizeof(value_) <= 8, "wider than 8 bytes");     \
		__builtin_memcpy(&bits_, &value_, sizeof(value_));             \
		bits_;                                                         \
	}))
#define SIM_VALUE(type, bits)                                                  \
	(__extension__({                                                       \
		uint64_t from_ = (bits);                                       \
		type to_;                                                      \
		__builtin_memcpy(&to_, &from_, sizeof(to_));                   \
		to_;                                                           \
	}))
#define SIM_PLACE(p) (void *)(uintptr_t)(p), sizeof(*(p))

#define atomic_init(p, v) sim_init(SIM_PLACE(p), SIM_BITS(p, v))
#define atomic_load_explicit(p, order)                                         \
	SIM_VALUE(SIM_TYPE(p), sim_load(SIM_PLACE(p), order, SIM_HERE))
#define atomic_store_explicit(p, v, order)                                     \
	sim_store(SIM_PLACE(p), SIM_BITS(p, v), order, SIM_HERE)

/* For assertions (base/check.h): no step, the newest store. */
#define CHECK_LOAD(p) SIM_VALUE(SIM_TYPE(p), sim_peek(SIM_PLACE(p)))

#define SIM_RMW(p, op, v, order)                                               \
	SIM_VALUE(SIM_TYPE(p),                                                 \
		  sim_rmw(SIM_PLACE(p), op, SIM_BITS(p, v), order, SIM_HERE))
#define atomic_exchange_explicit(p, v, order) SIM_RMW(p, SIM_SWAP, v, order)
#define atomic_fetch_add_explicit(p, v, order) SIM_RMW(p, SIM_ADD, v, order)
#define atomic_fetch_sub_explicit(p, v, order) SIM_RMW(p, SIM_SUB, v, order)
#define atomic_fetch_or_explicit(p, v, order) SIM_RMW(p, SIM_OR, v, order)
#define atomic_fetch_and_explicit(p, v, order) SIM_RMW(p, SIM_AND, v, order)
#define atomic_fetch_xor_explicit(p, v, order) SIM_RMW(p, SIM_XOR, v, order)

#define SIM_CAS(p, seen, v, won, lost, weak)                                   \
	(__extension__({                                                       \
		__typeof__(seen) seen_ = (seen);                               \
		uint64_t was_ = SIM_BITS(p, *seen_);                           \
		bool done_ = sim_cas(SIM_PLACE(p), &was_, SIM_BITS(p, v), won, \
				     lost, weak, SIM_HERE);                    \
		if (!done_)                                                    \
			*seen_ = SIM_VALUE(SIM_TYPE(p), was_);                 \
		done_;                                                         \
	}))
#define atomic_compare_exchange_strong_explicit(p, seen, v, won, lost)         \
	SIM_CAS(p, seen, v, won, lost, false)
#define atomic_compare_exchange_weak_explicit(p, seen, v, won, lost)           \
	SIM_CAS(p, seen, v, won, lost, true)

/* Of the calls that ward/fork.h has inlined. */
#define WARD_OWN_(p) atomic_load_explicit(p, memory_order_relaxed)
#define WARD_LOAD_(p) atomic_load_explicit(p, memory_order_relaxed)
#define WARD_STORE_(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define WARD_RELEASE_(p, v) atomic_store_explicit(p, v, memory_order_release)
#define WARD_LIGHT_() ((void)0)

#define atomic_thread_fence(order) sim_fence(order, SIM_HERE)
/* Holds back the compiler only; the simulated machine does not see it. */
#define atomic_signal_fence(order) ((void)(order))

#endif
