/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * excuse.h - a worker that sleeps on a futex, and whose fault that is.
 *
 * The holder that counts is the last one in the row of threads that wait for each other
 * ("Evidence" in docs/healing.md).  A lowered zombie that is found in a row has its
 * priority again: on a busy machine it would not come to let go.
 *
 * Futex holders are guesses by the look of the memory (host_futex_holder), so an
 * excuse puts a conviction off, by one more budget at a time, and cancels none.
 */
#ifndef WARD_LIB_HEAL_EXCUSE_H
#define WARD_LIB_HEAL_EXCUSE_H

#include "heal/judge.h"
#include "pool/pool.h"

/* How often, in one silence, a holder's want of CPU is believed. */
#define EXCUSE_TIMES 10u

struct excuse { /* of one seat */
	struct sign sign; /* the silence that this is about */
	int32_t holder;	  /* as last seen, and its CPU time then */
	uint64_t cpu, at;
	uint32_t asked;
	bool told;
	bool zombie; /* the last answer was STALL_ZOMBIE */
};

enum stall_cause {
	STALL_OWN,
	STALL_UNSURE, /* perhaps starved: not seen for long enough to tell */
	STALL_STARVED, /* the holder is ready to run, and is given no CPU */
	STALL_ZOMBIE  /* the holder is a fenced thread of this pool */
};

/* The slot whose files are read beside the worker's: steward.also. */
typedef _Atomic(struct slot *) excuse_at;

/*
 * Is there an excuse for the worker in 'slot', found blocked?  excuse->holder is the
 * thread to blame; excuse->told is false if that is a new one.  A span below 'span'
 * tells nothing of starvation: so the question is asked at half of a budget, too, and
 * a busy holder that waits for a CPU is not taken for a starved one.  A holder that
 * began within the silence is none: it has the tid of a thread that ended.
 */
enum stall_cause excuse_ask(struct excuse *excuse, const struct slot *slot,
			    const struct history *history, uint64_t span,
			    excuse_at *also);
/* The worker in 'slot' sleeps: lowered zombies in its row are lifted again. */
void excuse_lift(const struct slot *slot, excuse_at *also);
/* Is some worker, silent by the history of its seat, held up by this thread? */
bool excuse_wanted(struct pool *pool, const struct history *history,
		   int32_t tid, excuse_at *also);
/* Does the worker with this sign wait for a zombie, as far as was asked? */
bool excuse_holds(const struct excuse *excuse, const struct sign *sign);

#endif
