/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priority.c - see priority.h.
 *
 * Edge [pl]: a priority changed, and what it was before | the next to change it.
 */
#include "task/priority.h"
#include "task/slot.h"

#define LOWERED(turn, state) ((turn) << 2 | (uint64_t)(state))

/* Nobody else moves it on from BUSY. */
static void settle(struct slot *slot, uint64_t turn, enum lowered state)
{
	store_release(&slot->priority.lowered, LOWERED(turn, state)); /* [pl] */
}

void priority_lower(void *zombie, uint64_t turn)
{
	struct slot *slot = zombie;
	uint64_t seen = load_acquire(&slot->priority.lowered), life; /* [pl] */
	int32_t tid = load_relaxed(&slot->thread.tid);

	/* It came home, or was lowered before; or somebody was held at the record's
	 * last thread, and still is. */
	if (seen >> 2 >= turn || (seen & 3) == LOWERED_BUSY)
		return;
	life = load_acquire(&slot->thread.life); /* after the number, so that it is its */
	if (LIFE_GEN(life) != turn || LIFE_STATE(life) != LIFE_ZOMBIE ||
	    host_life_lost(&slot->thread.liveness) ||
	    !cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			 LOWERED(turn, LOWERED_BUSY)))
		return;
	settle(slot, turn,
	       host_lower(tid, &slot->priority.sched) ? LOWERED_YES : LOWERED_NOT);
}

void priority_lift(struct slot *slot)
{
	uint64_t seen = load_acquire(&slot->priority.lowered), turn = seen >> 2; /* [pl] */
	int32_t tid = load_relaxed(&slot->thread.tid);

	if ((seen & 3) != LOWERED_YES || host_life_lost(&slot->thread.liveness) ||
	    !cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			 LOWERED(turn, LOWERED_BUSY)))
		return;
	settle(slot, turn,
	       host_raise(tid, &slot->priority.sched) ? LOWERED_NOT : LOWERED_YES);
}

bool priority_returned(struct slot *slot, uint64_t turn)
{
	uint64_t seen = load_acquire(&slot->priority.lowered), was; /* [pl] */

	do {
		was = seen;
		if ((was & 3) == LOWERED_BUSY)
			return false;
	} while (!cas_acq_rel(&slot->priority.lowered, &seen, /* [pl] */
			      LOWERED(turn, LOWERED_RETURNED)));
	return was != LOWERED(turn, LOWERED_YES) ||
	       host_raise(load_relaxed(&slot->thread.tid), &slot->priority.sched);
}
