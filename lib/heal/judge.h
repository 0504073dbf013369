/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h - from signs and evidence to a verdict.
 *
 * The worker only counts; the steward keeps the time, and a history of each seat
 * (docs/states.md).  Two accounts run at once: silence (any sign of life ends it) and,
 * where the policy asks for progress, stagnation (only units or a new epoch end it).
 *
 * Pure: no clock, no thread, no memory of its own.
 */
#ifndef WARD_LIB_HEAL_JUDGE_H
#define WARD_LIB_HEAL_JUDGE_H

#include "heal/ledger.h"
#include "task/slot.h"

struct budgets { /* ns; 0: not asked for */
	uint64_t busy, blocked, progress, declared;
};

struct sign {
	uint64_t gen; /* the slot's index + 1 */
	uint64_t word; /* its epoch */
	uint64_t beats, units;
	uint64_t declared; /* a block is declared until then, or 0 */
};

/* Of one slot, in one epoch. */
static inline bool sign_same(const struct sign *a, const struct sign *b)
{
	return a->word == b->word && a->gen == b->gen;
}

/* Idle, or inside of something else than at the last scan. */
static inline bool sign_moved(const struct sign *last, const struct sign *sign)
{
	return !slot_inside(sign->word) || !sign_same(last, sign);
}

struct history {
	struct sign last;
	uint64_t seen_at;   /* when 'last' was read */
	struct ward_ledger silence, stagnation;
	uint64_t silence_doubt, stagnation_doubt; /* see ledger.h */
	struct host_sample sample; /* the last one */
	uint64_t sampled_at;   /* 0: none in this silence */
	uint64_t late;	       /* the steward's, since then */
	uint64_t next_sample;
	uint64_t excused; /* declared waits since they were believed anew: renews() */
	uint64_t still;	  /* helpers.c: since when it is idle, unparked */
	bool suspect;	  /* was over a budget at the last sample */
	bool warned;	  /* half of the busy budget was told */
	bool asked;	  /* half of the blocked budget was told */
	bool ask;	  /* the last WARN was for that */
	bool stirred;	  /* a sign of life since the last sample */
	bool only_told;	  /* verdict.c: over a budget, in its seat */
	bool slow;	  /* handoff.c: its local queue is to be shared */
};

enum verdict {
	VERDICT_FINE,
	VERDICT_SAMPLE, /* judge_sample() is wanted */
	VERDICT_WARN, /* half of a budget is spent; once */
	VERDICT_LIVELOCK,
	VERDICT_BLOCKED, /* stands unless there is an excuse: excuse.h */
	VERDICT_STAGNANT, /* alive without progress */
	/* Not judge's: */
	VERDICT_OVERDUE, /* a fence was requested */
	VERDICT_DEAD	 /* its thread has ended */
};

/* judge_sign() at a scan that finds it moved. */
void judge_anew(struct history *history, const struct sign *sign, uint64_t now);
/* At each scan: FINE or SAMPLE. */
enum verdict judge_sign(struct history *history, const struct sign *sign,
			const struct budgets *budgets, uint64_t now,
			uint64_t late);
/* With the sample that SAMPLE asked for: anything but SAMPLE. */
enum verdict judge_sample(struct history *history,
			  const struct host_sample *sample,
			  const struct budgets *budgets, uint64_t now);
/*
 * The worker is excused: both accounts begin anew, and the next verdict can come when
 * another budget is spent.  A warning that was told stays told.
 */
void judge_excuse(struct history *history, const struct budgets *budgets,
		  uint64_t now);

#endif
