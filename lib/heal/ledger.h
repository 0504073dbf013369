/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ledger.h - where a worker's silence went: every nanosecond is booked to exactly one
 * account, from two samples of the thread ("Evidence" in docs/healing.md).
 *
 * The kernel books a wait for a CPU when it ends.  So the rest of a span, of a thread
 * that is ready at the sample, may be the wait that it is in, or sleep before that: it
 * is in doubt.  Time in doubt is starved, until a sample finds the thread elsewhere:
 * then all its waits have ended, and the counters tell the two apart.  A kernel that
 * does not count such waits leaves more in doubt: there, only a thread that sleeps, and
 * has not run since the sample before, has slept.
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
 * Books the 'span' between two samples, 'late' of which the steward overslept, and
 * the *doubt of spans before.  'before' is NULL at the first sample: all is blind.
 */
void ledger_book(struct ward_ledger *ledger, uint64_t *doubt, uint64_t span,
		 uint64_t late, const struct host_sample *before,
		 const struct host_sample *now);

/* Does A8 hold? */
bool ledger_adds_up(const struct ward_ledger *ledger);

#endif
