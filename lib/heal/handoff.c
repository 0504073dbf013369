/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handoff.c - the local queue of a worker that does not come to it is requeued, where
 * all workers take from.
 */
#include "heal/heal.h"

void handoff(struct pool *pool, struct slot *slot)
{
	if (likely(!owned_count(&slot->local.ring)))
		return;
	transition_begin(pool);
	lost_local(pool, slot);
	transition_end(pool);
}

bool handoff_is_slow(const struct history *history, const struct sign *sign)
{
	return slot_inside(sign->word) && sign->gen == history->last.gen &&
	       sign->word - history->last.word < 2 * LOCAL_BATCH * SLOT_PHASES;
}

void handoff_slow(struct steward *me)
{
	uint32_t seats = load_acquire(&me->pool->seats_used);

	if (!me->slow)
		return;
	for (uint32_t i = 0; i < seats; i++) {
		struct slot *slot = NULL;

		if (me->history[i].slow)
			slot = load_acquire(&me->pool->seat[i]); /* [U] */
		if (slot) /* maybe of another worker by now */
			handoff(me->pool, slot);
	}
}

void handoff_zombies(struct pool *pool)
{
	if (likely(!load_relaxed(&pool->zombies_out)))
		return;
	for_each_slot(slot, pool)
		if (LIFE_STATE(load_acquire(&slot->thread.life)) == LIFE_ZOMBIE)
			handoff(pool, slot);
}

bool handoff_wanted(struct steward *me, uint64_t now)
{
	return !seats_is_one(&me->pool->seat_count) ||
	       sweep_is_due(me->pool, sweep_moves() != me->moves, now);
}
