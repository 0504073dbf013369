/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.h - several buckets drawn from as one.
 */
#ifndef WARD_LIB_WORK_LIMIT_H
#define WARD_LIB_WORK_LIMIT_H

#include "sync/bucket.h"
#include <ward/limit.h>

struct limit {
	struct bucket bucket; /* X: bucket.h */
	struct limit *above;  /* I: NULL: under nothing */
} __attribute__((may_alias));

_Static_assert(sizeof(struct limit) <= sizeof(struct ward_limit), "it fits");

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
/* Until the grant, or why the caller is to stop: by either token, or ward_check(). */
int limit_wait(ward_ns grant, struct ward_cancel *token,
	       struct ward_cancel *other);
/* As ward_limit_take(), one of each; either token ends the wait, and may be NULL. */
int limit_take_one(struct ward_limit *const *limits, unsigned nlimits,
		   ward_ns until, struct ward_cancel *token,
		   struct ward_cancel *other);
/* By who reserved and will not use them.  False: some stay spent, for others came after. */
bool limit_undo(const struct limit_hold *hold);

#endif
