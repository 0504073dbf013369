/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit_set.h - a lane's limits, which may be exchanged while they are drawn from.
 *
 * A set is not changed, but exchanged as a whole.  The lane has one reference to the set
 * that it names, each thread that draws by itself (CALLER_RUNS) has one while it does; the
 * last to put it takes the set off the limits' users, and so is the last to touch them.  A
 * thread that is stopped inside keeps one set, and no other waits for it.
 *
 * Memory of sets stays with the lane's memory: so a reader may get a set that it has just
 * read, and look after that whether it is still the lane's [lm].
 */
#ifndef WARD_LIB_LANE_LIMIT_SET_H
#define WARD_LIB_LANE_LIMIT_SET_H

#include "lane/limit.h"

enum { LIMIT_SET_MAX = 8 };

/* In 'refs': the set is being made, or its last reference put. */
#define LIMIT_SET_CLOSED (1u << 31)

struct limit_set {
	_Atomic uint32_t refs; /* X: 0: free */
	_Atomic uint32_t gone; /* T: futex; 1: the set is no lane's any more */
	/* O, refs: CLOSED */
	uint32_t n;
	struct ward_limit *limit[LIMIT_SET_MAX];
	struct limit_hold drawn; /* T: for the task that waits for its grant */
	struct limit_set *next; /* I: of all that the lane's memory has had */
};

/* The caller's set, of limits that limit_check() has found sound; NULL: no memory. */
struct limit_set *limit_set_new(struct limit_set *_Atomic *all,
				struct ward_limit *const *limits, uint32_t n);
/* A reference to the set that *from names; NULL: none is named. */
struct limit_set *limit_set_get(struct limit_set *_Atomic *from);
void limit_set_put(struct limit_set *set);
/* The set is no lane's any more: ends the waits for its limits. */
void limit_set_end(struct limit_set *set);
void limit_sets_free(struct limit_set *all);

#endif
