/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seat count's two words: what fits into them, and each step of them.
 */
#include "pool/seat_count.h"
#include <criterion/criterion.h>

static struct seat_count count;

static void wants(uint32_t wanted, uint32_t taken)
{
	store_relaxed(&count.word, wanted + taken * SEATS_TAKEN_ONE);
}

Test(count, a_size_comes_out_as_it_went_in)
{
	const struct size in[] = {
		{ .least = 1, .most = 1, .base = 1 },
		{ .least = 1, .most = 4096, .base = 77, .lent = 3000 },
		{ .least = 4096, .most = 4096, .base = 4096, .open = true },
		{ .least = SEATS_MAX,
		  .most = SEATS_MAX,
		  .base = SEATS_MAX,
		  .lent = SEATS_MAX,
		  .open = true },
	};

	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		struct size out = size_of(size_pack(&in[i]));

		cr_assert_eq(out.least, in[i].least);
		cr_assert_eq(out.most, in[i].most);
		cr_assert_eq(out.base, in[i].base);
		cr_assert_eq(out.lent, in[i].lent);
		cr_assert_eq(out.open, in[i].open);
	}
}

Test(count, begins_with_all_that_are_wanted_vacant)
{
	struct size size = { .least = 2, .most = 9, .base = 5 };

	seats_init(&count, &size);
	cr_assert_eq(seats_vacant(&count), 5);
	cr_assert_not(seats_over(&count));
}

Test(count, as_many_sit_down_as_are_wanted)
{
	wants(3, 0);
	for (int i = 0; i < 3; i++)
		cr_assert(seats_claim(&count, 8));
	cr_assert_not(seats_claim(&count, 8));
	cr_assert_eq(seats_vacant(&count), 0);
	cr_assert_not(seats_dismiss(&count));
	seats_left(&count, false);
	cr_assert_eq(seats_vacant(&count), 1);
}

Test(count, as_many_are_let_go_as_are_too_many)
{
	wants(1, 3);
	cr_assert(seats_over(&count));
	cr_assert(seats_dismiss(&count));
	cr_assert(seats_dismiss(&count));
	cr_assert_not(seats_dismiss(&count));
	cr_assert_not(seats_over(&count), "before they have left");
	cr_assert_eq(SEATS_TAKEN(load_relaxed(&count.word)), 3);
	seats_left(&count, true);
	seats_left(&count, true);
	cr_assert_eq(load_relaxed(&count.word), 1 + SEATS_TAKEN_ONE);
}

/* A thread that is just getting up has not left a seat yet. */
Test(count, nobody_sits_down_where_every_seat_is_still_taken)
{
	wants(1, 4);
	cr_assert(seats_dismiss(&count));
	seats_want(&count, 4);
	cr_assert_eq(seats_vacant(&count), 1);
	cr_assert_not(seats_claim(&count, 4));
	seats_left(&count, true);
	cr_assert(seats_claim(&count, 4));
	cr_assert_eq(load_relaxed(&count.word), 4 + 4 * SEATS_TAKEN_ONE);
}

Test(count, what_is_wanted_changes_alone)
{
	wants(2, 7);
	cr_assert(seats_dismiss(&count));
	seats_want(&count, SEATS_MAX);
	cr_assert_eq(SEATS_WANTED(load_relaxed(&count.word)), SEATS_MAX);
	cr_assert_eq(SEATS_TAKEN(load_relaxed(&count.word)), 7);
	cr_assert_eq(SEATS_LEAVING(load_relaxed(&count.word)), 1);
	seats_want(&count, 1);
	cr_assert_eq(SEATS_WANTED(load_relaxed(&count.word)), 1);
	cr_assert_eq(SEATS_TAKEN(load_relaxed(&count.word)), 7);
}
