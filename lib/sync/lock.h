/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h - a lock, for what is not on the way of a task: one word and a futex
 * (Drepper, "Futexes are tricky", 2011: the third mutex).
 *
 * Whoever holds it calls nobody's code but the library's and waits for nothing, so
 * that a holder can be late but not lost.  A fault of a holder is not caught.
 *
 * Edge [l]: given | taken: who takes it sees all that was done under it.
 */
#ifndef WARD_LIB_SYNC_LOCK_H
#define WARD_LIB_SYNC_LOCK_H

#include "base/host.h"
#include "base/host_fault.h"

/* All-zero is free. */
struct lock {
	_Atomic uint32_t word;
};

enum { LOCK_FREE, LOCK_HELD, LOCK_WANTED /* held, and somebody may sleep */ };

static inline void lock_take(struct lock *lock)
{
	uint32_t seen = LOCK_FREE;

	host_hold();
	if (likely(cas_acq_rel(&lock->word, &seen, LOCK_HELD))) /* [l] */
		return;
	while (swap_acq_rel(&lock->word, LOCK_WANTED) != LOCK_FREE) /* [l] */
		host_wait(&lock->word, LOCK_WANTED, HOST_FOREVER);
}

static inline void lock_give(struct lock *lock)
{
	if (unlikely(swap_acq_rel(&lock->word, LOCK_FREE) == LOCK_WANTED))
		host_wake(&lock->word, 1);
	host_unhold();
}

#endif
