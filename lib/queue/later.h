/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * later.h - tasks that wait for their time, and those for which it has come: a
 * requeued task's time is now.
 *
 * They lie in a tournament (due.h), which belongs to nobody.  The steward sleeps no
 * longer than until the first is due, and then says up to what time tasks are expired;
 * the workers take them in the order of their times.  So there is one clock in a
 * pool, a wait costs no thread, and a steward that is held has no task with it.
 *
 *              put  take  expedite  due
 *   each        *    *      *     *     *: any number of threads, lock-free
 *
 * A task waits on a leaf, 40 bytes of the pool's.  Threads that may allocate make more
 * of them in time.  Others, if no leaf is free, spill the task into a queue, whose
 * taker looks at its time, and puts it here.
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
	/* M: */
	line_aligned _Atomic uint64_t expired_to; /* tasks due until then are expired */
	_Atomic uint64_t empty_to; /* 'expired_to' when nothing was found */
	_Atomic uint64_t seq;
	/* X: */
	_Atomic uint64_t waiting; /* tasks that were put to wait */
	struct prio_queue spill;
	/* The steward knows of no next time, because a task is expired now. */
	_Atomic uint32_t blind;
	_Atomic uint32_t opened; /* M: by later_open() */
	/* I: wakes the steward; or NULL */
	void (*ring)(void *arg);
	/* stop_by() of that pool; or NULL: no task is told to stop. */
	uint64_t (*told_by)(const struct pool *pool,
			    const struct ward_task *task);
	/* After a task can be found: it is told to stop by then.  With told_by. */
	void (*tell_by)(struct pool *pool, uint64_t by);
	/* The time of the lane's grant, as it stands, for a task that waits for it. */
	uint64_t (*granted_at)(const struct ward_task *task);
	void *arg; /* the pool */
};

/* 'at' may be HOST_FOREVER. */
static inline bool later_has_come(uint64_t at)
{
	return at != HOST_FOREVER && host_now() >= at;
}

/*
 * The caller owns the task's state; if it may allocate, it calls due_grow() before.  The
 * steward is rung.  'fresh': the task is counted as accepted here.
 */
void later_put(struct inbox *inbox, struct ward_task *task, uint64_t at, bool fresh);
/* The same, due at once. */
void later_requeue(struct inbox *inbox, struct ward_task *task, bool fresh);
/* For a task that was taken and did not begin: before all that have a time, in order. */
void later_return(struct inbox *inbox, struct ward_task *task);
/* For a task that is only to be answered: before all that are requeued. */
void later_requeue_first(struct inbox *inbox, struct ward_task *task);

/* By a worker that took the task.  True: too early, and put again for another to take. */
bool later_again(struct inbox *inbox, struct ward_task *task);

/* Expedites the task, if it waits at its last place. */
void later_expedite(struct inbox *inbox, const struct ward_task *task);
/*
 * A task of a first attempt is taken from its place, its submitter's again, and counts as
 * never accepted.  False: it is not there.
 */
bool later_take_back(struct inbox *inbox, const struct ward_task *task);
/*
 * The lane was cancelled: tasks that were to come to it in time need not wait.  Others
 * may be expedited, too, and are put again.
 */
void later_expedite_lane(struct inbox *inbox, const struct lane *lane);
/* The inbox was closed: periodic tasks need not wait. */
void later_close(struct inbox *inbox);
/* No task need wait: for a caller that answers all that is left. */
void later_open(struct inbox *inbox);

/*
 * Some task was told to stop, nobody knows which: all that may have been are expedited,
 * those that wait for their time too if 'timed'; their taker looks.
 */
void later_look(struct inbox *inbox, bool timed);
/* Is there any? */
bool later_expedited(struct later *later);
/* A task's place among those of its time; did it wait for that? */
struct later_place {
	uint64_t seq;
	bool timed;
};
/* Before all times: of those, and of those that are only to be answered; and returned. */
enum { LATER_FIRST, LATER_RETURNED };
/* One that is due until then, or NULL; 'place' is for later_put_back(), if it is to wait on. */
struct ward_task *later_take_until(struct inbox *inbox, uint64_t until,
				   struct later_place *place);
void later_put_back(struct inbox *inbox, struct ward_task *task,
		    const struct later_place *place);

/* May any task be expired? */
static inline bool later_expired(const struct later *later)
{
	return load_relaxed(&later->expired_to) >
	       load_relaxed(&later->empty_to);
}

/* May later_take() find any? */
static inline bool later_anything(const struct later *later)
{
	return later_expired(later) || !prio_empty(&later->spill);
}
/* An expired task, or NULL. */
struct ward_task *later_take(struct inbox *inbox);
/* By the steward: the time of the next task; HOST_FOREVER: the steward is rung. */
uint64_t later_due(struct inbox *inbox, uint64_t now);

#endif
