/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_lock.h - a lock off the way of a task; it outlives a fork and a fault (after
 * Drepper, "Futexes are tricky", 2011: the third mutex).
 *
 * The holder calls only the library's code and waits for nothing, so it can be late
 * but not lost.
 *
 * The word says whether the lock is held, whether any thread waits, and the holder's
 * generation (host.h): a lock of the parent's at a fork is not held in the child.  A
 * fault in the section is not caught, for it would leave the lock held; and no section
 * has a cancellation point.
 *
 * Edge [k]: what the section wrote | the next one's reads.
 */
#ifndef WARD_LIB_BASE_HOST_LOCK_H
#define WARD_LIB_BASE_HOST_LOCK_H

#include "base/check.h"
#include "base/host.h"
#include "base/host_fault.h"

/* All-zero is free. */
struct host_lock {
	_Atomic uint32_t word;
};

enum {
	HOST_LOCK_HELD = 1,
	HOST_LOCK_WANTED = 2, /* held, and a thread may sleep */
	HOST_LOCK_GENERATION = 4
};

/* False: it was held by a thread that this process does not have. */
static inline bool host_lock_take(struct host_lock *lock)
{
	uint32_t ours = load_relaxed(&host_generation) * HOST_LOCK_GENERATION |
			HOST_LOCK_HELD;
	uint32_t seen = load_relaxed(&lock->word);

	host_hold();
	for (;;) {
		uint32_t wanted = ours | HOST_LOCK_WANTED;
		bool held = seen & HOST_LOCK_HELD;
		bool lost = held && (seen | HOST_LOCK_WANTED) != wanted;

		if (!held || lost) {
			if (cas_acquire(&lock->word, &seen, ours)) /* [k] */
				return !lost;
		} else if (seen == wanted ||
			   cas_acquire(&lock->word, &seen, wanted)) {
			host_wait(&lock->word, wanted, HOST_FOREVER);
			seen = load_relaxed(&lock->word);
			ours |= HOST_LOCK_WANTED; /* others may sleep, too */
		}
	}
}

/* By some thread of this process, for an assertion. */
static inline bool host_lock_is_held(struct host_lock *lock)
{
	uint32_t word = CHECK_LOAD(&lock->word);

	return word & HOST_LOCK_HELD &&
	       word / HOST_LOCK_GENERATION == load_relaxed(&host_generation);
}

static inline void host_lock_give(struct host_lock *lock)
{
	WARD_ASSERT(host_lock_is_held(lock));
	if (swap_acq_rel(&lock->word, 0) & HOST_LOCK_WANTED) /* [k] */
		host_wake(&lock->word, 1);
	host_unhold();
}

#endif
