/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/owned_ring.h"
#include "ring_items.h"
#include <pthread.h>

static struct owned_ring ring;
static void *_Atomic cell[SIZE];

static bool is_biased(void)
{
	return load_relaxed(&ring.head) & OWNED_BIASED;
}

/* Its indices stand at 'start', as after so many entries. */
static void fresh(uint32_t start, bool biased)
{
	owned_init(&ring, cell, SIZE);
	store_relaxed(&ring.head, start);
	store_relaxed(&ring.tail, start);
	ring.seen = start;
	if (biased)
		owned_bias(&ring);
	cr_assert_eq(is_biased(), biased);
}

static uint32_t put(uintptr_t first, uint32_t n)
{
	void *items[2 * SIZE];

	items_from(first, items, n);
	cr_assert(owned_claim(&ring));
	n = owned_put(&ring, items, n);
	owned_drop(&ring);
	return n;
}

/* Takes n at most; they must be those from 'first' on. */
static uint32_t take(uintptr_t first, uint32_t n)
{
	uint32_t got = 0;
	void *out;

	while (got < n && (out = owned_take(&ring)))
		cr_assert_eq(out, item(first + got++));
	return got;
}

static uint32_t steal(uintptr_t first, uint32_t n, bool half)
{
	void *out[2 * SIZE];

	return are_from(first, out, owned_steal(&ring, out, n, half, false));
}

/* Every row biased and shared. */
#define EACH(start, biased)                                                    \
	EACH_START(start)                                                      \
	for (int biased = 0; biased < 2; biased++)

Test(owned_ring, empty_gives_nothing)
{
	EACH(start, biased)
	{
		fresh(*start, biased);
		cr_assert_eq(owned_count(&ring), 0);
		cr_assert_eq(take(0, 1), 0);
		cr_assert_eq(steal(0, SIZE, true), 0);
	}
}

Test(owned_ring, gives_what_was_put_in_order)
{
	EACH(start, biased)
	{
		fresh(*start, biased);
		for (uintptr_t i = 0; i < 100; i++) {
			cr_assert_eq(put(3 * i, 3), 3);
			cr_assert_eq(owned_count(&ring), 3);
			cr_assert_eq(take(3 * i, SIZE), 3);
			cr_assert_eq(owned_count(&ring), 0);
			cr_assert_eq(is_biased(), biased);
		}
	}
}

Test(owned_ring, holds_one_less_than_its_size)
{
	EACH(start, biased)
	{
		fresh(*start, biased);
		cr_assert_eq(put(0, 2 * SIZE), SIZE - 1);
		cr_assert_eq(put(7, 1), 0);
		cr_assert_eq(take(0, 2), 2);
		cr_assert_eq(put(7, 3), 2, "as many as there is room for");
		cr_assert_eq(take(2, 2 * SIZE), SIZE - 1);
	}
}

Test(owned_ring, half_of_it_leaves_the_other_half)
{
	EACH(start, biased)
	{
		fresh(*start, biased);
		put(0, 7);
		cr_assert_eq(steal(0, SIZE, true), 4);
		cr_assert_eq(take(4, 1), 1);
		cr_assert_eq(steal(5, SIZE, true), 1);
		cr_assert_eq(steal(6, SIZE, false), 1);
		cr_assert_eq(steal(7, SIZE, true), 0);
		put(7, 7);
		cr_assert_eq(steal(7, 2, true), 2, "and no more than is asked");
		cr_assert_eq(owned_count(&ring), 5);
	}
}

/* ---- bias -------------------------------------------------------------- */

Test(owned_ring, a_thief_ends_the_bias_and_calm_brings_it_back)
{
	uint32_t calm = 0;

	fresh(0, true);
	for (uintptr_t times = 0; times < 6; times++) {
		put(2 * times, 2);
		cr_assert_eq(steal(2 * times, 1, false), 1);
		cr_assert_not(is_biased());
		cr_assert_eq(take(2 * times + 1, 1), 1);
		owned_bias(&ring); /* the thief was here */
		cr_assert_not(is_biased());
		for (calm = 0; !is_biased(); calm++)
			owned_bias(&ring);
		cr_assert_eq(calm, (1u << times) + 1, "twice as long each time");
	}
}

Test(owned_ring, it_stays_shared_while_thieves_come)
{
	fresh(0, true);
	put(0, 1);
	steal(0, 1, false);
	for (uintptr_t i = 1; i < 2 * OWNED_CALM; i++) {
		put(i, 1);
		cr_assert_eq(steal(i, 1, false), 1);
		owned_bias(&ring);
		cr_assert_not(is_biased());
	}
	cr_assert_eq(take(0, 1), 0);
}

Test(owned_ring, the_wait_for_calm_has_an_end)
{
	fresh(0, true);
	for (uintptr_t times = 0; times < 20; times++) {
		put(times, 1);
		steal(times, 1, false);
		take(0, 1);
		for (uint32_t i = 0; i < OWNED_CALM + 2 && !is_biased(); i++)
			owned_bias(&ring);
		cr_assert(is_biased());
	}
}

/* The thief looks when the owner has told of its take, or just before. */
Test(owned_ring, one_of_both_has_the_entry_on_which_they_meet)
{
	EACH(start, seen)
	{
		void *mine = item(0);

		fresh(*start, true);
		put(0, 3);
		if (seen)
			store_relaxed(&ring.taken, *start + 1);
		cr_assert_eq(steal(seen, 1, false), 1);
		store_relaxed(&ring.taken, *start + 1);
		cr_assert_eq(owned_take_revoked(&ring, *start, mine),
			     seen ? mine : item(1));
		cr_assert_eq(take(2, SIZE), 1);
	}
}

/* A handler of a signal that came between the owner's two steps. */
Test(owned_ring, a_put_in_the_middle_of_a_take_writes_over_nothing)
{
	fresh(0, true);
	cr_assert_eq(put(0, SIZE), SIZE - 1);
	store_relaxed(&ring.taken, 1);
	cr_assert_eq(put(SIZE - 1, 2), 1);
	store_relaxed(&ring.taken, 0); /* as the thief saw it */
	cr_assert_eq(steal(0, 2 * SIZE, false), SIZE);
	store_relaxed(&ring.taken, 1);
	cr_assert_null(owned_take_revoked(&ring, 0, item(0)));
}

Test(owned_ring, who_is_patient_leaves_it_to_an_owner_that_comes)
{
	void *out[SIZE];

	fresh(0, true);
	store_relaxed(&ring.brief, 1);
	cr_assert_eq(owned_steal(&ring, out, SIZE, false, true), 0);
	cr_assert(is_biased(), "there was nothing");
	put(0, 2);
	cr_assert_eq(owned_steal(&ring, out, SIZE, false, true), 2,
		     "and the owner did not come");
}

/* ---- threads ----------------------------------------------------------- */

enum { THIEVES = 3 };

static void *thief(void *wrong)
{
	uintptr_t last = 0;
	void *out[4];

	for (uint32_t turn = 0; load_relaxed(&all) < ITEMS; turn++) {
		uint32_t n = owned_steal(&ring, out, 1 + turn % 4, turn & 1, turn & 2);

		for (uint32_t i = 0; i < n; i++)
			if (!had_it(out[i], &last))
				return wrong;
		for (uint32_t i = 0; i < turn % 512; i++)
			host_relax(); /* now and then it is calm */
	}
	return NULL;
}

static bool owner(void)
{
	uintptr_t last = 0, next = 0;

	while (load_relaxed(&all) < ITEMS) {
		uint32_t n = ITEMS - next < 5 ? (uint32_t)(ITEMS - next) : 5;
		void *it;

		if (n && owned_count(&ring) < 2)
			next += put(next, n);
		it = owned_take(&ring);
		if (it && !had_it(it, &last))
			return false;
		owned_bias(&ring);
	}
	return true;
}

Test(owned_ring, loses_and_doubles_nothing_among_threads)
{
	pthread_t thread[THIEVES];
	void *wrong;

	fresh(UINT32_MAX - ITEMS / 2, true);
	for (int i = 0; i < THIEVES; i++)
		pthread_create(&thread[i], NULL, thief, &ring);
	cr_assert(owner());
	for (int i = 0; i < THIEVES; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
	cr_assert_eq(owned_count(&ring), 0);
	had_all_once();
	cr_assert(ring.biases > 1);
}
