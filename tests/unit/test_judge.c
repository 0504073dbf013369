/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge against a model of a thread: the model knows what the thread truly
 * does, and shows of it what the kernel would show, when it would show it.
 */
#include "../sanitizers.h"
#include "heal/judge.h"
#include "work/slot.h"
#include <criterion/criterion.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define NEVER UINT64_MAX

enum doing { RUNS, WAITS, SLEEPS, STOPPED };

struct truth { /* ns since a sign of life */
	uint64_t busy, slept, stopped;
};

struct world {
	/* the thread */
	enum doing doing;
	uint64_t cpu, delay, slices, waiting;
	struct sign sign;
	bool blind;		    /* the kernel tells nothing */
	struct truth silent, stale; /* since any sign; since progress; where a
				       scan found a wait declared, since then */
	/* the steward */
	uint64_t now, due, scan, lateness; /* each of its wakeups is late */
	struct watch watch;
	struct budgets budgets;
	/* what came of it */
	unsigned signs, looks, warnings;
	uint64_t last_look, look_before, warned_at;
	enum verdict verdict;
	uint64_t convicted_at, slack;
	uint64_t looked_before; /* the look before the one that convicted */
	struct truth silent_then, stale_then;
};

/* By how much the shortest budget is below one scan. */
static uint64_t budgets_below(const struct budgets *b, uint64_t scan)
{
	uint64_t least = scan;

	least = b->busy && b->busy < least ? b->busy : least;
	least = b->blocked && b->blocked < least ? b->blocked : least;
	least = b->progress && b->progress < least ? b->progress : least;
	return scan - least;
}

static struct world world(uint64_t scan, struct budgets budgets)
{
	struct world w = { .scan = scan,
			   .budgets = budgets,
			   .convicted_at = NEVER,
			   .warned_at = NEVER };

	w.now = 1000 * S;
	w.due = w.now + scan;
	w.slices = 1;
	w.slack = budgets_below(&budgets, scan);
	w.sign.turn = 7;
	w.sign.word = SLOT_RUN;
	return w;
}

/* ---- the thread's side ----------------------------------------------- */

static void lives(struct world *w)
{
	w->silent = (struct truth){ 0 };
}

static void beats(struct world *w)
{
	w->sign.beats++;
	lives(w);
}

static void progresses(struct world *w, uint64_t units)
{
	w->sign.beats++;
	w->sign.units += units;
	lives(w);
	if (units)
		w->stale = (struct truth){ 0 };
}

static void next_task(struct world *w)
{
	w->sign.word += SLOT_PHASES;
	lives(w);
	w->stale = (struct truth){ 0 };
}

/* The kernel books a wait for a CPU when it ends. */
static void turns_to(struct world *w, enum doing doing)
{
	if (w->doing == doing)
		return;
	if (w->doing == WAITS) {
		w->delay += w->waiting;
		w->waiting = 0;
	}
	if (w->doing != RUNS && doing != STOPPED)
		w->slices += doing != WAITS;
	w->doing = doing;
}

static struct host_look seen_by_kernel(const struct world *w)
{
	static const char state[] = { 'R', 'R', 'S', 'T' };
	struct host_look look = { .cpu_known = true,
				  .state_known = true,
				  .switches_known = true,
				  .cpu = w->cpu,
				  .run_delay = w->delay,
				  .slices = w->slices,
				  .state = state[w->doing] };

	if (w->blind)
		memset(&look, 0, sizeof(look));
	return look;
}

static void tick(struct truth *truth, enum doing doing, uint64_t ns)
{
	truth->busy += doing == RUNS ? ns : 0;
	truth->slept += doing == SLEEPS ? ns : 0;
	truth->stopped += doing == STOPPED ? ns : 0;
}

/* ---- the steward's side ---------------------------------------------- */

static void note(struct world *w, enum verdict verdict)
{
	if (verdict == VERDICT_WARN) {
		w->warnings++;
		w->warned_at = w->now;
	} else if (verdict != VERDICT_FINE && w->convicted_at == NEVER) {
		w->verdict = verdict;
		w->convicted_at = w->now;
		w->looked_before = w->now - w->look_before;
		w->silent_then = w->silent;
		w->stale_then = w->stale;
	}
}

static void scans(struct world *w)
{
	enum verdict verdict;
	struct host_look look;

	w->signs++;
	verdict = judge_sign(&w->watch, &w->sign, &w->budgets, w->now,
			     w->now - w->due);
	if (verdict == VERDICT_LOOK) {
		w->looks++;
		w->look_before = w->last_look;
		w->last_look = w->now;
		look = seen_by_kernel(w);
		verdict = judge_look(&w->watch, &look, &w->budgets, w->now);
		cr_assert_neq(verdict, VERDICT_LOOK);
	} else {
		cr_assert_eq(verdict, VERDICT_FINE);
	}
	cr_assert(ledger_adds_up(&w->watch.silence), "A8");
	cr_assert(ledger_adds_up(&w->watch.stagnation), "A8");
	note(w, verdict);
	if (w->sign.declared > w->now) {
		lives(w);
		w->stale = (struct truth){ 0 };
	}
	w->due = w->now + w->scan;
}

/* The thread does that for so long; the steward's scans fall where they fall. */
static void goes_on(struct world *w, uint64_t ns)
{
	do {
		uint64_t wakes = w->due + w->lateness > w->now
					 ? w->due + w->lateness
					 : w->now;
		uint64_t part = wakes - w->now < ns ? wakes - w->now : ns;

		w->now += part;
		ns -= part;
		w->cpu += w->doing == RUNS ? part : 0;
		w->waiting += w->doing == WAITS ? part : 0;
		tick(&w->silent, w->doing, part);
		tick(&w->stale, w->doing, part);
		if (w->now == wakes)
			scans(w);
	} while (ns);
}

static void does(struct world *w, enum doing doing, uint64_t ns)
{
	turns_to(w, doing);
	goes_on(w, ns);
}

static void is_free(const struct world *w)
{
	cr_assert_eq(w->convicted_at, NEVER, "convicted as %d after %lu ms",
		     w->verdict, (w->convicted_at - 1000 * S) / MS);
}

/*
 * Convicted, not before 'from' and within three scans after it; a budget below
 * one scan is as good as one.
 */
static void is_convicted(const struct world *w, enum verdict verdict,
			 uint64_t from)
{
	uint64_t until = from + 3 * w->scan + 4 * w->lateness + w->slack;

	cr_assert_neq(w->convicted_at, NEVER, "not convicted");
	cr_assert_eq(w->verdict, verdict, "convicted as %d", w->verdict);
	cr_assert_geq(w->convicted_at, from, "%lu us too early",
		      (from - w->convicted_at) / 1000);
	cr_assert_leq(w->convicted_at, until, "%lu us too late",
		      (w->convicted_at - until) / 1000);
}

static const struct budgets usual = { S, 10 * S, 0, 3600 * S };

/* ---- nothing is held against these ----------------------------------- */

Test(judge, idle_is_never_looked_at)
{
	struct world w = world(10 * MS, usual);

	w.sign.word = slot_next(4, SLOT_OUT);
	does(&w, SLEEPS, 100 * S);
	is_free(&w);
	cr_assert_eq(w.looks, 0);
	cr_assert_eq(w.signs, 10000);
}

Test(judge, one_that_ends_tasks_is_never_looked_at)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 10000; i++) {
		does(&w, RUNS, 9 * MS);
		next_task(&w);
	}
	is_free(&w);
	cr_assert_eq(w.looks, 0);
}

Test(judge, one_that_beats_is_never_looked_at)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 10000; i++) {
		does(&w, RUNS, 9 * MS);
		beats(&w);
	}
	is_free(&w);
	cr_assert_eq(w.looks, 0);
}

Test(judge, between_two_tasks_is_no_silence)
{
	struct world w = world(10 * MS, usual);

	does(&w, RUNS, 900 * MS);
	w.sign.word = slot_next(w.sign.word, SLOT_OUT);
	does(&w, RUNS, 20 * MS);
	w.sign.word = slot_next(w.sign.word, SLOT_RUN);
	does(&w, RUNS, 990 * MS);
	is_free(&w);
}

Test(judge, a_task_ends_the_silence_of_the_last)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 100; i++) {
		does(&w, RUNS, 990 * MS);
		next_task(&w);
	}
	is_free(&w);
}

Test(judge, a_beat_ends_a_silence)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 100; i++) {
		does(&w, RUNS, 990 * MS);
		beats(&w);
	}
	is_free(&w);
	progresses(&w, 1);
	does(&w, RUNS, 990 * MS);
	is_free(&w);
}

Test(judge, another_thread_in_the_seat_starts_from_nothing)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 100; i++) {
		does(&w, RUNS, 990 * MS);
		w.sign.turn++; /* its epoch and beats happen to be the same */
	}
	is_free(&w);
}

Test(judge, forgetting_is_starting_from_nothing)
{
	struct world w = world(10 * MS, usual);
	static const struct watch nothing;

	for (unsigned i = 0; i < 100; i++) {
		does(&w, RUNS, 980 * MS);
		judge_forget(&w.watch);
		cr_assert_arr_eq(&w.watch, &nothing, sizeof(nothing));
	}
	is_free(&w);
}

Test(judge, starved_for_ever_is_innocent)
{
	struct world w = world(10 * MS, usual);

	does(&w, WAITS, 1000 * S);
	is_free(&w);
	cr_assert_eq(w.warnings, 0);
}

Test(judge, stopped_for_ever_is_innocent)
{
	struct world w = world(10 * MS, usual);

	does(&w, STOPPED, 1000 * S);
	is_free(&w);
	cr_assert_eq(w.warnings, 0);
}

Test(judge, what_is_not_known_is_innocent)
{
	struct world w = world(10 * MS, usual);

	w.blind = true;
	does(&w, RUNS, 100 * S);
	does(&w, SLEEPS, 100 * S);
	is_free(&w);
}

Test(judge, the_stewards_own_absence_is_innocent)
{
	struct world w = world(10 * MS, usual);

	does(&w, SLEEPS, 9 * S);
	w.lateness = 30 * S; /* the process was stopped, say */
	goes_on(&w, 30 * S + 10 * MS);
	w.lateness = 0;
	goes_on(&w, 900 * MS);
	is_free(&w);
	goes_on(&w, 200 * MS);
	is_convicted(&w, VERDICT_BLOCKED, 1000 * S + 40 * S);
}

/* Stopped again and again, each time the steward too: as by SIGSTOP. */
Test(judge, stopped_at_the_pace_of_the_scans_is_innocent)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 300; i++) {
		w.lateness = 100 * MS;
		does(&w, STOPPED, 100 * MS);
		does(&w, RUNS, 2 * MS);
		w.lateness = 0;
		goes_on(&w, 1 * MS);
	}
	is_free(&w);
}

Test(judge, no_budget_no_verdict)
{
	struct world w = world(10 * MS, (struct budgets){ 0, 0, 0, 0 });

	does(&w, RUNS, 1000 * S);
	does(&w, SLEEPS, 1000 * S);
	is_free(&w);
	cr_assert_eq(w.warnings, 0);
	cr_assert_leq(w.looks, 2);

	w = world(10 * MS, (struct budgets){ 0, S, 0, 0 });
	does(&w, RUNS, 1000 * S);
	is_free(&w);
	w = world(10 * MS, (struct budgets){ S, 0, 0, 0 });
	does(&w, SLEEPS, 1000 * S);
	is_free(&w);
}

/* ---- convicted in time, never before --------------------------------- */

/* Every place of the fault between two scans. */
#define EACH_PHASE(phase, scan)                                                \
	for (uint64_t phase = 0; phase < (scan); phase += (scan) / 13)

static const uint64_t scan_of[] = { MS, 10 * MS, 100 * MS, S };
static const uint64_t budget_of[] = { 20 * MS, 100 * MS, S, 10 * S, 60 * S };
#define EACH_SHAPE(scan, budget)                                               \
	for (const uint64_t *scan = scan_of; scan < scan_of + 4; scan++)       \
		for (const uint64_t *budget = budget_of;                       \
		     budget < budget_of + 5; budget++)

Test(judge, a_livelock_within_three_scans_of_its_budget)
{
	EACH_SHAPE(scan, budget)
	EACH_PHASE(phase, *scan)
	{
		struct world w =
			world(*scan, (struct budgets){ *budget, 0, 0, 0 });
		uint64_t from;

		does(&w, RUNS, phase);
		next_task(&w);
		from = w.now + *budget;
		goes_on(&w, *budget + 4 * *scan);
		is_convicted(&w, VERDICT_LIVELOCK, from);
		cr_assert_eq(w.looked_before, *scan,
			     "the last two scans are looked at");
	}
}

Test(judge, a_deadlock_within_three_scans_of_its_budget)
{
	EACH_SHAPE(scan, budget)
	EACH_PHASE(phase, *scan)
	{
		struct world w = world(
			*scan, (struct budgets){ 100 * S, *budget, 0, 0 });
		uint64_t from;

		does(&w, RUNS, phase);
		beats(&w);
		from = w.now + *budget;
		does(&w, SLEEPS, *budget + 4 * *scan);
		is_convicted(&w, VERDICT_BLOCKED, from);
		cr_assert_eq(w.looked_before, *scan);
	}
}

/* Beats at every 'pause', then not at all; progress never. */
static void stagnates(uint64_t scan, uint64_t budget, uint64_t phase,
		      uint64_t pause, unsigned times, enum doing doing)
{
	struct world w =
		world(scan, (struct budgets){ 1000 * S, 1000 * S, budget, 0 });
	uint64_t from, end;

	does(&w, RUNS, phase);
	progresses(&w, 1);
	from = w.now + budget;
	end = from + 4 * scan;
	while (times-- && w.now + pause < end) {
		does(&w, doing, pause);
		beats(&w);
	}
	does(&w, doing, end - w.now);
	is_convicted(&w, VERDICT_STAGNANT, from);
}

Test(judge, no_progress_within_three_scans_of_its_budget)
{
	EACH_SHAPE(scan, budget)
	EACH_PHASE(phase, *scan)
	{
		stagnates(*scan, *budget, phase, *scan / 7, -1u, RUNS);
		stagnates(*scan, *budget, phase, *scan, -1u, SLEEPS);
		stagnates(*scan, *budget, phase, 3 * *scan, -1u, RUNS);
		stagnates(*scan, *budget, phase, *scan / 2, 5, RUNS);
		stagnates(*scan, *budget, phase, *scan / 2, 0, SLEEPS);
	}
}

Test(judge, units_are_progress_and_beats_are_not)
{
	struct world w = world(10 * MS, (struct budgets){ S, 10 * S, S, 0 });

	for (unsigned i = 0; i < 1000; i++) {
		does(&w, RUNS, 50 * MS);
		progresses(&w, i % 10 == 0);
	}
	is_free(&w);
	for (unsigned i = 0; i < 40; i++) {
		does(&w, RUNS, 50 * MS);
		progresses(&w, 0);
	}
	cr_assert_eq(w.verdict, VERDICT_STAGNANT);
}

/* Silence is judged as ever where progress is asked for as well. */
Test(judge, a_livelock_after_a_beat_where_progress_is_asked_for)
{
	EACH_PHASE(phase, 10 * MS)
	{
		struct world w = world(
			10 * MS, (struct budgets){ S, 10 * S, 20 * S, 0 });

		does(&w, RUNS, 35 * MS + phase);
		beats(&w);
		goes_on(&w, 1100 * MS);
		is_convicted(&w, VERDICT_LIVELOCK,
			     1000 * S + 35 * MS + phase + S);
	}
}

Test(judge, short_sleeps_for_ever_are_a_block)
{
	struct world w = world(10 * MS, usual);

	while (w.now < 1000 * S + 10 * S + 200 * MS) {
		does(&w, SLEEPS, 1 * MS);
		does(&w, RUNS, 7000);
	}
	is_convicted(&w, VERDICT_BLOCKED, 1000 * S + 10 * S + 70 * MS);
}

/* The looks fall on the short moments of work. */
Test(judge, a_poller_that_is_always_seen_ready_is_blocked_when_it_is_not)
{
	struct world w = world(10 * MS, usual);

	does(&w, SLEEPS, 9975 * MS);
	does(&w, RUNS, 20 * MS);
	cr_assert_geq(w.looks, 3);
	does(&w, SLEEPS, 200 * MS);
	is_convicted(&w, VERDICT_BLOCKED, 1000 * S + 10 * S + 20 * MS);
}

Test(judge, a_livelock_is_judged_by_its_own_cpu_time)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 99; i++) {
		does(&w, RUNS, 10 * MS);
		does(&w, WAITS, 390 * MS);
	}
	is_free(&w);
	for (unsigned i = 0; i < 4; i++) {
		does(&w, RUNS, 10 * MS);
		does(&w, WAITS, 390 * MS);
	}
	cr_assert_eq(w.verdict, VERDICT_LIVELOCK);
	cr_assert_geq(w.silent_then.busy, S);
}

/*
 * Who has spent a budget and then does something else just before the verdict
 * has moved: it is convicted while it does it, or not at all.
 */
static void turns_at_the_last_moment(enum doing first, uint64_t budget,
				     enum doing then)
{
	for (uint64_t more = 0; more < 50 * MS; more += MS) {
		struct world w = world(10 * MS, usual);
		uint64_t end;

		/* Spent between two scans, not at one. */
		w.budgets.busy += 5 * MS;
		w.budgets.blocked += 5 * MS;
		does(&w, first, budget + more);
		end = w.now;
		/* Part of a scan of it is the last that is seen of it. */
		does(&w, then, 900 * MS);
		if (w.convicted_at != NEVER)
			cr_assert_leq(w.convicted_at, end + w.scan,
				      "after %lu ms", more / MS);
		if (first == SLEEPS && w.convicted_at != NEVER)
			cr_assert_leq(w.convicted_at, end, "after %lu ms",
				      more / MS);
	}
}

Test(judge, a_spinner_that_falls_asleep_is_no_livelock)
{
	turns_at_the_last_moment(RUNS, S, SLEEPS);
}

Test(judge, a_spinner_that_is_starved_or_stopped_is_no_livelock)
{
	turns_at_the_last_moment(RUNS, S, WAITS);
	turns_at_the_last_moment(RUNS, S, STOPPED);
}

Test(judge, a_sleeper_that_wakes_up_is_not_blocked)
{
	turns_at_the_last_moment(SLEEPS, 10 * S, RUNS);
	turns_at_the_last_moment(SLEEPS, 10 * S, WAITS);
}

Test(judge, a_sleeper_that_is_stopped_is_not_convicted)
{
	turns_at_the_last_moment(SLEEPS, 10 * S, STOPPED);
}

Test(judge, who_goes_on_with_it_is_convicted_after_all)
{
	struct world w = world(10 * MS, usual);

	does(&w, RUNS, 995 * MS);
	does(&w, SLEEPS, 9 * S);
	is_free(&w);
	does(&w, RUNS, 60 * MS);
	cr_assert_eq(w.verdict, VERDICT_LIVELOCK);
	w = world(10 * MS, usual);
	does(&w, SLEEPS, 9980 * MS);
	does(&w, STOPPED, 100 * S);
	is_free(&w);
	does(&w, SLEEPS, 60 * MS);
	cr_assert_eq(w.verdict, VERDICT_BLOCKED);
}

/* ---- looks are dear -------------------------------------------------- */

Test(judge, a_silent_one_is_looked_at_when_a_budget_could_be_spent)
{
	struct world w = world(10 * MS, usual);

	does(&w, RUNS, 30 * MS);
	cr_assert_eq(w.looks, 1, "at the first silent scan");
	goes_on(&w, 440 * MS);
	cr_assert_eq(w.looks, 1, "then not before half of a budget is near");
	goes_on(&w, S);
	cr_assert_eq(w.verdict, VERDICT_LIVELOCK);

	w = world(10 * MS, (struct budgets){ 100 * S, 1000 * S, 0, 0 });
	does(&w, SLEEPS, 400 * S);
	cr_assert_leq(w.looks, 9, "none but when half of 100 s could be over");
}

Test(judge, healthy_tasks_of_a_tenth_of_a_second_cost_one_look_each)
{
	struct world w = world(10 * MS, usual);

	for (unsigned i = 0; i < 100; i++) {
		does(&w, RUNS, 100 * MS);
		next_task(&w);
	}
	cr_assert_leq(w.looks, 100);
}

/* ---- a warning at half ----------------------------------------------- */

static void is_warned(const struct world *w, uint64_t from)
{
	cr_assert_eq(w->warnings, 1);
	cr_assert_geq(w->warned_at, from);
	cr_assert_leq(w->warned_at, from + 3 * w->scan);
}

Test(judge, half_of_a_budget_is_told_once_and_first)
{
	EACH_SHAPE(scan, budget)
	EACH_PHASE(phase, *scan)
	{
		struct world w;
		uint64_t from;

		if (*budget < 10 * *scan)
			continue;
		w = world(*scan, (struct budgets){ *budget, *budget, 0, 0 });
		does(&w, RUNS, phase);
		next_task(&w);
		from = w.now + *budget / 2;
		goes_on(&w, 2 * *budget);
		is_warned(&w, from);
		cr_assert_lt(w.warned_at, w.convicted_at);

		w = world(*scan, (struct budgets){ *budget, *budget, 0, 0 });
		does(&w, RUNS, phase);
		next_task(&w);
		from = w.now + *budget / 2;
		does(&w, SLEEPS, 2 * *budget);
		is_warned(&w, from);
		cr_assert_lt(w.warned_at, w.convicted_at);
	}
}

Test(judge, each_silence_has_its_own_warning)
{
	struct world w = world(10 * MS, usual);

	does(&w, RUNS, 700 * MS);
	cr_assert_eq(w.warnings, 1);
	beats(&w);
	goes_on(&w, 300 * MS);
	cr_assert_eq(w.warnings, 1);
	goes_on(&w, 400 * MS);
	cr_assert_eq(w.warnings, 2);
	next_task(&w);
	goes_on(&w, 700 * MS);
	cr_assert_eq(w.warnings, 3);
	is_free(&w);
}

/* ---- declared waits -------------------------------------------------- */

Test(judge, a_declared_wait_is_excused_to_its_end_and_no_further)
{
	EACH_PHASE(phase, 10 * MS)
	{
		struct world w = world(10 * MS, usual);
		uint64_t from;

		does(&w, RUNS, 35 * MS + phase);
		w.sign.declared = w.now + 100 * S;
		from = w.sign.declared + 10 * S;
		does(&w, SLEEPS, 100 * S);
		is_free(&w);
		cr_assert_leq(w.looks, 1);
		goes_on(&w, 11 * S);
		is_convicted(&w, VERDICT_BLOCKED, from);
	}
}

Test(judge, what_was_silent_before_a_declared_wait_is_forgiven)
{
	struct world w = world(10 * MS, usual);

	does(&w, SLEEPS, 9 * S);
	w.sign.declared = w.now + S;
	goes_on(&w, S);
	w.sign.declared = 0;
	goes_on(&w, 9 * S);
	is_free(&w);
}

Test(judge, a_declared_wait_excuses_from_progress_too)
{
	struct world w = world(10 * MS, (struct budgets){ S, S, S, 3600 * S });

	does(&w, RUNS, 35 * MS);
	w.sign.declared = w.now + 100 * S;
	does(&w, SLEEPS, 100 * S);
	is_free(&w);
	goes_on(&w, 1100 * MS);
	cr_assert_neq(w.convicted_at, NEVER);
}

Test(judge, endless_declaring_is_capped)
{
	EACH_PHASE(phase, 10 * MS)
	{
		struct world w =
			world(10 * MS, (struct budgets){ S, 2 * S, 0, 20 * S });

		does(&w, RUNS, 5 * MS + phase);
		next_task(&w);
		w.sign.declared = UINT64_MAX;
		does(&w, SLEEPS, 30 * S);
		is_convicted(&w, VERDICT_BLOCKED,
			     1000 * S + 5 * MS + phase + 22 * S);

		w = world(10 * MS, (struct budgets){ S, 2 * S, 0, 20 * S });
		does(&w, RUNS, 5 * MS + phase);
		next_task(&w);
		for (unsigned i = 0; i < 30; i++) {
			w.sign.declared = w.now + S;
			does(&w, SLEEPS, S);
		}
		is_convicted(&w, VERDICT_BLOCKED,
			     1000 * S + 5 * MS + phase + 22 * S);
	}
}

Test(judge, a_declared_wait_with_no_credit_is_no_excuse)
{
	struct world w = world(10 * MS, (struct budgets){ S, 2 * S, 0, 0 });

	w.sign.declared = UINT64_MAX;
	does(&w, SLEEPS, 3 * S);
	is_convicted(&w, VERDICT_BLOCKED, 1000 * S + 2 * S);
}

/* "The declared time between two beats": a beat gives the credit back. */
Test(judge, declared_waits_with_beats_between_them_are_never_capped)
{
	struct world w =
		world(10 * MS, (struct budgets){ S, 2 * S, 0, 20 * S });

	for (unsigned i = 0; i < 100; i++) {
		w.sign.declared = w.now + 10 * S;
		does(&w, SLEEPS, 9991 * MS);
		w.sign.declared = 0;
		does(&w, RUNS, MS);
		beats(&w);
		goes_on(&w, MS);
	}
	is_free(&w);
}

Test(judge, declared_waits_with_progress_between_them_are_never_capped)
{
	struct world w =
		world(10 * MS, (struct budgets){ S, 2 * S, 3 * S, 20 * S });

	for (unsigned i = 0; i < 100; i++) {
		w.sign.declared = w.now + 10 * S;
		does(&w, SLEEPS, 9991 * MS);
		w.sign.declared = 0;
		does(&w, RUNS, MS);
		progresses(&w, 1);
		goes_on(&w, MS);
	}
	is_free(&w);
}

Test(judge, spinning_in_a_declared_wait_is_excused_as_well)
{
	struct world w = world(10 * MS, usual);

	w.sign.declared = 1000 * S + 30 * S;
	does(&w, RUNS, 30 * S);
	is_free(&w);
	goes_on(&w, 1040 * MS);
	is_convicted(&w, VERDICT_LIVELOCK, 1000 * S + 31 * S);
}

/* ---- the steward is late --------------------------------------------- */

Test(judge, a_late_steward_convicts_later_but_does)
{
	for (uint64_t late = 0; late <= 50 * MS; late += 5 * MS) {
		struct world w = world(10 * MS, (struct budgets){ S, S, 0, 0 });

		w.lateness = late;
		does(&w, RUNS, 2 * S);
		is_convicted(&w, VERDICT_LIVELOCK, 1000 * S + S);
		w = world(10 * MS, (struct budgets){ S, S, 0, 0 });
		w.lateness = late;
		does(&w, SLEEPS, 20 * S);
		cr_assert_eq(w.verdict, VERDICT_BLOCKED);
		cr_assert_geq(w.silent_then.slept, S);
	}
}

/* ---- random lives ---------------------------------------------------- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

enum { LIVES = UNDER_ASAN ? 20000 : 100000 };

/* Mostly short, sometimes longer than any budget. */
static uint64_t some_time(void)
{
	switch (draw(8)) {
	case 0:
		return draw(2 * S);
	case 1:
	case 2:
		return draw(100 * MS);
	default:
		return draw(10 * MS);
	}
}

static struct world random_world(uint64_t which, bool progress)
{
	struct world w = { 0 };

	seed = (which + 1) * 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < 8; i++)
		draw(2);
	w = world(MS + draw(20 * MS),
		  (struct budgets){ 50 * MS + draw(S), 50 * MS + draw(S),
				    progress ? 50 * MS + draw(2 * S) : 0,
				    3600 * S });
	return w;
}

static void random_sign(struct world *w)
{
	switch (draw(32)) {
	case 0:
		beats(w);
		break;
	case 1:
		progresses(w, draw(3));
		break;
	case 2:
		next_task(w);
		break;
	case 3:
		w->sign.turn++;
		next_task(w);
		break;
	case 4:
		w->sign.declared = draw(2) ? 0 : w->now + some_time();
		break;
	default:
		break;
	}
}

/* What convicts must be true; and the ledger adds up at every look. */
Test(judge, convictions_in_random_lives_are_true)
{
	unsigned convicted[VERDICT_STAGNANT + 1] = { 0 };

	for (uint64_t i = 0; i < LIVES; i++) {
		struct world w = random_world(i, i % 2);
		bool stops = i % 3 == 0;
		uint64_t blocked, stale;

		for (unsigned k = 0; k < 60 && w.convicted_at == NEVER; k++) {
			w.lateness = draw(16) ? 0 : some_time();
			does(&w, (enum doing)draw(stops ? 4 : 3), some_time());
			random_sign(&w);
		}
		convicted[w.verdict]++;
		/* A stop between two looks is seen by nobody. */
		blocked = w.silent_then.slept + w.silent_then.stopped;
		stale = w.stale_then.busy + w.stale_then.slept +
			w.stale_then.stopped;
		if (w.verdict == VERDICT_LIVELOCK)
			cr_assert_geq(w.silent_then.busy, w.budgets.busy,
				      "life %lu", i);
		if (w.verdict == VERDICT_BLOCKED)
			cr_assert_geq(blocked, w.budgets.blocked, "life %lu",
				      i);
		if (w.verdict == VERDICT_STAGNANT)
			cr_assert_geq(stale, w.budgets.progress, "life %lu", i);
	}
	for (unsigned v = VERDICT_LIVELOCK; v <= VERDICT_STAGNANT; v++)
		cr_assert_gt(convicted[v], LIVES / 100, "verdict %u: only %u",
			     v, convicted[v]);
}

/* A little of its own work, and for the rest no CPU, a stop, or no steward. */
Test(judge, nobody_is_convicted_for_the_want_of_a_cpu)
{
	for (uint64_t i = 0; i < LIVES; i++) {
		struct world w = random_world(i, i % 2);
		uint64_t work = w.budgets.busy;

		if (w.budgets.progress && w.budgets.progress < work)
			work = w.budgets.progress;
		for (unsigned k = 0; k < 60; k++) {
			uint64_t part = draw(work / 8 + 1);

			does(&w, RUNS, part < work ? part : 0);
			work -= part < work ? part : 0;
			w.lateness = 0;
			switch (draw(3)) {
			case 0:
				does(&w, WAITS, some_time());
				break;
			case 1:
				turns_to(&w, STOPPED);
				w.lateness = some_time();
				goes_on(&w, w.lateness);
				break;
			default:
				w.lateness = some_time();
				does(&w, WAITS, some_time());
			}
		}
		cr_assert_eq(w.convicted_at, NEVER, "life %lu: %d", i,
			     w.verdict);
	}
}
