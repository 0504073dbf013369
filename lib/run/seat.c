/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat.c - seats, spares, and bringing them together.
 *
 * Edges: [V] vacated or spare pushed | match; [L] a life's step | the next step;
 * [U] a seat's pointer published | looked at; [c] called to a seat | the spare takes
 * it, in spare.c; [cw] fewer are wanted, then the order to leave | the order taken back,
 * then a look at how many are wanted; [sp] a spare is put back | it has ended.
 */
#include "run/run.h"

/* The steward scans the seat from now on: it stops at those that were never used. */
static void mark_used(struct pool *pool, uint32_t i)
{
	uint32_t used = load_acquire(&pool->seats_used);

	while (used <= i && !cas_acq_rel(&pool->seats_used, &used, i + 1))
		;
}

/* The slot is off the stack, so its seat is ours to write. */
static bool sit_down(struct pool *pool, struct slot *slot, uint32_t i)
{
	struct slot *none = NULL;
	bool bench = i == seat_of_bench(pool);

	if (!bench)
		mark_used(pool, i);
	store_relaxed(&slot->seat.number, i);
	slot->seat.vacated = load_acquire(&pool->vacated[i]);
	slot->self.worker = bench ? UINT32_MAX : i;
	return cas_acq_rel(&pool->seat[i], &none, slot); /* [U] */
}

/* Sits down in the first empty seat; if 'vacated', of those that fell vacant. */
static bool find_seat(struct pool *pool, struct slot *slot, bool vacated)
{
	uint32_t n = vacated ? load_acquire(&pool->seats_used) : pool->seats;

	for (uint32_t i = 0; i < n; i++)
		if (!load_acquire(&pool->seat[i]) &&
		    (!vacated || load_relaxed(&pool->vacated[i])) &&
		    sit_down(pool, slot, i))
			return true;
	return false;
}

void seat_empty(struct pool *pool, struct slot *slot, uint32_t seat,
		bool dismissed)
{
	struct slot *me = slot;

	cas_acq_rel(&pool->seat[seat], &me, NULL); /* [U] */
	if (seat == seat_of_bench(pool))
		sub_acq_rel(&pool->spares_ready, 1);
	else
		seats_left(&pool->seat_count, dismissed);
}

/* A seat is counted as taken for it already, so an empty one is always somewhere. */
static void seat_give(struct pool *pool, struct slot *slot)
{
	uint64_t life = load_acquire(&slot->thread.life);

	if (LIFE_STATE(life) != LIFE_SPARE) { /* it is leaving */
		seats_left(&pool->seat_count, false);
		return;
	}
	while (!find_seat(pool, slot, true) && !find_seat(pool, slot, false))
		;
	if (!life_move(slot, life, LIFE_SEATED)) { /* it is leaving */
		seat_empty(pool, slot, slot->self.worker, false);
		return;
	}
	if (slot->seat.vacated)
		add_relaxed(&pool->heals, 1);
	store_release(&slot->seat.call, CALL_SEAT); /* [c] */
	host_wake(&slot->seat.call, 1);
	steward_wake(pool); /* a worker is up, though not from the park */
}

/* False: it has ended, or is leaving. */
static bool is_spare(const struct pool *pool, uint32_t k)
{
	return LIFE_STATE(load_acquire(&pool->slot[k].thread.life)) == LIFE_SPARE;
}

void seat_match(struct pool *pool)
{
	barrier_seq_cst(); /* [V] my step | the other side's */
	while (!load_relaxed(&pool->stopping) &&
	       seats_may_claim(load_acquire(&pool->seat_count.word),
			       pool->seats)) {
		uint32_t k = stack_pop(&pool->spares);

		if (k == STACK_NONE)
			return;
		sub_acq_rel(&pool->spares_ready, 1);
		if (seats_claim(&pool->seat_count, pool->seats)) {
			seat_give(pool, &pool->slot[k]);
			continue;
		}
		if (!is_spare(pool, k))
			continue;
		add_acq_rel(&pool->spares_ready, 1);
		stack_push(&pool->spares, k);
		/* A worker that got up may have found no spare meanwhile. */
		barrier_seq_cst(); /* [V] */
	}
}

/* True: one that was left there has ended since, and its reaper may have missed it. */
static bool strike_spares(struct pool *pool)
{
	uint32_t i = stack_take(&pool->spares), below;
	bool again = false;

	for (; i != STACK_NONE; i = below) {
		below = stack_after(&pool->spares, i);
		if (!is_spare(pool, i)) {
			sub_acq_rel(&pool->spares_ready, 1);
			continue;
		}
		stack_push(&pool->spares, i);
		barrier_seq_cst(); /* [sp] it stands there | it has ended */
		again |= !is_spare(pool, i);
	}
	return again;
}

void seat_strike_spares(struct pool *pool)
{
	barrier_seq_cst(); /* [sp] it has ended | it stands there */
	while (strike_spares(pool))
		;
	seat_match(pool); /* others have found no spare meanwhile */
	clerk_wake(pool);
}

bool seat_all_taken(struct pool *pool)
{
	uint32_t taken = 0, n = load_acquire(&pool->seats_used);

	for (uint32_t i = 0; i < n; i++)
		taken += load_acquire(&pool->seat[i]) != NULL;
	return taken >= SEATS_WANTED(load_acquire(&pool->seat_count.word));
}

/* 'vacated': when the seat fell vacant; 0: nobody is missed there. */
static void get_up(struct pool *pool, struct slot *slot, uint32_t seat,
		   bool dismissed, uint64_t vacated)
{
	store_relaxed(&pool->vacated[seat], vacated);
	store_relaxed(&pool->healed[seat], 0);
	seat_empty(pool, slot, seat, dismissed);
	seat_match(pool);
}

void seat_vacate(struct pool *pool, struct slot *slot, uint32_t seat,
		 uint64_t when)
{
	bool dismissed;

	if (seat == seat_of_bench(pool)) {
		seat_empty(pool, slot, seat, false);
		return;
	}
	/* If a worker was too many, no spare takes its place. */
	dismissed = seats_dismiss(&pool->seat_count);
	get_up(pool, slot, seat, dismissed, dismissed ? 0 : when);
	steward_wake(pool);
}

/* Takes the order back when no worker is too many; gives it anew if one is after all. */
static bool obey(struct pool *pool)
{
	while (!seats_dismiss(&pool->seat_count)) {
		and_acq_rel(&pool->inbox.controls, ~(uint32_t)CONTROL_LEAVE); /* [cw] */
		if (!seats_over(&pool->seat_count))
			return false;
		inbox_dismiss(&pool->inbox);
	}
	return true;
}

bool seat_leave(struct pool *pool, struct slot *slot)
{
	uint32_t seat = load_relaxed(&slot->seat.number);
	bool leaves;

	transition_begin(pool);
	leaves = seat == seat_of_bench(pool) || obey(pool);
	if (leaves) {
		add_acq_rel(&pool->starting, 1);
		/* Alive and outside: only this thread moves its life. */
		life_move(slot, load_acquire(&slot->thread.life), LIFE_STARTING);
		get_up(pool, slot, seat, true, 0);
		lost_local(pool, slot);
	}
	transition_end(pool);
	return leaves;
}

/* ---- how many --------------------------------------------------------------------- */

/* The last to write has read the last size: its writer finds it, or comes later. */
static void follow(struct seat_count *seat_count)
{
	uint64_t size;

	do {
		struct size s;

		size = load_acquire(&seat_count->size);
		s = size_of(size);
		seats_want(seat_count, s.base + s.lent);
	} while (load_acquire(&seat_count->size) != size);
}

bool seat_resize(struct pool *pool, uint64_t seen, const struct size *next)
{
	bool set;

	transition_begin(pool);
	set = cas_acq_rel(&pool->seat_count.size, &seen, size_pack(next));
	if (set) {
		follow(&pool->seat_count);
		if (seats_vacant(&pool->seat_count)) {
			seat_match(pool);
			clerk_wake(pool);
		} else if (seats_over(&pool->seat_count)) {
			inbox_dismiss(&pool->inbox); /* [cw] */
		}
	}
	transition_end(pool);
	return set;
}

/* ---- the bench ------------------------------------------------------------------ */

/* In a transition [I]: the seat's pointer is set before the life moves. */
static bool call_to_bench(struct pool *pool)
{
	uint32_t k = stack_pop(&pool->spares);
	struct slot *slot;
	uint64_t life;

	if (k == STACK_NONE)
		return false;
	slot = &pool->slot[k];
	life = load_acquire(&slot->thread.life);
	if (LIFE_STATE(life) != LIFE_SPARE) {
		sub_acq_rel(&pool->spares_ready, 1);
		return false; /* it is leaving */
	}
	if (!sit_down(pool, slot, seat_of_bench(pool))) { /* another steward was faster */
		stack_push(&pool->spares, k);
		seat_match(pool);
		return false;
	}
	if (!life_move(slot, life, LIFE_SEATED)) { /* it is leaving */
		seat_empty(pool, slot, seat_of_bench(pool), false);
		return false;
	}
	store_release(&slot->seat.call, CALL_SEAT); /* [c] */
	host_wake(&slot->seat.call, 1);
	return true;
}

bool seat_bench(struct pool *pool)
{
	bool called;

	/* Healing comes first; a spare may be left for the bench after it. */
	if (load_acquire(&pool->seat[seat_of_bench(pool)]) ||
	    load_acquire(&pool->stopping) || seats_vacant(&pool->seat_count))
		return false;
	transition_begin(pool);
	called = call_to_bench(pool);
	transition_end(pool);
	return called;
}
