/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane_list.c - the lanes of a pool, in use or as memory; and what the pool asks of
 * all of them.
 */
#include "lane/lane.h"

static struct lane *take_from(struct lane *_Atomic *stack)
{
	struct lane *lane = load_acquire(stack); /* [lt] */

	while (lane && !cas_acq_rel(stack, &lane, lane->free))
		;
	return lane;
}

/* Is any thread inside of a run() that it lost?  Any may be of a lane that has ended. */
static bool zombie_inside(struct pool *pool)
{
	for_each_slot(slot, pool) {
		if (slot_phase(load_acquire(&slot->word)) == SLOT_RUN &&
		    slot_taken(slot))
			return true;
	}
	return false;
}

struct lane *lane_alloc(struct pool *pool)
{
	struct lane *lane;

	host_lock_take(&pool->lanes_lock);
	lane = take_from(&pool->lanes_free);
	if (!lane && load_relaxed(&pool->lanes_unsafe) && !zombie_inside(pool))
		lane = take_from(&pool->lanes_unsafe);
	host_lock_give(&pool->lanes_lock);
	if (lane)
		return lane;
	lane = host_alloc(sizeof(*lane));
	if (!lane)
		return NULL;
	lane->pool = pool; /* for good */
	host_lock_take(&pool->lanes_lock);
	lane->all = load_relaxed(&pool->lanes_all);
	store_release(&pool->lanes_all, lane); /* [ll] */
	host_lock_give(&pool->lanes_lock);
	return lane;
}

/* lanes_lock lets one at a time take from the stack, so its top is no other meanwhile. */
void lane_give_back(struct lane *lane)
{
	struct pool *pool = lane->pool;
	struct lane *_Atomic *stack = load_relaxed(&lane->zombie_left) ?
					      &pool->lanes_unsafe :
					      &pool->lanes_free;
	struct lane *top = load_relaxed(stack);

	do {
		lane->free = top;
	} while (!cas_acq_rel(stack, &top, lane)); /* [lt] */
}

/* For assertions: the lane is on the list, between its neighbours. */
static bool lane_stands(const struct pool *pool, const struct lane *lane)
{
	const struct lane *before = lane->before, *next = lane->next;

	return (before ? before->next : pool->lanes) == lane &&
	       (!next || next->before == lane);
}

void lane_list(struct pool *pool, struct lane *lane)
{
	host_lock_take(&pool->lanes_lock);
	lane->before = NULL;
	lane->next = pool->lanes;
	if (lane->next)
		lane->next->before = lane;
	pool->lanes = lane;
	WARD_ASSERT(lane_stands(pool, lane));
	host_lock_give(&pool->lanes_lock);
}

void lane_unlist(struct pool *pool, struct lane *lane)
{
	host_lock_take(&pool->lanes_lock);
	WARD_ASSERT(lane_stands(pool, lane));
	if (lane->next)
		lane->next->before = lane->before;
	if (lane->before)
		lane->before->next = lane->next;
	else
		pool->lanes = lane->next;
	host_lock_give(&pool->lanes_lock);
}

bool lanes_busy(struct pool *pool)
{
	bool busy = false;

	host_lock_take(&pool->lanes_lock);
	for (struct lane *lane = pool->lanes; lane && !busy; lane = lane->next)
		busy = lane_inside(lane);
	host_lock_give(&pool->lanes_lock);
	return busy;
}

/* A lane that is not in use has none. */
uint64_t lanes_waiting(const struct pool *pool)
{
	uint64_t n = 0;

	for_each_lane(lane, pool)
		n += load_relaxed(&lane->waiting);
	return n;
}

void lanes_closed(struct pool *pool)
{
	host_lock_take(&pool->lanes_lock);
	for (struct lane *lane = pool->lanes; lane; lane = lane->next)
		wait_wake(&lane->room);
	host_lock_give(&pool->lanes_lock);
}

void lanes_free(struct pool *pool)
{
	struct lane *next;

	for (struct lane *lane = load_relaxed(&pool->lanes_all); lane; lane = next) {
		next = lane->all;
		limit_sets_free(load_relaxed(&lane->sets));
		host_free(lane, sizeof(*lane));
	}
}
