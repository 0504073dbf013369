/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - what a trace calls the words of a pool.
 */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include "sim.h"
#include "pool/pool.h"

#define NAME(field) sim_name((void *)(uintptr_t)&(field), #field)

static inline void name_slot(struct slot *slot, unsigned i)
{
	sim_name(slot, "slot[%u].pulse", i);
	sim_name((void *)(uintptr_t)&slot->word, "slot[%u].word", i);
	sim_name((void *)(uintptr_t)&slot->task, "slot[%u].task", i);
	sim_name((void *)(uintptr_t)&slot->fence, "slot[%u].fence", i);
	sim_name((void *)(uintptr_t)&slot->thread.life, "slot[%u].life", i);
	sim_name((void *)(uintptr_t)&slot->seat.number, "slot[%u].seat", i);
	sim_name((void *)(uintptr_t)&slot->seat.call, "slot[%u].call", i);
	sim_name(&slot->local, "slot[%u].local", i);
	sim_name(&slot->thread.liveness, "slot[%u].liveness", i);
}

static inline void name_pool(struct pool *p)
{
	NAME(p->inbox.bell.word);
	NAME(p->inbox.bell.closed);
	NAME(p->inbox.used);
	NAME(p->inbox.closed);
	NAME(p->inbox.settled);
	NAME(p->inbox.later.expired_to);
	NAME(p->inbox.requeued_in);
	NAME(p->inbox.requeued_out);
	NAME(p->seat[0]);
	NAME(p->seat_count.word);
	NAME(p->seat_count.size);
	NAME(p->inbox.controls);
	NAME(p->relief);
	NAME(p->spares.top);
	NAME(p->spares_ready);
	NAME(p->starting);
	NAME(p->lives_changed);
	NAME(p->zombies_out);
	NAME(p->started);
	NAME(p->stopping);
	NAME(p->refs);
	NAME(p->alive);
	NAME(p->steward_word);
	NAME(p->steward_asleep);
	NAME(p->clerk_word);
	NAME(p->tell.word);
	NAME(p->tell.free);
	NAME(p->tell.ready);
	NAME(p->unreleased);
	NAME(p->released);
	for (unsigned i = 0; i < p->slots; i++) {
		name_slot(&p->slot[i], i);
		sim_name(&p->inbox.bell.sleeper[i], "sleeper[%u]", i);
	}
	for (unsigned i = 0; i < p->inbox.rings; i++)
		sim_name(&p->inbox.ring[i], "ring[%u]", i);
}

#endif
