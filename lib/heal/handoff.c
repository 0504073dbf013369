/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handoff.c - what lies in the hand of a worker that does not come to it goes to where
 * all take from.
 */
#include "heal/heal.h"

void handoff(struct pool *pool, struct slot *slot)
{
	if (likely(!ring_count(&slot->hand.ring)))
		return;
	books_open(pool);
	lost_hand(pool, slot);
	books_close(pool);
}

bool handoff_is_slow(const struct watch *watch, const struct sign *sign)
{
	return slot_inside(sign->word) && sign->turn == watch->last.turn &&
	       sign->word - watch->last.word < 2 * HAND_BATCH * SLOT_PHASES;
}

void handoff_slow(struct steward *me)
{
	uint32_t seats = load_acquire(&me->pool->seats_used);

	if (!me->slow)
		return;
	for (uint32_t i = 0; i < seats; i++) {
		struct slot *slot = NULL;

		if (me->watch[i].slow)
			slot = load_acquire(&me->pool->seat[i]); /* [U] */
		if (slot) /* whoever has it by now: its hand stays */
			handoff(me->pool, slot);
	}
}

void handoff_zombies(struct pool *pool)
{
	uint32_t slots = load_acquire(&pool->slots_used);

	if (likely(!load_relaxed(&pool->zombies_out)))
		return;
	for (uint32_t i = 0; i < slots; i++)
		if (LIFE_STATE(load_acquire(&pool->slot[i].life)) == LIFE_ZOMBIE)
			handoff(pool, &pool->slot[i]);
}

bool handoff_wanted(struct steward *me, uint64_t now)
{
	return !crew_is_one(&me->pool->crew) ||
	       sweep_is_due(me->pool, sweep_moves() != me->moves, now);
}
