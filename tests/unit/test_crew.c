/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The crew's two words: what fits into them, and each step of them.
 */
#include "work/crew.h"
#include <criterion/criterion.h>

static struct crew crew;

static void wants(uint32_t wanted, uint32_t taken)
{
	store_relaxed(&crew.word, wanted + taken * CREW_TAKEN_ONE);
}

Test(crew, a_size_comes_out_as_it_went_in)
{
	const struct size in[] = {
		{ .least = 1, .most = 1, .base = 1 },
		{ .least = 1, .most = 4096, .base = 77, .lent = 3000 },
		{ .least = 4096, .most = 4096, .base = 4096, .open = true },
		{ .least = CREW_MAX,
		  .most = CREW_MAX,
		  .base = CREW_MAX,
		  .lent = CREW_MAX,
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

Test(crew, begins_with_all_that_are_wanted_vacant)
{
	struct size size = { .least = 2, .most = 9, .base = 5 };

	crew_init(&crew, &size);
	cr_assert_eq(crew_vacant(&crew), 5);
	cr_assert_not(crew_over(&crew));
}

Test(crew, as_many_sit_down_as_are_wanted)
{
	wants(3, 0);
	for (int i = 0; i < 3; i++)
		cr_assert(crew_claim(&crew, 8));
	cr_assert_not(crew_claim(&crew, 8));
	cr_assert_eq(crew_vacant(&crew), 0);
	cr_assert_not(crew_let_go(&crew));
	crew_left(&crew, false);
	cr_assert_eq(crew_vacant(&crew), 1);
}

Test(crew, as_many_are_let_go_as_are_too_many)
{
	wants(1, 3);
	cr_assert(crew_over(&crew));
	cr_assert(crew_let_go(&crew));
	cr_assert(crew_let_go(&crew));
	cr_assert_not(crew_let_go(&crew));
	cr_assert_not(crew_over(&crew), "before they have left");
	cr_assert_eq(CREW_TAKEN(load_relaxed(&crew.word)), 3);
	crew_left(&crew, true);
	crew_left(&crew, true);
	cr_assert_eq(load_relaxed(&crew.word), 1 + CREW_TAKEN_ONE);
}

/* Who is just getting up has not left a seat yet. */
Test(crew, nobody_sits_down_where_every_seat_is_still_taken)
{
	wants(1, 4);
	cr_assert(crew_let_go(&crew));
	crew_want(&crew, 4);
	cr_assert_eq(crew_vacant(&crew), 1);
	cr_assert_not(crew_claim(&crew, 4));
	crew_left(&crew, true);
	cr_assert(crew_claim(&crew, 4));
	cr_assert_eq(load_relaxed(&crew.word), 4 + 4 * CREW_TAKEN_ONE);
}

Test(crew, what_is_wanted_changes_alone)
{
	wants(2, 7);
	cr_assert(crew_let_go(&crew));
	crew_want(&crew, CREW_MAX);
	cr_assert_eq(CREW_WANTED(load_relaxed(&crew.word)), CREW_MAX);
	cr_assert_eq(CREW_TAKEN(load_relaxed(&crew.word)), 7);
	cr_assert_eq(CREW_LEAVING(load_relaxed(&crew.word)), 1);
	crew_want(&crew, 1);
	cr_assert_eq(CREW_WANTED(load_relaxed(&crew.word)), 1);
	cr_assert_eq(CREW_TAKEN(load_relaxed(&crew.word)), 7);
}
