/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.c - the memory of the steward and the clerk.
 */
#include "heal/heal.h"

struct heal *heal_new(struct pool *pool)
{
	struct heal *heal = host_alloc(sizeof(*heal));

	if (!heal)
		return NULL;
	heal->pool = pool;
	heal->steward = steward_new(heal, 0);
	if (!heal->steward) {
		heal_free(heal);
		return NULL;
	}
	return heal;
}

void heal_free(void *memory)
{
	struct heal *heal = memory;
	struct steward *steward, *before;

	if (!heal)
		return;
	for (steward = heal->steward; steward; steward = before) {
		before = steward->before;
		steward_free(steward);
	}
	if (heal->next)
		steward_free(heal->next);
	host_free(heal, sizeof(*heal));
}
