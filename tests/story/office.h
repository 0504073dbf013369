/* SPDX-License-Identifier: BSD-2-Clause */
/* office.h - which steward is in office, and a pool that does not sleep. */
#ifndef WARD_TESTS_STORY_OFFICE_H
#define WARD_TESTS_STORY_OFFICE_H

#include "hold.h"

#include "heal/heal.h"

static inline struct steward *in_office(struct ward_pool *pool)
{
	const struct heal *heal = ((struct pool *)pool)->helpers;
	struct steward *steward = load_acquire(&heal->newest);

	while (steward->term > load_acquire(&heal->term))
		steward = steward->before;
	return steward;
}

/* Keeps the pool from sleeping. */
static inline int beats_until_marked(struct item *item)
{
	while (!load_acquire(&item->mark)) {
		ward_beat();
		story_breathe();
	}
	return 0;
}

#endif
