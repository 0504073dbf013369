/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.c - the slow half of slot.h: fencing, and wakers.
 */
#include "task/slot.h"

__thread struct ward_pulse *ward_pulse_
	__attribute__((tls_model("initial-exec")));

bool slot_end_asked(struct slot *slot)
{
	uint64_t fence = load_acquire(&slot->fence); /* [H] */

	/* The steward of an earlier epoch's ASK cannot win, and tolerates this swap. */
	while (fence && !(fence & 1))
		if (cas_acq_rel(&slot->fence, &fence, 0)) /* [H] */
			return true;
	return fence == 0;
}

bool slot_took(const struct slot *slot, uint64_t epoch)
{
	uint64_t fence = load_relaxed(&slot->fence);

	return fence == FENCE_FORKED || fence == FENCE_TAKEN(epoch);
}

bool slot_fence(struct slot *slot, uint64_t epoch, uint32_t asker)
{
	uint64_t fence = load_acquire(&slot->fence), ask;

	WARD_ASSERT(slot_inside(epoch));
	ask = FENCE_ASK(epoch, asker);
	do {
		if (fence & 1)
			return false;
		/* Another's ASK is replaced: its asker was held, and comes too late. */
	} while (!cas_acq_rel(&slot->fence, &fence, ask)); /* [H] */
	host_barrier_heavy(); /* [F] asked | still there? */
	fence = ask;
	if (load_acquire(&slot->word) != epoch) { /* [E] */
		cas_acq_rel(&slot->fence, &fence, 0);
		return false;
	}
	return cas_acq_rel(&slot->fence, &fence, FENCE_TAKEN(epoch)); /* [H] */
}

void slot_wake_waiter(struct slot *slot)
{
	_Atomic uint32_t *waits_on;

	add_acq_rel(&slot->wait.wakers, 1);
	barrier_seq_cst(); /* [s] a waker is about | waits no more? */
	waits_on = load_acquire(&slot->wait.on); /* [G] */
	if (waits_on) {
		add_acq_rel(waits_on, 1);
		host_wake(waits_on, INT32_MAX);
	}
	sub_acq_rel(&slot->wait.wakers, 1); /* [s] */
}

void slot_await_wakers(struct slot *slot)
{
	store_relaxed(&slot->wait.on, NULL);
	barrier_seq_cst(); /* [s] waits no more | is a waker about? */
	/* A waker needs two steps and a futex call; a forked child has none. */
	while (load_acquire(&slot->wait.wakers) && /* [s] */
	       load_relaxed(&slot->fence) != FENCE_FORKED)
		host_yield();
}

struct slot *slot_root(struct slot *slot)
{
	const struct ward_task *task = load_relaxed(&slot->task);

	return steal_is_carrier(task) ? load_relaxed(&carrier_of(task)->root) :
					slot;
}

struct ward_task *slot_task(struct slot *slot)
{
	return load_relaxed(&slot_root(slot)->task);
}
