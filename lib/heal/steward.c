/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.c - look, judge, act: one round over the seats at each scan, and none
 * at all while everybody sleeps, from a second after the last sign of work on (idle.c).
 */
#include "heal/heal.h"
#include <errno.h>

#define REST 4 /* of a scan's time, at least, between two of them */
#define LIFT_SCANS 8 /* from one look for lowered zombies to the next */

bool steward_request_fence(struct pool *pool, const struct ward_task *task)
{
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		uint64_t word = load_acquire(&slot->word); /* [E] */

		if (slot_phase(word) != SLOT_RUN ||
		    load_relaxed(&slot->task) != task || slot_taken(slot))
			continue;
		/* As in zombie_make(): was the task that epoch's? */
		host_barrier_heavy(); /* [F] the task was read | still there? */
		if (load_acquire(&slot->word) != word) { /* [E] */
			i--; /* the next one may be of the task */
			continue;
		}
		/* If it moves on from now on, this is a past epoch. */
		store_release(&slot->fencing.fence_requested, word);
		return true;
	}
	return false;
}

/* ---- one round ------------------------------------------------------------------- */

/* False: a deputy has taken over; this steward must not act any more. */
static bool in_office(const struct steward *me)
{
	return load_acquire(&me->heal->term) == me->term; /* [a] */
}

/*
 * From the slot's first line alone: its epoch only grows, through all its threads, so
 * that epoch and slot say which attempt this is.
 */
static struct sign sign_of(const struct pool *pool, const struct slot *slot)
{
	struct sign sign;

	sign.word = load_acquire(&slot->word); /* [E] */
	sign.gen = (uint64_t)(slot - pool->slot) + 1;
	sign.beats = __atomic_load_n(&slot->pulse.beats, __ATOMIC_RELAXED);
	sign.units = __atomic_load_n(&slot->pulse.units, __ATOMIC_RELAXED);
	sign.declared = 0;
	return sign;
}

static enum verdict sample(struct steward *me, const struct finding *f, uint64_t now)
{
	const struct host_life *liveness = &f->slot->thread.liveness;
	struct host_sample sample;
	enum verdict verdict;

	/* Where no liveness shows the end, the kernel's word must do. */
	if (sample_take(me, f->slot, f->history, &sample) == -ESRCH)
		return !liveness->works || host_life_lost(liveness) ?
			       VERDICT_DEAD :
			       VERDICT_FINE;
	verdict = judge_sample(f->history, &sample, &f->budgets, now);
	if (!ledger_adds_up(&f->history->silence))
		or_relaxed(&me->pool->broken, 1u << 8);
	return verdict;
}

/* No sign of life since the last scan.  True: it is still inside of a task. */
static bool sample_silent(struct steward *me, struct finding *f, uint64_t now,
			  uint64_t late)
{
	struct slot *slot = f->slot;
	struct sign sign;
	bool seated;

	if (me->shares)
		handoff(me->pool, slot);
	f->life = load_acquire(&slot->thread.life); /* [L] before the evidence */
	seated = LIFE_STATE(f->life) == LIFE_SEATED;
	sign = sign_of(me->pool, slot);
	sign.declared = load_relaxed(&slot->declared);
	me->plan.waits |= slot_waits(slot);
	f->budgets = budgets_of(me->pool, slot);
	f->verdict = judge_sign(f->history, &sign, &f->budgets, now, late);
	if (unlikely(load_acquire(&slot->fencing.fence_requested) == sign.word) && seated)
		f->verdict = VERDICT_OVERDUE;
	else if (f->verdict == VERDICT_SAMPLE)
		f->verdict = seated ? sample(me, f, now) : VERDICT_FINE;
	else if (unlikely(me->lifts))
		excuse_lift(slot, &me->also);
	return slot_inside(sign.word);
}

/* True: the seat's worker is inside a task. */
static bool scan_seat(struct steward *me, uint32_t i, struct finding *f,
		      uint64_t now, uint64_t late)
{
	struct history *history = f->history = &me->history[i];
	struct slot *slot = f->slot = sample_hold(me, i);
	struct sign sign;
	uint64_t still;
	bool slow;

	if (!slot) {
		*history = (struct history){ 0 };
		return false;
	}
	/* Most seats of most scans: the other lines are not touched. */
	sign = sign_of(me->pool, slot);
	if (unlikely(!sign_moved(&history->last, &sign))) {
		history->slow = false;
		return sample_silent(me, f, now, late);
	}
	slow = me->shares && handoff_is_slow(history, &sign);
	still = helpers_still(me, history, slot, &sign, now);
	judge_anew(history, &sign, now);
	history->still = still;
	history->slow = slow;
	me->slow |= slow;
	return slot_inside(sign.word);
}

static void act(struct steward *me, const struct finding *f)
{
	if (likely(f->verdict == VERDICT_FINE) || !in_office(me))
		return;
	if (f->verdict == VERDICT_DEAD)
		reap_thread(me->pool, f->slot, f->life, false);
	else if (f->verdict != VERDICT_BLOCKED || !verdict_excused(me, f))
		verdict_act(me, f);
}

static uint64_t lateness(struct steward *me, uint64_t now)
{
	uint64_t late = me->due && now > me->due ? now - me->due : 0;

	if (late > load_relaxed(&me->heal->worst_lateness))
		store_relaxed(&me->heal->worst_lateness, late);
	if (late > 10 * me->pool->scan && late > WARD_MS(500)) {
		if (!me->told_late)
			incident_tell(&me->pool->tell, WARD_R_ENVIRONMENT,
				      "the steward was kept from running; "
				      "that time is held against nobody");
		me->told_late = true;
	} else {
		me->told_late = false;
	}
	return late;
}

/* The scribe was to abort the process, once it had told why. */
static void abort_overdue(const struct steward *me, uint64_t now)
{
	uint64_t by = load_relaxed(&me->pool->tell.abort_by);

	if (unlikely(by) && now > by)
		host_abort();
}

/*
 * Threads on their way up, and zombies, have no seat to be scanned; and there may be no
 * spare for the kernel to wake at their end.
 */
static void find_dead(struct steward *me, uint64_t now)
{
	const struct pool *pool = me->pool;

	if (now - me->lives_at < WARD_MS(100) ||
	    !(load_relaxed(&pool->starting) ||
	      load_relaxed(&pool->zombies_out)))
		return;
	me->lives_at = now;
	reap_all(me->pool);
}

/* Waiting tasks may have been told to stop, and nobody come to them. */
static void process_told(struct steward *me, uint64_t now)
{
	uint32_t moves = sweep_moves(); /* [cm] */
	bool moved = moves != me->moves;

	/* Tasks on their way just now may have been looked at before. */
	if (moved)
		pool_tell_by(me->pool, now);
	if (sweep_is_due(me->pool, moved, now)) {
		if (seat_bench(me->pool))
			me->moves = moves;
	} else if (moved && now >= load_relaxed(&me->pool->swept)) {
		me->moves = moves; /* nothing waits */
	}
}

/* True: some worker was busy. */
static bool scan(struct steward *me, uint64_t now)
{
	uint64_t late = lateness(me, now);
	uint32_t seats = load_acquire(&me->pool->seats_used);
	bool busy = false;

	me->late += late;
	count_own(&me->heal->scans, 1);
	/* Now and then: each silent worker costs a question to the kernel. */
	me->lifts = me->pool->lowers && load_relaxed(&me->heal->scans) % LIFT_SCANS == 0 &&
		    load_relaxed(&me->pool->zombies_out);
	me->plan.waits = false;
	me->slow = false;
	me->shares = handoff_wanted(me, now);
	for (uint32_t i = 0; i <= seats && in_office(me); i++) {
		struct finding f = { .verdict = VERDICT_FINE };

		busy |= scan_seat(me, i < seats ? i : seat_of_bench(me->pool),
				  &f, now, late);
		act(me, &f);
	}
	sample_drop(me);
	sample_tell_lacks(me);
	tell_ring(&me->pool->tell);
	handoff_slow(me);
	handoff_zombies(me->pool);
	if (in_office(me)) {
		abort_overdue(me, now);
		find_dead(me, now);
		rescue_sleepers(me, now);
		verdict_recover(me);
		helpers_watch(me, now);
		plan_scan(&me->plan, me->pool, now);
		process_told(me, now);
		publish_scan(me, now);
	}
	return busy;
}

/* ---- the thread ------------------------------------------------------------------ */

/*
 * By the new steward's own thread: a former one that comes to itself must not leave for
 * a successor that could not be made.
 */
static void take_office(struct steward *me)
{
	uint32_t term = load_relaxed(&me->heal->term);

	/* Not its deadline as a deputy: the next deputy looks at this. */
	me->quiet_since = host_now();
	store_release(&me->deadline, me->quiet_since); /* [a] */
	while (term < me->term &&
	       !cas_acq_rel(&me->heal->term, &term, me->term)) /* [a] */
		;
}

/*
 * The end of the wait after a scan.  A scan that took too long is followed by a rest all
 * the same: the steward's priority may be above that of its workers, on their CPU.
 */
static uint64_t rest_until(const struct steward *me, uint64_t next)
{
	uint64_t rested = host_now() + me->pool->scan / REST;

	return rested > me->due ? rested : lesser(next, me->due);
}

static void serve(struct steward *me)
{
	struct pool *pool = me->pool;

	for (;;) {
		uint32_t seen = load_acquire(&pool->steward_word);
		uint64_t now = host_now(), next;

		store_release(&me->deadline, now); /* [a] to be here again */
		if (load_acquire(&me->heal->steward_stop) || !in_office(me))
			break;
		next = lesser(later_due(&pool->inbox, now),
			      notify_round(me, now));
		if (now < me->due) { /* rung: a task or a worker waits */
			plan_relief(&me->plan, pool);
			host_wait(&pool->steward_word, seen, lesser(next, me->due));
			continue;
		}
		if (scan(me, now) || !steward_may_sleep(pool))
			me->quiet_since = now;
		if (now - me->quiet_since >= WARD_S(1)) {
			next = lesser(next, plan_due(&me->plan, pool));
			steward_sleep(me, seen, next);
			me->quiet_since = host_now();
			continue;
		}
		/* Lateness counts from here, however the wait ends. */
		me->due = now + pool->scan;
		host_wait(&pool->steward_word, seen, rest_until(me, next));
	}
}

void steward_run(void *arg)
{
	struct steward *me = arg;
	struct pool *pool = me->pool;
	struct host_step was;

	store_relaxed(&me->tid, host_tid());
	host_step_up(&was); /* above threads that keep their CPU */
	if (!me->before || deputy_waits(me)) {
		take_office(me);
		if (me->before)
			deputy_tells(me);
		serve(me);
	}
	/* Destroy may have left it with requeued tasks. */
	orphaned_answer(pool);
	store_relaxed(&me->tid, 0); /* the number may be another's soon */
	pool_put(pool); /* where it hung, destroy may be over */
}
