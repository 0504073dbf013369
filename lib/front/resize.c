/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resize.c - another size, by the user.
 */
#include "front/front.h"

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* 0, or why not; *workers and *max are what is possible. */
static int fit(const struct pool *pool, uint32_t *workers, uint32_t *max)
{
	if (pool->clamp) {
		*workers = clamp(*workers, 1, pool->seats);
		if (*max)
			*max = clamp(*max, *workers, pool->seats);
		return 0;
	}
	if (!*workers || (*max && *max < *workers))
		return -EINVAL;
	return *workers > pool->seats || *max > pool->seats ? -ERANGE : 0;
}

static void resize(struct pool *pool, uint32_t workers, uint32_t max)
{
	struct size size;
	uint64_t seen;

	do {
		seen = load_acquire(&pool->seat_count.size);
		size = size_of(seen);
		size.least = workers;
		size.most = max ? max : workers;
		size.open = !max;
		size.base = clamp(size.base, size.least, size.most);
		size.lent = clamp(size.lent, 0,
				  (max ? max : pool->seats) - size.base);
	} while (!seat_resize(pool, seen, &size));
}

int ward_pool_resize(struct ward_pool *handle, uint32_t workers, uint32_t max)
{
	struct pool *pool = (struct pool *)handle;
	int err = pool_enter(pool);

	if (!err)
		err = fit(pool, &workers, &max);
	if (err)
		return err;
	host_hold();
	resize(pool, workers, max);
	host_unhold();
	return 0;
}
