/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priority.c - see priority.h.
 *
 * Edge [pl]: a priority changed, and what it was before | the next to change it.
 */
#include "work/priority.h"
#include "work/pool.h"

#define LOWERED(turn, state) ((turn) << 2 | (uint64_t)(state))

void priority_lower(struct slot *slot, uint64_t turn)
{
	uint64_t seen = load_acquire(&slot->lowered), life; /* [pl] */
	int32_t tid = load_relaxed(&slot->tid);
	bool done;

	if (seen >> 2 >= turn)
		return; /* it came home meanwhile, or was lowered before */
	life = load_acquire(&slot->life); /* after the number, so that it is its */
	if (LIFE_TURN(life) != turn || LIFE_STATE(life) != LIFE_ZOMBIE ||
	    host_life_lost(&slot->breath) ||
	    !cas_acq_rel(&slot->lowered, &seen, /* [pl] */
			 LOWERED(turn, LOWERED_BUSY)))
		return;
	done = host_lower(tid, &slot->sched);
	store_release(&slot->lowered, /* [pl] */
		      LOWERED(turn, done ? LOWERED_YES : LOWERED_NOT));
}

void priority_lift(struct slot *slot)
{
	uint64_t seen = load_acquire(&slot->lowered), turn = seen >> 2; /* [pl] */
	int32_t tid = load_relaxed(&slot->tid);
	bool done;

	if ((seen & 3) != LOWERED_YES || host_life_lost(&slot->breath) ||
	    !cas_acq_rel(&slot->lowered, &seen, /* [pl] */
			 LOWERED(turn, LOWERED_BUSY)))
		return;
	done = host_raise(tid, &slot->sched);
	store_release(&slot->lowered, /* [pl] */
		      LOWERED(turn, done ? LOWERED_NOT : LOWERED_YES));
}

bool priority_home(struct slot *slot, uint64_t turn)
{
	uint64_t seen = load_acquire(&slot->lowered), was; /* [pl] */

	for (;;) {
		if (seen == LOWERED(turn, LOWERED_BUSY)) {
			host_yield(); /* it may want this very CPU */
			seen = load_acquire(&slot->lowered); /* [pl] */
			continue;
		}
		was = seen;
		if (cas_acq_rel(&slot->lowered, &seen, /* [pl] */
				LOWERED(turn, LOWERED_HOME)))
			break;
	}
	return was != LOWERED(turn, LOWERED_YES) ||
	       host_raise(load_relaxed(&slot->tid), &slot->sched);
}
