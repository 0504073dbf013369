/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priority.h - a zombie that keeps its CPU runs when nobody else wants to; and as it
 * ran before when it comes home, ends, or holds what others wait for.
 *
 * One word, 'lowered', with the turn of the zombie's life, so that none of it
 * reaches the thread's next time in a seat:
 *
 *	NOT > BUSY > YES > BUSY > NOT	lowered; lifted, and not lowered again
 *	NOT, YES > HOME			came home: it is not lowered any more
 *
 * Who swaps to BUSY or HOME has the thread's priority, and 'sched', to itself for
 * some system calls.  Who comes home just then does not wait for the other, who might be
 * held: it does not go on with a priority that is not its own, and is ended.  While one
 * is held so, threads of that record are not lowered.
 */
#ifndef WARD_LIB_TASK_PRIORITY_H
#define WARD_LIB_TASK_PRIORITY_H

#include "base/host.h"

struct slot;

/* May the steward still lower a zombie's priority, or did it? */
enum lowered { LOWERED_NOT, LOWERED_BUSY, LOWERED_YES, LOWERED_RETURNED };

/* A zombie's priority. */
struct slot_priority {
	_Atomic uint64_t lowered; /* X: turn:62, enum lowered:2 [pl] */
	struct host_sched sched;  /* O, lowered: before that; of who made it BUSY */
	bool demoted; /* W: came home, but may not run at full priority */
};

/* Lowers the zombie of that turn, once in its life as one, if it is still out. */
void priority_lower(void *slot, uint64_t turn);
/* Others wait for what it holds: as before, if it was lowered, and for good. */
void priority_lift(struct slot *slot);
/* By the zombie itself.  False: it is lowered, or about to be, for good. */
bool priority_returned(struct slot *slot, uint64_t turn);

#endif
