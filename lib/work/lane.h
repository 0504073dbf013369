/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - what a lane is inside.
 *
 * A lane is turned: a task that came, a place that became free, a token that was
 * fired are entered, and then one thread at a time does what follows from that.  Who
 * enters something and finds nobody turning, turns; else the one who turns will see
 * it before he leaves.  So nobody ever waits for a lane, nor for whom turns it, and
 * what follows needs no atomics.
 *
 * Key invariant: what was entered is seen by a turn that begins after it.
 *  1) 'arrived' is NULL while nobody turns.  Tasks are pushed on it by who finds it
 *     otherwise; who finds NULL puts TURNING there and turns [la].
 *  2) Who turns leaves by swapping TURNING for NULL, which fails if a task came.
 *  3) For the rest: enter, fence, look whether anybody turns; leave, fence, look
 *     whether anything was entered [le].
 *
 * A task is waiting, in the lane's own queue; or active, in the pool; or refused, on
 * its way to an answer without having run.  'inside' counts all three, until the
 * answer was given.
 *
 * Limits.  One task at a time has its tokens drawn ahead, and waits in the pool for
 * the point in time at which they are its own; so a lane that is cancelled wastes the
 * tokens of one.
 *
 * Lanes are made of memory that belongs to lanes as long as the pool is there, for
 * whoever counts the last task out touches its lane a little longer.
 */
#ifndef WARD_LIB_WORK_LANE_H
#define WARD_LIB_WORK_LANE_H

#include "work/cancel.h"
#include "work/door.h"
#include "work/limit.h"
#include "work/pool.h"
#include <ward/lane.h>

enum { LANE_LIMITS = 8 };


struct lane {
	/* X: */
	line_aligned struct ward_task *_Atomic arrived; /* last first, on TURNING */
	_Atomic uint32_t inside;
	_Atomic uint32_t left;	/* places that are free again, not booked yet */
	_Atomic uint32_t sweep; /* some that wait are not to run any more */
	_Atomic uint32_t granted; /* who waited for the limits' grant begins */
	_Atomic uint32_t closed;
	_Atomic int32_t error; /* the first one */
	_Atomic uint32_t abandoned; /* who leaves it empty destroys it */
	struct ward_task *_Atomic winner; /* of rivals */
	/* T: who turns it */
	struct ward_task *first, *last;
	uint32_t active, waiting;
	bool reserved; /* one of the active waits for the limits' grant */

	/* I: */
	uint32_t width;	 /* active at most; 0: any */
	uint32_t most;	 /* inside at most; 0: any */
	uint32_t queued; /* waiting at most, where the oldest is dropped; 0: any */
	uint32_t flags, rank;
	struct pool *pool;
	struct ward_port *port;
	struct ward_limit *limit[LANE_LIMITS];
	uint32_t limits;
	bool has_policy;
	bool rivals; /* one of its tasks may commit */
	struct ward_policy policy;
	char name[16];

	struct ward_cancel token;
	struct ward_watch watch, link; /* of it; to its parent */
	struct door room, empty;

	/* R: under the registry's lock */
	struct lane *next, *before; /* of those that are in use */
	struct lane *free, *all;    /* of those that are not; of all */
};

/* ---- lane.c: turning -------------------------------------------------------------- */

/* A task that is the lane's, and counted. */
void lane_enter(struct lane *lane, struct ward_task *task);
/*
 * One was answered and given back; 'refused': it had never been active.  The caller's
 * last step with the lane.
 */
void lane_leave(struct lane *lane, bool refused);
/* Tasks that wait were cancelled, one or all. */
void lane_sweep(struct lane *lane);
/* By who answers one, before done(): how it ended for the lane. */
int lane_ended(struct lane *lane, struct ward_task *task, int status);
/* Why the task is not to begin, or to stop; 0: it is to go on. */
int lane_why_not(const struct lane *lane, const struct ward_task *task);
/* May the task's effect be seen?  Among rivals one's may. */
bool lane_commit(struct lane *lane, struct ward_task *task);
/* The one that waited for the limits' grant is about to begin. */
void lane_granted(struct lane *lane, struct ward_task *task);

/* ---- lanes.c: for those that are built on lanes --------------------------------------- */

/* Before the first task: the first that commits, or ends well, wins; the token is
 * fired then, and the others end with something else than 0. */
void lane_of_rivals(struct lane *lane);
/* Destroys it, as soon as it is empty. */
void lane_abandon(struct lane *lane);

#endif
