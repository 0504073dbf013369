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
	if (!heal->watch) {
		host_free(heal, sizeof(*heal));
		return NULL;
	}
	return heal;
}

void heal_free(struct heal *heal)
{
	if (!heal)
		return;
	host_free(heal->watch, heal->pool->seats * sizeof(*heal->watch));
	host_free(heal, sizeof(*heal));
}
