/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unblock.h - the hook by which a task that is blocked may be freed.
 */
#ifndef WARD_LIB_TASK_UNBLOCK_H
#define WARD_LIB_TASK_UNBLOCK_H

#include "base/host.h"

struct slot;

struct slot_unblock {
	/* W: */
	_Atomic uint32_t word; /* X: futex: epoch:30, state:2 [N] */
	void (*fn)(void *arg);
	void *arg;
};

/* On the scribe: calls the hook of the blocked task in 'epoch', if it is still set. */
void unblock_call(void *slot, uint64_t epoch);
/*
 * The slot's hook is called no more: after run(), if slot->unblock.word is not 0, or after
 * the thread's death.  A call under way cannot be taken back: 'waits' for its end.
 */
void unblock_clear(struct slot *slot, bool waits);
/* Is the scribe still inside of the hook, though its thread has ended? */
bool unblock_calls(const struct slot *slot);

#endif
