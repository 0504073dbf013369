/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reap.c - a worker's thread that has ended: its attempt, its seat, its report.
 */
#include "run/run.h"
#include <string.h>

/* A thread that had lost its answer before is dead, not come home. */
static void reap_zombie(struct pool *pool, struct ward_task *task,
			enum slot_phase phase)
{
	if (phase != SLOT_RUN)
		lost_attempt(pool, task, phase, LOST_DEATH, false, 0);
	else
		lost_hold(pool, task);
}

/* What a thread was inside of when it ended. */
struct end {
	struct ward_task *task;
	enum slot_phase phase;
	bool inside;
	const char *name; /* of the task, if its answer is ours */
	uint32_t attempt;
	enum lost_why why;
	bool heard; /* its done() will hear of it */
	bool left;  /* thieves are inside of forks on its stack */
	bool vacates; /* it had its seat until now */
};

static void tell_fault(struct incident *in, const struct host_fault *fault)
{
	in->report.kind = WARD_R_FAULT;
	in->report.signo = fault->signo;
	in->report.addr = fault->addr;
	in->report.what = "a task faulted; its thread is replaced";
	memcpy(in->frame, fault->frame, sizeof(in->frame));
	in->report.frames = in->frame;
	in->report.nframes = fault->n;
}

static void report_death(struct pool *pool, struct slot *slot, bool raw,
			 const struct end *end, uint64_t when, uint64_t id)
{
	struct incident *in = incident_open(&pool->tell, WARD_R_DEATH, id);
	bool in_task = end->inside && end->phase == SLOT_RUN;

	if (!in)
		return;
	in->report.at = when;
	in->report.worker = load_relaxed(&slot->seat.number);
	in->report.tid = load_relaxed(&slot->thread.tid);
	in->report.task = end->name;
	in->report.attempt = end->attempt;
	in->report.what = raw ? "a worker's thread ended by a raw exit" :
			  in_task ? "a worker's thread left inside a task" :
			  end->inside ? "a worker's thread left inside a callback" :
					"a worker's thread left outside any task";
	if (slot->fail.fault.signo)
		tell_fault(in, &slot->fail.fault);
	in->report.err = in_task ? lost_status(end->why) : 0;
	in->heard = end->heard;
	if (end->vacates && in->report.worker < pool->seats)
		in->heal = &pool->healed[in->report.worker];
	incident_raise(&pool->tell, in);
}

static void take_over(struct pool *pool, struct slot *slot, uint64_t word,
		      struct end *end, bool exit_cleanup, uint64_t id)
{
	/* The word stands still now: the answer is ours, or was taken before. */
	bool ours = exit_cleanup ? slot_end(slot) :
				   slot_fence(slot, word, ASKER_REAP);

	if (!ours) {
		if (!end->left) /* else by reap_unpin() */
			reap_zombie(pool, end->task, end->phase);
		return;
	}
	if (end->phase == SLOT_RUN) { /* so the task may be read */
		end->name = end->task->name ? end->task->name : "";
		end->heard = end->why == LOST_FAULT && end->task->done;
		end->attempt = task_attempt(
			load_relaxed(&task_priv(end->task)->word));
	}
	lost_attempt(pool, end->task, end->phase, end->why, end->left, id);
}

/* Frees the place of a lane's task in whose release() the thread died. */
static void free_place(struct slot *slot, const struct end *end)
{
	struct lane_place place = slot->leaves;

	slot->leaves.lane = NULL;
	if (end->phase == SLOT_RELEASE && place.lane)
		lane_leave(place.lane, place.refused);
}

/*
 * A thread that ended without an exit cleanup, while thieves are inside of forks on its
 * stack, counts as inside of its task until they are done.
 */
static void pin_stack(struct slot *slot, struct end *end)
{
	end->left = end->phase == SLOT_RUN && slot->forked && steal_left(slot);
	slot->thread.stack_pinned_by = end->left ? end->task : NULL;
}

bool reap_unpin(struct pool *pool, struct slot *slot)
{
	struct ward_task *task = slot->thread.stack_pinned_by;

	if (steal_pins_stack(slot))
		return false;
	slot->thread.stack_pinned_by = NULL;
	if (task) {
		reap_zombie(pool, task, SLOT_RUN);
		inbox_settle(&pool->inbox);
		orphaned_answer(pool);
	}
	return true;
}

static void leave_place(struct pool *pool, struct slot *slot,
			uint64_t life, uint32_t seat, uint64_t when)
{
	enum slot_life was = LIFE_STATE(life);

	if (was == LIFE_SEATED) {
		seat_vacate(pool, slot, seat, when);
	} else if (was == LIFE_ZOMBIE) {
		life_no_zombie(pool, life, &pool->zombies_reaped);
	} else if (was == LIFE_SPARE) {
		seat_strike_spares(pool);
	} else if (was == LIFE_STARTING) {
		add_relaxed(&pool->failed_starts, 1);
		sub_acq_rel(&pool->starting, 1);
	}
}

bool reap_thread(struct pool *pool, struct slot *slot, uint64_t life,
		 bool exit_cleanup)
{
	uint64_t when = host_now(), id, word;
	uint32_t seat = load_relaxed(&slot->seat.number);
	enum slot_life was = LIFE_STATE(life);
	struct end end = { .name = "", .vacates = was == LIFE_SEATED };

	if (was == LIFE_FREE || was >= LIFE_DYING)
		return !exit_cleanup; /* another thread has reaped it */
	transition_begin(pool);
	if (!life_step(slot, &life, LIFE_DYING)) {
		transition_end(pool);
		return false;
	}
	/* The clerk leaves the record to us until it is GONE. */
	id = incident_id();
	word = load_acquire(&slot->word); /* [E] */
	end.task = load_relaxed(&slot->task);
	end.phase = slot_phase(word);
	end.inside = slot_inside(word);
	end.why = slot->fail.fault.signo ? LOST_FAULT : LOST_DEATH;
	if (!exit_cleanup) {
		/* Wakers come to it no more: what it waited on is the user's to free. */
		store_relaxed(&slot->wait.on, NULL);
		unblock_clear(slot, false);
		pin_stack(slot, &end);
	}
	/* The answer first: a parked worker comes for it sooner than a spare. */
	if (end.inside)
		take_over(pool, slot, word, &end, exit_cleanup, id);
	add_relaxed(&pool->deaths, 1); /* before the heal is counted */
	lost_local(pool, slot); /* before a spare in the seat takes newer tasks */
	leave_place(pool, slot, life, seat, when);
	free_place(slot, &end);
	slot_stay(slot);
	report_death(pool, slot, !exit_cleanup, &end, when, id);
	if (exit_cleanup) /* only now: it wakes the spares that watch */
		host_life_leave(&slot->thread.liveness);
	life_move(slot, load_acquire(&slot->thread.life), LIFE_GONE);
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
	pool_left(pool);
	return true;
}

void reap_all(struct pool *pool)
{
	for_each_slot(slot, pool) {
		/* Before the evidence, so that it is this life's. */
		uint64_t life = load_acquire(&slot->thread.life); /* [L] */

		if (LIFE_STATE(life) != LIFE_FREE &&
		    LIFE_STATE(life) < LIFE_DYING &&
		    host_life_lost(&slot->thread.liveness))
			reap_thread(pool, slot, life, false);
	}
}
