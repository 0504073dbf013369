/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew.c - a new size, and what follows from it; and who stands in for a worker
 * that waits.
 *
 * Edge [l]: fewer are wanted, then the order to leave | the order taken back, then
 * a look at who is wanted.  [rl]: a wait declared | who waits?
 */
#include "work/pool.h"

/* Whoever writes last has read the last size: its writer finds it, or comes later. */
static void follow(struct crew *crew)
{
	uint64_t size;

	do {
		struct size s;

		size = load_acquire(&crew->size);
		s = size_of(size);
		crew_want(crew, s.base + s.lent);
	} while (load_acquire(&crew->size) != size);
}

bool crew_set(struct pool *pool, uint64_t seen, const struct size *next)
{
	bool set;

	books_open(pool);
	set = cas_acq_rel(&pool->crew.size, &seen, size_pack(next));
	if (set) {
		follow(&pool->crew);
		if (crew_vacant(&pool->crew)) {
			seat_match(pool);
			clerk_wake(pool);
		} else if (crew_over(&pool->crew)) {
			inbox_dismiss(&pool->inbox); /* [l] */
		}
	}
	books_close(pool);
	return set;
}

/* ---- standing in ----------------------------------------------------------------- */

bool crew_pressed(const struct pool *pool)
{
	return bell_deserted(&pool->inbox.bell) && inbox_anything(&pool->inbox);
}

bool crew_waits(const struct slot *slot)
{
	return slot_inside(load_relaxed(&slot->word)) &&
	       (load_relaxed(&slot->declared) || load_relaxed(&slot->waits_on));
}

void crew_will_wait(struct pool *pool)
{
	if (unlikely(crew_pressed(pool)) &&
	    !swap_acq_rel(&pool->relief, 1)) /* [rl] */
		steward_ring(pool);
}
