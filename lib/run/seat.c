/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat.c - seats, spares, and bringing them together.
 *
 * Edges: [V] vacated or spare pushed | match; [L] a life's step | the next one;
 * [U] a seat's pointer published | looked at; [c] called to a seat |
 * the spare takes it; [x] lives or 'stopping' changed | a spare about to sleep;
 * [cw] fewer are wanted, then the order to leave | the order taken back, then a look
 * at how many are wanted.
 */
#include "run/run.h"

/* A seat that is looked at from now on: the steward stops at those never used. */
static void use(struct pool *pool, uint32_t i)
{
	uint32_t used = load_acquire(&pool->seats_used);

	while (used <= i && !cas_acq_rel(&pool->seats_used, &used, i + 1))
		;
}

/* The slot is off the stack, so these are ours to write. */
static bool sit_down(struct pool *pool, struct slot *slot, uint32_t i)
{
	struct slot *none = NULL;

	use(pool, i);
	store_relaxed(&slot->seat.number, i);
	slot->seat.vacated = load_acquire(&pool->vacated[i]);
	slot->self.worker = i;
	return cas_acq_rel(&pool->seat[i], &none, slot); /* [U] */
}

/* In the first empty seat, or the first one of those that fell vacant. */
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

/* The seat is counted as taken already, so there is one, now here, now there. */
static void seat_give(struct pool *pool, struct slot *slot)
{
	struct slot *me = slot;
	uint64_t life = load_acquire(&slot->thread.life);

	if (LIFE_STATE(life) != LIFE_SPARE) { /* it is leaving: nobody's spare */
		seats_left(&pool->seat_count, false);
		return;
	}
	while (!find_seat(pool, slot, true) && !find_seat(pool, slot, false))
		;
	if (!life_move(slot, life, LIFE_SEATED)) { /* it is leaving */
		cas_acq_rel(&pool->seat[slot->self.worker], &me, NULL);
		seats_left(&pool->seat_count, false);
		return;
	}
	if (slot->seat.vacated)
		add_relaxed(&pool->heals, 1);
	store_release(&slot->seat.call, CALL_SEAT); /* [c] */
	host_wake(&slot->seat.call, 1);
	steward_wake(pool); /* it did not leave the park, but it is up */
}

void seat_match(struct pool *pool)
{
	barrier_seq_cst(); /* [V] what I published | what the other side did */
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
		add_acq_rel(&pool->spares_ready, 1);
		stack_push(&pool->spares, k);
		/* Who left a seat may have found no spare while this one was in
		 * our hand. */
		barrier_seq_cst(); /* [V] */
	}
}

bool seat_all_taken(struct pool *pool)
{
	uint32_t taken = 0, n = load_acquire(&pool->seats_used);

	for (uint32_t i = 0; i < n; i++)
		taken += load_acquire(&pool->seat[i]) != NULL;
	return taken >= SEATS_WANTED(load_acquire(&pool->seat_count.word));
}

/* The pointer first, so that who counts a seat finds one. */
static void get_up(struct pool *pool, struct slot *slot, uint32_t seat,
		   bool dismissed)
{
	struct slot *me = slot;

	cas_acq_rel(&pool->seat[seat], &me, NULL); /* [U] */
	seats_left(&pool->seat_count, dismissed);
	seat_match(pool);
}

/*
 * Who sits there counts as a spare still, so that nobody makes another thread for the
 * moment that it takes.
 */
static bool clear_bench(struct pool *pool, struct slot *slot, uint32_t seat)
{
	struct slot *me = slot;

	if (seat != seat_of_bench(pool))
		return false;
	cas_acq_rel(&pool->seat[seat], &me, NULL); /* [U] */
	sub_acq_rel(&pool->spares_ready, 1);
	return true;
}

void seat_vacate(struct pool *pool, struct slot *slot, uint32_t seat,
		 uint64_t when)
{
	bool dismissed;

	if (clear_bench(pool, slot, seat))
		return;
	/* If one was too many, nobody takes its place. */
	dismissed = seats_dismiss(&pool->seat_count);
	store_relaxed(&pool->vacated[seat], dismissed ? 0 : when);
	store_relaxed(&pool->healed[seat], 0);
	get_up(pool, slot, seat, dismissed);
	steward_wake(pool);
}

/* The order is taken back when nobody is too many, and given anew if that was rash. */
static bool dismissed(struct pool *pool)
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
	leaves = dismissed(pool);
	if (leaves) {
		add_acq_rel(&pool->starting, 1);
		/* Alive and outside: nobody but itself moves it. */
		life_move(slot, load_acquire(&slot->thread.life), LIFE_STARTING);
		store_relaxed(&pool->vacated[seat], 0);
		store_relaxed(&pool->healed[seat], 0);
		get_up(pool, slot, seat, true);
		lost_local(pool, slot);
	}
	transition_end(pool);
	return leaves;
}

/* ---- how many --------------------------------------------------------------------- */

/* Whoever writes last has read the last size: its writer finds it, or comes later. */
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

/* The slot is off the stack, so it is ours. */
static bool sit_on_bench(struct pool *pool, struct slot *slot)
{
	uint32_t seat = seat_of_bench(pool);
	struct slot *none = NULL;

	store_relaxed(&slot->seat.number, seat);
	slot->seat.vacated = 0;
	slot->self.worker = UINT32_MAX;
	return cas_acq_rel(&pool->seat[seat], &none, slot); /* [U] */
}

/* Amid the books [I]: its pointer is set before its life moves. */
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
		return false; /* it is leaving: nobody's spare */
	}
	if (!sit_on_bench(pool, slot)) { /* another steward was faster */
		stack_push(&pool->spares, k);
		seat_match(pool);
		return false;
	}
	if (!life_move(slot, life, LIFE_SEATED)) { /* it is leaving */
		clear_bench(pool, slot, seat_of_bench(pool));
		return false;
	}
	store_release(&slot->seat.call, CALL_SEAT); /* [c] */
	host_wake(&slot->seat.call, 1);
	return true;
}

bool seat_bench(struct pool *pool)
{
	bool called;

	/* Who heals comes first, and may be free to answer then. */
	if (load_acquire(&pool->seat[seat_of_bench(pool)]) ||
	    load_acquire(&pool->stopping) || seats_vacant(&pool->seat_count))
		return false;
	transition_begin(pool);
	called = call_to_bench(pool);
	transition_end(pool);
	return called;
}

void seat_leave_bench(struct pool *pool, struct slot *slot)
{
	transition_begin(pool);
	add_acq_rel(&pool->starting, 1);
	/* Alive and outside: nobody but itself moves it. */
	life_move(slot, load_acquire(&slot->thread.life), LIFE_STARTING);
	clear_bench(pool, slot, seat_of_bench(pool));
	lost_local(pool, slot);
	transition_end(pool);
}
