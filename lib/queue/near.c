/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/near.h"

static size_t reach_size(const struct host_near *host)
{
	return host->n * (host->farthest + 1) * sizeof(uint64_t);
}

static void fill_reach(struct near *near, uint32_t rings)
{
	const struct host_near *host = near->host;

	for (uint32_t i = 0; i < host->n; i++)
		for (uint32_t k = 0; k < rings; k++) {
			uint32_t far = host_near_distance(
				host, i, host_near_in_row(host, k));

			*near_reach(near, i, far) |= (uint64_t)1 << k;
		}
}

struct near *near_new(struct host_near *host, uint32_t rings, uint32_t locals)
{
	struct near *near = host_alloc(sizeof(*near));

	if (!near) {
		host_near_free(host);
		return NULL;
	}
	near->host = host;
	near->locals = locals;
	near->reach = host_alloc(reach_size(host));
	near->where = host_alloc(locals * sizeof(*near->where));
	if (!near->reach || !near->where) {
		near_free(near);
		return NULL;
	}
	fill_reach(near, rings);
	return near;
}

void near_free(struct near *near)
{
	if (!near)
		return;
	host_free(near->reach, reach_size(near->host));
	host_free((void *)(uintptr_t)near->where,
		  near->locals * sizeof(*near->where));
	host_near_free(near->host);
	host_free(near, sizeof(*near));
}

void near_sit(struct near *near, struct local_queue *local, uint32_t i,
	      uint32_t seat)
{
	uint32_t which = host_near_in_row(near->host, seat);

	local->near = which;
	store_relaxed(&near->where[i], (uint8_t)which);
	host_near_stay(near->host, which);
}

uint64_t near_here(const struct near *near)
{
	uint32_t which = host_near_here(near->host);

	return which == HOST_NOWHERE ? 0 : *near_reach(near, which, 0);
}
