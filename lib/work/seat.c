/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat.c - seats, spares, and bringing them together.
 *
 * Edges: [V] vacated or spare pushed | match; [L] a life's step | the next one;
 * [U] a seat's pointer published | looked up under RCU; [c] called to a seat |
 * the spare takes it; [x] lives or 'stopping' changed | a spare about to sleep.
 */
#include "work/pool.h"

enum { LIVES = 126 }; /* that one thread can watch */

static bool seat_give(struct pool *pool, uint32_t i, struct slot *slot)
{
	struct slot *none = NULL;
	uint64_t life = load_acquire(&slot->life);

	if (LIFE_STATE(life) != LIFE_SPARE)
		return true; /* it is leaving: nobody's spare any more */
	/* The slot is off the stack, so these are ours to write. */
	store_relaxed(&slot->seat, i);
	slot->vacated = load_acquire(&pool->vacated[i]);
	slot->self.worker = i;
	if (!cas_acq_rel(&pool->seat[i], &none, slot)) /* [U] */
		return false;
	if (!life_move(slot, life, LIFE_SEATED)) { /* it is leaving */
		none = slot;
		cas_acq_rel(&pool->seat[i], &none, NULL);
		return true;
	}
	if (slot->vacated)
		add_relaxed(&pool->heals, 1); /* before nothing is vacant */
	sub_acq_rel(&pool->vacant, 1);
	store_release(&slot->call, CALL_SEAT); /* [c] */
	host_wake(&slot->call, 1);
	steward_wake(pool); /* it did not leave the park, but it is up */
	return true;
}

void seat_match(struct pool *pool)
{
	fence_seq_cst(); /* [V] what I published | what the other side did */
	for (uint32_t i = 0; load_relaxed(&pool->vacant) && i < pool->seats;
	     i++) {
		while (!load_relaxed(&pool->seat[i])) {
			uint32_t k;

			if (load_relaxed(&pool->stopping))
				return;
			k = stack_pop(&pool->spares);
			if (k == STACK_NONE)
				return;
			sub_acq_rel(&pool->spares_ready, 1);
			if (!seat_give(pool, i, &pool->slot[k])) {
				add_acq_rel(&pool->spares_ready, 1);
				stack_push(&pool->spares, k);
				fence_seq_cst(); /* [V] */
				/* A seat behind us may have found no spare
				 * while this one was in our hand. */
				i = 0;
			}
		}
	}
}

void seat_vacate(struct pool *pool, struct slot *slot, uint32_t seat,
		 uint64_t when)
{
	struct slot *me = slot;

	store_relaxed(&pool->vacated[seat], when);
	store_relaxed(&pool->healed[seat], 0);
	add_acq_rel(&pool->vacant, 1);
	if (!cas_acq_rel(&pool->seat[seat], &me, NULL)) /* [U] */
		sub_acq_rel(&pool->vacant, 1);
	seat_match(pool);
	steward_wake(pool);
}

/* ---- waiting as a spare ------------------------------------------------------ */

/* The lives from 'first' on, as many as can be watched. */
static unsigned lives_of(struct pool *pool, uint32_t first,
			 struct host_life *life[LIVES])
{
	unsigned n = 0;

	for (uint32_t k = 0; k < pool->slots && n < LIVES; k++) {
		struct slot *slot = &pool->slot[(first + k) % pool->slots];
		enum slot_life state = LIFE_STATE(load_acquire(&slot->life));

		if (state != LIFE_FREE && state < LIFE_DYING)
			life[n++] = &slot->breath;
	}
	return n;
}

/* Sleeps until called, stopped, or a thread of the pool ends. */
static void watch(struct pool *pool, struct slot *me)
{
	struct host_life *life[LIVES];
	uint32_t seen = load_acquire(&pool->lives_changed); /* [x] */
	/* Spares begin after themselves, so several share a large pool. */
	unsigned n = lives_of(pool, me->index + 1, life);

	lost_bury(pool);
	if (!load_acquire(&pool->stopping))
		host_wait_lives(&me->call, CALL_NONE, &pool->lives_changed,
				seen, life, n);
}

void seat_care(struct pool *pool)
{
	struct host_life *life[LIVES];
	uint32_t alive;

	while ((alive = load_acquire(&pool->alive))) {
		uint32_t seen = load_acquire(&pool->lives_changed); /* [x] */
		unsigned n = lives_of(pool, 0, life);

		lost_bury(pool);
		host_wait_lives(&pool->alive, alive, &pool->lives_changed,
				seen, life, n);
	}
}

void pool_lives_changed(struct pool *pool)
{
	add_acq_rel(&pool->lives_changed, 1); /* [x] */
	host_wake(&pool->lives_changed, INT32_MAX);
}

static void took_seat(struct pool *pool, struct slot *slot)
{
	uint64_t took;

	if (!slot->vacated)
		return; /* the first one in it */
	took = host_now() - slot->vacated;
	store_relaxed(&pool->healed[slot->self.worker], took);
	histogram_add_shared(&pool->heal_time, took);
}

bool seat_wait(struct pool *pool, struct slot *slot)
{
	uint64_t life;

	/* Counted first, so that of two that come at once, one is too many. */
	if (add_acq_rel(&pool->spares_ready, 1) >= pool->spares_wanted &&
	    !load_acquire(&pool->vacant)) {
		sub_acq_rel(&pool->spares_ready, 1);
		return false;
	}
	books_open(pool);
	store_relaxed(&slot->call, CALL_NONE);
	life_move(slot, load_acquire(&slot->life), LIFE_SPARE); /* ours: BORN */
	sub_acq_rel(&pool->born, 1);
	stack_push(&pool->spares, slot->index);
	seat_match(pool);
	books_close(pool);
	/* For a moment we were counted twice: the clerk may have found enough. */
	if (load_acquire(&pool->spares_ready) < pool->spares_wanted)
		clerk_wake(pool);
	pool_lives_changed(pool);
	while (load_acquire(&slot->call) != CALL_SEAT) { /* [c] */
		if (load_acquire(&pool->stopping)) {
			/* Still on the stack, but nobody pops any more; who is
			 * just doing so finds this life moved on, or has moved
			 * it, and the seat is ours before we are called. */
			life = load_acquire(&slot->life); /* [L] */
			if (LIFE_STATE(life) == LIFE_SEATED)
				break;
			if (life_move(slot, life, LIFE_BORN)) {
				add_acq_rel(&pool->born, 1);
				return false;
			}
			continue;
		}
		watch(pool, slot);
	}
	took_seat(pool, slot);
	return true;
}
