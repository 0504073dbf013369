/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - a tree of stewards on one pool: who is to be up, and who is.
 *
 * Nobody waits in here, and no thread of its own drives it.  Each event (a ward
 * began, ended, was asked to stop; a timer fired) is entered under the tree's lock,
 * and then each steward from there up to the root takes the next steps that it can
 * take (tree_settle).  A step that cannot be taken yet is taken at a later event.
 *
 * A steward is in one of four phases:
 *
 *	UP	each member goes by itself
 *	STOPPING	the members from 'mark' on are brought down, the last first,
 *	each
 *		when the one after it is down; then 'again' says: STARTING, or DOWN
 *	STARTING	members that are down are started, the first first, each when
 *	the
 *		one before it has begun; then UP
 *	DOWN	no member is up; for good, or until its own steward starts it
 *
 * All is L, tree->lock, where no other letter of base/atomic.h stands.  Whoever holds
 * the lock runs nobody else's code: strangers are called by tasks of their own
 * (deferred.h).
 */
#ifndef WARD_LIB_FLOW_TREE_H
#define WARD_LIB_FLOW_TREE_H

#include "base/host_lock.h"
#include "flow/intensity.h"
#include "flow/ward.h"

enum phase { PHASE_UP, PHASE_STOPPING, PHASE_STARTING, PHASE_DOWN };

/* A call of gave_up().  The next one may come before everybody has left it. */
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
	bool again;    /* STOPPING: and then up again */
	bool spent;    /* gave up; until it is started again */
	bool leaving;  /* stops for good */
	bool calling;  /* gave_up() is on its way */
	struct intensity intensity;
	uint64_t incident; /* the report that it gave up */
	/* Who is destroyed with whom: the handles. */
	struct ward_steward *parent, *child, *sibling;
	struct give_up_notice *notice; /* for the next time, or NULL */
	_Atomic bool over;	/* L; read without it: DOWN for good */
	struct wait_queue down; /* X: opened then */
};

struct tree {
	_Atomic uint32_t refs; /* X: wards and stewards */
	struct host_lock lock; /* X */
	struct pool *pool;   /* until the root is destroyed */
	struct ward_steward *root;
	uint32_t wards, most; /* not gone; may be */
	uint64_t places;      /* given to members so far */
	bool closed;	      /* the pool goes: nothing is started any more */
	enum ward_last last;
	bool notify;	   /* the service manager is told, until it stops */
	ward_ns ping_every; /* and fed so often; 0: not */
	struct timer ping_timer;
	struct deferred ping;
};

/* Any thread; not in a child process, where another may have held it for ever. */
void tree_lock(struct tree *tree);
void tree_unlock(struct tree *tree);
void tree_put(struct tree *tree); /* without the lock */

/* ---- tree.c: the laws; it calls a ward through its member_ops only --------------- */

extern const struct member_ops supervisor_ops;

/* The next steps of 'steward' and all above it. */
void tree_settle(struct ward_steward *steward);
/* A new one, the last in order. */
void member_enter(struct ward_steward *steward, struct member *member);
/* Gone for good.  The caller holds a reference of its own, to its steward too. */
void member_gone(struct member *member);
/* Is 'member' one of those that its steward brings down? */
bool member_is_stopping(const struct member *member);
/* A member is down that nobody has told to be, and is to be up: it failed. */
void supervisor_failed(struct ward_steward *steward, struct member *member,
		       int status, uint64_t cause);
/* Nothing below is started any more. */
void supervisor_leave(struct ward_steward *steward);
bool supervisor_is_shut(const struct ward_steward *steward);

/* ---- incarnation.c --------------------------------------------------------------- */

/* Starts one: the ward is DOWN.  False: no memory. */
bool incarnation_start(struct ward *ward);
/* Tells ward->now to stop, and when it will be fenced. */
void incarnation_stop(struct ward *ward);
/* Adds to the ward's pulse what 'now' has shown since it was felt last. */
void incarnation_poll(struct incarnation *now);
/* Memory for those that start next: 0 or -ENOMEM; and back, without the lock. */
int incarnation_reserve(struct ward *ward);
void incarnation_unreserve(struct ward *ward);

/* ---- watchdog.c: the service manager's, from the start of the root to its end ---- */

void watchdog_start(struct tree *tree);
void watchdog_stop(struct tree *tree);

#endif
