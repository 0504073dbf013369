/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unblock.c - the hook by which a task that is blocked may be freed.
 *
 * The worker arms it, the scribe calls it, the worker takes it back; the hook's
 * argument often lies on the worker's stack, so taking back waits for a call
 * that is under way.  One word: 0 none, ARMED, CALLING, CALLED.
 *
 * Edge [N]: armed | called, called | taken back.
 */
#include "work/pool.h"
#include <errno.h>

enum { ARMED = 1, CALLING, CALLED };

void unblock_call(void *arg)
{
	struct slot *slot = arg;
	uint32_t word = ARMED;

	if (!cas_acq_rel(&slot->unblock, &word, CALLING)) /* [N] */
		return;
	slot->unblock_fn(slot->unblock_arg);
	store_release(&slot->unblock, CALLED); /* [N] */
	host_wake(&slot->unblock, 1);
}

void unblock_clear(struct slot *slot)
{
	uint32_t word = load_acquire(&slot->unblock); /* [N] */

	for (;;) {
		if (word == CALLING) {
			host_wait(&slot->unblock, CALLING, HOST_FOREVER);
			word = load_acquire(&slot->unblock); /* [N] */
		} else if (cas_acq_rel(&slot->unblock, &word, 0)) {
			return;
		}
	}
}

int ward_unblock(void (*fn)(void *arg), void *arg)
{
	struct slot *slot = host_self();

	if (!slot || !slot_inside(load_relaxed(&slot->word)) ||
	    load_relaxed(&slot->phase) != SLOT_RUN)
		return -EPERM;
	if (load_relaxed(&slot->unblock))
		unblock_clear(slot);
	if (!fn)
		return 0;
	slot->unblock_fn = fn;
	slot->unblock_arg = arg;
	store_release(&slot->unblock, ARMED); /* [N] */
	return 0;
}
