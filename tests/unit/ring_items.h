/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_items.h - what the tests of both rings put, and how they see that it comes out:
 * each item once, in order.
 */
#ifndef WARD_TESTS_UNIT_RING_ITEMS_H
#define WARD_TESTS_UNIT_RING_ITEMS_H

#include "base/atomic.h"
#include <criterion/criterion.h>

#define SIZE 8u /* of the ring: it holds one less */

static inline void *item(uintptr_t i)
{
	return (void *)(i + 1);
}

static inline void items_from(uintptr_t first, void **items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		items[i] = item(first + i);
}

/* They must be those from 'first' on: n. */
static inline uint32_t are_from(uintptr_t first, void *const *items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(items[i], item(first + i));
	return n;
}

/* Where a ring's indices stand: also where the 32-bit ones wrap. */
static const uint32_t start_of[] = { 0, 5, UINT32_MAX - 6, UINT32_MAX };
#define EACH_START(start)                                                      \
	for (const uint32_t *start = start_of; start < start_of + 4; start++)

/* ---- among threads ------------------------------------------------------- */

enum { ITEMS = 200000 };

static _Atomic uint8_t had[ITEMS + 1];
static _Atomic uint32_t all;

/* True: once each, and rising. */
static inline bool had_it(void *it, uintptr_t *last)
{
	uintptr_t i = (uintptr_t)it;
	bool right = i > *last && i <= ITEMS && !add_relaxed(&had[i], 1);

	*last = i;
	add_relaxed(&all, 1);
	return right;
}

static inline void had_all_once(void)
{
	for (uint32_t i = 1; i <= ITEMS; i++)
		cr_assert_eq(load_relaxed(&had[i]), 1, "entry %u", i);
}

#endif
