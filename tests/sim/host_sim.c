/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sim.c - lib/base/host.h for the simulator: virtual time, futexes that
 * return for no reason, a membarrier that takes its time, memory that is
 * poisoned when it is given back.
 */
#include "base/host.h"
#include "core.h"
#include <errno.h>
#include <string.h>

#define LINE 64
#define ARENA (256 * 1024)

bool host_asymmetric;
_Atomic uint32_t host_generation;

static char arena[ARENA] __attribute__((aligned(LINE)));
static bool gone[ARENA / LINE];
static size_t arena_used;
static unsigned spurious; /* returns for no reason so far */

void host_sim_reset(void)
{
	memset(arena, 0, arena_used);
	memset(gone, 0, arena_used / LINE);
	arena_used = 0;
	spurious = 0;
	/* With and without membarrier: the seed says which. */
	host_asymmetric = sim_choose(2) == 0;
}

/* ---- time ---------------------------------------------------------------------- */

uint64_t host_now(void)
{
	return now();
}

void host_utc(int64_t *s, uint32_t *ns)
{
	*s = 0;
	*ns = (uint32_t)now();
}

/* ---- futex --------------------------------------------------------------------- */

static bool for_no_reason(void)
{
	bool yes = spurious < 6 && chance(16);

	spurious += yes;
	return yes;
}

int host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	void *p = (void *)(uintptr_t)word;

	step();
	arena_check(p);
	memory_full_fence(current);
	if (memory_kernel_load(p, 4) != seen) {
		trace(SIM_HERE, "%s has moved", name_of(p));
		return 0;
	}
	if (for_no_reason()) {
		trace(SIM_HERE, "%s: back for no reason", name_of(p));
		return 0;
	}
	trace(SIM_HERE, "%s: sleeps", name_of(p));
	if (!block(p, 0, NULL, NULL, until)) {
		trace(SIM_HERE, "%s: timed out", name_of(p));
		return -ETIMEDOUT;
	}
	trace(SIM_HERE, "%s: awake", name_of(p));
	return 0;
}

/* The kernel never looks into the word: it may have been given back by now. */
void host_wake(_Atomic uint32_t *word, int n)
{
	int woken;

	step();
	memory_full_fence(current);
	woken = wake((void *)(uintptr_t)word, n);
	trace(SIM_HERE, "%s: wakes %d", name_of((void *)(uintptr_t)word),
	      woken);
}

/* ---- fences -------------------------------------------------------------------- */

/*
 * membarrier: a fence here, then one on each other thread, one after another
 * and with others running between, then one here.
 */
void host_fence_heavy(void)
{
	step();
	trace(SIM_HERE, "begins");
	memory_full_fence(current);
	if (!host_asymmetric || run.model == SIM_SC)
		return;
	for (int i = 0; i < nthreads; i++) {
		if (i == current)
			continue;
		if (threads[i].state < ENDED)
			step();
		memory_full_fence(i);
	}
	memory_full_fence(current);
	trace(SIM_HERE, "ends");
}

void host_relax(void)
{
	sim_relax(SIM_HERE);
}

void host_yield(void)
{
	sim_relax(SIM_HERE);
}

/* ---- memory -------------------------------------------------------------------- */

void arena_check(const void *p)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)arena;

	if (at < ARENA && gone[at / LINE])
		sim_fail(SIM_FREED, "T%d uses %s, which was given back",
			 current, name_of(p));
}

void *host_alloc(size_t size)
{
	size_t at = arena_used;

	size = (size + LINE - 1) / LINE * LINE;
	if (at + size > ARENA)
		sim_fail(SIM_WRONG, "the simulator's memory is used up");
	arena_used += size;
	return arena + at;
}

void host_free(void *mem, size_t size)
{
	size_t at;

	if (!mem)
		return;
	at = (size_t)((char *)mem - arena);
	size = (size + LINE - 1) / LINE * LINE;
	step();
	if (at % LINE || at + size > arena_used || gone[at / LINE])
		sim_fail(SIM_FREED, "given back twice, or never given");
	for (size_t i = 0; i < size; i += 8)
		race_plain((uintptr_t)mem + i, 8, true);
	memset(mem, 0xdd, size);
	memset(&gone[at / LINE], 1, size / LINE);
}

/* ---- threads ------------------------------------------------------------------- */

int host_spawn(host_thread *out, const struct host_spawn *how,
	       void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	int i;

	(void)how;
	step();
	i = spawn(fn, last, arg);
	if (i < 0)
		return -EAGAIN;
	*out = (host_thread)i;
	return 0;
}

int host_join(host_thread thread, uint64_t until)
{
	step();
	if (!was_ended((int)thread) &&
	    !block(NULL, (int)thread + 1, NULL, NULL, until))
		return -ETIMEDOUT;
	memory_joined((int)thread);
	return 0;
}

void host_detach(host_thread thread)
{
	(void)thread;
}

void host_exit(void)
{
	if (me->last)
		me->last(me->arg);
	step();
	end_thread();
}

void host_sim_vanished(struct thread *thread)
{
	(void)thread;
}

int32_t host_tid(void)
{
	return current + 100;
}

bool host_is_self(host_thread thread)
{
	return (int)thread == current;
}

void *host_self(void)
{
	return me->self;
}

void host_set_self(void *self)
{
	me->self = self;
}

uint32_t host_home(void)
{
	return (uint32_t)current;
}

void host_abort(void)
{
	sim_fail(SIM_WRONG, "the library gave up");
}
