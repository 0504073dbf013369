/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/plan.h"
#include "run/run.h"

enum { GROW_AFTER = 2 }; /* scans in a row */

static uint32_t roof(const struct size *size, const struct pool_load *load)
{
	return size->open ? load->seats : size->most;
}

/* ---- from load to size ----------------------------------------------------------- */

void plan_lend(struct size *size, const struct pool_load *load)
{
	if (size->lent > load->waiting)
		size->lent = load->waiting;
	else if (load->need_more)
		size->lent = lesser(load->waiting,
				      roof(size, load) - size->base);
}

void plan_grow(struct plan *plan, struct size *size,
	       const struct pool_load *load)
{
	uint32_t room = roof(size, load) - size->base - size->lent, n;

	if (!load->need_more) {
		plan->need_more = 0;
		return;
	}
	/* Workers on the way may be enough. */
	if (load->vacant || ++plan->need_more < GROW_AFTER ||
	    size->base >= size->most)
		return;
	n = lesser(size->most - size->base, room);
	/* 1, 2, 4...: the longer it lasts, the more. */
	size->base +=
		lesser(n, 1u << lesser(plan->need_more - GROW_AFTER, 12));
}

void plan_shrink(struct plan *plan, struct size *size,
		 const struct pool_load *load, uint64_t window, uint64_t now)
{
	if (size->base <= size->least || !plan->since) {
		plan->since = now;
		plan->spare = UINT32_MAX;
		return;
	}
	plan->spare = lesser(plan->spare, load->idle);
	if (now - plan->since < window)
		return;
	size->base -= lesser(plan->spare, size->base - size->least);
	plan->since = now;
	plan->spare = UINT32_MAX;
}

bool plan_is_spent(const struct size *size, const struct pool_load *load)
{
	return load->need_more && !load->vacant && load->taken &&
	       load->waiting >= load->taken &&
	       size->base + size->lent >= roof(size, load);
}

/* ---- the load -------------------------------------------------------------------- */

static void count_load(const struct pool *pool, struct pool_load *load)
{
	uint64_t word = load_acquire(&pool->seat_count.word);

	/* A worker that is just sitting down is counted, and does not wait. */
	*load = (struct pool_load){ .seats = pool->seats,
				    .taken = SEATS_TAKEN(word),
				    .need_more = pool_needs_workers(pool),
				    .vacant = SEATS_STAY(word) <
					      SEATS_WANTED(word) };
}

/*
 * Waiting and idle workers, on cold lines, so only where they matter.  A slot that has
 * just lost its seat may be read as well: it stays as long as the pool.
 */
static void count_waiting(const struct pool *pool, struct pool_load *load)
{
	uint32_t seats = load_acquire(&pool->seats_used);

	for (uint32_t i = 0; i < seats; i++) {
		const struct slot *slot =
			load_acquire(&pool->seat[i]); /* [U] */

		if (!slot)
			continue;
		load->waiting += slot_waits(slot);
		load->idle += load_relaxed(
			&pool->inbox.bell.sleeper[slot->index].parked);
	}
}

static void tell_spent(struct plan *plan, struct pool *pool, bool spent)
{
	plan->told = spent &&
		     (plan->told ||
		      incident_tell(&pool->tell, WARD_R_NO_THREAD,
				    "all workers wait, and there may be no more"));
}

/* If the size was changed meanwhile: next time. */
static void settle_on(struct pool *pool, uint64_t seen, const struct size *size)
{
	if (size_pack(size) != seen)
		seat_resize(pool, seen, size);
}

void plan_scan(struct plan *plan, struct pool *pool, uint64_t now)
{
	uint64_t seen = load_acquire(&pool->seat_count.size);
	struct size size = size_of(seen);
	struct pool_load load;

	swap_acq_rel(&pool->relief, 0); /* [rl] */
	count_load(pool, &load);
	if (size.lent || (load.need_more ? plan->waits || plan->told :
					  size.base > size.least))
		count_waiting(pool, &load);
	/* By the size so far, not by the new one. */
	tell_spent(plan, pool, plan_is_spent(&size, &load));
	plan_lend(&size, &load);
	plan_grow(plan, &size, &load);
	plan_shrink(plan, &size, &load, pool->idle, now);
	settle_on(pool, seen, &size);
}

void plan_relief(struct plan *plan, struct pool *pool)
{
	uint64_t seen = load_acquire(&pool->seat_count.size);
	struct size size = size_of(seen);
	struct pool_load load;

	if (!load_relaxed(&pool->relief) ||
	    !swap_acq_rel(&pool->relief, 0)) /* [rl] */
		return;
	count_load(pool, &load);
	count_waiting(pool, &load);
	tell_spent(plan, pool, plan_is_spent(&size, &load));
	plan_lend(&size, &load);
	settle_on(pool, seen, &size);
}

uint64_t plan_due(const struct plan *plan, const struct pool *pool)
{
	struct size size = size_of(load_acquire(&pool->seat_count.size));

	if (size.base <= size.least || pool->idle > HOST_FOREVER - plan->since)
		return HOST_FOREVER;
	return plan->since + pool->idle;
}
