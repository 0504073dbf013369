/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan.h - how many workers there should be, at each scan and when a worker is about to
 * wait.
 *
 *	more	tasks are queued and nobody is free:
 *		one in place of each worker that waits (lent), at once;
 *		if that lasts from one scan to the next, more on demand (base)
 *	fewer	one for each wait that is over;
 *		workers added on demand that were idle for all of a window
 *
 * Nobody else decides, but for ward_pool_resize(): it costs a submitter nothing, and
 * workers watch no clock, so that sleepers sleep on.
 */
#ifndef WARD_LIB_HEAL_PLAN_H
#define WARD_LIB_HEAL_PLAN_H

#include "pool/pool.h"

struct plan {		  /* from one scan to the next */
	uint64_t since;	  /* the window's begin, */
	uint32_t spare;	  /* and how many were idle at least in it */
	uint32_t need_more; /* scans in a row */
	bool waits;	  /* a silent worker says that it waits */
	bool told;
};

struct pool_load {
	uint32_t seats; /* in all */
	uint32_t taken, waiting, idle;
	bool need_more, vacant;
};

/* Pure: */
void plan_lend(struct size *size, const struct pool_load *load);
void plan_grow(struct plan *plan, struct size *size,
	       const struct pool_load *load);
void plan_shrink(struct plan *plan, struct size *size,
		 const struct pool_load *load, uint64_t window, uint64_t now);
/* All wait, tasks are queued, and there may be no more. */
bool plan_is_spent(const struct size *size, const struct pool_load *load);

void plan_scan(struct plan *plan, struct pool *pool, uint64_t now);
/* Between two scans: a worker will wait. */
void plan_relief(struct plan *plan, struct pool *pool);
/* Up to when the steward may sleep: then somebody may have been idle for too long. */
uint64_t plan_due(const struct plan *plan, const struct pool *pool);

#endif
