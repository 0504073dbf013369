/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/zombie.h"
#include "base/probe.h"
#include "run/run.h"

bool zombie_room(const struct pool *pool, bool asleep)
{
	/* In this order: one that leaves in between is counted all the same. */
	uint32_t sleepers = load_acquire(&pool->zombies_asleep);
	uint32_t out = load_acquire(&pool->zombies_out);

	return asleep ? sleepers < pool->asleep_cap :
			out < pool->zombie_cap + sleepers;
}

/* The answer is the caller's, so the task may be read. */
static void tell_attempt(struct incident *in, const struct ward_task *task,
			 uint64_t when)
{
	in->report.at = when;
	if (!task)
		return;
	in->report.attempt = task_attempt(load_relaxed(&task_priv(task)->word));
	in->report.task = task->name ? task->name : "";
}

static void trace_fence(const struct slot *slot, const struct ward_task *task,
			bool runs, uint64_t id)
{
	(void)slot, (void)task, (void)runs, (void)id; /* where there are no probes */
	PROBE(fence, slot->pool->name, load_relaxed(&slot->seat.number),
	      load_relaxed(&slot->thread.tid), task, runs ? task->name : NULL, id);
}

static void unseat(struct pool *pool, struct slot *slot,
		   const struct fencing *how, uint64_t when)
{
	uint32_t seat = load_relaxed(&slot->seat.number); /* while it is SEATED */

	if (!life_zombie(pool, slot, how->life, how->asleep))
		return;
	if (how->in && seat != seat_of_bench(pool))
		how->in->heal = &pool->healed[seat];
	lost_local(pool, slot);
	seat_vacate(pool, slot, seat, when);
	clerk_wake(pool);
}

bool zombie_make(struct pool *pool, struct slot *slot, const struct fencing *how)
{
	/* If the fence finds the worker still in that epoch, this is its task. */
	struct ward_task *task = load_relaxed(&slot->task);
	enum slot_phase phase = slot_phase(how->epoch);
	uint64_t when = host_now();

	transition_begin(pool);
	store_relaxed(&slot->fencing.at, when); /* shown by the fence [H] */
	if (!slot_fence(slot, how->epoch, how->asker)) {
		transition_end(pool);
		return false;
	}
	trace_fence(slot, task, phase == SLOT_RUN, how->id);
	if (how->in)
		tell_attempt(how->in, phase == SLOT_RUN ? task : NULL, when);
	if (how->count)
		count_own(how->count, 1);
	lost_attempt(pool, task, phase, how->why, true, how->id);
	unseat(pool, slot, how, when);
	transition_end(pool);
	steal_wake_waiters(slot); /* [G] fenced | where does it wait? */
	return true;
}
