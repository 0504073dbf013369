/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parked.h - when nothing is left to do, all sleepers of a bell are on its
 * stack, each once, and nobody searches or is being woken.
 */
#ifndef SIM_PARKED_H
#define SIM_PARKED_H

#include "sim.h"
#include "base/host.h"
#include "sync/bell.h"

static inline void check_all_parked(struct bell *bell, uint32_t n)
{
	uint64_t word;
	uint32_t seen = 0, i;

	sim_dawdle(UINT32_MAX / 2); /* until everybody else sleeps */
	host_barrier_heavy();	    /* falling asleep is a fence, too */
	word = load_acquire(&bell->word);
	check(BELL_SEARCH(word) == 0);
	check(BELL_WAKING(word) == 0);
	for (i = BELL_TOP(word); i;
	     i = load_relaxed(&bell->sleeper[i - 1].next)) {
		check(i <= n);
		check(!(seen >> i & 1));
		seen |= 1u << i;
	}
	check(seen == ((1u << n) - 1) << 1);
}

#endif
