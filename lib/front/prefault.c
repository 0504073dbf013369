/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefault.c - the memory of a pool with WARD_POOL_PREFAULT is there before the first
 * task: the pieces that may be large, for small ones were written when they were made.
 */
#include "front/front.h"

void front_prefault(struct pool *pool)
{
	const struct inbox *inbox = &pool->inbox;

	for (uint32_t i = 0; i < inbox->rings; i++)
		host_populate(inbox->ring[i].cell,
			      (inbox->ring[i].mask + 1) *
				      sizeof(*inbox->ring[i].cell));
	host_populate(inbox->bell.sleeper,
		      inbox->locals * sizeof(*inbox->bell.sleeper));
	host_populate(pool->slot, pool->slots * sizeof(*pool->slot));
	host_populate(pool->fork,
		      pool->slots * DEQUE_SIZE * sizeof(*pool->fork));
}
