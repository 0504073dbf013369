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

/* All that a set comes to, each once; and what was drawn from them. */
struct limit_hold {
	unsigned n;
	struct limit *limit[WARD_LIMITS_MAX];
	struct draw draw[WARD_LIMITS_MAX];
} __attribute__((may_alias));

_Static_assert(sizeof(struct limit_hold) <= sizeof(struct ward_limit_receipt),
	       "it fits");

/*
 * Draws n tokens from all of them without waiting: *grant is the point in time at
 * which they are the caller's, 'now' or later, no later than until.  0, or what
 * ward_limit_take() says; then nothing was drawn, and *hold means nothing.
 */
int limit_reserve(struct limit_hold *hold, struct ward_limit *const *limits,
		  unsigned nlimits, uint32_t n, ward_ns now, ward_ns until,
		  ward_ns *grant);
/* No errno value: that may be a cause. */
enum { LIMIT_GONE = 1 };

/*
 * Until the grant; or why the caller is to stop: by either token, by ward_check(), or
 * LIMIT_GONE: *gone, a futex, is not 0.  Each of the three may be NULL.
 */
int limit_wait(ward_ns grant, _Atomic uint32_t *gone, struct ward_cancel *token,
	       struct ward_cancel *other);
/* As ward_limit_take(), one of each; ends as limit_wait(). */
int limit_take_one(struct ward_limit *const *limits, unsigned nlimits,
		   ward_ns until, _Atomic uint32_t *gone,
		   struct ward_cancel *token, struct ward_cancel *other);
/* 0, or why ward_limit_take() would refuse them whenever. */
int limit_check(struct ward_limit *const *limits, unsigned nlimits);
/* By who reserved and will not use them.  False: some stay spent, for others came after. */
bool limit_undo(const struct limit_hold *hold);

/*
 * A token of each of one set was drawn, and is to be one of each of another: what is in
 * both stays drawn, the rest of the new one is drawn behind all others.  When it is there.
 */
ward_ns limit_change(struct limit_hold *next, const struct limit_hold *last,
		     struct ward_limit *const *limits, unsigned nlimits,
		     ward_ns now);
/* Of what was drawn by one, and not by the other. */
void limit_undo_but(const struct limit_hold *hold,
		    const struct limit_hold *other);

#endif
