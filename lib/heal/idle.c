/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idle.c - the steward sleeps while all workers are parked.
 *
 * It says that it sleeps, and looks once more whether all are parked; a thread that
 * wakes a worker, or takes a seat from one, looks whether the steward sleeps [Z].
 */
#include "heal/heal.h"

bool steward_may_sleep(struct pool *pool)
{
	if (!bell_still(&pool->inbox.bell) || load_relaxed(&pool->degraded) ||
	    load_relaxed(&pool->tell.left) || seats_vacant(&pool->seat_count) ||
	    helpers_behind(pool->helpers) || inbox_anything(&pool->inbox))
		return false;
	if (load_acquire(&pool->seat[seat_of_bench(pool)]))
		return false;
	for (uint32_t i = 0; i < load_acquire(&pool->seats_used); i++) {
		struct slot *slot = load_acquire(&pool->seat[i]); /* [U] */

		if (slot && !load_relaxed(
				    &pool->inbox.bell.sleeper[slot->index]
					     .parked))
			return false;
	}
	return true;
}

/* False: a later steward is in office, and may be asleep itself. */
static bool claim_sleep(struct steward *me)
{
	uint32_t who = load_relaxed(&me->pool->steward_asleep);

	while (who <= me->term)
		if (cas_acq_rel(&me->pool->steward_asleep, &who, me->term + 1))
			return true;
	return false;
}

/* Unless it was woken, or a later one sleeps. */
static void end_sleep(struct steward *me)
{
	uint32_t who = me->term + 1;

	cas_acq_rel(&me->pool->steward_asleep, &who, 0);
}

void steward_sleep(struct steward *me, uint32_t seen, uint64_t until)
{
	struct pool *pool = me->pool;

	if (!claim_sleep(me))
		return;
	host_barrier_heavy(); /* [Z] it sleeps | is anybody up? */
	if (steward_may_sleep(pool) && !load_acquire(&me->heal->steward_stop)) {
		publish_sleep(me);
		store_release(&me->deadline, until); /* [a] */
		sweep_wait(pool, me->moves, &pool->steward_word, seen, until);
		deputy_ring(me->heal); /* it watches an awake steward */
	}
	end_sleep(me);
	me->due = 0;
}
