/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h - from signs and evidence to a verdict.
 *
 * The worker only counts; the steward keeps the time, and this is what it
 * remembers of one seat.  A ward that moves costs one comparison.  One that is
 * silent is looked at in the kernel at its first silent scan, then only when a
 * budget, or half of one, could have run out.  Who is found over a budget is a
 * suspect, and convicted if the next scan finds the same: so a conviction comes
 * within three scans after the budget, and never on one look.
 *
 *	IDLE <> BUSY > silent > (moved | suspect) > convicted
 *
 * Two accounts run at once: silence (any sign of life ends it) and, where the
 * policy asks for progress, the time without any (only units or a new epoch end
 * it).  A declared wait is excused: both accounts begin anew at its end, up to a
 * sum of 'declared' since the last sign of life.
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

/* What a worker shows of itself. */
struct sign {
	uint64_t gen; /* who: the slot's index and its turn */
	uint64_t word; /* its epoch */
	uint64_t beats, units;
	uint64_t declared; /* a block is declared until then, or 0 */
};

/* Of one thread, in one epoch. */
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
	uint64_t excused; /* declared waits since the last sign of life */
	uint64_t still;	  /* the steward's: since when it is idle, unparked */
	bool suspect;	  /* was over a budget at the last look */
	bool warned;	  /* half of the busy budget was told */
	bool asked;	  /* half of the blocked budget was told */
	bool ask;	  /* that is what the last WARN was for */
	bool stirred;	  /* a sign of life since the last look */
	bool slow;	  /* the steward's: it is to share what it has at hand */
};

enum verdict {
	VERDICT_FINE,
	VERDICT_SAMPLE, /* judge_sample() is wanted */
	VERDICT_WARN, /* half of a budget is spent; once */
	VERDICT_LIVELOCK,
	VERDICT_BLOCKED, /* stands unless there is an excuse: excuse.h */
	VERDICT_STAGNANT, /* alive without progress */
	VERDICT_OVERDUE	  /* not judge's: somebody wants it fenced */
};

/* One scan: what the seat shows now, and it has moved: judge_sign() with less to do. */
void judge_anew(struct history *history, const struct sign *sign, uint64_t now);
/* One scan: what the seat shows now.  FINE or SAMPLE. */
enum verdict judge_sign(struct history *history, const struct sign *sign,
			const struct budgets *budgets, uint64_t now,
			uint64_t late);
/* The kernel's word on it, asked for by SAMPLE.  Anything but SAMPLE. */
enum verdict judge_sample(struct history *history,
			  const struct host_sample *sample,
			  const struct budgets *budgets, uint64_t now);
/*
 * There was an excuse for what was found: both accounts begin anew, and the next
 * verdict can come when another budget is spent.  What was told stays told.
 */
void judge_excuse(struct history *history, const struct budgets *budgets,
		  uint64_t now);
/* The seat's worker is idle or another one: nothing is held against it. */
void judge_forget(struct history *history);

#endif
