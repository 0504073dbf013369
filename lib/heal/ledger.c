/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/ledger.h"

/* Moves up to 'want' of the rest to an account. */
static void book(uint64_t *account, uint64_t *rest, uint64_t want)
{
	uint64_t part = want < *rest ? want : *rest;

	*account += part;
	*rest -= part;
}

/* Counters that go back belong to another thread. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

/* The rest was neither on a CPU nor waiting for one, as far as the counters tell. */
static uint64_t *account_of_rest(struct ward_ledger *ledger, char state)
{
	switch (state) {
	case 'T':
	case 't':
		return &ledger->stopped;
	case 'R':
		return &ledger->starved; /* for now: in doubt */
	case 0:
		return &ledger->blind;
	default:
		return &ledger->blocked;
	}
}

/*
 * Where the kernel does not count waits for a CPU, the rest is sleep only if the
 * thread sleeps and has not run at all: else it may have waited.
 */
static bool is_told(const struct host_sample *before,
		    const struct host_sample *now)
{
	return (before->switches_known && now->switches_known) ||
	       now->cpu == before->cpu;
}

void ledger_book(struct ward_ledger *ledger, uint64_t *doubt, uint64_t span,
		 uint64_t late, const struct host_sample *before,
		 const struct host_sample *now)
{
	uint64_t rest = span + *doubt;

	ledger->silence += span;
	ledger->starved -= *doubt;
	*doubt = 0;
	if (before && before->cpu_known && now->cpu_known) {
		book(&ledger->busy, &rest, grown(before->cpu, now->cpu));
		book(&ledger->starved, &rest,
		     grown(before->run_delay, now->run_delay));
		book(&ledger->blind, &rest, late);
		if (now->state == 'R' && now->switches_known)
			*doubt = rest;
		if (now->state == 'R' || is_told(before, now))
			book(account_of_rest(ledger, now->state), &rest, rest);
	}
	ledger->blind += rest;
}

bool ledger_adds_up(const struct ward_ledger *ledger)
{
	return ledger->busy + ledger->blocked + ledger->starved +
		       ledger->stopped + ledger->blind ==
	       ledger->silence;
}
