/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit_set.h - the limits of a lane, which may be changed for others while they are
 * drawn from.
 *
 * A set is not changed, but exchanged.  The lane has one reference to the set it names,
 * each thread that draws by itself (CALLER_RUNS) has one while it does; the last to let go
 * takes the set off the limits' users, and so is the last to touch them.  A thread that is
 * stopped inside keeps one set, and nobody else waits for it.
 *
 * Memory of sets stays with the lane's memory: so a reader may take hold of a set that it
 * has just read, and look after that whether it is still the lane's [lm].
 */
#ifndef WARD_LIB_LANE_LIMIT_SET_H
#define WARD_LIB_LANE_LIMIT_SET_H

#include "lane/limit.h"

enum { LIMIT_SET_MAX = 8 };

/* In 'refs': it is being made, or let go of. */
#define LIMIT_SET_CLOSED (1u << 31)

struct limit_set {
	_Atomic uint32_t refs; /* X: 0: free */
	_Atomic uint32_t gone; /* T: futex; 1: it is the lane's no more */
	/* O, refs: CLOSED */
	uint32_t n;
	struct ward_limit *limit[LIMIT_SET_MAX];
	struct limit_hold drawn; /* T: for the one that waits for its grant */
	struct limit_set *next; /* I: of all that the lane's memory has had */
};

/* One that is the caller's, of limits that limit_check() has found sound; NULL: no memory. */
struct limit_set *limit_set_new(struct limit_set *_Atomic *all,
				struct ward_limit *const *limits, uint32_t n);
/* One more has the set that *from names; NULL: none is named. */
struct limit_set *limit_set_get(struct limit_set *_Atomic *from);
/* One less has it. */
void limit_set_put(struct limit_set *set);
/* It is no lane's any more: ends the waits for its limits. */
void limit_set_end(struct limit_set *set);
void limit_sets_free(struct limit_set *all);

#endif
