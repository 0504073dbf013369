/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge against a model of a thread: the model knows what the thread truly
 * does, and shows of it what the kernel would show, when it would show it.
 */
#include "../sanitizers.h"
#include "heal/judge.h"
#include "task/slot.h"
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
	uint64_t blind;		    /* the kernel tells nothing */
	struct truth silent, stale; /* since any sign; since progress; where a
				       scan found a wait declared, since then */
	/* the steward */
	uint64_t now, due, scan, lateness; /* each of its wakeups is late */
	struct history history;
	struct budgets budgets;
	/* what came of it */
	uint64_t signs, looks, warnings;
	uint64_t last_look, look_before, warned_at;
	uint64_t verdict, convicted_at, slack;
	uint64_t looked_before; /* the look before the one that convicted */
	struct truth silent_then, stale_then;
	uint64_t mark; /* since then, says a case */
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

	w.now = w.mark = 1000 * S;
	w.due = w.now + scan;
	w.slices = 1;
	w.slack = budgets_below(&budgets, scan);
	w.sign.gen = 7;
	w.sign.word = SLOT_RUN;
	return w;
}

/* ---- the thread's side ----------------------------------------------- */

static void lives(struct world *w)
{
	w->silent = (struct truth){ 0 };
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

static struct host_sample seen_by_kernel(const struct world *w)
{
	static const char state[] = { 'R', 'R', 'S', 'T' };
	struct host_sample sample = { .cpu_known = true,
				      .state_known = true,
				      .switches_known = true,
				      .cpu = w->cpu,
				      .run_delay = w->delay,
				      .slices = w->slices,
				      .state = state[w->doing] };

	if (w->blind)
		memset(&sample, 0, sizeof(sample));
	return sample;
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
	struct host_sample sample;

	w->signs++;
	verdict = judge_sign(&w->history, &w->sign, &w->budgets, w->now,
			     w->now - w->due);
	if (verdict == VERDICT_SAMPLE) {
		w->looks++;
		w->look_before = w->last_look;
		w->last_look = w->now;
		sample = seen_by_kernel(w);
		verdict =
			judge_sample(&w->history, &sample, &w->budgets, w->now);
		cr_assert_neq(verdict, VERDICT_SAMPLE);
	} else {
		cr_assert_eq(verdict, VERDICT_FINE);
	}
	cr_assert(ledger_adds_up(&w->history.silence), "A8");
	cr_assert(ledger_adds_up(&w->history.stagnation), "A8");
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

/* ---- cases: what happens, and what must be true by then ---------------- */

enum op {
	END,
	REPEAT, /* so often what comes next, up to AGAIN */
	AGAIN,
	ANEW, /* another world, of these budgets */
	DO,   /* that for so long */
	NOTE, /* the time */
	GO_ON, /* by so many units; none: a beat */
	END_TASK,
	GO_TO, /* that phase of the epoch */
	DECLARE_FOR,
	FORGET_ALL,
	WRITE,
	ADD_TO,
	IS_FREE,
	IS_CONVICTED, /* in time after so long since the note */
	IS_PROMPT,    /* convicted by so long after the note, or not at all */
	IS_WARNED,    /* once, in time after that, and then convicted */
	IS_BETWEEN,
};

struct step {
	enum op op;
	uint64_t what, n, most;
	const struct budgets *budgets;
};

#define BUDGETS(...) (&(const struct budgets){ __VA_ARGS__ })
#define USUAL BUDGETS(S, 10 * S, 0, 3600 * S)
#define IN_WORLD(field) .what = offsetof(struct world, field)

/* The thread: */
#define RUN(ns) { .op = DO, .what = RUNS, .n = ns }
#define WAIT(ns) { .op = DO, .what = WAITS, .n = ns }
#define SLEEP(ns) { .op = DO, .what = SLEEPS, .n = ns }
#define STOP(ns) { .op = DO, .what = STOPPED, .n = ns }
#define UNITS(k) { .op = GO_ON, .n = k }
#define BEAT UNITS(0)
#define NEXT_TASK { .op = END_TASK }
#define PHASE(phase) { .op = GO_TO, .n = phase }
#define DECLARE(ns) { .op = DECLARE_FOR, .n = ns } /* 0: no more */
/* The world: */
#define WORLD(b) { .op = ANEW, .budgets = b }
#define SET(field, to) { .op = WRITE, IN_WORLD(field), .n = to }
#define ADD(field, k) { .op = ADD_TO, IN_WORLD(field), .n = k }
#define FORGET { .op = FORGET_ALL }
#define MARK { .op = NOTE }
#define TIMES(k) { .op = REPEAT, .n = k }
#define TO_HERE { .op = AGAIN }
/* The judge: */
#define FREE { .op = IS_FREE }
#define CONVICTED(v, ns) { .op = IS_CONVICTED, .what = VERDICT_##v, .n = ns }
#define PROMPT(ns) { .op = IS_PROMPT, .n = ns }
#define WARNED(ns) { .op = IS_WARNED, .n = ns }
#define BETWEEN(field, least, greatest)                                        \
	{ .op = IS_BETWEEN, IN_WORLD(field), .n = least, .most = greatest }
#define IS(field, value) BETWEEN(field, value, value)
#define AT_LEAST(field, value) BETWEEN(field, value, UINT64_MAX)
#define AT_MOST(field, value) BETWEEN(field, 0, value)
#define FOUND(v) IS(verdict, VERDICT_##v)

/* One of the shapes that a case is played in. */
struct shape {
	uint64_t scan, budget, phase;
	unsigned nth;
};

#define must(condition)                                                        \
	cr_assert(condition,                                                   \
		  "step %u: not %s; scan %lu budget %lu phase %lu us; "        \
		  "verdict %lu at %ld us",                                     \
		  step, #condition, at->scan / 1000, at->budget / 1000,        \
		  at->phase / 1000, w->verdict,                                \
		  (long)(w->convicted_at - 1000 * S) / 1000)

/* A budget below one scan is as good as one. */
static uint64_t in_time(const struct world *w, uint64_t from)
{
	return from + 3 * w->scan + 4 * w->lateness + w->slack;
}

/* A number in the world. */
static uint64_t *field(const struct world *w, const struct step *s)
{
	return (uint64_t *)((uintptr_t)w + s->what);
}

static void examine(const struct world *w, const struct step *s,
		    const struct shape *at, unsigned step)
{
	uint64_t from = w->mark + s->n;

	switch (s->op) {
	case IS_FREE:
		must(w->convicted_at == NEVER);
		break;
	case IS_CONVICTED:
		must(w->verdict == s->what);
		must(w->convicted_at >= from);
		must(w->convicted_at <= in_time(w, from));
		break;
	case IS_PROMPT:
		must(w->convicted_at == NEVER || w->convicted_at <= from);
		break;
	case IS_WARNED:
		must(w->warnings == 1);
		must(w->warned_at >= from);
		must(w->warned_at <= from + 3 * w->scan);
		must(w->warned_at < w->convicted_at);
		break;
	default: /* IS_BETWEEN */
		must(*field(w, s) >= s->n);
		must(*field(w, s) <= s->most);
	}
}

static void happens(struct world *w, const struct step *s)
{
	static const struct history nothing;

	switch (s->op) {
	case ANEW:
		*w = world(w->scan, *s->budgets);
		break;
	case DO:
		does(w, (enum doing)s->what, s->n);
		break;
	case NOTE:
		w->mark = w->now;
		break;
	case GO_ON:
		progresses(w, s->n);
		break;
	case END_TASK:
		next_task(w);
		break;
	case GO_TO:
		w->sign.word = slot_next(w->sign.word, (enum slot_phase)s->n);
		break;
	case DECLARE_FOR:
		w->sign.declared = s->n && s->n != NEVER ? w->now + s->n : s->n;
		break;
	case FORGET_ALL:
		w->history = (struct history){ 0 };
		cr_assert_arr_eq(&w->history, &nothing, sizeof(nothing));
		break;
	case WRITE:
		*field(w, s) = s->n;
		break;
	default: /* ADD_TO */
		*field(w, s) += s->n;
	}
}

/* Up to the END, or to the AGAIN that belongs to what is repeated. */
static const struct step *play(struct world *w, const struct step *s,
			       const struct step *first,
			       const struct shape *at)
{
	for (; s->op != END && s->op != AGAIN; s++) {
		if (s->op == REPEAT) {
			const struct step *part = s + 1;

			for (uint64_t n = part[-1].n; n; n--)
				s = play(w, part, first, at);
		} else if (s->op >= IS_FREE) {
			examine(w, s, at, (unsigned)(s - first));
		} else {
			happens(w, s);
		}
	}
	return s;
}

/* One scan of 10 ms, or each place of the fault between two, or more of both. */
#define ONCE for (struct shape at = { .scan = 10 * MS }; !at.nth; at.nth++)
#define EVERY(span, until)                                                     \
	for (struct shape at = { .scan = 10 * MS }; at.phase < (until);        \
	     at.phase += (span))
#define PHASES EVERY(at.scan / 13, at.scan)
#define SHAPES                                                                 \
	for (struct shape at = { .scan = MS }; at.scan <= S; at.scan *= 10)    \
		for (at.nth = 0; at.nth < 5; at.nth++)                         \
			for (at.budget = budget_of[at.nth], at.phase = 0;      \
			     at.phase < at.scan; at.phase += at.scan / 13)
static const uint64_t budget_of[] = { 20 * MS, 100 * MS, S, 10 * S, 60 * S };

/* A test of its own, in each of those shapes. */
#define CASE(name, shapes, b, ...)                                             \
	Test(judge, name)                                                      \
	{                                                                      \
		shapes {                                                       \
			struct world w = world(at.scan, *b);                   \
			const struct step steps[] = { __VA_ARGS__,             \
						      { .op = END } };         \
                                                                               \
			play(&w, steps, steps, &at);                           \
		}                                                              \
	}

/* ---- nothing is held against these ----------------------------------- */

CASE(idle_is_never_looked_at, ONCE, USUAL,
     PHASE(SLOT_OUT), SLEEP(100 * S),
     FREE, IS(looks, 0), IS(signs, 10000))

CASE(one_that_ends_tasks_is_never_looked_at, ONCE, USUAL,
     TIMES(10000), RUN(9 * MS), NEXT_TASK, TO_HERE,
     FREE, IS(looks, 0))

CASE(one_that_beats_is_never_looked_at, ONCE, USUAL,
     TIMES(10000), RUN(9 * MS), BEAT, TO_HERE,
     FREE, IS(looks, 0))

CASE(between_two_tasks_is_no_silence, ONCE, USUAL,
     RUN(900 * MS), PHASE(SLOT_OUT), RUN(20 * MS),
     PHASE(SLOT_RUN), RUN(990 * MS),
     FREE)

CASE(a_task_ends_the_silence_of_the_last, ONCE, USUAL,
     TIMES(100), RUN(990 * MS), NEXT_TASK, TO_HERE,
     FREE)

CASE(a_beat_ends_a_silence, ONCE, USUAL,
     TIMES(100), RUN(990 * MS), BEAT, TO_HERE,
     FREE,
     UNITS(1), RUN(990 * MS),
     FREE)

/* Their epochs and beats happen to be the same. */
CASE(another_thread_in_the_seat_starts_from_nothing, ONCE, USUAL,
     TIMES(100), RUN(990 * MS), ADD(sign.gen, 1), TO_HERE,
     FREE)

CASE(forgetting_is_starting_from_nothing, ONCE, USUAL,
     TIMES(100), RUN(980 * MS), FORGET, TO_HERE,
     FREE)

CASE(starved_for_ever_is_innocent, ONCE, USUAL,
     WAIT(1000 * S),
     FREE, IS(warnings, 0))

CASE(stopped_for_ever_is_innocent, ONCE, USUAL,
     STOP(1000 * S),
     FREE, IS(warnings, 0))

CASE(what_is_not_known_is_innocent, ONCE, USUAL,
     SET(blind, true), RUN(100 * S), SLEEP(100 * S),
     FREE)

/* The process was stopped, say. */
CASE(the_stewards_own_absence_is_innocent, ONCE, USUAL,
     SLEEP(9 * S),
     SET(lateness, 30 * S), SLEEP(30 * S + 10 * MS),
     SET(lateness, 0), SLEEP(900 * MS),
     FREE,
     SLEEP(200 * MS),
     CONVICTED(BLOCKED, 40 * S))

/* Stopped again and again, each time the steward too: as by SIGSTOP. */
CASE(stopped_at_the_pace_of_the_scans_is_innocent, ONCE, USUAL,
     TIMES(300),
     SET(lateness, 100 * MS), STOP(100 * MS), RUN(2 * MS),
     SET(lateness, 0), RUN(1 * MS), TO_HERE,
     FREE)

CASE(no_budget_no_verdict, ONCE, BUDGETS(0, 0, 0, 0),
     RUN(1000 * S), SLEEP(1000 * S),
     FREE, IS(warnings, 0), AT_MOST(looks, 2),
     WORLD(BUDGETS(0, S, 0, 0)), RUN(1000 * S),
     FREE,
     WORLD(BUDGETS(S, 0, 0, 0)), SLEEP(1000 * S),
     FREE)

/* ---- convicted in time, never before --------------------------------- */

/* The last two scans are looked at. */
CASE(a_livelock_within_three_scans_of_its_budget, SHAPES,
     BUDGETS(at.budget, 0, 0, 0),
     RUN(at.phase), NEXT_TASK, MARK, RUN(at.budget + 4 * at.scan),
     CONVICTED(LIVELOCK, at.budget), IS(looked_before, at.scan))

CASE(a_deadlock_within_three_scans_of_its_budget, SHAPES,
     BUDGETS(100 * S, at.budget, 0, 0),
     RUN(at.phase), BEAT, MARK, SLEEP(at.budget + 4 * at.scan),
     CONVICTED(BLOCKED, at.budget), IS(looked_before, at.scan))

/* Beats at every pause, at most so many times, then not at all; progress never. */
#define ALIVE (at.budget + 4 * at.scan)
#define PAUSES(times, pause)                                                   \
	((times) < (ALIVE - 1) / (pause) ? (times) : (ALIVE - 1) / (pause))
#define GETS_ON                                                                \
	WORLD(BUDGETS(1000 * S, 1000 * S, at.budget, 0)),                      \
	RUN(at.phase), UNITS(1), MARK
#define STAGNATES(times, pause, DOES)                                          \
	GETS_ON, TIMES(PAUSES(times, pause)), DOES(pause), BEAT, TO_HERE,               \
	DOES(ALIVE - PAUSES(times, pause) * (pause)),                          \
	CONVICTED(STAGNANT, at.budget)

CASE(no_progress_within_three_scans_of_its_budget, SHAPES, USUAL,
     STAGNATES(NEVER, at.scan / 7, RUN),
     STAGNATES(NEVER, at.scan, SLEEP),
     STAGNATES(NEVER, 3 * at.scan, RUN),
     STAGNATES(5, at.scan / 2, RUN),
     GETS_ON, SLEEP(ALIVE), CONVICTED(STAGNANT, at.budget))

CASE(units_are_progress_and_beats_are_not, ONCE, BUDGETS(S, 10 * S, S, 0),
     TIMES(100), RUN(50 * MS), UNITS(1),
     TIMES(9), RUN(50 * MS), BEAT, TO_HERE, TO_HERE,
     FREE,
     TIMES(40), RUN(50 * MS), BEAT, TO_HERE,
     FOUND(STAGNANT))

/* Silence is judged as ever where progress is asked for as well. */
CASE(a_livelock_after_a_beat_where_progress_is_asked_for, PHASES,
     BUDGETS(S, 10 * S, 20 * S, 0),
     RUN(35 * MS + at.phase), BEAT, MARK, RUN(1100 * MS),
     CONVICTED(LIVELOCK, S))

CASE(short_sleeps_for_ever_are_a_block, ONCE, USUAL,
     TIMES(10130), SLEEP(1 * MS), RUN(7000), TO_HERE,
     CONVICTED(BLOCKED, 10 * S + 70 * MS))

/* The looks fall on the short moments of work. */
CASE(a_poller_that_is_always_seen_ready_is_blocked_when_it_is_not, ONCE, USUAL,
     SLEEP(9975 * MS), RUN(20 * MS),
     AT_LEAST(looks, 3),
     SLEEP(200 * MS),
     CONVICTED(BLOCKED, 10 * S + 20 * MS))

CASE(a_livelock_is_judged_by_its_own_cpu_time, ONCE, USUAL,
     TIMES(99), RUN(10 * MS), WAIT(390 * MS), TO_HERE,
     FREE,
     TIMES(4), RUN(10 * MS), WAIT(390 * MS), TO_HERE,
     FOUND(LIVELOCK), AT_LEAST(silent_then.busy, S))

/*
 * A worker has spent a budget, between two scans, and then does something else just
 * before the verdict has moved: it is convicted while it does it, or not at all.  Part
 * of a scan of it is the last that is seen of it.
 */
#define MORE EVERY(MS, 50 * MS)
#define SPENT BUDGETS(S + 5 * MS, 10 * S + 5 * MS, 0, 3600 * S)
#define SPINS_THEN(DOES)                                                       \
	WORLD(SPENT), RUN(S + at.phase), MARK, DOES(900 * MS), PROMPT(10 * MS)
#define SLEEPS_THEN(DOES)                                                      \
	WORLD(SPENT), SLEEP(10 * S + at.phase), MARK, DOES(900 * MS), PROMPT(0)

CASE(a_spinner_that_falls_asleep_is_no_livelock, MORE, USUAL,
     SPINS_THEN(SLEEP))

CASE(a_spinner_that_is_starved_or_stopped_is_no_livelock, MORE, USUAL,
     SPINS_THEN(WAIT), SPINS_THEN(STOP))

CASE(a_sleeper_that_wakes_up_is_not_blocked, MORE, USUAL,
     SLEEPS_THEN(RUN), SLEEPS_THEN(WAIT))

CASE(a_sleeper_that_is_stopped_is_not_convicted, MORE, USUAL,
     SLEEPS_THEN(STOP))

CASE(who_goes_on_with_it_is_convicted_after_all, ONCE, USUAL,
     RUN(995 * MS), SLEEP(9 * S),
     FREE,
     RUN(60 * MS),
     FOUND(LIVELOCK),
     WORLD(USUAL), SLEEP(9980 * MS), STOP(100 * S),
     FREE,
     SLEEP(60 * MS),
     FOUND(BLOCKED))

/* ---- looks are dear -------------------------------------------------- */

/* At the first silent scan, then not before half of a budget is near. */
CASE(a_silent_one_is_looked_at_when_a_budget_could_be_spent, ONCE, USUAL,
     RUN(30 * MS),
     IS(looks, 1),
     RUN(440 * MS),
     IS(looks, 1),
     RUN(S),
     FOUND(LIVELOCK),
     WORLD(BUDGETS(100 * S, 1000 * S, 0, 0)), SLEEP(400 * S),
     AT_MOST(looks, 9))

CASE(healthy_tasks_of_a_tenth_of_a_second_cost_one_look_each, ONCE, USUAL,
     TIMES(100), RUN(100 * MS), NEXT_TASK, TO_HERE,
     AT_MOST(looks, 100))

/* ---- a warning at half ----------------------------------------------- */

#define LONG_SHAPES SHAPES if (at.budget >= 10 * at.scan)
#define BOTH BUDGETS(at.budget, at.budget, 0, 0)

CASE(half_of_a_budget_is_told_once_and_first, LONG_SHAPES, BOTH,
     RUN(at.phase), NEXT_TASK, MARK, RUN(2 * at.budget),
     WARNED(at.budget / 2),
     WORLD(BOTH), RUN(at.phase), NEXT_TASK, MARK, SLEEP(2 * at.budget),
     WARNED(at.budget / 2))

CASE(each_silence_has_its_own_warning, ONCE, USUAL,
     RUN(700 * MS),
     IS(warnings, 1),
     BEAT, RUN(300 * MS),
     IS(warnings, 1),
     RUN(400 * MS),
     IS(warnings, 2),
     NEXT_TASK, RUN(700 * MS),
     IS(warnings, 3), FREE)

/* ---- declared waits -------------------------------------------------- */

CASE(a_declared_wait_is_excused_to_its_end_and_no_further, PHASES, USUAL,
     RUN(35 * MS + at.phase), MARK, DECLARE(100 * S), SLEEP(100 * S),
     FREE, AT_MOST(looks, 1),
     SLEEP(11 * S),
     CONVICTED(BLOCKED, 110 * S))

CASE(what_was_silent_before_a_declared_wait_is_forgiven, ONCE, USUAL,
     SLEEP(9 * S), DECLARE(S), SLEEP(S), DECLARE(0), SLEEP(9 * S),
     FREE)

CASE(a_declared_wait_excuses_from_progress_too, ONCE,
     BUDGETS(S, S, S, 3600 * S),
     RUN(35 * MS), DECLARE(100 * S), SLEEP(100 * S),
     FREE,
     SLEEP(1100 * MS),
     AT_MOST(convicted_at, NEVER - 1))

#define CREDIT(ns) BUDGETS(S, 2 * S, 0, ns)

CASE(endless_declaring_is_capped, PHASES, CREDIT(20 * S),
     RUN(5 * MS + at.phase), NEXT_TASK, MARK, DECLARE(NEVER), SLEEP(30 * S),
     CONVICTED(BLOCKED, 22 * S),
     WORLD(CREDIT(20 * S)), RUN(5 * MS + at.phase), NEXT_TASK, MARK,
     TIMES(30), DECLARE(S), SLEEP(S), TO_HERE,
     CONVICTED(BLOCKED, 22 * S))

CASE(a_declared_wait_with_no_credit_is_no_excuse, ONCE, CREDIT(0),
     DECLARE(NEVER), SLEEP(3 * S),
     CONVICTED(BLOCKED, 2 * S))

/* "The declared time between two beats": a beat gives the credit back. */
CASE(declared_waits_with_beats_between_them_are_never_capped, ONCE,
     CREDIT(20 * S),
     TIMES(100), DECLARE(10 * S), SLEEP(9991 * MS),
     DECLARE(0), RUN(MS), BEAT, RUN(MS), TO_HERE,
     FREE)

CASE(declared_waits_with_progress_between_them_are_never_capped, ONCE,
     BUDGETS(S, 2 * S, 3 * S, 20 * S),
     TIMES(100), DECLARE(10 * S), SLEEP(9991 * MS),
     DECLARE(0), RUN(MS), UNITS(1), RUN(MS), TO_HERE,
     FREE)

/* Where progress is asked for it does not: beats would excuse from it for ever. */
#define WAITS_AND_BEATS(wait, pause)                                           \
	WORLD(BUDGETS(S, 2 * S, 3 * S, 20 * S)),                               \
	RUN(at.phase), UNITS(1), MARK,                                         \
	TIMES((23 * S + 40 * MS) / (pause)), DECLARE(wait), SLEEP(pause), BEAT, TO_HERE,        \
	CONVICTED(STAGNANT, 23 * S)

CASE(declared_waits_are_capped_between_two_units_where_progress_is_asked_for, PHASES,
     USUAL,
     WAITS_AND_BEATS(NEVER, 20 * MS),
     WAITS_AND_BEATS(S, 10 * MS),
     WAITS_AND_BEATS(30 * MS, 10 * MS))

/* Of each hundred scans a few find it declared; then no more than the budget is left. */
CASE(short_declared_waits_between_beats_end_too, PHASES, BUDGETS(S, 2 * S, 3 * S, 2 * S),
     RUN(at.phase), UNITS(1), MARK,
     TIMES(400), DECLARE(20 * MS), SLEEP(20 * MS), DECLARE(0), RUN(40 * MS), BEAT, TO_HERE,
     FOUND(STAGNANT))

CASE(spinning_in_a_declared_wait_is_excused_as_well, ONCE, USUAL,
     DECLARE(30 * S), RUN(30 * S),
     FREE,
     RUN(1040 * MS),
     CONVICTED(LIVELOCK, 31 * S))

/* ---- the steward is late --------------------------------------------- */

CASE(a_late_steward_convicts_later_but_does, EVERY(5 * MS, 51 * MS),
     BUDGETS(S, S, 0, 0),
     SET(lateness, at.phase), RUN(2 * S),
     CONVICTED(LIVELOCK, S),
     WORLD(BUDGETS(S, S, 0, 0)), SET(lateness, at.phase), SLEEP(20 * S),
     FOUND(BLOCKED), AT_LEAST(silent_then.slept, S))

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
		progresses(w, 0);
		break;
	case 1:
		progresses(w, draw(3));
		break;
	case 2:
		next_task(w);
		break;
	case 3:
		w->sign.gen++;
		next_task(w);
		break;
	case 4:
		w->sign.declared = draw(2) ? 0 : w->now + some_time();
		break;
	default:
		break;
	}
}

/* The evidence that convicts must be true; and the ledger adds up at every look. */
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
		cr_assert_eq(w.convicted_at, NEVER, "life %lu: %lu", i,
			     w.verdict);
	}
}
