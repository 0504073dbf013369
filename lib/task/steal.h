/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steal.h - forks that run on another thread than their maker's.
 *
 * There are two kinds of thieves.  An idle worker takes any fork, and runs it as a
 * task, its slot's carrier, which is supervised like every other.  A worker that waits
 * for stolen forks runs parts of just those, inside of its own attempt, a level above
 * (local_queue.h).  So its stack holds only what it waits for anyway, and is no deeper
 * than the recursion would be without thieves.
 *
 * Wherever it runs, a fork is a part of the attempt that made it: its root is the slot of
 * that.  The attempt's task, number, token, commit and fence number are asked of the
 * root; all that is the thread's, of the slot that runs it.
 *
 * Key invariant: no thread leaves a frame, by return or else, while another may be
 * inside a fork that lies there.
 *  1) A thief counts itself in level.out of its victim before it tries to win, and
 *     leaves that only after the fork has ended and its group was told.
 *  2) A fork has ended when no thread is inside of it: a carrier tells its group
 *     in release(), not in done().
 *  3) A thread that leaves a frame without a join first empties its deque down to the
 *     level's base, then waits until level.out is 0 [dl].
 *  4) So a thief may read its victim's task and policy while it is counted as out.
 *  5) To tell the group is: the error, then group.ended, then level.out.  After the
 *     second the group may be gone, after the last the forks too; the slot stays.
 *
 * Edges: [dl] out | emptied; [dj] ended | joined; [dc] the carrier is empty | used.
 */
#ifndef WARD_LIB_TASK_STEAL_H
#define WARD_LIB_TASK_STEAL_H

#include "base/atomic.h"
#include "task/task_priv.h"
#include "task/local_queue.h"
#include <ward/fork.h>
#include <ward/task.h>

struct pool;
struct slot;

/* A group's private words. */
struct group {
	struct slot *owner; /* W: the maker; NULL: empty, or all ran at once */
	uint64_t forked;    /* W: less the forks that the owner ran itself */
	int64_t error;	    /* W: the first of those */
	_Atomic uint32_t ended;	 /* X: stolen forks */
	_Atomic int32_t foreign; /* X: the first error of those */
} __attribute__((may_alias));

_Static_assert(sizeof(struct group) == sizeof(struct ward_group),
	       "a group fits its private words");

/*
 * Or a fork is alone: its second private word is its maker's slot, until it has ended; then
 * ALONE_ENDED(status) [dj].
 */
#define ALONE_ENDED(status) ((uint64_t)(uint32_t)(status) << 32 | 1)

static inline bool fork_alone(const struct ward_fork *fork)
{
	return fork->priv[0] == WARD_FORK_ALONE_;
}

static inline _Atomic uint64_t *fork_end(const struct ward_fork *fork)
{
	return (_Atomic uint64_t *)(uintptr_t)&fork->priv[1];
}

/* NULL: alone. */
static inline struct group *fork_group(const struct ward_fork *fork)
{
	return fork_alone(fork) ? NULL :
				  (struct group *)(uintptr_t)fork->priv[0];
}

/* What its join joins, to compare: the group, or the fork alone. */
static inline const void *fork_key(const struct ward_fork *fork)
{
	return fork_alone(fork) ? (const void *)fork : fork_group(fork);
}

/* The task as which a slot runs a stolen fork. */
struct carrier {
	struct ward_task task;
	/* W: while it is not busy, and as the fork ends */
	struct ward_policy policy; /* its owner's, but at most once */
	struct ward_fork *fork;
	_Atomic uint32_t *from; /* the 'out' that counts it */
	struct slot *owner; /* the fork's maker */
	struct slot *_Atomic root; /* the owner's root [dq] */
	int32_t returned; /* by the fork */
	int32_t lost; /* O, the answer: not 0: the status, for its attempt was lost */
	_Atomic uint32_t busy; /* X: until its group was told [dc] */
};

/* local.steal_fork of a worker. */
struct ward_task *steal_try(struct inbox *inbox, struct local_queue *local);
/* By the owner, which waits for stolen forks of 'joined': it ran a part of one. */
bool steal_help(struct slot *slot, const void *joined);
/* Was a thread that runs such a fork convicted, and is not home yet? */
bool steal_lost(struct pool *pool, const void *joined);

/* By the thread, before it leaves the frames of the highest level. */
void steal_settle(struct slot *slot);
/* The same of all levels; the groups that they serve are told 'status'. */
void steal_leave(struct slot *slot, int status);
/* By the reaper: do others still need the stack of the slot's dead thread? */
bool steal_pins_stack(struct slot *slot);
/* The same, once; after that steal_pins_stack() says when it is over. */
bool steal_left(const struct slot *slot);

static inline bool steal_is_carrier(const struct ward_task *task)
{
	return load_relaxed(&task_priv(task)->word) & TASK_CARRIER;
}

static inline struct carrier *carrier_of(const struct ward_task *task)
{
	return ward_entry((uintptr_t)task, struct carrier, task);
}

/* Wakes the slot, and the runners of its forks, that wait inside of the library. */
void steal_wake_waiters(struct slot *slot);

#endif
