/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap against a sorted list that is plainly right.
 */
#include "sync/heap.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 512 };

static struct heap_node node[NODES];
static struct heap heap;

/* ---- the model: the times that are in it, in order ------------------- */

static uint64_t model[NODES];
static unsigned held;

static void model_put(uint64_t at)
{
	unsigned i = held++;

	for (; i && model[i - 1] > at; i--)
		model[i] = model[i - 1];
	model[i] = at;
}

static uint64_t model_take(void)
{
	uint64_t at = model[0];

	memmove(model, model + 1, --held * sizeof(*model));
	return at;
}

/* ---- both ------------------------------------------------------------ */

static struct heap_node *idle[NODES];
static unsigned idles;

static void setup(void)
{
	memset(&heap, 0, sizeof(heap));
	held = 0;
	for (idles = 0; idles < NODES; idles++) {
		/* What it was before must not matter. */
		memset(&node[idles], 0xa5, sizeof(node[idles]));
		idle[idles] = &node[idles];
	}
}

TestSuite(heap, .init = setup);

static void put(uint64_t at)
{
	struct heap_node *n = idle[--idles];

	n->at = at;
	heap_put(&heap, n);
	model_put(at);
	cr_assert_eq(heap.top->at, model[0]);
}

static void take(void)
{
	uint64_t first = model_take();
	struct heap_node *n = heap_take(&heap);

	cr_assert_not_null(n);
	cr_assert_eq(n->at, first);
	idle[idles++] = n;
	if (held)
		cr_assert_eq(heap.top->at, model[0]);
	else
		cr_assert_null(heap.top);
}

/* Each node is in the heap or idle, once. */
static void each_node_is_somewhere(void)
{
	bool seen[NODES] = { false };

	while (held)
		take();
	cr_assert_null(heap_take(&heap));
	cr_assert_eq(idles, NODES);
	for (unsigned i = 0; i < NODES; i++) {
		cr_assert_not(seen[idle[i] - node]);
		seen[idle[i] - node] = true;
	}
}

Test(heap, all_zero_is_empty)
{
	cr_assert_null(heap_take(&heap));
	cr_assert_null(heap_take(&heap));
	put(7);
	take();
	cr_assert_null(heap_take(&heap));
}

Test(heap, ascending)
{
	for (uint64_t i = 0; i < NODES; i++)
		put(i);
	each_node_is_somewhere();
}

Test(heap, descending)
{
	for (uint64_t i = NODES; i; i--)
		put(i);
	each_node_is_somewhere();
}

Test(heap, the_same_time_many_times)
{
	for (int i = 0; i < NODES; i++)
		put(i % 2 ? UINT64_MAX : 3);
	each_node_is_somewhere();
}

Test(heap, the_ends_of_time)
{
	static const uint64_t at[] = { UINT64_MAX, 0, 1, UINT64_MAX - 1,
				       UINT64_MAX / 2, UINT64_MAX, 0 };

	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		put(at[i]);
	each_node_is_somewhere();
}

static uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* It fills and empties again and again, with times far apart and close by. */
Test(heap, puts_and_takes_at_random)
{
	for (int round = 0; round < 200; round++) {
		uint64_t range = draw(2) ? 8 : UINT64_MAX;
		uint64_t full = 1 + draw(NODES);

		for (int step = 0; step < 500; step++) {
			bool grow = draw(full) >= held;

			if (grow && idles)
				put(draw(range));
			else if (held)
				take();
		}
	}
	each_node_is_somewhere();
}

/* None of its loops may go as deep as it holds: 10^6 in a line, both ways. */
Test(heap, a_million)
{
	enum { MANY = 1000000 };
	struct heap_node *many = malloc(MANY * sizeof(*many));
	uint64_t last = 0;

	cr_assert_not_null(many);
	for (uint64_t i = 0; i < MANY; i++) {
		many[i].at = i % 2 ? i : MANY - i;
		heap_put(&heap, &many[i]);
	}
	for (int i = 0; i < MANY; i++) {
		struct heap_node *n = heap_take(&heap);

		cr_assert_not_null(n);
		if (n->at < last)
			cr_assert_fail("out of order");
		last = n->at;
	}
	cr_assert_null(heap_take(&heap));
	free(many);
}
