/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.c - look, judge, act: one round over the seats at each scan, and none
 * at all while everybody sleeps.
 *
 * Going to sleep.  The steward lingers for a second after the last sign of work,
 * says that it sleeps, and looks once more whether all are parked; whoever takes
 * a worker off the park, or a seat from a worker, looks whether the steward
 * sleeps [Z].
 */
#include "heal/heal.h"
#include "heal/zombie.h"
#include "work/priority.h"
#include <errno.h>
#include <stdio.h>

#define SECOND UINT64_C(1000000000)
#define REST 4 /* of a scan's time, at least, between two of them */
#define LIFT_SCANS 8 /* from one look for who waits for a zombie to the next */

/* ---- looking ---------------------------------------------------------------------- */

/*
 * Whoever sits there, or NULL.  Until this steward looks elsewhere the clerk leaves
 * that record as it is: its eye, and its thread's number, are of who sits there.
 */
static struct slot *look_to(struct steward *me, uint32_t seat)
{
	struct slot *slot = load_acquire(&me->pool->seat[seat]), *seen; /* [U] */

	do {
		seen = slot;
		store_release(&me->at, seen); /* [U] I have left another */
		host_fence_light(); /* [U] I look at it | it has no seat */
		slot = load_acquire(&me->pool->seat[seat]); /* [U] */
	} while (slot != seen);
	return slot;
}

static void look_away(struct steward *me)
{
	store_release(&me->at, NULL); /* [U] */
	store_release(&me->also, NULL); /* [U] */
}

/*
 * From the slot's first line alone: its epoch only grows, whoever its thread is,
 * so that with the slot's number it says which attempt of whom this is.
 */
static struct sign sign_of(const struct pool *pool, const struct slot *slot)
{
	struct sign sign;

	sign.word = load_acquire(&slot->word); /* [E] */
	sign.turn = (uint64_t)(slot - pool->slot) + 1;
	sign.beats = __atomic_load_n(&slot->pulse.beats, __ATOMIC_RELAXED);
	sign.units = __atomic_load_n(&slot->pulse.units, __ATOMIC_RELAXED);
	sign.declared = 0;
	return sign;
}

static struct budgets budgets_of(const struct pool *pool,
				 const struct slot *slot)
{
	const struct ward_policy *p = &pool->policy;

	return (struct budgets){
		policy_pick(load_relaxed(&slot->budget[0]), p->busy_within),
		policy_pick(load_relaxed(&slot->budget[1]), p->blocked_within),
		policy_pick(load_relaxed(&slot->budget[2]), p->progress_within),
		policy_pick(load_relaxed(&slot->budget[3]), p->declared_within)
	};
}

static const char *blind_to(const struct host_look *look)
{
	if (!look->cpu_known)
		return look->state_known ?
			       "no CPU times: a livelock is not seen" :
			       "no evidence of threads: only death is seen";
	if (!look->state_known)
		return "no thread states: blocking is not seen";
	if (!look->switches_known)
		return "no counts of waits for a CPU: who runs now and then is "
		       "not seen to block";
	return NULL;
}

/* What is not to be known; once. */
static void tell_blind(struct steward *me, const struct host_look *look)
{
	const char *what = me->told_blind ? NULL : blind_to(look);

	if (!what)
		return;
	me->told_blind = true;
	incident_tell(&me->pool->tell, WARD_R_EVIDENCE, what);
}

static int take_look(struct steward *me, const struct slot *slot,
		     const struct watch *watch, struct host_look *look)
{
	int err;

	count_own(&me->heal->looks, 1);
	if (host_life_lost(&slot->breath))
		return -ESRCH; /* its number may be another thread's by now */
	/* The first one only notes where the counters stand. */
	if (!watch->looked_at)
		return host_glance(&slot->eye, look);
	err = host_look(&slot->eye, look);
	if (err != -ESRCH)
		tell_blind(me, look);
	return err;
}

/* What has become of what the kernel refuses.  Once each. */
static void tell_lacks(struct steward *me)
{
	static const char *const what[HOST_LACKS] = {
		[HOST_NO_SLEEP] = "futexes are refused: threads that wait look "
				  "each millisecond",
		[HOST_NO_END] = "no robust futexes: an end by a raw exit is "
				"seen inside of tasks only",
		[HOST_NO_HOLDER] = "memory may not be read: who holds a futex "
				   "is not seen",
		[HOST_NO_TRACE] = "signals are refused: no backtraces of "
				  "threads that hang",
		[HOST_NO_LOWER] = "scheduling is refused: fenced threads keep "
				  "their priority",
		[HOST_NO_EVENT] = "an event's descriptor is refused: event "
				  "loops are not told right",
		[HOST_NO_CLOSE] = "closing is refused: descriptors are not "
				  "given back",
		[HOST_NO_ALTSTACK] = "no signal stacks: a stack overflow ends "
				     "the process"
	};

	uint32_t lacks = host_lacks();

	for (uint32_t i = 0; i < HOST_LACKS; i++)
		if ((lacks & ~me->told_lacks) >> i & 1)
			incident_tell(&me->pool->tell, WARD_R_EVIDENCE, what[i]);
	me->told_lacks = lacks;
}

/* ---- acting ------------------------------------------------------------------------- */

static const struct sentence {
	enum ward_kind kind;
	const char *what;
} sentence[] = {
	[VERDICT_WARN] = { WARD_R_SLOW, "half of the budget is spent" },
	[VERDICT_LIVELOCK] = { WARD_R_LIVELOCK,
			       "a task kept its CPU without a sign of life" },
	[VERDICT_BLOCKED] = { WARD_R_BLOCKED,
			      "a task slept without a sign of life" },
	[VERDICT_STAGNANT] = { WARD_R_NO_PROGRESS,
			       "a task was alive but made no progress" },
	[VERDICT_OVERDUE] = { WARD_R_OVERDUE,
			      "told to stop, it did not in time" },
};

static uint64_t budget_for(enum verdict verdict, const struct budgets *budgets,
			   const struct watch *watch)
{
	if (verdict == VERDICT_STAGNANT)
		return budgets->progress;
	if (verdict == VERDICT_WARN)
		return watch->ask ? budgets->blocked : budgets->busy;
	if (verdict == VERDICT_OVERDUE)
		return 0;
	return verdict == VERDICT_LIVELOCK ? budgets->busy : budgets->blocked;
}

/* All that the steward knows; the scribe finds out the rest. */
static void fill(struct incident *in, struct slot *slot, enum verdict verdict,
		 const struct watch *watch, const struct budgets *budgets)
{
	int32_t nr;
	uint64_t arg;

	in->report.what = sentence[verdict].what;
	in->report.worker = load_relaxed(&slot->seat);
	in->report.tid = load_relaxed(&slot->tid);
	in->report.ledger = verdict == VERDICT_STAGNANT ? watch->stagnation :
							  watch->silence;
	in->report.budget = budget_for(verdict, budgets, watch);
	in->report.state = watch->look.state;
	if (!host_syscall(&slot->eye, &nr, &arg)) {
		in->report.syscall = nr;
		in->report.syscall_arg = arg;
	}
}

/* A record with that, if one is free. */
static struct incident *describe(struct steward *me, struct slot *slot,
				 enum verdict verdict,
				 const struct watch *watch,
				 const struct budgets *budgets, uint64_t id)
{
	struct incident *in = incident_open(&me->pool->tell,
					    sentence[verdict].kind, id);

	if (in)
		fill(in, slot, verdict, watch, budgets);
	return in;
}

static void raise(struct steward *me, struct incident *in)
{
	if (in)
		incident_raise(&me->pool->tell, in);
}

/* Told once for each holder. */
static void tell_excuse(struct steward *me, struct slot *slot, enum plea plea,
			struct excuse *excuse, const struct watch *watch,
			const struct budgets *budgets)
{
	struct incident *in;

	if (excuse->told)
		return;
	in = describe(me, slot, VERDICT_BLOCKED, watch, budgets,
		      incident_id());
	if (!in)
		return; /* no record free: next time */
	excuse->told = true;
	in->report.kind = WARD_R_SLOW;
	in->report.holder = excuse->holder;
	in->report.what = plea == PLEA_ZOMBIE ?
		"waits for a futex held by a zombie: excused" :
		"waits for a futex whose holder is given no CPU: excused";
	raise(me, in);
}

static enum plea ask_excuse(struct steward *me, const struct slot *slot,
			    const struct watch *watch,
			    const struct budgets *budgets)
{
	return excuse_ask(&me->excuse[watch - me->watch], me->pool, slot,
			  &watch->last, budgets->blocked / 4, watch->seen_at,
			  watch->silence.silence, &me->also);
}

/*
 * Found blocked: is it its own fault, and would a replacement help?  If not, the verdict
 * does not stand.
 */
static bool is_excused(struct steward *me, struct slot *slot, struct watch *watch,
		       const struct budgets *budgets)
{
	struct excuse *excuse = &me->excuse[watch - me->watch];
	enum plea plea = ask_excuse(me, slot, watch, budgets);

	if (plea == PLEA_STARVED || plea == PLEA_ZOMBIE) {
		tell_excuse(me, slot, plea, excuse, watch, budgets);
		judge_excuse(watch, budgets, watch->seen_at);
	}
	return plea != PLEA_NONE;
}

/* A hook that may free a blocked task is called by the scribe. */
static void warn(struct steward *me, struct slot *slot, struct watch *watch,
		 const struct budgets *budgets)
{
	struct incident *in = describe(me, slot, VERDICT_WARN, watch,
				       budgets, incident_id());

	if (watch->ask)
		ask_excuse(me, slot, watch, budgets); /* look from now on */
	if (!in && watch->ask && load_relaxed(&slot->unblock)) {
		watch->asked = false; /* no record free: ask again, soon */
		watch->next_look = 0;
	} else if (in && watch->ask) {
		in->call = unblock_call;
		in->who = slot;
		in->epoch = watch->last.word;
	}
	raise(me, in);
}

/* The scribe is to ask the thread for its backtrace, if it is still in that epoch. */
static void ask_trace(struct incident *in, struct slot *slot, uint64_t epoch)
{
	if (!in || slot->pool->trace_signo < 0)
		return;
	in->trace = &slot->trace;
	in->trace_epoch = epoch;
}

static void only_tell(struct steward *me, struct slot *slot,
		      enum verdict verdict, struct watch *watch,
		      const struct budgets *budgets)
{
	bool aborts = me->pool->on_stall == WARD_STALL_ABORT;
	uint64_t id = incident_id();
	struct incident *in =
		(aborts ? incident_last : incident_open)(
			&me->pool->tell, sentence[verdict].kind, id);

	if (in)
		fill(in, slot, verdict, watch, budgets);
	ask_trace(in, slot, watch->last.word);
	if (in && aborts)
		incident_abort(&me->pool->tell, in);
	else
		raise(me, in);
	/* Once for this silence: what is told is told. */
	watch->next_look = UINT64_MAX;
}

static void degrade(struct steward *me, const char *what)
{
	if (load_relaxed(&me->pool->degraded))
		return;
	store_relaxed(&me->pool->degraded, 1);
	incident_tell(&me->pool->tell, WARD_R_DEGRADED, what);
}

/*
 * A spinning zombie must not keep a core from those who work.  On the scribe, after
 * it was asked for its backtrace: lowered, it might not get to answer.
 */
static void lower(void *slot, uint64_t turn)
{
	priority_lower(slot, turn);
}

static void lower_when_told(struct incident *in, struct slot *slot, uint64_t turn)
{
	if (!in) {
		lower(slot, turn);
		return;
	}
	in->after = lower;
	in->who = slot;
	in->epoch = turn;
}

static void convict(struct steward *me, struct slot *slot, uint64_t life,
		    enum verdict verdict, struct watch *watch,
		    const struct budgets *budgets)
{
	struct pool *pool = me->pool;
	struct fencing how = {
		.life = life,
		.epoch = watch->last.word,
		.asker = me->term % ASKER_TERMS,
		.why = verdict == VERDICT_OVERDUE ? LOST_STOP : LOST_STALL,
		.asleep = verdict == VERDICT_BLOCKED,
		.count = &me->heal->convicted[verdict]
	};
	bool lowers;

	if (!zombie_room(pool, how.asleep)) {
		degrade(me, "as many fenced threads are out as may be: "
			      "stuck workers stay in their seats");
		return;
	}
	/*
	 * All questions to the kernel come first: from the fence to the answer's
	 * hand-over there is nothing that could hold the steward for long.
	 */
	how.id = incident_id();
	how.in = describe(me, slot, verdict, watch, budgets, how.id);
	if (how.in && how.in->report.worker != seat_of_bench(pool))
		how.in->heal = &pool->healed[how.in->report.worker];
	ask_trace(how.in, slot, how.epoch);
	lowers = verdict == VERDICT_LIVELOCK && pool->lowers &&
		 !excuse_wanted(pool, me->watch, load_relaxed(&slot->tid),
				&me->also);
	if (!zombie_make(pool, slot, &how)) {
		add_relaxed(&pool->acquitted, 1);
		incident_drop(&pool->tell, how.in);
		return;
	}
	if (lowers) /* unless its life is not that of a zombie */
		lower_when_told(how.in, slot, LIFE_TURN(life) + 1);
	raise(me, how.in);
}

/* Another has taken over while this one was held: it must not act any more. */
static bool in_office(const struct steward *me)
{
	return load_acquire(&me->heal->term) == me->term; /* [a] */
}

static void act(struct steward *me, struct slot *slot, uint64_t life,
		enum verdict verdict, struct watch *watch,
		const struct budgets *budgets)
{
	if (verdict == VERDICT_WARN)
		warn(me, slot, watch, budgets);
	else if (me->pool->on_stall == WARD_STALL_REPLACE)
		convict(me, slot, life, verdict, watch, budgets);
	else
		only_tell(me, slot, verdict, watch, budgets);
}

bool steward_condemn(struct pool *pool, const struct ward_task *task)
{
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		uint64_t word = load_acquire(&slot->word); /* [E] */

		if (slot_phase(word) != SLOT_RUN ||
		    load_relaxed(&slot->task) != task || slot_taken(slot))
			continue;
		/* As zombie_make() does: was the task that epoch's? */
		host_fence_heavy(); /* [F] that I looked | still there? */
		if (load_acquire(&slot->word) != word) { /* [E] */
			i--; /* it may be in the next one */
			continue;
		}
		/* If it moves on from now on, this is of an epoch that is over. */
		store_release(&slot->condemned, word);
		return true;
	}
	return false;
}

/* ---- one round ------------------------------------------------------------------------ */

/* What lies behind a task that takes long is not to wait for it. */
static void share(struct pool *pool, struct slot *slot)
{
	if (likely(!ring_count(&slot->hand.ring)))
		return;
	books_open(pool);
	lost_hand(pool, slot);
	books_close(pool);
}

/*
 * Since the last scan it has ended fewer tasks than a batch has, so that the last one
 * there would wait for longer than that.  From the epochs: two of each task, or more.
 */
static bool is_slow(const struct watch *watch, const struct sign *sign)
{
	return slot_inside(sign->word) && sign->turn == watch->last.turn &&
	       sign->word - watch->last.word < 2 * HAND_BATCH * SLOT_PHASES;
}

/* After the hands of those who stand still: what is in these waits for less. */
static void share_slow(struct steward *me)
{
	uint32_t seats = load_acquire(&me->pool->seats_used);

	for (uint32_t i = 0; i < seats; i++) {
		struct slot *slot = NULL;

		if (me->watch[i].slow)
			slot = load_acquire(&me->pool->seat[i]); /* [U] */
		if (slot) /* whoever has it by now: its hand stays */
			share(me->pool, slot);
	}
}

/* A thread that has no seat may still submit, into its own hand. */
static void share_zombies(struct pool *pool)
{
	uint32_t slots = load_acquire(&pool->slots_used);

	for (uint32_t i = 0; i < slots; i++)
		if (LIFE_STATE(load_acquire(&pool->slot[i].life)) == LIFE_ZOMBIE)
			share(pool, &pool->slot[i]);
}

/* True if the seat's worker is inside a task. */
static bool look_at(struct steward *me, uint32_t i, uint64_t now, uint64_t late)
{
	struct watch *watch = &me->watch[i];
	struct slot *slot = look_to(me, i);
	struct budgets budgets;
	struct host_look look;
	struct sign sign;
	enum verdict verdict;
	uint64_t life;

	if (!slot) {
		judge_forget(watch);
		return false;
	}
	/* Most wards of most scans: the other lines are not touched. */
	sign = sign_of(me->pool, slot);
	if (likely(sign_moved(&watch->last, &sign))) {
		bool slow = me->shares && is_slow(watch, &sign);
		uint64_t still = aides_still(me, watch, slot, &sign, now);

		judge_anew(watch, &sign, now);
		watch->still = still;
		watch->slow = slow;
		me->slow |= slow;
		return slot_inside(sign.word);
	}
	watch->slow = false;
	if (me->shares)
		share(me->pool, slot);
	life = load_acquire(&slot->life); /* [L] before what may convict it */
	sign = sign_of(me->pool, slot);
	sign.declared = load_relaxed(&slot->declared);
	me->plan.waits |= crew_waits(slot);
	budgets = budgets_of(me->pool, slot);
	verdict = judge_sign(watch, &sign, &budgets, now, late);
	if (unlikely(load_acquire(&slot->condemned) == sign.word) &&
	    LIFE_STATE(life) == LIFE_SEATED) {
		convict(me, slot, life, VERDICT_OVERDUE, watch, &budgets);
		return true;
	}
	if (unlikely(me->lifts) && verdict == VERDICT_FINE)
		excuse_lift(me->pool, slot, &me->also);
	if (likely(verdict == VERDICT_FINE))
		return slot_inside(sign.word);
	if (LIFE_STATE(life) != LIFE_SEATED)
		return true;
	if (take_look(me, slot, watch, &look) == -ESRCH) {
		/* Where a life shows no end, the kernel's word must do. */
		if (!slot->breath.works || host_life_lost(&slot->breath))
			lost_thread(me->pool, slot, life, false);
		return true;
	}
	verdict = judge_look(watch, &look, &budgets, now);
	if (!ledger_adds_up(&watch->silence))
		or_relaxed(&me->pool->broken, 1u << 8);
	if (verdict == VERDICT_FINE || !in_office(me))
		return true;
	if (verdict != VERDICT_BLOCKED || !is_excused(me, slot, watch, &budgets))
		act(me, slot, life, verdict, watch, &budgets);
	return true;
}

/* Is a worker held (by a debugger, say) between its wakeup and its search? */
static bool somebody_held(struct steward *me)
{
	bool held = false;

	uint32_t seats = load_acquire(&me->pool->seats_used);

	for (uint32_t i = 0; i < seats && !held; i++) {
		struct slot *slot;
		struct host_look look;

		slot = look_to(me, i);
		held = slot && !slot_inside(load_acquire(&slot->word)) &&
		       !host_look(&slot->eye, &look) &&
		       (look.state == 'T' || look.state == 't');
	}
	look_away(me);
	return held;
}

/*
 * Work and sleepers side by side, and nothing moves: a thread is held between
 * its wakeup and its search, or before it has woken another, or is short of CPU.
 * The first two are known by their state, and another is woken at once.  The last
 * would not get a CPU either; but nobody knows everything, so after a second one is
 * woken all the same, and counted: that is a wakeup which the bell should not have
 * needed.
 */
static void rescue(struct steward *me, uint64_t now)
{
	struct inbox *inbox = &me->pool->inbox;
	uint64_t word = load_acquire(&inbox->bell.word), still;

	if (!(BELL_TOP(word) || BELL_WAKING(word)) ||
	    word != me->bell_seen || !inbox_anything(inbox)) {
		me->bell_seen = word;
		me->bell_since = now;
		return;
	}
	still = now - me->bell_since;
	if (!BELL_TOP(word)) { /* whose waker may be held: again costs nothing */
		if (still >= 2 * me->pool->scan)
			bell_rescue(&inbox->bell);
	} else if (still >= SECOND) {
		if (bell_rescue(&inbox->bell))
			count_own(&me->heal->rescues, 1);
	} else if (still >= 2 * me->pool->scan && somebody_held(me)) {
		bell_rescue(&inbox->bell);
	}
}

/* Does everybody wait for a zombie? */
static bool all_held(const struct steward *me)
{
	const struct pool *pool = me->pool;
	uint32_t seats = load_acquire(&pool->seats_used);
	bool any = false;

	for (uint32_t i = 0; i < seats; i++) {
		if (!load_relaxed(&pool->seat[i]))
			continue;
		if (!excuse_holds(&me->excuse[i], &me->watch[i].last))
			return false;
		any = true;
	}
	return any && !crew_vacant(&pool->crew);
}

static void recover(struct steward *me)
{
	struct pool *pool = me->pool;

	if (all_held(me)) {
		degrade(me, "every worker waits for a futex that a zombie "
			      "holds");
	} else if (load_relaxed(&pool->degraded) && zombie_room(pool, true) &&
		   zombie_room(pool, false) &&
		   !crew_vacant(&pool->crew)) {
		store_relaxed(&pool->degraded, 0);
		incident_tell(&me->pool->tell, WARD_R_RECOVERED,
			    "stuck workers can be replaced again");
	}
}

static uint64_t lateness(struct steward *me, uint64_t now)
{
	uint64_t late = me->due && now > me->due ? now - me->due : 0;

	if (late > load_relaxed(&me->heal->worst_lateness))
		store_relaxed(&me->heal->worst_lateness, late);
	if (late > 10 * me->pool->scan && late > SECOND / 2) {
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

/* The process was to be aborted: by the scribe, when it has told why. */
static void keep_word(const struct steward *me, uint64_t now)
{
	uint64_t by = load_relaxed(&me->pool->tell.abort_by);

	if (unlikely(by) && now > by)
		host_abort();
}

/*
 * Those on their way up, and zombies, have no seat to be looked at; and there may be
 * no spare that the kernel could wake for their end.
 */
static void find_dead(struct steward *me, uint64_t now)
{
	const struct pool *pool = me->pool;

	if (now - me->lives_at < SECOND / 10 ||
	    !(load_relaxed(&pool->born) || load_relaxed(&pool->zombies_out)))
		return;
	me->lives_at = now;
	lost_bury(me->pool);
}

/* Something that waits may have been told to stop, and nobody come to it. */
static void see_to_told(struct steward *me, uint64_t now)
{
	uint32_t moves = sweep_moves(); /* [cm] */
	bool moved = moves != me->moves;

	/* What is on its way just now, and was looked at before, is looked for again. */
	if (moved)
		pool_tell_by(me->pool, now);
	if (sweep_is_due(me->pool, moved, now)) {
		if (seat_bench(me->pool))
			me->moves = moves;
	} else if (moved && now >= load_relaxed(&me->pool->swept)) {
		me->moves = moves; /* nothing waits */
	}
}

/*
 * What lies in the hand of the only worker nobody else would run, so it stays there, in
 * its order.  But it may have been told to stop: then it goes where the bench looks.
 */
static bool shares(struct steward *me, uint64_t now)
{
	return !crew_is_one(&me->pool->crew) ||
	       sweep_is_due(me->pool, sweep_moves() != me->moves, now);
}

/* True if anybody was busy. */
static bool scan(struct steward *me, uint64_t now)
{
	uint64_t late = lateness(me, now);
	uint32_t seats = load_acquire(&me->pool->seats_used);
	bool busy = false;

	count_own(&me->heal->scans, 1);
	/* Now and then, for each silent ward is a question to the kernel. */
	me->lifts = me->pool->lowers && load_relaxed(&me->heal->scans) % LIFT_SCANS == 0 &&
		    load_relaxed(&me->pool->zombies_out);
	me->plan.waits = false;
	me->slow = false;
	me->shares = shares(me, now);
	for (uint32_t i = 0; i < seats && in_office(me); i++)
		busy |= look_at(me, i, now, late);
	if (in_office(me))
		busy |= look_at(me, seat_of_bench(me->pool), now, late);
	look_away(me);
	if (unlikely(host_lacks() & ~me->told_lacks))
		tell_lacks(me);
	tell_ring(&me->pool->tell);
	if (me->slow)
		share_slow(me);
	if (unlikely(load_relaxed(&me->pool->zombies_out)))
		share_zombies(me->pool);
	if (in_office(me)) {
		keep_word(me, now);
		find_dead(me, now);
		rescue(me, now);
		recover(me);
		aides_watch(me, now);
		plan_scan(&me->plan, me->pool, now);
		see_to_told(me, now);
	}
	return busy;
}

/* ---- sleeping --------------------------------------------------------------------------- */

bool steward_may_sleep(struct pool *pool)
{
	if (!bell_still(&pool->inbox.bell) || load_relaxed(&pool->degraded) ||
	    load_relaxed(&pool->tell.left) || crew_vacant(&pool->crew) ||
	    aides_owe(pool->helpers) || inbox_anything(&pool->inbox))
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

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* False: another is in office, and may be asleep itself. */
static bool lie_down(struct steward *me)
{
	uint32_t who = load_relaxed(&me->pool->steward_asleep);

	while (who <= me->term)
		if (cas_acq_rel(&me->pool->steward_asleep, &who, me->term + 1))
			return true;
	return false;
}

/* Unless somebody has woken it, or another sleeps now. */
static void get_up(struct steward *me)
{
	uint32_t who = me->term + 1;

	cas_acq_rel(&me->pool->steward_asleep, &who, 0);
}

void steward_sleep(struct steward *me, uint32_t seen, uint64_t until)
{
	struct pool *pool = me->pool;

	if (!lie_down(me))
		return;
	host_fence_heavy(); /* [Z] I sleep | is anybody up? */
	if (steward_may_sleep(pool) && !load_acquire(&me->heal->steward_stop)) {
		store_release(&me->promise, until); /* [a] */
		sweep_wait(pool, me->moves, &pool->steward_word, seen, until);
		deputy_ring(me->heal); /* it watches who is awake */
	}
	get_up(me);
	me->due = 0;
}

/* ---- the thread -------------------------------------------------------------------------- */

/*
 * By the new one itself: an old one that comes to itself meanwhile must not leave for
 * one that could not be made.
 */
static void take_office(struct steward *me)
{
	uint32_t term = load_relaxed(&me->heal->term);

	/* Not what it promised as a deputy: the next one looks at this. */
	me->quiet_since = host_now();
	store_release(&me->promise, me->quiet_since); /* [a] */
	while (term < me->term &&
	       !cas_acq_rel(&me->heal->term, &term, me->term)) /* [a] */
		;
	store_release(&me->heal->steward, me);
}

/*
 * Until when it waits after a scan.  One that took longer than it should is followed by
 * a rest all the same: the steward may stand above those whom it watches, on the CPU
 * that they need.
 */
static uint64_t rest_until(const struct steward *me, uint64_t next)
{
	uint64_t rested = host_now() + me->pool->scan / REST;

	return rested > me->due ? rested : sooner(next, me->due);
}

static void serve(struct steward *me)
{
	struct pool *pool = me->pool;

	for (;;) {
		uint32_t seen = load_acquire(&pool->steward_word);
		uint64_t now = host_now(), next;

		store_release(&me->promise, now); /* [a] to be here again */
		if (load_acquire(&me->heal->steward_stop) || !in_office(me))
			break;
		next = later_due(&pool->inbox, now);
		if (now < me->due) { /* rung: for a task or a worker that waits */
			plan_relief(&me->plan, pool);
			host_wait(&pool->steward_word, seen,
				  next < me->due ? next : me->due);
			continue;
		}
		if (scan(me, now) || !steward_may_sleep(pool))
			me->quiet_since = now;
		if (now - me->quiet_since >= SECOND) {
			next = sooner(next, plan_due(&me->plan, pool));
			steward_sleep(me, seen, next);
			me->quiet_since = host_now();
			continue;
		}
		/* However it ends: early is not late, and late is late. */
		me->due = now + pool->scan;
		host_wait(&pool->steward_word, seen, rest_until(me, next));
	}
}

static void steward(void *arg)
{
	struct steward *me = arg;
	struct pool *pool = me->pool;

	store_relaxed(&me->tid, host_tid());
	host_step_up(); /* above those who keep their CPU */
	if (!me->before || deputy_waits(me)) {
		take_office(me);
		if (me->before)
			deputy_tells(me);
		serve(me);
	}
	/* What was in its hands, if destroy has left it: it is no steward any more. */
	lost_pay(pool);
	store_relaxed(&me->tid, 0); /* the number may be another's soon */
	pool_put(pool); /* destroy may have left one that hung, and gone */
}

struct steward *steward_new(struct heal *heal, uint32_t term)
{
	uint32_t seats = heal->pool->seats + 1; /* and the bench */
	struct steward *me = host_alloc(sizeof(*me));

	if (!me)
		return NULL;
	me->heal = heal;
	me->pool = heal->pool;
	me->term = term;
	store_relaxed(&me->promise, HOST_FOREVER); /* until it has begun */
	me->watch = host_alloc(seats * sizeof(*me->watch));
	me->excuse = host_alloc(seats * sizeof(*me->excuse));
	if (!me->watch || !me->excuse) {
		steward_free(me);
		return NULL;
	}
	return me;
}

void steward_free(struct steward *me)
{
	uint32_t seats = me->pool->seats + 1;

	host_free(me->watch, seats * sizeof(*me->watch));
	host_free(me->excuse, seats * sizeof(*me->excuse));
	host_free(me, sizeof(*me));
}

int steward_begin(struct steward *me)
{
	struct host_spawn how = { .stack = 256 << 10,
				  .name = me->name,
				  .open = host_trace_open() };
	int err;

	snprintf(me->name, sizeof(me->name), "%.7s/%s", me->pool->name,
		 me->before ? "deputy" : "steward");
	store_relaxed(&me->promise, host_now());
	add_acq_rel(&me->pool->refs, 1);
	err = host_spawn(&me->thread, &how, steward, NULL, me);
	store_release(&me->there, !err);
	if (err)
		sub_acq_rel(&me->pool->refs, 1);
	return err;
}

int steward_start(struct heal *heal)
{
	int err = steward_begin(load_relaxed(&heal->steward));

	return err ? err : deputy_make(heal);
}
