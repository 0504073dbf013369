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
	heal->watch = host_alloc(pool->seats * sizeof(*heal->watch));
	heal->excuse = host_alloc(pool->seats * sizeof(*heal->excuse));
	if (!heal->watch || !heal->excuse) {
		heal_free(heal);
		return NULL;
	}
	return heal;
}

void heal_free(struct heal *heal)
{
	if (!heal)
		return;
	host_free(heal->watch, heal->pool->seats * sizeof(*heal->watch));
	host_free(heal->excuse, heal->pool->seats * sizeof(*heal->excuse));
	host_free(heal, sizeof(*heal));
}
