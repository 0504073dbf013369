/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * local_queue.h - a worker's own tasks: a ring, into which it takes batches and
 * submits nested work, and a deque of forks.  Others may steal from both.
 *
 * It belongs to a thread, not to a seat: a fenced thread may still push.
 *
 * Levels.  On level 0 a worker runs its attempt; while that waits for forks that
 * were stolen it may run parts of those, each on a level above.  A level begins
 * and ends with an empty deque, so all forks there, and those stolen from it, are
 * of the highest level at that moment.
 */
#ifndef WARD_LIB_TASK_LOCAL_QUEUE_H
#define WARD_LIB_TASK_LOCAL_QUEUE_H

#include "sync/deque.h"
#include "sync/owned_ring.h"

#define LOCAL_SIZE 64u  /* cells; one less are used */
#define LOCAL_BATCH 32u /* taken at once, at most */
/* The tasks of a batch may wait about so long, ns. */
#define LOCAL_AHEAD UINT64_C(1000000)
/* A task that runs shorter than this, ns, costs less than a look too many: inbox.c. */
#define LOCAL_BRIEF UINT64_C(300)
#define LOCAL_LEVELS 24u

struct inbox;
struct slot;
struct ward_fork;
struct ward_task;

struct level {
	/* W: the stolen fork that runs here */
	_Atomic(const void *) serves; /* what its join joins: to compare, no more */
	_Atomic uint64_t base;	      /* the number of its own first fork */
	struct ward_fork *fork;
	_Atomic uint32_t *from; /* the 'out' that counts it */
	struct slot *maker;
	/* X: thieves, from before they try to win a fork of this level until after
	 * that has ended */
	_Atomic uint32_t out;
};

struct local_queue {
	struct deque deque; /* first: slot.h; with letters of its own, like the levels */
	struct owned_ring ring;
	void *_Atomic cell[LOCAL_SIZE];
	/* W: */
	line_aligned uint32_t last;  /* inbox ring that gave the last batch */
	uint32_t turn;		     /* takes; now and then the inbox is first */
	uint32_t victim;	     /* the next one to steal from */
	uint32_t victim_at;	     /* where that one's ring stood */
	uint32_t pause;		     /* between two looks, in host_relax() */
	uint32_t batch, most;	     /* to take at once; never more than 'most' */
	/* I: a fork of another local queue, as a task; or NULL: no thief */
	struct ward_task *(*steal_fork)(struct inbox *inbox,
					struct local_queue *local);
	_Atomic uint32_t level;	     /* the highest that is in use */
	uint32_t near;		     /* its thread's neighbourhood */
	uint8_t shared, yielded;     /* does its thread share a CPU?  inbox.c */
	struct level at[LOCAL_LEVELS];
};

/*
 * In zeroed memory, once: others may look at it ever after.  thread.c gives the deque
 * its cells.
 */
static inline void local_init(struct local_queue *local, uint32_t seed)
{
	owned_init(&local->ring, local->cell, LOCAL_SIZE);
	local->last = 0;
	local->turn = 0;
	local->pause = 1;
	local->batch = local->most = LOCAL_BATCH;
	local->near = 0;
	local->shared = local->yielded = 0;
	local->victim = seed;
	local->victim_at = 0;
	local->steal_fork = NULL;
}

/*
 * One of its tasks ran so long, ns: a batch waits for such ones.  It shrinks at once and
 * grows by and by, for one long task does more harm than many short ones do good.
 */
static inline void local_learn(struct local_queue *local, uint64_t ran)
{
	uint64_t fit = LOCAL_AHEAD / (ran + 1);

	if (fit > 2 * (uint64_t)local->batch)
		fit = 2 * (uint64_t)local->batch;
	if (fit > local->most)
		fit = local->most;
	local->batch = fit ? (uint32_t)fit : 1;
	store_relaxed(&local->ring.brief, ran < LOCAL_BRIEF);
}

#endif
