/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_priority.c - a zombie is lowered by the scribe, lifted by the steward, and comes
 * home, all at once; and again, in another turn of its life.
 */
#include "base/host.h"
#include "sim.h"
#include "pool/pool.h"
#include "task/priority.h"
#include <string.h>

enum { TURNS = 2 };
enum { LAST = 1, NEXT = 4 }; /* turns of two threads of one record */

static struct slot *slot;
static _Atomic uint32_t out; /* the turn that it is a zombie in */

static void is_zombie(uint64_t turn)
{
	store_relaxed(&slot->thread.tid, host_tid());
	store_release(&slot->thread.life, turn << 8 | LIFE_ZOMBIE);
	store_release(&out, (uint32_t)turn);
	host_wake(&out, INT32_MAX);
}

/* Its priority is its own from then on, whichever thread is late. */
static void zombie(void *arg)
{
	(void)arg;
	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		bool raised;

		is_zombie(turn);
		host_yield();
		raised = priority_returned(slot, turn);
		check(!raised || !sim_is_lowered(host_tid()));
		store_release(&slot->thread.life, turn << 8 | LIFE_STARTING);
		if (!raised)
			break; /* it is ended */
		host_yield();
		check(!sim_is_lowered(host_tid()));
	}
	store_release(&out, TURNS);
	host_wake(&out, INT32_MAX);
}

static void lowers(void *arg)
{
	(void)arg;
	for (uint32_t turn, last = 0; last < TURNS; last = turn) {
		while ((turn = load_acquire(&out)) == last)
			host_wait(&out, last, HOST_FOREVER);
		priority_lower(slot, turn);
	}
}

static void lifts(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		priority_lift(slot);
		host_yield();
	}
}

static void priority_turns(void)
{
	host_thread t[3];

	slot = host_alloc(sizeof(*slot));
	check(slot);
	host_life_init(&slot->thread.liveness);
	atomic_init(&out, 0);
	sim_name((void *)(uintptr_t)&slot->priority.lowered, "lowered");
	sim_name((void *)(uintptr_t)&slot->thread.life, "life");
	check(!host_spawn(&t[0], NULL, zombie, NULL, NULL));
	check(!host_spawn(&t[1], NULL, lowers, NULL, NULL));
	check(!host_spawn(&t[2], NULL, lifts, NULL, NULL));
	for (int i = 0; i < 3; i++)
		host_join(t[i], HOST_FOREVER);
	host_free(slot, sizeof(*slot));
}
SCENARIO(priority_turns, "a thread is lowered when it is home, or raised twice",
	 .bound = 2);

/* The record's last zombie was lowered, and ended; this one never is. */
static void next_zombie(void *arg)
{
	(void)arg;
	is_zombie(NEXT);
	check(priority_returned(slot, NEXT));
}

static void priority_next_thread(void)
{
	host_thread t[2];

	slot = host_alloc(sizeof(*slot));
	check(slot);
	host_life_init(&slot->thread.liveness);
	atomic_init(&out, 0);
	is_zombie(LAST);
	priority_lower(slot, LAST);
	store_release(&slot->thread.life, (uint64_t)(NEXT - 1) << 8 | LIFE_SEATED);
	check(!host_spawn(&t[0], NULL, next_zombie, NULL, NULL));
	check(!host_spawn(&t[1], NULL, lifts, NULL, NULL));
	for (int i = 0; i < 2; i++)
		host_join(t[i], HOST_FOREVER);
	host_free(slot, sizeof(*slot));
}
SCENARIO(priority_next_thread, "a zombie is ended for the priority of the record's last one",
	 .bound = 2);
