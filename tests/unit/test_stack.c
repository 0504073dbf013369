/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/stack.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <pthread.h>

enum { N = 8 };

static struct stack stack;
static _Atomic uint32_t below[N];

static void fresh(uint64_t tag)
{
	stack_init(&stack, below);
	store_relaxed(&stack.top, tag << 32);
}

/* At the start, and where the tag wraps. */
static const uint64_t tag_of[] = { 0, UINT32_MAX - 3 };
#define EACH_TAG(tag)                                                          \
	for (const uint64_t *tag = tag_of; tag < tag_of + 2; tag++)

Test(stack, empty_gives_nothing)
{
	EACH_TAG(tag)
	{
		fresh(*tag);
		cr_assert_eq(stack_pop(&stack), STACK_NONE);
		cr_assert_eq(stack_take(&stack), STACK_NONE);
	}
}

Test(stack, last_in_first_out)
{
	EACH_TAG(tag)
	{
		fresh(*tag);
		for (uint32_t i = 0; i < N; i++)
			stack_push(&stack, i);
		for (uint32_t i = N; i--;)
			cr_assert_eq(stack_pop(&stack), i);
		cr_assert_eq(stack_pop(&stack), STACK_NONE);
	}
}

Test(stack, entries_come_and_go)
{
	EACH_TAG(tag)
	{
		fresh(*tag);
		stack_push(&stack, 0);
		stack_push(&stack, 5);
		cr_assert_eq(stack_pop(&stack), 5);
		stack_push(&stack, 3);
		stack_push(&stack, 5);
		cr_assert_eq(stack_pop(&stack), 5);
		cr_assert_eq(stack_pop(&stack), 3);
		cr_assert_eq(stack_pop(&stack), 0);
	}
}

Test(stack, all_at_once_are_a_chain)
{
	EACH_TAG(tag)
	{
		uint32_t i;

		fresh(*tag);
		stack_push(&stack, 4);
		stack_push(&stack, 0);
		stack_push(&stack, 7);
		i = stack_take(&stack);
		cr_assert_eq(stack_pop(&stack), STACK_NONE);
		cr_assert_eq(i, 7);
		i = stack_after(&stack, i);
		cr_assert_eq(i, 0);
		i = stack_after(&stack, i);
		cr_assert_eq(i, 4);
		cr_assert_eq(stack_after(&stack, i), STACK_NONE);
	}
}

/* A stack with the same entry on top is not the same stack. */
Test(stack, every_change_moves_the_tag)
{
	uint64_t seen, stale;

	fresh(0);
	stack_push(&stack, 1);
	stack_push(&stack, 2);
	stale = seen = load_relaxed(&stack.top);
	stack_pop(&stack);
	stack_pop(&stack);
	stack_push(&stack, 2);
	cr_assert_eq((uint32_t)load_relaxed(&stack.top), (uint32_t)seen);
	cr_assert_not(cas_acq_rel(&stack.top, &seen, stack_word(stale, 1)),
		      "who slept since then takes nothing");
}

/* ---- threads --------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50000 };

static _Atomic uint32_t holder[N];
static uint32_t payload[N]; /* the holder's: handed on with the entry */

/* Holds up to two entries at once, so that the order of the stack changes. */
static void *user(void *arg)
{
	uint32_t held[2], n = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t i = n < 2 ? stack_pop(&stack) : STACK_NONE;

		if (i != STACK_NONE) {
			if (swap_acq_rel(&holder[i], 1))
				return arg; /* two hold it */
			payload[i]++;
			held[n++] = i;
			continue;
		}
		if (n == 0) {
			host_yield();
			continue;
		}
		i = held[0];
		held[0] = held[--n];
		if (!swap_acq_rel(&holder[i], 0))
			return arg;
		stack_push(&stack, i);
	}
	while (n) {
		store_relaxed(&holder[held[--n]], 0);
		stack_push(&stack, held[n]);
	}
	return NULL;
}

Test(stack, an_entry_has_one_holder_among_threads)
{
	pthread_t thread[THREADS];
	uint32_t found = 0;
	void *wrong;

	fresh(UINT32_MAX - ROUNDS);
	for (uint32_t i = 0; i < N; i++)
		stack_push(&stack, i);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, user, &stack);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
	for (uint32_t i; (i = stack_pop(&stack)) != STACK_NONE;) {
		cr_assert_eq(found & 1u << i, 0);
		found |= 1u << i;
	}
	cr_assert_eq(found, (1u << N) - 1);
}

static _Atomic uint32_t given, got;

static void *giver(void *arg)
{
	for (uint32_t i; load_relaxed(&given) < ROUNDS;) {
		i = stack_pop(&stack);
		if (i == STACK_NONE) {
			host_yield();
			continue;
		}
		payload[i] = i + 100;
		stack_push(arg, i);
		add_relaxed(&given, 1);
	}
	return NULL;
}

/* As records go round: free, filled, ready, told, free. */
Test(stack, two_stacks_over_one_array_pass_entries_round)
{
	struct stack ready;
	pthread_t thread[2];

	fresh(0);
	stack_init(&ready, below);
	for (uint32_t i = 0; i < N; i++)
		stack_push(&stack, i);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, giver, &ready);
	while (load_relaxed(&got) < ROUNDS) {
		uint32_t i = stack_take(&ready), after;

		for (; i != STACK_NONE; i = after) {
			after = stack_after(&ready, i);
			cr_assert_eq(payload[i], i + 100);
			payload[i] = 0;
			stack_push(&stack, i);
			add_relaxed(&got, 1);
		}
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}
