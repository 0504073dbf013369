/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ledger.h - where a ward's silence went.
 *
 * A wall-clock timeout convicts the healthy when the machine is short of CPU; a
 * CPU clock alone never sees a sleeping deadlock.  So every nanosecond of
 * silence is booked to exactly one account, from what the kernel says of the
 * thread at two looks:
 *
 *	busy	 its own CPU clock moved			can convict
 *	blocked	 it slept in the kernel				can convict
 *	starved	 it could run, but was given no CPU		cannot
 *	stopped	 a signal, a debugger or the freezer held it	cannot
 *	blind	 the steward itself was late, or saw nothing	cannot
 *
 * The kernel books a wait for a CPU when it ends.  So what a thread that is ready
 * at a look has left over may be the wait that it is in, or sleep before it: it
 * is in doubt.  In doubt is starved, until a look finds the thread elsewhere:
 * then all its waits have ended, and the counters tell the two apart.  A kernel that
 * does not count such waits leaves more in doubt: there, sleep is what a thread that
 * sleeps has slept since a look after which it has not run.
 *
 * Invariant A8: the accounts add up to the silence, exactly.
 *
 * Pure: no clock, no thread, no memory of its own.
 */
#ifndef WARD_LIB_HEAL_LEDGER_H
#define WARD_LIB_HEAL_LEDGER_H

#include "base/host.h"
#include <ward/report.h>

/*
 * Books the 'span' between two looks, 'late' of which the steward overslept,
 * and anew what is in *doubt of those before.  'before' is NULL if there was no
 * first look: all of it is blind.
 */
void ledger_book(struct ward_ledger *ledger, uint64_t *doubt, uint64_t span,
		 uint64_t late, const struct host_sample *before,
		 const struct host_sample *now);

/* Does A8 hold? */
bool ledger_adds_up(const struct ward_ledger *ledger);

#endif
