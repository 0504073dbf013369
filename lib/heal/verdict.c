/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict.c - after a verdict: an excuse, a warning, a report, or a worker that is fenced
 * and replaced; and, where no more may be, a pool that is degraded.
 */
#include "base/probe.h"
#include "heal/heal.h"
#include "heal/zombie.h"
#include "task/priority.h"

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

static uint64_t budget_for(const struct finding *f)
{
	switch (f->verdict) {
	case VERDICT_STAGNANT:
		return f->budgets.progress;
	case VERDICT_OVERDUE:
		return 0;
	case VERDICT_WARN:
		return f->history->ask ? f->budgets.blocked : f->budgets.busy;
	case VERDICT_LIVELOCK:
		return f->budgets.busy;
	default:
		return f->budgets.blocked;
	}
}

/* From the finding; the scribe finds out the rest.  NULL is none. */
static void fill_report(struct incident *in, const struct finding *f)
{
	if (!in)
		return;
	in->report.what = sentence[f->verdict].what;
	in->report.worker = load_relaxed(&f->slot->seat.number);
	in->report.tid = load_relaxed(&f->slot->thread.tid);
	in->report.ledger = f->verdict == VERDICT_STAGNANT ?
				    f->history->stagnation :
				    f->history->silence;
	in->report.budget = budget_for(f);
	in->report.state = f->history->sample.state;
	host_syscall(&f->slot->thread.stat_files, &in->report.syscall,
		     &in->report.syscall_arg);
}

/* The scribe is to ask the thread for its backtrace, if it is still in that epoch. */
static void want_trace(struct incident *in, const struct finding *f)
{
	if (!in || f->slot->pool->trace_signo < 0)
		return;
	in->trace = &f->slot->thread.trace;
	in->trace_epoch = f->history->last.word;
}

/* ---- excused, warned, told ------------------------------------------------------- */

/* Told once for each holder. */
static void tell_excuse(struct pool *pool, const struct finding *f,
			enum stall_cause cause, struct excuse *excuse)
{
	struct incident *in;

	if (excuse->told)
		return;
	in = incident_open(&pool->tell, WARD_R_SLOW, incident_id());
	if (!in)
		return; /* no record is free: next time */
	excuse->told = true;
	fill_report(in, f);
	in->report.holder = excuse->holder;
	in->report.what = cause == STALL_ZOMBIE ?
		"waits for a futex held by a zombie: excused" :
		"waits for a futex whose holder is given no CPU: excused";
	incident_raise(&pool->tell, in);
}

static enum stall_cause ask_excuse(struct steward *me, const struct finding *f,
				   struct excuse **excuse)
{
	*excuse = &me->excuse[f->history - me->history];
	return excuse_ask(*excuse, f->slot, f->history, f->budgets.blocked / 4,
			  &me->also);
}

bool verdict_excused(struct steward *me, const struct finding *f)
{
	struct excuse *excuse;
	enum stall_cause cause = ask_excuse(me, f, &excuse);

	if (cause == STALL_STARVED || cause == STALL_ZOMBIE) {
		tell_excuse(me->pool, f, cause, excuse);
		judge_excuse(f->history, &f->budgets, f->history->seen_at);
	}
	return cause != STALL_OWN;
}

/* Half of the blocked budget is spent: the scribe calls a hook that may free it. */
static void ask_for_help(struct steward *me, struct incident *in,
			 const struct finding *f)
{
	struct excuse *excuse;

	ask_excuse(me, f, &excuse); /* look from now on */
	if (in) {
		in->call = unblock_call;
		in->who = f->slot;
		in->epoch = f->history->last.word;
	} else if (load_relaxed(&f->slot->unblock.word)) {
		f->history->asked = false; /* no record is free: again, soon */
		f->history->next_sample = 0;
	}
}

static void warn(struct steward *me, const struct finding *f)
{
	struct tell *tell = &me->pool->tell;
	struct incident *in = incident_open(tell, WARD_R_SLOW, incident_id());

	PROBE(suspect, me->pool->name, load_relaxed(&f->slot->seat.number),
	      load_relaxed(&f->slot->thread.tid), load_relaxed(&f->slot->task),
	      f->history->silence.silence, f->history->silence.blocked);
	fill_report(in, f);
	if (f->history->ask)
		ask_for_help(me, in, f);
	incident_raise(tell, in);
}

static void only_tell(struct tell *tell, const struct finding *f, bool aborts)
{
	enum ward_kind kind = sentence[f->verdict].kind;
	uint64_t id = incident_id();
	struct incident *in = aborts ? incident_last(tell, kind, id) :
				       incident_open(tell, kind, id);

	fill_report(in, f);
	want_trace(in, f);
	if (in && aborts)
		incident_abort(tell, in);
	else
		incident_raise(tell, in);
	/* Once for this silence. */
	f->history->next_sample = UINT64_MAX;
	f->history->only_told = true;
}

/* ---- convicted ------------------------------------------------------------------- */

static void degrade(struct steward *me, const char *what)
{
	if (load_relaxed(&me->pool->degraded))
		return;
	store_relaxed(&me->pool->degraded, 1);
	incident_tell(&me->pool->tell, WARD_R_DEGRADED, what);
}

/*
 * A spinning zombie must not keep a core from workers.  By the scribe, after the thread
 * was asked for its backtrace: lowered, it might not get to answer.
 */
static void lower(struct incident *in, struct slot *slot, uint64_t gen)
{
	if (!in) {
		priority_lower(slot, gen);
		return;
	}
	in->after = priority_lower;
	in->who = slot;
	in->epoch = gen;
}

static void convict(struct steward *me, const struct finding *f)
{
	struct pool *pool = me->pool;
	struct slot *slot = f->slot;
	struct fencing how = {
		.life = f->life,
		.epoch = f->history->last.word,
		.asker = me->term % ASKER_TERMS,
		.why = f->verdict == VERDICT_OVERDUE ? LOST_STOP : LOST_STALL,
		.asleep = f->verdict == VERDICT_BLOCKED,
		.count = &me->heal->convicted[f->verdict]
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
	how.in = incident_open(&pool->tell, sentence[f->verdict].kind, how.id);
	fill_report(how.in, f);
	want_trace(how.in, f);
	lowers = f->verdict == VERDICT_LIVELOCK && pool->lowers &&
		 !excuse_wanted(pool, me->history, load_relaxed(&slot->thread.tid),
				&me->also);
	PROBE(convict, pool->name, load_relaxed(&slot->seat.number),
	      load_relaxed(&slot->thread.tid), load_relaxed(&slot->task),
	      f->history->silence.silence, ward_kind_name(sentence[f->verdict].kind));
	if (!zombie_make(pool, slot, &how)) {
		add_relaxed(&pool->acquitted, 1);
		incident_drop(&pool->tell, how.in);
		return;
	}
	if (lowers) /* if its life is a zombie's */
		lower(how.in, slot, LIFE_GEN(f->life) + 1);
	incident_raise(&pool->tell, how.in);
}

void verdict_act(struct steward *me, const struct finding *f)
{
	enum ward_stall_action on_stall = me->pool->on_stall;

	if (f->verdict == VERDICT_WARN)
		warn(me, f);
	else if (f->verdict == VERDICT_OVERDUE || on_stall == WARD_STALL_REPLACE)
		convict(me, f);
	else
		only_tell(&me->pool->tell, f, on_stall == WARD_STALL_ABORT);
}

/* ---- degraded or not ------------------------------------------------------------- */

/* Does every worker wait for a zombie? */
static bool all_held(const struct steward *me)
{
	const struct pool *pool = me->pool;
	uint32_t seats = load_acquire(&pool->seats_used);
	bool any = false;

	for (uint32_t i = 0; i < seats; i++) {
		if (!load_relaxed(&pool->seat[i]))
			continue;
		if (!excuse_holds(&me->excuse[i], &me->history[i].last))
			return false;
		any = true;
	}
	return any && !seats_vacant(&pool->seat_count);
}

void verdict_recover(struct steward *me)
{
	struct pool *pool = me->pool;

	if (all_held(me)) {
		degrade(me, "every worker waits for a futex that a zombie holds");
	} else if (load_relaxed(&pool->degraded) && zombie_room(pool, true) &&
		   zombie_room(pool, false) &&
		   !seats_vacant(&pool->seat_count)) {
		store_relaxed(&pool->degraded, 0);
		incident_tell(&me->pool->tell, WARD_R_RECOVERED,
			      "stuck workers can be replaced again");
	}
}
