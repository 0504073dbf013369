/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.h - several buckets drawn from as one.
 */
#ifndef WARD_LIB_LANE_LIMIT_H
#define WARD_LIB_LANE_LIMIT_H

#include "sync/bucket.h"
#include <ward/limit.h>

struct limit {
	struct bucket bucket;	/* X: bucket.h */
	struct limit *above;	/* I: NULL: under nothing */
	_Atomic uint32_t users; /* X: lanes' sets that have it: limit_set.h [lu] */
} __attribute__((may_alias));

_Static_assert(sizeof(struct limit) <= sizeof(struct ward_limit), "it fits");

static inline struct limit *limit_of(const struct ward_limit *limit)
{
	return (struct limit *)(uintptr_t)limit;
}

/* All limits of a set and above it, each once; and what was drawn from them. */
struct limit_hold {
	unsigned n;
	struct limit *limit[WARD_LIMITS_MAX];
	struct draw draw[WARD_LIMITS_MAX];
} __attribute__((may_alias));

_Static_assert(sizeof(struct limit_hold) <= sizeof(struct ward_limit_receipt),
	       "it fits");

/*
 * Draws n tokens from each limit without waiting: *grant is the point in time at which
 * they are the caller's, 'now' or later, no later than until.  0, or what
 * ward_limit_take() says; then nothing was drawn, and *hold means nothing.
 */
int limit_reserve(struct limit_hold *hold, struct ward_limit *const *limits,
		  unsigned nlimits, uint32_t n, ward_ns now, ward_ns until,
		  ward_ns *grant);
/* No errno value: that may be a cause. */
enum { LIMIT_GONE = 1 };

/*
 * Waits until the grant; else says why the caller is to stop: by either token, by
 * ward_check(), or LIMIT_GONE: *gone, a futex, is not 0.  Each pointer may be NULL.
 */
int limit_wait(ward_ns grant, _Atomic uint32_t *gone, struct ward_cancel *token,
	       struct ward_cancel *other);
/* As ward_limit_take(); ends as limit_wait(). */
int limit_take(struct ward_limit *const *limits, unsigned nlimits, uint32_t n,
	       ward_ns now, ward_ns until, _Atomic uint32_t *gone,
	       struct ward_cancel *token, struct ward_cancel *other);
/* 0, or why ward_limit_take() would always refuse them. */
int limit_check(struct ward_limit *const *limits, unsigned nlimits);
/*
 * Gives reserved tokens back, but for the limits of 'but', or NULL.  False: some stay
 * spent, for others were drawn after them.
 */
bool limit_undo(const struct limit_hold *hold, const struct limit_hold *but);

/*
 * Exchanges a token of each limit of one set for one of another: limits in both stay
 * drawn, the rest of the new set is drawn behind all others.  Says when it is granted.
 */
ward_ns limit_change(struct limit_hold *next, const struct limit_hold *last,
		     struct ward_limit *const *limits, unsigned nlimits,
		     ward_ns now);

#endif
