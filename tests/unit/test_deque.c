/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/deque.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <pthread.h>

static void *_Atomic cells[DEQUE_SIZE];
static struct deque deque;

/* Its numbers begin at 'start', as after so many items. */
static void fresh(uint64_t start)
{
	host_init(); /* membarrier */
	memset(&deque, 0, sizeof(deque));
	deque_init(&deque, cells, NULL);
	deque.bottom = deque.top = deque.room = start;
	deque.split = (uint32_t)start;
}

static void *item(uintptr_t i)
{
	return (void *)(i + 1);
}

static void *steal(void)
{
	uint64_t number;
	void *got = deque_look(&deque, &number);

	return got && deque_win(&deque, number) ? got : NULL;
}

static const uint64_t start_of[] = { 0,		DEQUE_SIZE - 1, UINT32_MAX,
				     INT64_MAX, UINT64_MAX - 1, UINT64_MAX };
#define EACH_START(start)                                                      \
	for (const uint64_t *start = start_of; start < start_of + 6; start++)

Test(deque, all_zero_is_empty)
{
	EACH_START(start)
	{
		fresh(*start);
		cr_assert_null(deque_take(&deque));
		cr_assert_null(steal());
		cr_assert_eq(deque_count(&deque), 0);
	}
}

Test(deque, its_owner_takes_the_newest)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 5; i++)
			cr_assert(deque_push(&deque, item(i)));
		cr_assert_eq(deque_count(&deque), 5);
		for (uintptr_t i = 5; i-- > 0;)
			cr_assert_eq(deque_take(&deque), item(i));
		cr_assert_null(deque_take(&deque));
	}
}

Test(deque, dropped_down_to_a_base)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 5; i++)
			cr_assert(deque_push(&deque, item(i)));
		cr_assert_eq(steal(), item(0));
		deque_drop(&deque, *start + 5);
		cr_assert_eq(deque_count(&deque), 4, "nothing is above");
		if (*start + 5 < *start)
			continue; /* a base is no more than 2^64 forks away */
		deque_drop(&deque, *start + 2);
		cr_assert_eq(deque_count(&deque), 1);
		cr_assert_eq(steal(), item(1));
		deque_drop(&deque, *start);
		cr_assert_eq(deque_count(&deque), 0);
		cr_assert_null(deque_take(&deque));
	}
}

Test(deque, thieves_take_the_oldest)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 5; i++)
			cr_assert(deque_push(&deque, item(i)));
		for (uintptr_t i = 0; i < 4; i++)
			cr_assert_eq(steal(), item(i));
		cr_assert_eq(deque_take(&deque), item(4));
		cr_assert_null(steal());
		cr_assert_null(deque_take(&deque));
	}
}

/* The owner's half and the thieves'. */
static uint64_t shared(void)
{
	return DEQUE_LIMIT(deque.split) - (uint32_t)deque.top;
}

Test(deque, its_owner_shares_half_of_it_or_all)
{
	EACH_START(start)
	{
		fresh(*start);
		deque_share(&deque, true);
		cr_assert_eq(shared(), 0);
		for (uintptr_t i = 0; i < 9; i++)
			cr_assert(deque_push(&deque, item(i)));
		cr_assert_eq(shared(), 0);
		deque_share(&deque, false);
		cr_assert_eq(shared(), 5);
		deque_share(&deque, false);
		cr_assert_eq(shared(), 7);
		deque_share(&deque, true);
		cr_assert_eq(shared(), 9);
		cr_assert_eq(deque_take(&deque), item(8));
		cr_assert_eq(shared(), 8,
			     "what is taken back is shared no more");
		cr_assert(deque_push(&deque, item(9)));
		cr_assert_eq(shared(), 8, "nor what is pushed then");
	}
}

Test(deque, a_thief_asks_for_half_of_what_is_its_owners_alone)
{
	uint64_t number;

	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 9; i++)
			cr_assert(deque_push(&deque, item(i)));
		cr_assert_eq(deque_look(&deque, &number), item(0));
		cr_assert_eq(shared(), 5);
		for (uintptr_t i = 0; i < 9; i++)
			cr_assert_eq(steal(), item(i));
		cr_assert_null(steal());
	}
}

Test(deque, its_owner_grants_what_was_asked_for)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 4; i++)
			cr_assert(deque_push(&deque, item(i)));
		deque.split = deque_split_asked(deque.split,
						DEQUE_LIMIT(deque.split) + 2);
		cr_assert_eq(deque_take(&deque), item(3));
		cr_assert_not(deque.split & DEQUE_ASKED);
		cr_assert_eq(shared(), 2);
		deque.split = deque_split_asked(deque.split,
						DEQUE_LIMIT(deque.split) + 1);
		deque_share(&deque, false);
		cr_assert_not(deque.split & DEQUE_ASKED);
		cr_assert_eq(shared(), 3);
	}
}

Test(deque, a_closed_one_looks_for_room)
{
	fresh(7);
	cr_assert(deque_push(&deque, item(0)));
	cr_assert_eq(deque.room, 7 + DEQUE_SIZE);
	cr_assert_eq(deque_take(&deque), item(0));
	deque_close(&deque);
	cr_assert_eq(deque.room, deque.bottom);
	cr_assert(deque_push(&deque, item(1)));
	cr_assert_neq(deque.room, deque.bottom);
}

Test(deque, one_place_is_stolen_from_once)
{
	uint64_t first, second;

	fresh(0);
	deque_push(&deque, item(0));
	cr_assert_eq(deque_look(&deque, &first), item(0));
	cr_assert_eq(deque_look(&deque, &second), item(0));
	cr_assert(deque_win(&deque, first));
	cr_assert_not(deque_win(&deque, second));
	/* Nor when its owner has had it, and another lies there. */
	deque_push(&deque, item(1));
	deque_look(&deque, &first);
	cr_assert_eq(deque_take(&deque), item(1));
	deque_push(&deque, item(2));
	cr_assert_not(deque_win(&deque, first));
	cr_assert_eq(steal(), item(2));
}

Test(deque, a_full_one_refuses_until_there_is_room)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < DEQUE_SIZE; i++)
			cr_assert(deque_push(&deque, item(i)));
		cr_assert_not(deque_push(&deque, item(0)));
		cr_assert_eq(steal(), item(0));
		cr_assert(deque_push(&deque, item(DEQUE_SIZE)));
		cr_assert_not(deque_push(&deque, item(0)));
		for (uintptr_t i = DEQUE_SIZE + 1; i-- > 1;)
			cr_assert_eq(deque_take(&deque), item(i));
		cr_assert_null(deque_take(&deque));
	}
}

/* ---- its owner and three thieves --------------------------------------------------- */

enum { MANY = 200000, THIEVES = 3 };

static struct thing {
	uint32_t number; /* plain: the deque hands it over */
	uint32_t had;
} thing[MANY];
static _Atomic uint32_t over, sum;

static void have(struct thing *t)
{
	cr_assert_eq(t->number, t - thing + 1);
	t->had++;
	add_relaxed(&sum, 1);
}

static void *thief(void *arg)
{
	struct thing *got;

	(void)arg;
	while (!load_acquire(&over))
		if ((got = steal()))
			have(got);
	return NULL;
}

Test(deque, each_is_had_once, .timeout = 60)
{
	pthread_t thread[THIEVES];
	struct thing *got;

	fresh(0);
	for (int i = 0; i < THIEVES; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, thief, NULL), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		thing[i].number = i + 1;
		if (!deque_push(&deque, &thing[i]))
			have(&thing[i]);
		for (uint32_t k = i % 7; k > 4; k--)
			if ((got = deque_take(&deque)))
				have(got);
	}
	while ((got = deque_take(&deque)))
		have(got);
	while (load_relaxed(&sum) < MANY)
		;
	store_release(&over, 1);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_eq(thing[i].had, 1);
}
