/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * priority.h - a zombie that keeps its CPU runs when nobody else wants to; and as it
 * ran before when it comes home, ends, or holds what others wait for.
 *
 * One word, 'lowered', with the gen of the zombie's life, so that none of it
 * reaches the thread's next time in a seat:
 *
 *	NOT > BUSY > YES > BUSY > NOT	lowered; lifted, and not lowered again
 *	NOT, YES > RETURNED		came home: not lowered any more
 *
 * The swap to BUSY or RETURNED gives the thread's priority, and 'sched', to one thread
 * for some system calls.  A zombie that comes home at BUSY does not wait, for the other
 * might be held: it is ended, for its priority is not its own.  While a thread is held
 * so, threads of that record are not lowered.
 */
#ifndef WARD_LIB_TASK_PRIORITY_H
#define WARD_LIB_TASK_PRIORITY_H

#include "base/host.h"

struct slot;

/* May the steward still lower a zombie's priority, or did it? */
enum lowered { LOWERED_NOT, LOWERED_BUSY, LOWERED_YES, LOWERED_RETURNED };

/* A zombie's priority. */
struct slot_priority {
	_Atomic uint64_t lowered; /* X: gen:62, enum lowered:2 [pl] */
	struct host_sched sched;  /* O, lowered: the priority before */
	bool demoted; /* W: came home, but may not run at full priority */
};

/* Lowers the zombie of that gen, once, if it is still out. */
void priority_lower(void *slot, uint64_t gen);
/* Others wait for what the zombie holds: its priority as before, for good. */
void priority_lift(struct slot *slot);
/* By the zombie itself.  False: it is lowered, or about to be, for good. */
bool priority_returned(struct slot *slot, uint64_t gen);

#endif
