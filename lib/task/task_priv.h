/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_priv.h - a task's private words.
 *
 * One word holds all that may be decided by more than one thread:
 *
 *	reference:32 (signed)  attempt:16  flags:13  state:3
 *
 * Invariants:
 *  1) Only the owner of the current attempt's answer moves the state on.
 *     Ownership is decided in the slot (slot.h), never here.
 *  2) 'reference' counts the threads that lost an attempt of this task and are still
 *     inside run(): the fencer adds one, the thread that comes home takes it
 *     off, in either order.  Holders and cancellers of the task count, too.
 *  3) The thread that makes the task ANSWERED with reference 0, or brings the
 *     reference to 0 while ANSWERED, calls release(): exactly one, for it is one word.
 *  4) A commit names its attempt; fencing an attempt moves the number on, so a
 *     late commit fails.
 *  5) A canceller marks the task, then looks which worker is inside of it [ca]; a
 *     worker begins, then looks at the mark [ca].  So one of them sees the other.
 */
#ifndef WARD_LIB_TASK_TASK_PRIV_H
#define WARD_LIB_TASK_TASK_PRIV_H

#include "base/check.h"
#include <ward/task.h>

/* Why an attempt came to nothing; each has its own budget of reruns. */
enum lost_why { LOST_STALL, LOST_DEATH, LOST_ERROR, LOST_FAULT, LOST_STOP };

enum task_state {
	TASK_FREE,	/* the user's */
	TASK_QUEUED,	/* in a ring or a local queue, or running */
	TASK_RERUN,	/* requeued, or waiting for its time, to run */
	TASK_LOST,	/* requeued, done() is due */
	TASK_TOLD,	/* LOST, and its dead letter was told */
	TASK_DONE,	/* requeued, release() is due */
	TASK_ANSWERED	/* done() returned; a thread is still inside run() */
};

struct task_priv {
	_Atomic uint64_t word;
	uint64_t stamp; /* time since which it might run; if the word says so */
	/* The end of a task's first line.  All but the word is only valid, and only
	 * touched, where the word says so; what follows, up to 'reruns', once an
	 * attempt failed or was lost, when 'attempt' is above 1. */
	_Atomic uint64_t incident;  /* the report of the last one */
	int32_t status;		    /* for done(), when LOST or TOLD */
	int16_t cause;		    /* for done(), when it was cancelled */
	uint16_t why;		    /* enum lost_why of the last one */
	uint16_t reruns[LOST_STOP]; /* spent on each why */
	struct ward_task *link; /* the next one of a list */
	union {
		struct {
			/* The last leaf: later.h; as wide as ->before, which may
			 * take its place while another thread looks. */
			_Atomic uintptr_t where;
			uint64_t at;
		} wait; /* for its time */
		struct { /* in its lane's queue: lane.c */
			struct ward_task *before; /* T */
			struct ward_task *struck; /* next of those cancelled */
		};
	};
	/* The word says whether these are there. */
	struct lane *lane;
	union {
		uint64_t period; /* ns from the end of a run to the next */
		struct ward_port *port; /* where its release() is called */
	};
} __attribute__((may_alias));

_Static_assert(sizeof(struct task_priv) ==
		       sizeof(((struct ward_task *)0)->priv),
	       "it fills the task's private words");

#define TASK_STATES ((uint64_t)7)
#define TASK_FLAGS ((uint64_t)0xfff8)
#define TASK_CARRIER ((uint64_t)1 << 3)	   /* a stolen fork: a slot's carrier */
#define TASK_STAMPED ((uint64_t)1 << 4)	   /* has a stamp, for good */
#define TASK_WAITS ((uint64_t)1 << 5)	   /* for a place, in its lane's queue; or
					      RERUN: for its time, before that */
#define TASK_BEGUN ((uint64_t)1 << 6)	   /* it ran, for its canceller to know */
#define TASK_PORT ((uint64_t)1 << 7)	   /* ANSWERED, and then DONE, at 'port' */
#define TASK_COMMITTED ((uint64_t)1 << 8)
#define TASK_ASKED ((uint64_t)1 << 9)	   /* a thread is about to cancel it */
#define TASK_CANCELLED ((uint64_t)1 << 10) /* it is not to begin: 'cause' */
#define TASK_SKIPPED ((uint64_t)1 << 11)  /* answered without having run */
#define TASK_PERIODIC ((uint64_t)1 << 12)  /* runs again after 'period' */
#define TASK_LANE ((uint64_t)1 << 13)	   /* is one of 'lane' */
#define TASK_REFUSED ((uint64_t)1 << 14)   /* and was never active there */
#define TASK_GRANT ((uint64_t)1 << 15)	   /* and waits for its limits' grant */
#define TASK_ATTEMPT_ONE ((uint64_t)1 << 16)
#define TASK_ATTEMPTS ((uint64_t)0xffff << 16)
#define TASK_REF_ONE ((uint64_t)1 << 32)
#define TASK_REFS (~(uint64_t)0 << 32)

static inline struct task_priv *task_priv(const struct ward_task *task)
{
	return (struct task_priv *)(uintptr_t)task->priv;
}

static inline enum task_state task_state(uint64_t word)
{
	return (enum task_state)(word & TASK_STATES);
}

static inline uint32_t task_attempt(uint64_t word)
{
	return (uint32_t)(word >> 16) & 0xffff;
}

static inline int32_t task_refs(uint64_t word)
{
	return (int32_t)(word >> 32);
}

static inline uint64_t task_with_state(uint64_t word, enum task_state state)
{
	return (word & ~TASK_STATES) | state;
}

/* Idle and not held: the word of nearly every task before it is submitted. */
static inline bool task_idle(uint64_t word)
{
	return (word & (TASK_REFS | TASK_FLAGS | TASK_STATES)) == TASK_FREE;
}

/*
 * Sets the word, by the only thread that has the task but for its holders
 * (ward_task_hold()), whose references stay.
 */
static inline void task_set(struct task_priv *priv, uint64_t next)
{
	uint64_t word = load_relaxed(&priv->word);

	if (likely(task_refs(word) == 0)) {
		store_release(&priv->word, next); /* [ca] its lane, for cancellers */
		return;
	}
	while (!cas_acq_rel(&priv->word, &word, /* [K] */
			    (word & TASK_REFS) | next))
		;
}

/* By the submitter, before the task is published, where nobody holds it. */
static inline void task_open(struct task_priv *priv)
{
	store_relaxed(&priv->word, TASK_QUEUED + TASK_ATTEMPT_ONE);
}

/*
 * The task might run from 'since' on.  Once for each time that it is submitted or comes
 * up again, wherever it waits after that.  A canceller may have marked it already.
 */
static inline void task_stamp(struct task_priv *priv, uint64_t since)
{
	priv->stamp = since;
	or_relaxed(&priv->word, TASK_STAMPED);
}

/* task_open() of a part of another task's attempt. */
static inline void task_open_carrier(struct task_priv *priv, uint32_t attempt)
{
	store_relaxed(&priv->word, TASK_QUEUED + attempt * TASK_ATTEMPT_ONE +
					   TASK_CARRIER);
}

/* task_open() of a task that is requeued, now or at its time. */
static inline void task_open_requeued(struct task_priv *priv, uint64_t period)
{
	uint64_t flags = period ? TASK_PERIODIC : 0;

	priv->period = period;
	task_set(priv, TASK_RERUN + TASK_ATTEMPT_ONE + flags);
}

/* task_open() of a task that comes to its lane at its time. */
static inline void task_open_timed(struct task_priv *priv, struct lane *lane)
{
	priv->lane = lane;
	task_set(priv, TASK_RERUN + TASK_ATTEMPT_ONE + TASK_LANE + TASK_WAITS);
}

/* Is it in the queue of its lane, or about to be? */
static inline bool task_waits(uint64_t word)
{
	return (word & (TASK_WAITS | TASK_STATES)) ==
	       (TASK_WAITS | TASK_QUEUED);
}

/* task_open() of a lane's task; 'waits': for its place there. */
static inline void task_open_lane(struct task_priv *priv, struct lane *lane,
				  bool waits)
{
	uint64_t flags = TASK_LANE;

	priv->lane = lane;
	if (waits) {
		priv->before = NULL;
		flags |= TASK_WAITS;
	}
	task_set(priv, TASK_QUEUED + TASK_ATTEMPT_ONE + flags);
}

/* Is it in a pool, and not answered? */
static inline bool task_unanswered(uint64_t word)
{
	return task_state(word) != TASK_FREE &&
	       task_state(word) != TASK_ANSWERED;
}

/* The user's again; the attempt stays, for ward_incident() in release(). */
static inline uint64_t task_shut(uint64_t word)
{
	return word & TASK_ATTEMPTS;
}

/* No reference, lane or period: the word of nearly every task at its end. */
static inline bool task_plain(uint64_t word)
{
	uint64_t harmless = TASK_ATTEMPTS |
			    (TASK_FLAGS & ~(TASK_LANE | TASK_PERIODIC));

	return (word & ~harmless) == TASK_QUEUED;
}

/* No flag was set since it was queued, unless by its lane. */
static inline bool task_fresh(uint64_t word)
{
	return (word & ((TASK_FLAGS & ~TASK_LANE) | TASK_STATES)) ==
	       TASK_QUEUED;
}

/*
 * The answer's owner has called done(): true if the caller is to call release();
 * else the last thread to come home does.  [K] is the edge from done() to that
 * release().  By a swap, because another thread may cancel the task just now; the
 * worker inside of a plain task need not (see recall.c).
 */
static inline bool task_answer(struct task_priv *priv)
{
	uint64_t word = load_relaxed(&priv->word);

	while (!cas_acq_rel(&priv->word, &word, /* [K] the zombies' accesses */
			    task_refs(word) == 0 ?
				    task_shut(word) :
				    task_with_state(word, TASK_ANSWERED)))
		;
	WARD_ASSERT(task_unanswered(word));
	return task_refs(word) == 0;
}

/*
 * A thread that lost its attempt has left run(), or a holder lets the task go: true if
 * the caller is to call release(), or to hand it to the task's port.  False for a task
 * that was given back by a worker which did not see the reference come.
 */
static inline bool task_put(struct task_priv *priv)
{
	uint64_t word = load_relaxed(&priv->word), next;
	bool last;

	do {
		if (task_state(word) == TASK_FREE && task_refs(word) <= 0)
			return false;
		next = word - TASK_REF_ONE;
		last = task_state(next) == TASK_ANSWERED &&
		       task_refs(next) == 0;
		if (last)
			next = next & TASK_PORT ?
				       task_with_state(next, TASK_DONE) :
				       task_shut(next);
	} while (!cas_acq_rel(&priv->word, &word, next)); /* [K] */
	return last;
}

/*
 * The attempt was taken away.  Adds a reference if its thread is still inside, ends
 * its right to commit and moves on to 'again'; if it had committed, so that the task
 * must not run again, to 'state': then true.
 */
static inline bool task_lose(struct task_priv *priv, bool inside,
			     enum task_state again, enum task_state state)
{
	uint64_t word = load_relaxed(&priv->word), next;

	do {
		next = word + TASK_ATTEMPT_ONE;
		if (inside)
			next += TASK_REF_ONE;
		next = task_with_state(next, word & TASK_COMMITTED ? state :
								     again);
	} while (!cas_acq_rel(&priv->word, &word, next)); /* [K] */
	WARD_ASSERT(task_unanswered(word));
	return word & TASK_COMMITTED;
}

/*
 * A periodic task has run well, and will again: with all its reruns and its commit.  The
 * next attempt is number 1, unless there is a reference: a zombie's number must not
 * come again while the zombie may still commit.
 */
static inline void task_rearm(struct task_priv *priv)
{
	uint64_t word = load_relaxed(&priv->word), next;

	for (int why = 0; why < LOST_STOP; why++)
		priv->reruns[why] = 0;
	do {
		next = task_with_state(word & ~TASK_COMMITTED, TASK_RERUN);
		if (task_refs(word) == 0)
			next = (next & ~TASK_ATTEMPTS) + TASK_ATTEMPT_ONE;
	} while (!cas_acq_rel(&priv->word, &word, next)); /* [K] */
}

/* Its state moves on, and 'flags' are set; the rest stays. */
static inline uint64_t task_move(struct task_priv *priv, enum task_state state,
				 uint64_t flags)
{
	uint64_t word = load_relaxed(&priv->word), next;

	do {
		next = task_with_state(word, state) | flags;
	} while (!cas_acq_rel(&priv->word, &word, next)); /* [K] */
	return next;
}

/*
 * The task is to be answered without another run: the status, which is its cause if it
 * was cancelled before.  A canceller from now on comes too late.
 */
static inline int task_skip(struct task_priv *priv, enum task_state state,
			    uint64_t flags, int status)
{
	uint64_t word = task_move(priv, state, flags | TASK_SKIPPED);

	return word & TASK_CANCELLED ? priv->cause : status;
}

/* The report of the attempt that was lost last; 0: none was. */
static inline uint64_t task_incident(const struct task_priv *priv)
{
	return task_attempt(load_acquire(&priv->word)) > 1 ?
		       load_relaxed(&priv->incident) :
		       0;
}

/* True for one attempt of the task at most. */
static inline bool task_commit(struct task_priv *priv, uint32_t attempt)
{
	uint64_t word = load_relaxed(&priv->word);

	do {
		if (task_attempt(word) != attempt ||
		    word & (TASK_COMMITTED | TASK_CANCELLED))
			return false;
	} while (!cas_acq_rel(&priv->word, &word, word | TASK_COMMITTED));
	return true;
}

#endif
