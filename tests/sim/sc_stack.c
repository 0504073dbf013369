/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_stack.c - the stack of spares and of records: each index is held by one.
 */
#include "base/host.h"
#include "sim.h"
#include "sync/stack.h"

#define INDICES 4

static struct stack stack;
static _Atomic uint32_t next[INDICES];
static uint32_t data[INDICES]; /* plain: belongs to the holder of the index */
static _Atomic uint32_t holder[INDICES];

static void set_up(uint32_t on_it)
{
	for (uint32_t i = 0; i < INDICES; i++) {
		atomic_init(&next[i], 0);
		atomic_init(&holder[i], 0);
		data[i] = 0;
	}
	stack_init(&stack, next);
	sim_name((void *)(uintptr_t)&stack.top, "stack.top");
	sim_name((void *)(uintptr_t)next, "next");
	for (uint32_t i = 0; i < on_it; i++)
		stack_push(&stack, i);
}

static void hold(uint32_t i)
{
	check(i < INDICES);
	check(swap_acq_rel(&holder[i], 1) == 0);
	data[i]++;
}

static void give(uint32_t i)
{
	data[i]++;
	store_relaxed(&holder[i], 0);
	stack_push(&stack, i);
}

static void popper(void *arg)
{
	(void)arg;
	for (int k = 0; k < 3; k++) {
		uint32_t i = stack_pop(&stack), j;

		if (i == STACK_NONE)
			continue;
		hold(i);
		j = sim_choose(2) ? stack_pop(&stack) : STACK_NONE;
		if (j != STACK_NONE) {
			hold(j);
			give(j);
		}
		give(i);
	}
}

static void taker(void *arg)
{
	uint32_t i = stack_take(&stack), below;

	(void)arg;
	for (; i != STACK_NONE; i = below) {
		below = stack_after(&stack, i);
		hold(i);
		give(i);
	}
}

static void go(void (*a)(void *), void (*b)(void *), void (*c)(void *))
{
	host_thread t[3];
	uint32_t n = 0;

	set_up(3);
	check(!host_spawn(&t[0], NULL, a, NULL, NULL));
	check(!host_spawn(&t[1], NULL, b, NULL, NULL));
	check(!host_spawn(&t[2], NULL, c, NULL, NULL));
	for (int i = 0; i < 3; i++)
		host_join(t[i], HOST_FOREVER);
	if (sim_stopped() >= 0)
		return;
	for (uint32_t i; (i = stack_pop(&stack)) != STACK_NONE; n++)
		hold(i);
	check(n == 3);
}

static void stack_pops(void)
{
	go(popper, popper, popper);
}
SCENARIO(stack_pops, "an index is held by two, or lost (ABA)", .stop = 0xe);

static void stack_takes(void)
{
	go(popper, taker, taker);
}
SCENARIO(stack_takes, "taking all loses or doubles one", .stop = 0xe);
