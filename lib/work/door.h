/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * door.h - where callers wait inside of the library for something that another
 * thread brings about, and what else gets them out of there.
 *
 * A caller looks, finds that it must wait, enters, and then looks and sleeps in
 * turn until it has what it wants:
 *
 *	door_enter(&stay, door, until);
 *	do {
 *		door_look(&stay);
 *		got = ...
 *	} while (!got && door_sleep(&stay) == 0);
 *	door_leave(&stay);
 *
 * Who brings it about does so, and then calls door_tell().  Either that sees the
 * one inside, or the look sees what was brought [y].
 *
 * Inside of a task, and of its callbacks, the stay is a declared block
 * (ward_block_enter()), and ends when ward_check() would not say 0: fence, cancel
 * token, end of the pool.  The point that the task itself had declared holds again
 * afterwards.
 *
 * The word moves at each telling while anybody is inside, also when others tell
 * at the same time: a teller that is stopped before its wakeup stops nobody else's.
 */
#ifndef WARD_LIB_WORK_DOOR_H
#define WARD_LIB_WORK_DOOR_H

#include "base/host.h"
#include "work/slot.h"

struct door {
	_Atomic uint32_t word;	 /* futex: moves */
	_Atomic uint32_t inside; /* callers that look or sleep */
};

struct door_stay {
	struct door *door;
	struct slot *slot; /* of the task that waits, or NULL */
	const struct ward_cancel *cancel[3]; /* its token, the caller's two */
	unsigned cancels;
	ward_ns until;
	uint64_t declared; /* what had been declared */
	unsigned words;
	struct host_watch watch[HOST_WATCHES]; /* door's, slot's, token's, the caller's */
};

void door_enter(struct door_stay *stay, struct door *door, ward_ns until);
/* One more token that ends each sleep, before the first look; two at most. */
void door_watch(struct door_stay *stay, const struct ward_cancel *cancel);
/* What comes after this look will not be slept over. */
void door_look(struct door_stay *stay);
/* 0: look again; -ETIMEDOUT; or why the calling task is to stop. */
int door_sleep(struct door_stay *stay);
/* The same, up to then, and no sign of life: for who looks again and again. */
int door_nap(struct door_stay *stay, ward_ns until);
void door_leave(struct door_stay *stay);

/* Wakes all, whether any are seen or not: for what happens once. */
void door_open(struct door *door);

/*
 * Wakes one: for what only one can have.  Whoever was woken and leaves without it must
 * tell another one.
 */
void door_open_for_one(struct door *door);

static inline void door_tell_one(struct door *door)
{
	host_fence_light(); /* [y] it is there | who waits? */
	if (unlikely(load_relaxed(&door->inside)))
		door_open_for_one(door);
}

/* After what they may wait for was stored. */
static inline void door_tell(struct door *door)
{
	host_fence_light(); /* [y] it is there | who waits? */
	if (unlikely(load_relaxed(&door->inside)))
		door_open(door);
}

#endif
