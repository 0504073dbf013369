/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward.h - a ward, and its incarnations.
 *
 * An incarnation is a task: one run of the ward's function.  The ward stays from one
 * to the next.  'now' is the incarnation that counts; one that was fenced may still
 * be inside the function, with its own task and its own token, and goes when it
 * comes home.
 *
 * A ward is held by its user's handle; by its steward, until it is gone; by each
 * incarnation, until nobody is inside; by each of its timers in the pool.
 *
 * All is L, tree->lock, where no other letter of base/atomic.h stands.
 */
#ifndef WARD_LIB_FLOW_WARD_H
#define WARD_LIB_FLOW_WARD_H

#include "base/handle.h"
#include "flow/deferred.h"
#include "flow/saved.h"
#include "flow/timer.h"
#include "pool/pool.h"
#include <ward/cancel.h>
#include <ward/steward.h>

struct tree;

/* A steward starts and stops its members: wards, and stewards below. */
enum member_state {
	MEMBER_DOWN,	/* nothing is under way */
	MEMBER_WAITS,	/* a ward: up when its backoff ends */
	MEMBER_UP,
	MEMBER_STOPPING, /* told to stop */
	MEMBER_GONE	/* for good: it has no steward */
};

struct member {
	const struct member_ops *ops; /* I */
	const char *name;	      /* I */
	_Atomic uint32_t refs;	      /* X */
	struct member *prev, *next;
	struct ward_steward *above; /* NULL: a root, or gone */
	uint64_t place;		    /* in the order of start */
	enum member_state state;
	bool once; /* a ward that is gone when it is down */
	_Atomic bool over; /* L; read without it: down for good [o] */
	struct wait_queue gone; /* X: opened then */
};

/* How a ward and a steward differ, as members of a steward. */
struct member_ops {
	/* From DOWN.  To DOWN, where it may be already. */
	void (*up)(struct member *member);
	void (*down)(struct member *member);
	/* It is UP: has it begun, with all below it? */
	bool (*has_started)(const struct member *member);
	/* It has left its steward.  May be NULL. */
	void (*gone)(struct member *member);
	/* The last reference is put: with or without the lock. */
	void (*free)(struct member *member);
	/* Its row on the page, but for name and place. */
	void (*show)(const struct member *member, struct ward_page_member *row);
	const char *again; /* a report's sentence for its restart */
};

static inline void member_hold(struct member *member)
{
	add_acq_rel(&member->refs, 1);
}

/* A caller with the lock holds the tree by another reference. */
static inline void member_put(struct member *member)
{
	if (ref_drop(&member->refs))
		member->ops->free(member);
}

struct incarnation {
	struct ward_task task;
	struct deferred ended; /* spec.ended(), if there is one */
	struct ward_cancel cancel; /* X: with letters of its own: cancel.h */
	struct ward *ward;	   /* I */
	struct incarnation *spare; /* the next one on ward->spare */
	_Atomic uint32_t refs;	   /* X: its tasks in the pool */
	bool begun;		   /* inside the function, or was */
	bool asked;		   /* told to stop */
	int32_t status;
	uint64_t incident;
	ward_ns since;
	/* Where it runs, and the pulse there at the last poll. */
	struct slot *slot;
	uint64_t beats, units;
};

struct ward {
	struct member me;
	uint32_t magic; /* I: handle.h; until its memory goes */
	struct tree *tree;	   /* I */
	struct ward_spec spec;	   /* I */
	struct ward_policy policy; /* I: of its incarnations */
	struct incarnation *now;   /* or NULL */
	struct incarnation *spare; /* memory, so that a restart needs none */
	uint32_t spares;
	bool leaving;		   /* asked to stop for good */
	uint32_t starts, failures; /* starts: that have begun */
	int32_t status;
	uint64_t beats, units;	   /* of all incarnations, as polled so far */
	uint32_t row;		   /* restarts in a row, for the backoff */
	ward_ns not_before;	   /* the next start; 0: at once */
	struct timer start, stop;  /* the end of its backoff; its deadline */
	struct saved *saved; /* I: for ward_checkpoint(); NULL: spec.state is 0 */
};

/* The incarnation that the caller is inside of, or NULL: for code in a ward. */
struct incarnation *incarnation_here(void);

#endif
