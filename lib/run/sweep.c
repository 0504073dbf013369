/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweep.c - what waits and is told to stop: by its token, by its lane's, by a point in
 * time.
 *
 * The steward seats a spare on the bench (seat_bench()), as docs/overview.md says.  That
 * goes through all that waits in the direction in which tasks move on, so that none slips
 * past: lanes, ranks and rings, what is requeued.  It brings what is told to stop to the
 * front of what is requeued; then it answers that, as far as workers have not.  Local
 * queues are not looked at: their workers come to such a task within a scan, or it is
 * requeued (lost_local()), and looked at then.
 *
 * Edges: [cm] a token moved | the steward looks; [tb] put | told_by lowered | taken
 * and all looked at; [ll] a lane is there | all lanes.
 */
#include "lane/stop.h"
#include "run/worker.h"

#define SECOND UINT64_C(1000000000)

enum { PARTS = 10 }; /* of a thread's time: one is for sweeps at most */

/* Called for each task in rings and ranks; true: it was taken out. */
static bool take_out(void *arg, struct ward_task *task)
{
	struct pool *pool = arg;
	uint64_t by = stop_by(pool, task);

	if (later_has_come(by)) {
		later_requeue_first(&pool->inbox, task);
		return true;
	}
	pool_tell_by(pool, by);
	return false;
}

static void look_in_lanes(struct pool *pool, struct slot *slot)
{
	struct lane *lane = load_acquire(&pool->lanes_all); /* [ll] */

	/* A dispatch may fire tokens, and so call the user's watches. */
	show_own_budgets(slot, NULL); /* not those of the task that it answered last */
	slot_begin(slot, NULL, SLOT_HOOK);
	for (; lane; lane = lane->all)
		if (lane_inside(lane))
			lane_sweep(lane, LANE_SWEEP_ALL | LANE_SWEEP_TOLD);
	slot_end(slot);
	lost_local(pool, slot); /* what the lanes have handed on */
}

/* False: it was fenced. */
static bool answer_told(struct pool *pool, struct slot *slot)
{
	struct ward_task *task;
	struct later_place place;

	/* A seat that falls vacant needs this thread: there may be no other spare. */
	while (!slot_taken(slot) && !load_relaxed(&pool->stopping) &&
	       !seats_vacant(&pool->seat_count) &&
	       (task = later_take_until(&pool->inbox, LATER_FIRST, &place))) {
		uint64_t by = stop_by(pool, task);

		if (later_has_come(by)) {
			worker_refuse(pool, slot, task);
			continue;
		}
		later_put_back(&pool->inbox, task, &place);
		pool_tell_by(pool, by);
	}
	inbox_settle(&pool->inbox);
	return !slot_taken(slot);
}

/* The time in callbacks does not count; a thread that was stopped in here rests SECOND. */
static void rest(struct pool *pool, uint64_t began, uint64_t ended)
{
	uint64_t pause = (PARTS - 1) * (ended - began);

	store_relaxed(&pool->swept, ended + (pause < SECOND ? pause : SECOND));
}

bool sweep(struct pool *pool, struct slot *slot)
{
	uint64_t began = host_now(), by, ended;
	bool all;

	/* A task that is put from now on lowers it after that. */
	by = swap_acq_rel(&pool->told_by, HOST_FOREVER); /* [tb] */
	barrier_seq_cst(); /* [tb] */
	look_in_lanes(pool, slot);
	all = inbox_filter(&pool->inbox, take_out, pool);
	later_look(&pool->inbox, true);
	ended = host_now();
	rest(pool, began, ended);
	/* What moved against the direction is found soon; told before an answer hangs. */
	if (!all)
		pool_tell_by(pool, ended);
	else if (by != HOST_FOREVER && inbox_anything(&pool->inbox))
		pool_tell_by(pool, ended + SECOND);
	return answer_told(pool, slot);
}

uint32_t sweep_moves(void)
{
	return load_acquire(&cancel_moves); /* [cm] */
}

void sweep_wait(struct pool *pool, uint32_t moves, _Atomic uint32_t *word,
		uint32_t seen, uint64_t until)
{
	const struct host_waitv watch[] = { { .word = word, .seen = seen },
					    { .word = &cancel_moves,
					      .seen = moves } };

	if (!load_relaxed(&pool->inbox.later.waiting)) {
		host_wait(word, seen, until);
		return;
	}
	add_acq_rel(&cancel_sleepers, 1);
	barrier_seq_cst(); /* [cm] I sleep | moved? */
	host_wait_any(watch, 2, until);
	sub_acq_rel(&cancel_sleepers, 1);
}

bool sweep_is_due(struct pool *pool, bool moved, uint64_t now)
{
	struct later *later = &pool->inbox.later;

	if (now < load_relaxed(&pool->swept))
		return false;
	if (!moved && now < load_relaxed(&pool->told_by))
		return later_expedited(later);
	return load_relaxed(&later->waiting) || inbox_anything(&pool->inbox) ||
	       load_relaxed(&pool->lanes_all);
}
