/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hand.h - what a worker has at hand: a ring of its own, into which it takes
 * batches and submits nested work, and a deque of forks; from both others may
 * steal.
 *
 * It belongs to a thread, not to a seat: a fenced thread may still push.
 *
 * Levels.  On level 0 a worker runs its attempt; while that waits for forks that
 * were stolen it may run parts of those, each on a level above.  A level begins
 * and ends with an empty deque, so what lies there, and what was stolen from it, is
 * of the level that is the highest at that moment.
 */
#ifndef WARD_LIB_WORK_HAND_H
#define WARD_LIB_WORK_HAND_H

#include "sync/deque.h"
#include "sync/ring.h"

#define HAND_SIZE 64u  /* cells; one less are used */
#define HAND_BATCH 32u /* taken at once, at most */
/* What is taken at once may wait about so long for its turn, ns. */
#define HAND_AHEAD UINT64_C(1000000)
/* A task that runs shorter than this, ns, costs less than a look too many: inbox.c. */
#define HAND_BRIEF UINT64_C(300)
#define HAND_LEVELS 24u

struct inbox;
struct ward_fork;
struct ward_task;

struct level {
	/* W: what stolen fork runs here */
	_Atomic(const void *) serves; /* its group: to compare, no more */
	_Atomic uint64_t base;	      /* the number of its own first fork */
	struct ward_fork *fork;
	_Atomic uint32_t *from; /* where it is counted as out */
	/* X: moved by thieves: before they try to win a fork of this level, and
	 * after it has ended */
	_Atomic uint32_t out;
};

struct hand {
	struct ring ring; /* W puts, X takes */
	ck_ring_buffer_t cell[HAND_SIZE];
	/* W: */
	line_aligned uint32_t last;  /* inbox ring that gave the last batch */
	uint32_t turn;		     /* takes; now and then the inbox is first */
	uint32_t victim;	     /* whom to rob next */
	uint32_t pause;		     /* between two looks, in host_relax() */
	uint32_t batch, most;	     /* to take at once; never more than 'most' */
	/* I: a fork of another hand's, as a task; or NULL: no thief */
	struct ward_task *(*thieve)(struct inbox *inbox, struct hand *hand);
	_Atomic uint32_t level;	     /* the highest that is in use */
	uint32_t near;		     /* its thread's neighbourhood, if there are any */
	bool brief;		     /* its last sampled task was: HAND_BRIEF */
	struct level at[HAND_LEVELS];
	struct deque deque; /* with letters of its own, as the levels */
};

/*
 * In zeroed memory, once: others may look at it ever after.  Who is to fork gives the
 * deque its cells.
 */
static inline void hand_init(struct hand *hand, uint32_t seed)
{
	ring_init(&hand->ring, hand->cell, HAND_SIZE);
	hand->last = 0;
	hand->turn = 0;
	hand->pause = 1;
	hand->batch = hand->most = HAND_BATCH;
	hand->near = 0;
	hand->brief = false;
	hand->victim = seed;
	hand->thieve = NULL;
}

/*
 * One of its tasks ran so long, ns: what is taken along waits for such ones.  Less at
 * once, more by and by, for a long one does more harm than many short ones do good.
 */
static inline void hand_learn(struct hand *hand, uint64_t ran)
{
	uint64_t fit = HAND_AHEAD / (ran + 1);

	if (fit > 2 * (uint64_t)hand->batch)
		fit = 2 * (uint64_t)hand->batch;
	if (fit > hand->most)
		fit = hand->most;
	hand->batch = fit ? (uint32_t)fit : 1;
	hand->brief = ran < HAND_BRIEF;
}

#endif
