/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.c - the memory of those who heal.
 */
#include "heal/heal.h"
#include <errno.h>

struct heal *heal_new(struct pool *pool)
{
	struct heal *heal = host_alloc(sizeof(*heal));

	if (!heal)
		return NULL;
	heal->pool = pool;
	if (heal_again(heal)) {
		heal_free(heal);
		return NULL;
	}
	return heal;
}

static void free_stewards(struct heal *heal)
{
	struct steward *steward = load_acquire(&heal->newest), *before;

	for (; steward; steward = before) {
		before = steward->before;
		steward_free(steward);
	}
	if (heal->next)
		steward_free(heal->next);
	heal->next = NULL;
	store_relaxed(&heal->newest, NULL);
	store_relaxed(&heal->steward, NULL);
}

int heal_again(struct heal *heal)
{
	struct steward *first;

	free_stewards(heal);
	first = steward_new(heal, 0);
	if (!first)
		return -ENOMEM;
	store_relaxed(&heal->term, 0);
	store_relaxed(&heal->steward_stop, 0);
	store_relaxed(&heal->clerk.stop, CLERK_WORKS);
	store_relaxed(&heal->clerk.rests, 0);
	store_relaxed(&heal->steward, first);
	store_release(&heal->newest, first);
	return 0;
}

void heal_free(void *memory)
{
	struct heal *heal = memory;

	if (!heal)
		return;
	free_stewards(heal);
	host_free(heal, sizeof(*heal));
}
