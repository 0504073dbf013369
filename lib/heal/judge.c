/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c - see judge.h.
 */
#include "heal/judge.h"

static const struct ward_ledger nothing;

/* A sign of life: silence begins anew, with the next scan. */
static void alive(struct watch *watch)
{
	watch->silence = nothing;
	watch->silence_doubt = 0;
	watch->excused = 0;
	watch->suspect = false;
	watch->warned = false;
	watch->asked = false;
	watch->stirred = true;
}

static void got_on(struct watch *watch)
{
	watch->stagnation = nothing;
	watch->stagnation_doubt = 0;
}

static void look_anew(struct watch *watch)
{
	watch->looked_at = 0;
	watch->late = 0;
	watch->next_look = 0;
	watch->stirred = false;
}

void judge_forget(struct watch *watch)
{
	*watch = (struct watch){ 0 };
}

void judge_anew(struct watch *watch, const struct sign *sign, uint64_t now)
{
	*watch = (struct watch){ .last = *sign, .seen_at = now };
}

/* A wait is declared, and all of them since the last sign of life are not too long. */
static bool excused(struct watch *watch, const struct sign *sign,
		    const struct budgets *budgets, uint64_t now)
{
	if (!sign->declared || sign->declared <= now)
		return false;
	if (watch->seen_at && now > watch->seen_at)
		watch->excused += now - watch->seen_at;
	return watch->excused <= budgets->declared;
}

enum verdict judge_sign(struct watch *watch, const struct sign *sign,
			const struct budgets *budgets, uint64_t now,
			uint64_t late)
{
	struct sign last = watch->last;
	bool moved = sign->beats != last.beats || sign->units != last.units;

	if (sign_moved(&last, sign)) {
		judge_anew(watch, sign, now);
		return VERDICT_FINE;
	}
	watch->last = *sign;
	watch->late += late;
	if (moved)
		watch->excused = 0;
	if (excused(watch, sign, budgets, now)) {
		uint64_t sum = watch->excused;

		judge_anew(watch, sign, now);
		watch->excused = sum;
		return VERDICT_FINE;
	}
	watch->seen_at = now;
	if (sign->units != last.units)
		got_on(watch);
	if (moved) {
		bool suspect = watch->suspect;

		alive(watch);
		if (!budgets->progress || sign->units != last.units) {
			look_anew(watch);
			return VERDICT_FINE;
		}
		/* Silence is over, but the suspicion may be of stagnation. */
		watch->suspect = suspect;
	}
	/* The first silent scan after a sign of life is where silence begins. */
	if (now >= watch->next_look || (watch->stirred && !moved))
		return VERDICT_LOOK;
	return VERDICT_FINE;
}

static uint64_t left(uint64_t budget, uint64_t spent)
{
	if (!budget)
		return UINT64_MAX;
	return budget > spent ? budget - spent : 0;
}

static bool is_spent(uint64_t budget, uint64_t spent)
{
	return budget && spent >= budget;
}

static bool is_asleep(char state)
{
	return state != 'R' && state != 'T' && state != 't';
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A sleeper is convicted asleep, a spinner on the CPU: else it just moved. */
static enum verdict convict(const struct watch *watch,
			    const struct host_look *before,
			    const struct budgets *budgets)
{
	const struct ward_ledger *quiet = &watch->silence;
	const struct ward_ledger *stale = &watch->stagnation;

	if (is_spent(budgets->busy, quiet->busy) &&
	    watch->look.cpu > before->cpu)
		return VERDICT_LIVELOCK;
	if (is_spent(budgets->blocked, quiet->blocked) &&
	    is_asleep(watch->look.state))
		return VERDICT_BLOCKED;
	if (is_spent(budgets->progress, stale->busy + stale->blocked))
		return VERDICT_STAGNANT;
	return VERDICT_FINE;
}

/*
 * When could a budget run out, at the earliest, or half of one that was not
 * told of yet?  What is in doubt may prove to be sleep.
 */
static uint64_t earliest(const struct watch *watch,
			 const struct budgets *budgets, bool half)
{
	uint64_t busy = budgets->busy / (half && !watch->warned ? 2 : 1);
	uint64_t blocked = budgets->blocked / (half && !watch->asked ? 2 : 1);
	const struct ward_ledger *quiet = &watch->silence;
	const struct ward_ledger *stale = &watch->stagnation;
	uint64_t asleep = quiet->blocked + watch->silence_doubt;
	uint64_t idle = stale->busy + stale->blocked + watch->stagnation_doubt;

	return least(least(left(busy, quiet->busy), left(blocked, asleep)),
		     left(budgets->progress, idle));
}

static void look_then(struct watch *watch, const struct budgets *budgets,
		      uint64_t now)
{
	uint64_t rest = earliest(watch, budgets, true);

	watch->next_look = rest == UINT64_MAX ? UINT64_MAX : now + rest;
}

void judge_excuse(struct watch *watch, const struct budgets *budgets,
		  uint64_t now)
{
	watch->silence = nothing;
	watch->silence_doubt = 0;
	got_on(watch);
	watch->suspect = false;
	look_then(watch, budgets, now);
}

/* Half of a budget is spent, and that was not told yet. */
static bool half_spent(struct watch *watch, const struct budgets *budgets)
{
	watch->ask = !watch->asked &&
		     is_spent(budgets->blocked / 2, watch->silence.blocked);
	if (watch->ask)
		return watch->asked = true;
	return !watch->warned &&
	       is_spent(budgets->busy / 2, watch->silence.busy) &&
	       (watch->warned = true);
}

enum verdict judge_look(struct watch *watch, const struct host_look *look,
			const struct budgets *budgets, uint64_t now)
{
	struct host_look before = watch->look;
	bool first = !watch->looked_at;
	uint64_t span = first ? 0 : now - watch->looked_at;
	enum verdict verdict;

	/* What lies before the last sign of life is no silence. */
	if (!watch->stirred)
		ledger_book(&watch->silence, &watch->silence_doubt, span,
			    watch->late, first ? NULL : &before, look);
	watch->stirred = false;
	ledger_book(&watch->stagnation, &watch->stagnation_doubt, span,
		    watch->late, first ? NULL : &before, look);
	watch->look = *look;
	watch->looked_at = now;
	watch->late = 0;
	if (watch->suspect) {
		verdict = convict(watch, &before, budgets);
		if (verdict != VERDICT_FINE)
			return verdict;
	}
	watch->suspect = earliest(watch, budgets, false) == 0;
	verdict = half_spent(watch, budgets) ? VERDICT_WARN : VERDICT_FINE;
	look_then(watch, budgets, now);
	return verdict;
}
