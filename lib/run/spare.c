/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spare.c - a thread without a seat: it waits for one, and reaps threads that end
 * without an exit cleanup.
 *
 * Edges: [c] called to a seat, in seat.c | the spare takes it; [x] lives or 'stopping'
 * changed | a spare about to sleep.
 */
#include "run/run.h"
#include "base/probe.h"

enum { LIVES = 126 }; /* that one thread can watch */

/* The lives from 'first' on, as many as can be watched. */
static unsigned lives_of(struct pool *pool, uint32_t first,
			 struct host_life *life[LIVES])
{
	unsigned n = 0;
	uint32_t slots = load_acquire(&pool->slots_used);

	for (uint32_t k = 0; k < slots && n < LIVES; k++) {
		struct slot *slot = &pool->slot[(first + k) % slots];
		enum slot_life state = LIFE_STATE(load_acquire(&slot->thread.life));

		if (state != LIFE_FREE && state < LIFE_DYING)
			life[n++] = &slot->thread.liveness;
	}
	return n;
}

/* Sleeps until called, stopped, or a thread of the pool ends. */
static void watch(struct pool *pool, struct slot *me)
{
	struct host_life *life[LIVES];
	uint32_t seen = load_acquire(&pool->lives_changed); /* [x] */
	/* A spare begins after itself: several share a large pool. */
	unsigned n = lives_of(pool, me->index + 1, life);

	reap_all(pool);
	if (!load_acquire(&pool->stopping))
		host_wait_lives(&me->seat.call, CALL_NONE, &pool->lives_changed,
				seen, life, n);
}

void spare_reap_all(struct pool *pool)
{
	struct host_life *life[LIVES];
	uint32_t alive;

	while ((alive = load_acquire(&pool->alive))) {
		uint32_t seen = load_acquire(&pool->lives_changed); /* [x] */
		unsigned n = lives_of(pool, 0, life);

		reap_all(pool);
		host_wait_lives(&pool->alive, alive, &pool->lives_changed,
				seen, life, n);
	}
}

void spare_lives_changed(struct pool *pool)
{
	add_acq_rel(&pool->lives_changed, 1); /* [x] */
	host_wake(&pool->lives_changed, INT32_MAX);
}

static void took_seat(struct pool *pool, struct slot *slot)
{
	uint64_t took;

	if (slot->self.worker == UINT32_MAX)
		return; /* on the bench */
	if (pool->inbox.near)
		near_sit(pool->inbox.near, &slot->local, slot->index,
			 slot->self.worker);
	if (!slot->seat.vacated)
		return; /* its first worker */
	took = host_now() - slot->seat.vacated;
	PROBE(heal, pool->name, slot->self.worker, load_relaxed(&slot->thread.tid),
	      took);
	store_relaxed(&pool->healed[slot->self.worker], took);
	histogram_add_shared(&pool->heal_time, took);
}

/* Until it is called to a seat.  False: the pool stops, and it is no spare any more. */
static bool called(struct pool *pool, struct slot *slot)
{
	while (load_acquire(&slot->seat.call) != CALL_SEAT) { /* [c] */
		uint64_t life;

		if (!load_acquire(&pool->stopping)) {
			watch(pool, slot);
			continue;
		}
		/* Still on the stack, but no thread pops any more; one that just does
		 * finds this life moved on, or has moved it, and the seat is ours
		 * before the call. */
		life = load_acquire(&slot->thread.life); /* [L] */
		if (LIFE_STATE(life) == LIFE_SEATED)
			break;
		if (life_move(slot, life, LIFE_STARTING)) {
			add_acq_rel(&pool->starting, 1);
			return false;
		}
	}
	return true;
}

/* The same; a thread that waits for it gets a CPU before those that are busy. */
static bool called_soon(struct pool *pool, struct slot *slot)
{
	struct host_step was;
	bool up = host_step_up(&was), has = called(pool, slot);

	if (up)
		host_step_down(&was);
	return has;
}

bool spare_wait(struct pool *pool, struct slot *slot)
{
	/* The count comes first: of two that come at once, one is too many. */
	if (add_acq_rel(&pool->spares_ready, 1) >= pool->spares_wanted &&
	    !seats_vacant(&pool->seat_count)) {
		sub_acq_rel(&pool->spares_ready, 1);
		return false;
	}
	transition_begin(pool);
	store_relaxed(&slot->seat.call, CALL_NONE);
	/* STARTING: only this thread moves it. */
	life_move(slot, load_acquire(&slot->thread.life), LIFE_SPARE);
	sub_acq_rel(&pool->starting, 1);
	stack_push(&pool->spares, slot->index);
	seat_match(pool);
	transition_end(pool);
	/* This thread was counted twice for a moment: the clerk may have found enough. */
	if (load_acquire(&pool->spares_ready) < pool->spares_wanted)
		clerk_wake(pool);
	lost_local(pool, slot); /* of what a hook has submitted */
	spare_lives_changed(pool);
	if (!called_soon(pool, slot))
		return false;
	took_seat(pool, slot);
	return true;
}
