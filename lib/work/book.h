/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * book.h - a task's own books: struct ward_task's private words.
 *
 * One word holds all that may be decided by more than one thread:
 *
 *	debt:32 (signed)  attempt:16  flags:13  state:3
 *
 * Invariants:
 *  1) Only who owns the answer of the current attempt moves the state on.
 *     Ownership is decided in the slot (slot.h), never here.
 *  2) debt counts threads that lost an attempt of this task and are still
 *     inside run(): the fencer adds one, the thread that comes home takes it
 *     off, in either order.  And those who hold the task, and who just cancel it.
 *  3) release() is called by whoever makes it ANSWERED with debt 0, or debt 0
 *     while ANSWERED; the word is one, so exactly one thread does.
 *  4) A commit names its attempt; fencing an attempt moves the number on, so a
 *     late commit fails.
 *  5) Who cancels a task marks it, then looks who is inside of it [ca]; a worker
 *     begins, then looks at the mark [ca].  So one of them sees the other.
 */
#ifndef WARD_LIB_WORK_BOOK_H
#define WARD_LIB_WORK_BOOK_H

#include "base/check.h"
#include <ward/task.h>

/* Why an attempt came to nothing; each has its own budget of reruns. */
enum lost_why { LOST_STALL, LOST_DEATH, LOST_ERROR, LOST_FAULT, LOST_STOP };

enum book_state {
	BOOK_FREE,	/* the user's */
	BOOK_QUEUED,	/* in a ring, or in a worker's hand, or running */
	BOOK_RERUN,	/* owed, or waiting for its time, to run: again, or
			   for the first time, if it was submitted so */
	BOOK_LOST,	/* owed, done() is due */
	BOOK_TOLD,	/* the same, and its dead letter was told */
	BOOK_DONE,	/* owed, release() is due */
	BOOK_ANSWERED	/* done() returned; a thread is still inside run() */
};

struct book {
	_Atomic uint64_t word;
	uint64_t stamp; /* since when it might run; if the word says so */
	/* The end of a task's first line.  All but the word is only valid, and only
	 * touched, where the word says so; what follows, up to 'reruns', once an
	 * attempt failed or was lost, when 'attempt' is above 1. */
	_Atomic uint64_t incident;  /* the report of the last one */
	int32_t status;		    /* for done(), when LOST or TOLD */
	int16_t cause;		    /* for done(), when it was cancelled */
	uint16_t why;		    /* the last one was lost: enum lost_why */
	uint16_t reruns[LOST_STOP]; /* spent on each why */
	struct ward_task *link; /* the next one of a list */
	union {
		struct {
			/* Its last leaf: later.h; as wide as ->before, which may
			 * take its place while somebody looks. */
			_Atomic uintptr_t where;
			uint64_t at;
		} wait; /* for its time to come */
		struct { /* in its lane's queue: see lane.c */
			struct ward_task *before; /* T: who turns it */
			struct ward_task *struck; /* next of those cancelled */
		};
	};
	/* What the word says is there. */
	struct lane *lane; /* it is one of this lane's */
	union {
		uint64_t period; /* ns from the end of a run to the next */
		struct ward_port *port; /* where its release() is called */
	};
} __attribute__((may_alias));

_Static_assert(sizeof(struct book) == sizeof(((struct ward_task *)0)->priv),
	       "the book fills the task's private words");

#define BOOK_STATES ((uint64_t)7)
#define BOOK_FLAGS ((uint64_t)0xfff8)
#define BOOK_CARRIER ((uint64_t)1 << 3)	   /* a stolen fork: a slot's carrier */
#define BOOK_STAMPED ((uint64_t)1 << 4)	   /* has a stamp, for good */
#define BOOK_WAITS ((uint64_t)1 << 5)	   /* for its turn, in its lane's queue; or
					      RERUN: for its time, before that */
#define BOOK_BEGUN ((uint64_t)1 << 6)	   /* was, for who cancelled it */
#define BOOK_PORT ((uint64_t)1 << 7)	   /* ANSWERED, and then DONE, at 'port' */
#define BOOK_COMMITTED ((uint64_t)1 << 8)
#define BOOK_ASKED ((uint64_t)1 << 9)	   /* one is about to cancel it */
#define BOOK_CANCELLED ((uint64_t)1 << 10) /* it is not to begin: 'cause' */
#define BOOK_UNWANTED ((uint64_t)1 << 11)  /* answered without having run */
#define BOOK_PERIODIC ((uint64_t)1 << 12)  /* runs again after 'period' */
#define BOOK_LANE ((uint64_t)1 << 13)	   /* is one of 'lane' */
#define BOOK_REFUSED ((uint64_t)1 << 14)   /* and was never active there */
#define BOOK_GRANT ((uint64_t)1 << 15)	   /* and waits for its limits' grant */
#define BOOK_ATTEMPT_ONE ((uint64_t)1 << 16)
#define BOOK_ATTEMPTS ((uint64_t)0xffff << 16)
#define BOOK_DEBT_ONE ((uint64_t)1 << 32)
#define BOOK_DEBTS (~(uint64_t)0 << 32)

static inline struct book *book_of(const struct ward_task *task)
{
	return (struct book *)(uintptr_t)task->priv;
}

static inline enum book_state book_state(uint64_t word)
{
	return (enum book_state)(word & BOOK_STATES);
}

static inline uint32_t book_attempt(uint64_t word)
{
	return (uint32_t)(word >> 16) & 0xffff;
}

static inline int32_t book_debt(uint64_t word)
{
	return (int32_t)(word >> 32);
}

static inline uint64_t book_with_state(uint64_t word, enum book_state state)
{
	return (word & ~BOOK_STATES) | state;
}

/* Idle, and nobody holds it: the word of nearly every task before it is submitted. */
static inline bool book_idle(uint64_t word)
{
	return (word & (BOOK_DEBTS | BOOK_FLAGS | BOOK_STATES)) == BOOK_FREE;
}

/*
 * What its word is to be, by who has the task to himself but for those who hold it
 * (ward_task_hold()), and whose debts stay.
 */
static inline void book_set(struct book *book, uint64_t next)
{
	uint64_t word = load_relaxed(&book->word);

	if (likely(book_debt(word) == 0)) {
		store_release(&book->word, next); /* [ca] its lane, for who cancels */
		return;
	}
	while (!cas_acq_rel(&book->word, &word, /* [K] */
			    (word & BOOK_DEBTS) | next))
		;
}

/* By the submitter, before the task is published; nobody holds it. */
static inline void book_open(struct book *book)
{
	store_relaxed(&book->word, BOOK_QUEUED + BOOK_ATTEMPT_ONE);
}

/*
 * The same: it might run from then on.  Once for each time that it is submitted, or
 * comes up again, wherever it waits after that.  Who cancels it may have marked it
 * already.
 */
static inline void book_stamp(struct book *book, uint64_t since)
{
	book->stamp = since;
	or_relaxed(&book->word, BOOK_STAMPED);
}

/* The same, as a part of another task's attempt. */
static inline void book_open_carrier(struct book *book, uint32_t attempt)
{
	store_relaxed(&book->word, BOOK_QUEUED + attempt * BOOK_ATTEMPT_ONE +
					   BOOK_CARRIER);
}

/* The same for one that is owed, now or when its time has come. */
static inline void book_open_owed(struct book *book, uint64_t period)
{
	uint64_t flags = period ? BOOK_PERIODIC : 0;

	book->period = period;
	book_set(book, BOOK_RERUN + BOOK_ATTEMPT_ONE + flags);
}

/* The same for one that is to come to its lane when its time has come. */
static inline void book_open_timed(struct book *book, struct lane *lane)
{
	book->lane = lane;
	book_set(book, BOOK_RERUN + BOOK_ATTEMPT_ONE + BOOK_LANE + BOOK_WAITS);
}

/* In the queue of its lane, or about to be. */
static inline bool book_waits(uint64_t word)
{
	return (word & (BOOK_WAITS | BOOK_STATES)) == (BOOK_WAITS | BOOK_QUEUED);
}

/* The same for one that comes through a lane; it 'waits' for its turn there. */
static inline void book_open_lane(struct book *book, struct lane *lane,
				  bool waits)
{
	uint64_t flags = BOOK_LANE;

	book->lane = lane;
	if (waits) {
		book->before = NULL;
		flags |= BOOK_WAITS;
	}
	book_set(book, BOOK_QUEUED + BOOK_ATTEMPT_ONE + flags);
}

/* It is in a pool, and nobody has answered it. */
static inline bool book_unanswered(uint64_t word)
{
	return book_state(word) != BOOK_FREE &&
	       book_state(word) != BOOK_ANSWERED;
}

/* The user's again; the attempt stays, for ward_incident() in release(). */
static inline uint64_t book_shut(uint64_t word)
{
	return word & ((uint64_t)0xffff << 16);
}

/*
 * No attempt of it is out, none was lost, it is of no lane and does not come again:
 * the word of nearly every task.
 */
static inline bool book_plain(uint64_t word)
{
	uint64_t harmless = (uint64_t)0xffff << 16 |
			    (BOOK_FLAGS & ~(BOOK_LANE | BOOK_PERIODIC));

	return (word & ~harmless) == BOOK_QUEUED;
}

/* Nothing was said about it since it was queued, unless by its lane. */
static inline bool book_fresh(uint64_t word)
{
	return (word & ((BOOK_FLAGS & ~BOOK_LANE) | BOOK_STATES)) ==
	       BOOK_QUEUED;
}

/*
 * The attempt's owner has called done(): true if release() is due now and the
 * caller's to call; else the last thread to come home does it.  [K] the edge
 * from done() to that release().  By a swap, because somebody may cancel it just now;
 * a worker that is inside of a plain task need not (see recall.c).
 */
static inline bool book_answer(struct book *book)
{
	uint64_t word = load_relaxed(&book->word);

	while (!cas_acq_rel(&book->word, &word, /* [K] zombies' last looks */
			    book_debt(word) == 0 ?
				    book_shut(word) :
				    book_with_state(word, BOOK_ANSWERED)))
		;
	WARD_ASSERT(book_unanswered(word));
	return book_debt(word) == 0;
}

/*
 * A thread that lost its attempt has left run(), or one that held the task lets go:
 * true if release() is its, or is for it to hand to the task's port.  Of one that was
 * given back nobody has a debt any more: its worker did not see that it came.
 */
static inline bool book_home(struct book *book)
{
	uint64_t word = load_relaxed(&book->word), next;
	bool last;

	do {
		if (book_state(word) == BOOK_FREE && book_debt(word) <= 0)
			return false;
		next = word - BOOK_DEBT_ONE;
		last = book_state(next) == BOOK_ANSWERED &&
		       book_debt(next) == 0;
		if (last)
			next = next & BOOK_PORT ?
				       book_with_state(next, BOOK_DONE) :
				       book_shut(next);
	} while (!cas_acq_rel(&book->word, &word, next)); /* [K] */
	return last;
}

/*
 * The attempt was taken away.  Enters the debt if its thread is still inside,
 * ends the attempt's right to commit and moves on to 'state'; true if the
 * attempt had committed, so that it must not run again.
 */
static inline bool book_lose(struct book *book, bool inside,
			     enum book_state again, enum book_state state)
{
	uint64_t word = load_relaxed(&book->word), next;

	do {
		next = word + BOOK_ATTEMPT_ONE;
		if (inside)
			next += BOOK_DEBT_ONE;
		next = book_with_state(next, word & BOOK_COMMITTED ? state :
								     again);
	} while (!cas_acq_rel(&book->word, &word, next)); /* [K] */
	WARD_ASSERT(book_unanswered(word));
	return word & BOOK_COMMITTED;
}

/*
 * A periodic task has run well, and will again: what its attempts have used up is there
 * anew, the right to commit, too.  The next one is its first, unless somebody has a debt:
 * a zombie's number must not come again while it may still commit.
 */
static inline void book_renew(struct book *book)
{
	uint64_t word = load_relaxed(&book->word), next;

	for (int why = 0; why < LOST_STOP; why++)
		book->reruns[why] = 0;
	do {
		next = book_with_state(word & ~BOOK_COMMITTED, BOOK_RERUN);
		if (book_debt(word) == 0)
			next = (next & ~BOOK_ATTEMPTS) + BOOK_ATTEMPT_ONE;
	} while (!cas_acq_rel(&book->word, &word, next)); /* [K] */
}

/* Its state moves on, and 'flags' are set; of the rest nothing is lost. */
static inline uint64_t book_move(struct book *book, enum book_state state,
				 uint64_t flags)
{
	uint64_t word = load_relaxed(&book->word), next;

	do {
		next = book_with_state(word, state) | flags;
	} while (!cas_acq_rel(&book->word, &word, next)); /* [K] */
	return next;
}

/*
 * It is to be answered without having run, or without running again: the status, which
 * is its cause if it was cancelled before.  Who cancels it from now on comes too late.
 */
static inline int book_refuse(struct book *book, enum book_state state,
			      uint64_t flags, int status)
{
	uint64_t word = book_move(book, state, flags | BOOK_UNWANTED);

	return word & BOOK_CANCELLED ? book->cause : status;
}

/* The report of the attempt that was lost last; 0: none was. */
static inline uint64_t book_incident(const struct book *book)
{
	return book_attempt(load_acquire(&book->word)) > 1 ?
		       load_relaxed(&book->incident) :
		       0;
}

/* True for one attempt of the task at most. */
static inline bool book_commit(struct book *book, uint32_t attempt)
{
	uint64_t word = load_relaxed(&book->word);

	do {
		if (book_attempt(word) != attempt ||
		    word & (BOOK_COMMITTED | BOOK_CANCELLED))
			return false;
	} while (!cas_acq_rel(&book->word, &word, word | BOOK_COMMITTED));
	return true;
}

#endif
