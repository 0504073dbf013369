/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tournament against a sorted list that is plainly right.
 */
#include "sync/due.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 1500 }; /* more than the first tree has leaves */

static struct due due;
static char item[ITEMS];

/* ---- the model: what is in it, in order ------------------------------------ */

static struct entry {
	uint64_t at, seq;
	int i;
} model[ITEMS];
static unsigned held;
static uint32_t leaf[ITEMS]; /* 0: not in it */

static bool before(const struct entry *a, const struct entry *b)
{
	return a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

static void model_put(struct entry e)
{
	unsigned n = held++;

	for (; n && before(&e, &model[n - 1]); n--)
		model[n] = model[n - 1];
	model[n] = e;
}

static struct entry model_take(unsigned n)
{
	struct entry e = model[n];

	memmove(model + n, model + n + 1, (--held - n) * sizeof(*model));
	return e;
}

/* ---- both -------------------------------------------------------------------- */

static uint64_t seq;

static void setup(void)
{
	memset(&due, 0, sizeof(due));
	memset(leaf, 0, sizeof(leaf));
	held = 0;
	seq = 0;
	cr_assert_eq(due_init(&due), 0);
}

static void teardown(void)
{
	due_fini(&due);
}

TestSuite(due, .init = setup, .fini = teardown);

static void put(int i, uint64_t at)
{
	due_grow(&due);
	leaf[i] = due_open(&due, &item[i], (uint32_t)i % 2 + 1);
	cr_assert(leaf[i]);
	due_show(&due, leaf[i], at, seq);
	model_put((struct entry){ at, seq++, i });
	cr_assert_eq(due_first(&due), model[0].at);
}

static void take(void)
{
	struct entry first = model_take(0);
	uint32_t kinds = 0;

	if (first.at)
		cr_assert_null(due_take(&due, first.at - 1, &kinds, NULL));
	cr_assert_eq(due_take(&due, first.at, &kinds, NULL), &item[first.i]);
	cr_assert_eq(kinds, (uint32_t)first.i % 2 + 1);
	leaf[first.i] = 0;
	cr_assert_eq(due_first(&due), held ? model[0].at : DUE_NEVER);
}

static void hurry(unsigned n)
{
	struct entry e = model_take(n);

	cr_assert(due_expedite(&due, leaf[e.i], &item[e.i]));
	e.at = 0;
	model_put(e);
	cr_assert_eq(due_first(&due), 0);
}

Test(due, empty)
{
	uint32_t kinds;

	cr_assert_eq(due_first(&due), DUE_NEVER);
	cr_assert_null(due_take(&due, DUE_NEVER, &kinds, NULL));
	cr_assert_not(due_expedite(&due, 0, item));
	cr_assert_not(due_expedite(&due, 1, item));
	cr_assert_not(due_expedite(&due, UINT32_MAX, item));
	due_expedite_kinds(&due, 0xffff);
	due_help(&due);
}

Test(due, up_and_down)
{
	for (int i = 0; i < ITEMS; i++)
		put(i, (uint64_t)i);
	while (held)
		take();
	for (int i = 0; i < ITEMS; i++)
		put(i, (uint64_t)(ITEMS - i));
	while (held)
		take();
}

Test(due, of_one_time_in_the_order_in_which_they_came)
{
	for (int i = 0; i < ITEMS; i++)
		put(i, 7);
	while (held)
		take();
}

Test(due, the_end_of_time)
{
	put(0, DUE_NEVER - 1);
	put(1, 0);
	take();
	take();
}

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

Test(due, at_random)
{
	for (int step = 0; step < 60000; step++) {
		int i = (int)draw(ITEMS);

		if (step / 10000 % 2 ? draw(3) : !draw(3)) {
			if (held)
				take();
		} else if (!leaf[i]) {
			put(i, draw(1000));
		} else if (!draw(8)) {
			hurry((unsigned)draw(held));
		}
	}
	while (held)
		take();
}

Test(due, only_who_is_there_is_hurried)
{
	put(0, 10);
	put(1, 20);
	cr_assert_not(due_expedite(&due, leaf[0], &item[1]));
	cr_assert_not(due_expedite(&due, leaf[1] + 1, &item[1]));
	cr_assert_eq(due_first(&due), 10);
	hurry(1);
	hurry(0);
	cr_assert_eq(model[0].i, 1, "none that is there already");
	take();
	take();
}

/* Before it is shown it may be expedited, too. */
Test(due, hurried_on_its_way)
{
	uint32_t i = due_open(&due, item, 1), kinds;

	cr_assert(due_expedite(&due, i, item));
	cr_assert_eq(due_first(&due), DUE_NEVER);
	due_show(&due, i, 1000, 0);
	cr_assert_eq(due_take(&due, 0, &kinds, NULL), item);
}

Test(due, all_of_a_kind)
{
	uint32_t kinds;

	for (int i = 0; i < 100; i++)
		put(i, 1000);
	due_expedite_kinds(&due, 2);
	for (int i = 1; i < 100; i += 2)
		cr_assert_eq(due_take(&due, 0, &kinds, NULL), &item[i]);
	cr_assert_null(due_take(&due, 999, &kinds, NULL));
}

/* A caller that does not ask for more finds an end. */
Test(due, full)
{
	uint32_t n = 0, kinds;

	while (due_open(&due, item, 1))
		n++;
	cr_assert_gt(n, 100u);
	cr_assert_eq(due_first(&due), DUE_NEVER, "none of them is shown");
	cr_assert_null(due_take(&due, DUE_NEVER, &kinds, NULL));
	due_grow(&due);
	cr_assert(due_open(&due, item, 1));
}

/* Leaves are used again, so that memory does not grow with what has gone. */
Test(due, used_again)
{
	uint32_t most = 0;

	for (int round = 0; round < 10000; round++) {
		put(round % 3, (uint64_t)round);
		if (leaf[round % 3] > most)
			most = leaf[round % 3];
		hurry(held - 1);
		take();
	}
	cr_assert_leq(most, 2u);
}
