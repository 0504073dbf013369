/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stats.c - a pool in numbers: sums over slots, whose owners write them.
 *
 * Edge [r]: a task given back, and counted | drain and the numbers: a reader that sees
 * the count sees what the task did, and that it was accepted.
 */
#include "heal/heal.h"
#include "lane/lane.h"

uint64_t stats_released(const struct pool *pool)
{
	uint64_t n = load_acquire(&pool->released); /* [r] */

	for_each_slot(slot, pool)
		n += load_acquire(&slot->released); /* [r] */
	return n;
}

/* The seats, as the steward sees them; slots stay as long as the pool. */
static void count_seats(struct pool *pool, struct ward_stats *stats)
{
	uint32_t seats = load_acquire(&pool->seats_used);
	struct size size = size_of(load_acquire(&pool->seat_count.size));
	struct slot *bench;

	for (uint32_t i = 0; i < seats; i++) {
		struct slot *slot = load_acquire(&pool->seat[i]); /* [U] */

		if (!slot)
			continue;
		stats->workers++;
		stats->blocked += slot_waits(slot);
		if (slot_inside(load_relaxed(&slot->word)))
			stats->running++;
		else if (load_relaxed(&pool->inbox.bell.sleeper[slot->index]
					       .parked))
			stats->idle++;
	}
	bench = load_acquire(&pool->seat[seat_of_bench(pool)]); /* [U] */
	if (bench && slot_inside(load_relaxed(&bench->word)))
		stats->running++;
	stats->wanted = SEATS_WANTED(load_acquire(&pool->seat_count.word));
	if (stats->wanted > stats->workers)
		stats->vacant = stats->wanted - stats->workers;
	stats->least = size.least;
	stats->most = size.most;
}

static void count_slots(const struct pool *pool, struct ward_stats *stats)
{
	for_each_slot(slot, pool) {
		stats->ended += load_relaxed(&slot->ended);
		stats->late += load_relaxed(&slot->late);
		stats->stolen += load_relaxed(&slot->stolen);
		stats->stale_commits += load_relaxed(&slot->stale_commits);
		stats->regrets += load_relaxed(&slot->fencing.regrets);
		histogram_merge(&slot->fencing.regret, stats->regret_time);
		histogram_merge(&slot->queue_time, stats->queue_time);
		histogram_merge(&slot->run_time, stats->run_time);
	}
	stats->ended += load_relaxed(&pool->away_ended);
	/* Started after ended [r], so that it is never smaller. */
	atomic_thread_fence(memory_order_acquire);
	stats->started += load_relaxed(&pool->away_started);
	for_each_slot(slot, pool)
		stats->started += load_acquire(&slot->started);
}

static void count_healing(const struct pool *pool, struct ward_stats *stats)
{
	const struct heal *heal = pool->helpers;

	stats->stalled = load_relaxed(&pool->stalled);
	stats->died = load_relaxed(&pool->died);
	stats->faulted = load_relaxed(&pool->faulted);
	stats->failed = load_relaxed(&pool->failed);
	stats->dead_letters = load_relaxed(&pool->dead_letters);
	stats->reruns = load_relaxed(&pool->reruns);
	stats->deaths = load_relaxed(&pool->deaths);
	stats->acquitted = load_relaxed(&pool->acquitted);
	stats->heals = load_relaxed(&pool->heals);
	stats->convicted_livelock =
		load_relaxed(&heal->convicted[VERDICT_LIVELOCK]);
	stats->convicted_blocked =
		load_relaxed(&heal->convicted[VERDICT_BLOCKED]);
	stats->convicted_progress =
		load_relaxed(&heal->convicted[VERDICT_STAGNANT]);
	stats->zombies_returned = load_relaxed(&pool->zombies_returned);
	stats->zombies_reaped = load_relaxed(&pool->zombies_reaped);
	stats->zombies_entered = load_relaxed(&pool->zombies_entered);
	stats->threads_joined = load_relaxed(&pool->threads_joined);
	stats->threads_created = load_relaxed(&pool->threads_created);
	stats->scans = load_relaxed(&heal->scans);
	stats->looks = load_relaxed(&heal->looks);
	stats->worst_lateness = load_relaxed(&heal->worst_lateness);
	stats->rescues = load_relaxed(&heal->rescues);
	histogram_merge(&pool->heal_time, stats->heal_time);
}

static void count_cells(const struct pool_cells *cells, struct ward_stats *stats)
{
	stats->cells_working = load_relaxed(&cells->working);
	stats->cells_born = load_relaxed(&cells->born);
	stats->cells_unborn = load_relaxed(&cells->unborn);
	stats->cells_died = load_relaxed(&cells->died);
	stats->cells_killed = load_relaxed(&cells->killed);
	stats->cells_garbled = load_relaxed(&cells->garbled);
	stats->cells_recycled = load_relaxed(&cells->recycled);
	stats->calls_lost = load_relaxed(&cells->lost);
	stats->calls_moved = load_relaxed(&cells->moved);
}

void stats_count(struct pool *pool, struct ward_stats *stats)
{
	const struct near *near = pool->inbox.near;
	int64_t unreleased;

	*stats = (struct ward_stats)WARD_STATS_INIT;
	/* In this order: a zombie that comes home in between counts once at most. */
	stats->answered = stats_released(pool);
	atomic_thread_fence(memory_order_acquire);
	/* Signed: a zombie may be home before its task is counted as left. */
	unreleased = (int64_t)load_acquire(&pool->unreleased); /* [r] */
	stats->answered += unreleased > 0 ? (uint64_t)unreleased : 0;
	atomic_thread_fence(memory_order_acquire); /* answered, then accepted */
	stats->accepted = inbox_accepted(&pool->inbox);
	stats->queued = inbox_count(&pool->inbox);
	stats->owed = inbox_requeued_count(&pool->inbox) +
		      inbox_away_count(&pool->inbox);
	stats->waiting = load_relaxed(&pool->inbox.later.waiting);
	stats->refused = load_relaxed(&pool->refused);
	stats->in_lanes = lanes_waiting(pool);
	stats->spares = load_relaxed(&pool->spares_ready);
	stats->zombies_asleep = load_relaxed(&pool->zombies_asleep);
	stats->zombies = load_relaxed(&pool->zombies_out);
	stats->zombies_cap = pool->zombie_cap;
	stats->zombies_asleep_cap = pool->asleep_cap;
	stats->degraded = load_relaxed(&pool->degraded);
	stats->neighbourhoods = near ? near->host->n : 1;
	stats->reports_told = load_relaxed(&pool->tell.told);
	stats->reports_suppressed = load_relaxed(&pool->tell.suppressed);
	count_seats(pool, stats);
	count_slots(pool, stats);
	count_healing(pool, stats);
	count_cells(&pool->cells, stats);
}

int ward_pool_stats(struct ward_pool *handle, struct ward_stats *stats)
{
	struct pool *pool = (struct pool *)handle;
	int err = stats && stats->size == sizeof(*stats) ? pool_enter(pool) :
							   -EINVAL;

	if (!err)
		stats_count(pool, stats);
	return err;
}
