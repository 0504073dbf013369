/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew.c - a new size, and what follows from it; and who stands in for a worker
 * that waits.
 *
 * Edge [l]: fewer are wanted, then the order to leave | the order taken back, then
 * a look at who is wanted.  [rl]: a wait declared | who waits?
 */
#include "work/pool.h"

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
