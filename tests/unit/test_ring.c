/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/ring.h"
#include "wait.h"
#include "ring_items.h"
#include <pthread.h>

static struct ring ring;
static ck_ring_buffer_t cell[SIZE];

/* Its indices stand at 'start', as after so many entries. */
static void fresh(uint32_t start)
{
	ring_init(&ring, cell, SIZE);
	ring.ck.c_head = ring.ck.p_tail = ring.ck.p_head = start;
	ring.head_seen = start;
}

static uint32_t put(uintptr_t first, uint32_t n)
{
	void *items[2 * SIZE];

	items_from(first, items, n);
	cr_assert(ring_claim(&ring));
	n = ring_put(&ring, items, n);
	ring_drop(&ring);
	return n;
}

/* Takes n at most; they must be those from 'first' on. */
static uint32_t take(uintptr_t first, uint32_t n, bool half)
{
	void *out[2 * SIZE];

	return are_from(first, out, ring_take(&ring, out, n, half));
}

Test(ring, empty_gives_nothing)
{
	EACH_START(start)
	{
		fresh(*start);
		cr_assert_eq(ring_count(&ring), 0);
		cr_assert_eq(take(0, 1, false), 0);
		cr_assert_eq(take(0, SIZE, true), 0);
	}
}

Test(ring, gives_what_was_put_in_order)
{
	EACH_START(start)
	{
		fresh(*start);
		for (uintptr_t i = 0; i < 100; i++) {
			cr_assert_eq(put(3 * i, 3), 3);
			cr_assert_eq(ring_count(&ring), 3);
			cr_assert_eq(take(3 * i, 1, false), 1);
			cr_assert_eq(take(3 * i + 1, SIZE, false), 2);
			cr_assert_eq(ring_count(&ring), 0);
		}
	}
}

Test(ring, holds_one_less_than_its_size)
{
	EACH_START(start)
	{
		fresh(*start);
		cr_assert_eq(put(0, 2 * SIZE), SIZE - 1);
		cr_assert_eq(ring_count(&ring), SIZE - 1);
		cr_assert_eq(put(7, 1), 0);
		cr_assert_eq(take(0, 2, false), 2);
		cr_assert_eq(put(7, 3), 2, "as many as there is room for");
		cr_assert_eq(take(2, 2 * SIZE, false), SIZE - 1);
	}
}

Test(ring, half_of_it_leaves_the_other_half)
{
	EACH_START(start)
	{
		fresh(*start);
		put(0, 7);
		cr_assert_eq(take(0, SIZE, true), 4);
		cr_assert_eq(take(4, SIZE, true), 2);
		cr_assert_eq(take(6, SIZE, true), 1);
		cr_assert_eq(take(7, SIZE, true), 0);
		put(7, 7);
		cr_assert_eq(take(7, 2, true), 2, "and no more than is asked");
		cr_assert_eq(ring_count(&ring), 5);
	}
}

Test(ring, the_producer_reads_the_other_index_only_when_it_must)
{
	fresh(0);
	put(0, 4);
	take(0, 4, false);
	cr_assert_eq(ring.head_seen, 0);
	put(4, 3);
	cr_assert_eq(ring.head_seen, 0, "there was room by the old one");
	put(7, 1);
	cr_assert_eq(ring.head_seen, 4);
}

Test(ring, the_claim_is_one_threads)
{
	fresh(0);
	cr_assert(ring_claim(&ring));
	cr_assert_not(ring_claim(&ring));
	cr_assert_not(ring_claim(&ring));
	ring_drop(&ring);
	cr_assert(ring_claim(&ring));
	ring_drop(&ring);
}

/* ---- threads --------------------------------------------------------- */

enum { TAKERS = 3, MAKERS = 3 };

static _Atomic uintptr_t next;

/* Single entries and batches in turn; whatever it gets from one maker rises. */
static void *taker(void *arg)
{
	uintptr_t last = 0;
	void *out[4];

	for (uint32_t turn = 0; load_relaxed(&all) < ITEMS; turn++) {
		uint32_t n = ring_take(&ring, out, 1 + turn % 4, turn & 1);

		for (uint32_t i = 0; i < n; i++)
			if (!had_it(out[i], &last))
				return arg;
		if (n == 0)
			host_yield();
	}
	return NULL;
}

/*
 * The claim makes several producers one.  They number the entries under it, so
 * the ring as a whole is in order.
 */
static void *maker(void *arg)
{
	while (load_relaxed(&next) < ITEMS) {
		void *items[4];
		uintptr_t from;
		uint32_t n;

		if (!ring_claim(&ring)) {
			host_yield();
			continue;
		}
		from = load_relaxed(&next);
		for (n = 0; n < 4 && from + n < ITEMS; n++)
			items[n] = item(from + n);
		n = ring_put(&ring, items, n);
		store_relaxed(&next, from + n);
		ring_drop(&ring);
		if (n == 0)
			host_yield();
	}
	return arg;
}

Test(ring, loses_and_doubles_nothing_among_threads)
{
	pthread_t take_thread[TAKERS], make_thread[MAKERS];
	void *wrong;

	fresh(UINT32_MAX - ITEMS / 2);
	for (int i = 0; i < TAKERS; i++)
		pthread_create(&take_thread[i], NULL, taker, &ring);
	for (int i = 0; i < MAKERS; i++)
		pthread_create(&make_thread[i], NULL, maker, NULL);
	for (int i = 0; i < TAKERS; i++) {
		pthread_join(take_thread[i], &wrong);
		cr_assert_null(wrong);
	}
	for (int i = 0; i < MAKERS; i++)
		pthread_join(make_thread[i], NULL);
	cr_assert_eq(ring_count(&ring), 0);
	had_all_once();
}
