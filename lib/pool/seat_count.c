/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat_count.c - workers that wait, and whether others are needed.
 *
 * Edge [cw]: fewer are wanted, then the order to leave | the order taken back, then
 * a look at how many are wanted.  [rl]: a wait declared | who waits?
 */
#include "pool/pool.h"

bool need_more_workers(const struct pool *pool)
{
	return bell_deserted(&pool->inbox.bell) && inbox_anything(&pool->inbox);
}

bool slot_waits(const struct slot *slot)
{
	return slot_inside(load_relaxed(&slot->word)) &&
	       (load_relaxed(&slot->declared) || load_relaxed(&slot->wait.on));
}

void worker_will_wait(struct pool *pool)
{
	if (unlikely(need_more_workers(pool)) &&
	    !swap_acq_rel(&pool->relief, 1)) /* [rl] */
		steward_ring(pool);
}
