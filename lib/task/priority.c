/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priority.c - see priority.h.
 *
 * Edge [pl]: a priority changed, and what it was before | the next to change it.
 */
#include "task/priority.h"
#include "task/slot.h"

#define LOWERED(gen, state) ((gen) << 2 | (uint64_t)(state))

/* By the thread that made it BUSY. */
static void end_busy(struct slot *slot, uint64_t gen, enum lowered state)
{
	store_release(&slot->priority.lowered, LOWERED(gen, state)); /* [pl] */
}

/*
 * The tid of the zombie of that gen, while it is out; else 0.  The life is read after the
 * tid, which so is of this life.
 */
static int32_t tid_of(const struct slot *slot, uint64_t gen)
{
	int32_t tid = load_acquire(&slot->thread.tid);
	uint64_t life = load_acquire(&slot->thread.life); /* [L] */

	if (LIFE_GEN(life) != gen || LIFE_STATE(life) != LIFE_ZOMBIE)
		return 0;
	return host_life_lost(&slot->thread.liveness) ? 0 : tid;
}

void priority_lower(void *zombie, uint64_t gen)
{
	struct slot *slot = zombie;
	uint64_t seen = load_acquire(&slot->priority.lowered); /* [pl] */
	int32_t tid;

	/* It came home, or was lowered before; or BUSY stands of the record's last
	 * thread, at which another is held. */
	if (seen >> 2 >= gen || (seen & 3) == LOWERED_BUSY)
		return;
	tid = tid_of(slot, gen);
	if (!tid ||
	    !cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			 LOWERED(gen, LOWERED_BUSY)))
		return;
	end_busy(slot, gen,
	       host_lower(tid, &slot->priority.sched) ? LOWERED_YES : LOWERED_NOT);
}

void priority_lift(struct slot *slot)
{
	uint64_t seen = load_acquire(&slot->priority.lowered), gen = seen >> 2; /* [pl] */
	int32_t tid;

	/* YES may stand of the record's last thread, which ended so. */
	if ((seen & 3) != LOWERED_YES)
		return;
	tid = tid_of(slot, gen);
	if (!tid ||
	    !cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			 LOWERED(gen, LOWERED_BUSY)))
		return;
	end_busy(slot, gen,
	       host_raise(tid, &slot->priority.sched) ? LOWERED_NOT : LOWERED_YES);
}

bool priority_returned(struct slot *slot, uint64_t gen)
{
	uint64_t seen = load_acquire(&slot->priority.lowered), was; /* [pl] */

	do {
		was = seen;
		if ((was & 3) == LOWERED_BUSY)
			return false;
	} while (!cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			      LOWERED(gen, LOWERED_RETURNED)));
	return was != LOWERED(gen, LOWERED_YES) ||
	       host_raise(load_relaxed(&slot->thread.tid), &slot->priority.sched);
}
