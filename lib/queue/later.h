/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * later.h - tasks that wait for their time, and those for which it has come: what
 * is requeued is a task whose time is now.
 *
 * They lie in a tournament (due.h), which belongs to nobody.  The steward sleeps no
 * longer than until the first is due, and then says up to what time tasks are expired;
 * the workers take them in the order of their times.  So there is one clock in a
 * pool, a wait costs no thread, and a steward that is held anywhere has none of the
 * tasks with it.
 *
 *              put  take  expedite  due
 *   each        *    *      *     *     *: any number of threads, lock-free
 *
 * A task waits on a leaf, 40 bytes of the pool's.  Who may allocate makes more of
 * them in time.  Who may not, and finds none free, spills the task into a queue:
 * whoever takes it there looks at its time, and puts it here.
 *
 * Edges: [w] put | the steward looks; put | expired; expired | the worker looks.
 */
#ifndef WARD_LIB_QUEUE_LATER_H
#define WARD_LIB_QUEUE_LATER_H

#include "base/host.h"
#include "sync/due.h"
#include "queue/prio_queue.h"
#include <ward/task.h>

struct inbox;
struct lane;
struct pool;

struct later {
	struct due due;
	/* M: grows with all that becomes so */
	line_aligned _Atomic uint64_t expired_to; /* what is due until then */
	_Atomic uint64_t empty_to; /* what was, when nothing was found */
	_Atomic uint64_t seq;
	/* X: */
	_Atomic uint64_t waiting; /* tasks that were put to wait */
	struct prio_queue spill;
	/* The steward knows of no next time, because something is expired now. */
	_Atomic uint32_t blind;
	_Atomic uint32_t opened; /* M: later_open() was called */
	/* I: wakes it; or NULL */
	void (*ring)(void *arg);
	/* As stop_by(), of that pool; or NULL: nothing is told to stop. */
	uint64_t (*told_by)(const struct pool *pool,
			    const struct ward_task *task);
	/* Of one that waits for its lane's grant: when that is, as things stand. */
	uint64_t (*granted_at)(const struct ward_task *task);
	void *arg; /* the pool */
};

/* A point in time, or HOST_FOREVER. */
static inline bool later_has_come(uint64_t at)
{
	return at != HOST_FOREVER && host_now() >= at;
}

/* 0 or -ENOMEM. */
int later_init(struct later *later);
void later_fini(struct later *later);

/*
 * The caller owns the task's state, and rings the steward after it.  'fresh': it is
 * counted as accepted here.  Where the task waits, for later_expedite().
 */
uint32_t later_put(struct inbox *inbox, struct ward_task *task, uint64_t at,
		   bool fresh);
/* The same, due at once. */
void later_requeue(struct inbox *inbox, struct ward_task *task, bool fresh);
/* The same, before all that has a time: of those it keeps the order. */
void later_return(struct inbox *inbox, struct ward_task *task);
/* The same, before all that are requeued: it is only to be answered. */
void later_requeue_first(struct inbox *inbox, struct ward_task *task);
/* Before it, by who may allocate. */
static inline void later_grow(struct later *later)
{
	due_grow(&later->due);
}

/* It has come to a worker.  True: not in time; it is put again, and is not his. */
bool later_again(struct inbox *inbox, struct ward_task *task);

/* The task, of which only the place is known, need not wait any more. */
void later_expedite(struct inbox *inbox, uint32_t where,
		    const struct ward_task *task);
/* The same, but it is taken from there, and is the caller's.  False: it is not there. */
bool later_take_back(struct inbox *inbox, uint32_t where,
		     const struct ward_task *task);
/*
 * The lane was cancelled: nor need what was to come to it in time.  Others may be
 * expedited, too, and are put again.
 */
void later_expedite_lane(struct inbox *inbox, const struct lane *lane);
/* The inbox was closed: what is periodic need not. */
void later_close(struct inbox *inbox);
/* Nothing that is there need wait: for who answers all that is left. */
void later_open(struct inbox *inbox);

/*
 * Something was told to stop, nobody knows what: all that may have been are brought to
 * the front, those that wait for their time too if 'timed'; whoever takes one looks.
 */
void later_look(struct inbox *inbox, bool timed);
/* Is any there? */
bool later_expedited(struct later *later);
/* Where it stood: among those of its time, and whether it waited for that. */
struct later_place {
	uint64_t seq;
	bool timed;
};
/* One of those; 'place' is for who finds that it is to wait on, where it did. */
struct ward_task *later_take_expedited(struct inbox *inbox,
				       struct later_place *place);
void later_put_back(struct inbox *inbox, struct ward_task *task,
		    const struct later_place *place);

/* May any be expired? */
static inline bool later_expired(const struct later *later)
{
	return load_relaxed(&later->expired_to) >
	       load_relaxed(&later->empty_to);
}

/* Is there any that later_take() might find? */
static inline bool later_anything(const struct later *later)
{
	return later_expired(later) || !prio_empty(&later->spill);
}
/* One that is expired, or NULL. */
struct ward_task *later_take(struct inbox *inbox);
/* One that was returned, or that need not wait any more. */
struct ward_task *later_take_first(struct inbox *inbox);
/* By the steward.  When the next one is due; HOST_FOREVER: it is rung for that. */
uint64_t later_due(struct inbox *inbox, uint64_t now);

#endif
