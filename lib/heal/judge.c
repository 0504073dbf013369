/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/judge.h"

static const struct ward_ledger nothing;

/* A sign of life: silence begins anew, with the next scan. */
static void alive(struct history *history)
{
	history->silence = nothing;
	history->silence_doubt = 0;
	history->suspect = false;
	history->warned = false;
	history->asked = false;
	history->only_told = false;
	history->stirred = true;
}

static void got_on(struct history *history)
{
	history->stagnation = nothing;
	history->stagnation_doubt = 0;
}

static void sample_anew(struct history *history)
{
	history->sampled_at = 0;
	history->late = 0;
	history->next_sample = 0;
	history->stirred = false;
}

void judge_anew(struct history *history, const struct sign *sign, uint64_t now)
{
	*history = (struct history){ .last = *sign, .seen_at = now };
}

/*
 * A sign by which declared waits are believed anew.  Where progress is asked for a beat is
 * none: else one that beats and waits by turns would never stagnate.
 */
static bool renews(const struct sign *last, const struct sign *sign,
		   const struct budgets *budgets)
{
	return sign->units != last->units ||
	       (sign->beats != last->beats && !budgets->progress);
}

/* A wait is declared; with all since they were believed anew it is not too long. */
static bool excused(struct history *history, const struct sign *sign,
		    const struct budgets *budgets, uint64_t now)
{
	if (!sign->declared || sign->declared <= now)
		return false;
	if (history->seen_at && now > history->seen_at)
		history->excused += now - history->seen_at;
	return history->excused <= budgets->declared;
}

enum verdict judge_sign(struct history *history, const struct sign *sign,
			const struct budgets *budgets, uint64_t now,
			uint64_t late)
{
	struct sign last = history->last;
	bool moved = sign->beats != last.beats || sign->units != last.units;

	if (sign_moved(&last, sign)) {
		judge_anew(history, sign, now);
		return VERDICT_FINE;
	}
	history->last = *sign;
	history->late += late;
	if (renews(&last, sign, budgets))
		history->excused = 0;
	if (excused(history, sign, budgets, now)) {
		uint64_t sum = history->excused;

		judge_anew(history, sign, now);
		history->excused = sum;
		return VERDICT_FINE;
	}
	history->seen_at = now;
	if (sign->units != last.units)
		got_on(history);
	if (moved) {
		bool suspect = history->suspect;

		alive(history);
		if (!budgets->progress || sign->units != last.units) {
			sample_anew(history);
			return VERDICT_FINE;
		}
		/* Silence is over, but the suspicion may be of stagnation. */
		history->suspect = suspect;
	}
	/* The first silent scan after a sign of life is where silence begins. */
	if (now >= history->next_sample || (history->stirred && !moved))
		return VERDICT_SAMPLE;
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

/* A sleeper is convicted asleep, a spinner on the CPU: else it has just moved. */
static enum verdict final_verdict(const struct history *history,
			    const struct host_sample *before,
			    const struct budgets *budgets)
{
	const struct ward_ledger *quiet = &history->silence;
	const struct ward_ledger *stale = &history->stagnation;

	if (is_spent(budgets->busy, quiet->busy) &&
	    history->sample.cpu > before->cpu)
		return VERDICT_LIVELOCK;
	if (is_spent(budgets->blocked, quiet->blocked) &&
	    is_asleep(history->sample.state))
		return VERDICT_BLOCKED;
	if (is_spent(budgets->progress, stale->busy + stale->blocked))
		return VERDICT_STAGNANT;
	return VERDICT_FINE;
}

/*
 * How soon may a budget run out, or half of one that was not told of yet?  Time in
 * doubt may prove to be sleep.
 */
static uint64_t earliest(const struct history *history,
			 const struct budgets *budgets, bool half)
{
	uint64_t busy = budgets->busy / (half && !history->warned ? 2 : 1);
	uint64_t blocked = budgets->blocked / (half && !history->asked ? 2 : 1);
	const struct ward_ledger *quiet = &history->silence;
	const struct ward_ledger *stale = &history->stagnation;
	uint64_t asleep = quiet->blocked + history->silence_doubt;
	uint64_t idle =
		stale->busy + stale->blocked + history->stagnation_doubt;

	return lesser(lesser(left(busy, quiet->busy), left(blocked, asleep)),
		     left(budgets->progress, idle));
}

static void sample_then(struct history *history, const struct budgets *budgets,
			uint64_t now)
{
	uint64_t rest = earliest(history, budgets, true);

	history->next_sample = rest == UINT64_MAX ? UINT64_MAX : now + rest;
}

void judge_excuse(struct history *history, const struct budgets *budgets,
		  uint64_t now)
{
	history->silence = nothing;
	history->silence_doubt = 0;
	got_on(history);
	history->suspect = false;
	sample_then(history, budgets, now);
}

/* Half of a budget is spent, which was not told yet. */
static bool half_spent(struct history *history, const struct budgets *budgets)
{
	history->ask = !history->asked &&
		     is_spent(budgets->blocked / 2, history->silence.blocked);
	if (history->ask)
		return history->asked = true;
	return !history->warned &&
	       is_spent(budgets->busy / 2, history->silence.busy) &&
	       (history->warned = true);
}

enum verdict judge_sample(struct history *history,
			  const struct host_sample *sample,
			  const struct budgets *budgets, uint64_t now)
{
	struct host_sample before = history->sample;
	bool first = !history->sampled_at;
	uint64_t span = first ? 0 : now - history->sampled_at;
	enum verdict verdict;

	/* Time before the last sign of life is no silence. */
	if (!history->stirred)
		ledger_book(&history->silence, &history->silence_doubt, span,
			    history->late, first ? NULL : &before, sample);
	history->stirred = false;
	ledger_book(&history->stagnation, &history->stagnation_doubt, span,
		    history->late, first ? NULL : &before, sample);
	history->sample = *sample;
	history->sampled_at = now;
	history->late = 0;
	if (history->suspect) {
		verdict = final_verdict(history, &before, budgets);
		if (verdict != VERDICT_FINE)
			return verdict;
	}
	history->suspect = earliest(history, budgets, false) == 0;
	verdict = half_spent(history, budgets) ? VERDICT_WARN : VERDICT_FINE;
	sample_then(history, budgets, now);
	return verdict;
}
