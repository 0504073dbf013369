/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unblock.c - the hook by which a task that is blocked may be freed.
 *
 * The worker arms the hook, the scribe calls it, the worker takes it back.  The hook's
 * argument often lies on the worker's stack, so taking back waits for a call that is
 * under way.  One word: the task's epoch, and 0, ARMED, CALLING or CALLED.
 *
 * Edge [N]: armed | called, called | taken back.
 */
#include "pool/pool.h"

enum { ARMED = 1, CALLING, CALLED };

#define STATE(word) ((word)&3)

/* The epoch tells this task's hook from the next task's. */
static uint32_t word_of(uint64_t epoch, uint32_t state)
{
	return (uint32_t)epoch << 2 | state;
}

void unblock_call(void *arg, uint64_t epoch)
{
	struct slot *slot = arg;
	uint32_t word = word_of(epoch, ARMED);

	if (!cas_acq_rel(&slot->unblock.word, &word, word_of(epoch, CALLING))) /* [N] */
		return;
	slot->unblock.fn(slot->unblock.arg);
	store_release(&slot->unblock.word, word_of(epoch, CALLED)); /* [N] */
	host_wake(&slot->unblock.word, 1);
}

void unblock_clear(struct slot *slot, bool waits)
{
	uint32_t word = load_acquire(&slot->unblock.word); /* [N] */

	while (STATE(word) == CALLING ||
	       !cas_acq_rel(&slot->unblock.word, &word, 0)) {
		if (STATE(word) != CALLING)
			continue;
		if (!waits)
			return;
		host_wait(&slot->unblock.word, word, HOST_FOREVER);
		word = load_acquire(&slot->unblock.word); /* [N] */
	}
}

bool unblock_calls(const struct slot *slot)
{
	return STATE(load_acquire(&slot->unblock.word)) == CALLING; /* [N] */
}

int ward_unblock(void (*fn)(void *arg), void *arg)
{
	struct slot *slot = host_self();
	uint64_t epoch = slot ? load_relaxed(&slot->word) : 0;

	/* In a cell nobody is there to call fn. */
	if (slot_phase(epoch) != SLOT_RUN || !load_relaxed(&slot->pool->started))
		return -EPERM;
	if (load_relaxed(&slot->unblock.word))
		unblock_clear(slot, true);
	if (!fn)
		return 0;
	slot->unblock.fn = fn;
	slot->unblock.arg = arg;
	slot->needs_cleanup = 1;
	store_release(&slot->unblock.word, word_of(epoch, ARMED)); /* [N] */
	return 0;
}
