/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * end.h - a process ends, and with it its pool.
 */
#ifndef UV_WARD_END_H
#define UV_WARD_END_H

#include <ward/ward.h>

enum { END_LANES = 2 };

/*
 * Waits for all that was asked for and does not hang, until that is told which does; what
 * is asked for from now on is refused.  'asleep' is the budget of one that sleeps.
 */
void end_wait(struct ward_pool *pool, struct ward_lane *const lane[END_LANES],
	      ward_ns asleep);

#endif
