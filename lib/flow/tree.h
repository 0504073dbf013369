/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - a tree of stewards on one pool: which members are to be up, and which are.
 *
 * Nobody waits in here, and no thread of its own drives it.  Each event (a ward
 * began, ended, was asked to stop; a timer fired) is entered under the tree's lock,
 * and then each steward from there up to the root takes the next steps that it can
 * take (tree_settle).  A step that cannot be taken yet is taken at a later event.
 *
 * A steward is in one of four phases:
 *
 *	UP		each member runs by itself
 *	STOPPING	members from 'mark' on are brought down, the last first, each
 *			after the next one; then STARTING, or DOWN, as 'again' says
 *	STARTING	members that are down are started, the first first, each after
 *			the one before it has begun; then UP
 *	DOWN		no member is up; for good, or until its own steward starts it
 *
 * All is L, tree->lock, where no other letter of base/atomic.h stands.  No stranger's
 * code runs under the lock: it is called by tasks of its own (deferred.h).
 */
#ifndef WARD_LIB_FLOW_TREE_H
#define WARD_LIB_FLOW_TREE_H

#include "base/host_lock.h"
#include "flow/intensity.h"
#include "flow/ward.h"

enum phase { PHASE_UP, PHASE_STOPPING, PHASE_STARTING, PHASE_DOWN };

/* A call of gave_up().  The next one may come before all have left it. */
struct give_up_notice {
	struct deferred deferred;
	struct ward_steward *steward;
};

struct ward_steward {
	struct member me; /* held by: its handle, its members, calls of gave_up() */
	/* I: */
	uint32_t magic; /* handle.h; until its memory goes */
	struct tree *tree;
	char name[12];
	enum ward_strategy strategy;
	uint32_t restarts;
	ward_ns within;
	void (*gave_up)(void *arg, struct ward_steward *steward);
	void *arg;

	/* L: */
	struct member *first, *last; /* in the order of their start */
	enum phase phase;
	uint64_t mark; /* STOPPING: from this place on */
	bool again;    /* STOPPING: then STARTING */
	bool spent;    /* gave up, until it is started again */
	bool leaving;  /* stops for good */
	bool calling;  /* gave_up() is on its way */
	struct intensity intensity;
	uint64_t incident; /* the report that it gave up */
	/* Handles that are destroyed together. */
	struct ward_steward *parent, *child, *sibling;
	struct give_up_notice *notice; /* for the next time, or NULL */
};

struct tree {
	_Atomic uint32_t refs; /* X: wards and stewards */
	struct host_lock lock; /* X */
	struct pool *pool;   /* until the root is destroyed */
	struct ward_steward *root;
	uint32_t wards, most; /* not gone; may be */
	uint64_t places;      /* given to members so far */
	bool closed;	      /* the pool goes: nothing is started */
	enum ward_last last;
	struct page_tree *shown; /* what is gathered for the page, or NULL */
	bool moved;		 /* since it was shown */
};

/* Any thread; not in a child process, where the lock may be held for ever. */
void tree_lock(struct tree *tree);
void tree_unlock(struct tree *tree);
void tree_put(struct tree *tree); /* without the lock */

/* ---- tree.c: it calls a ward through its member_ops only ------------------------- */

extern const struct member_ops supervisor_ops;

/* tree_page.c */
void tree_publish(struct tree *tree);

/* Takes the next steps of 'steward' and all above it. */
void tree_settle(struct ward_steward *steward);
/* Enters a new member, the last in order. */
void member_enter(struct ward_steward *steward, struct member *member);
/* Gone for good.  The caller holds references to it and to its steward. */
void member_gone(struct member *member);
/* Down for good: its waiters come. */
void member_over(struct member *member);
int member_wait(struct member *member, ward_ns until);
/* Does its steward bring 'member' down? */
bool member_is_stopping(const struct member *member);
/* A member that was not told to stop is down, and is to be up. */
void supervisor_failed(struct ward_steward *steward, struct member *member,
		       int status, uint64_t cause);
/* Brings it down; nothing below is started any more. */
void supervisor_leave(struct ward_steward *steward);
bool supervisor_is_shut(const struct ward_steward *steward);

/* ---- incarnation.c --------------------------------------------------------------- */

/* The ward is DOWN.  False: no memory. */
bool incarnation_start(struct ward *ward);
/* Tells ward->now to stop, and when it will be fenced. */
void incarnation_stop(struct ward *ward);
/* Adds the pulse of 'now' since the last poll to the ward's. */
void incarnation_poll(struct incarnation *now);
/* Memory for the next starts: 0 or -ENOMEM; and back, without the lock. */
int incarnation_reserve(struct ward *ward);
void incarnation_unreserve(struct ward *ward);

#endif
