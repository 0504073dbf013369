/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop.h - should this task stop, and why?
 *
 * It is asked as a task comes in, as it begins, inside of run(), and when a dispatch or
 * a sweep looks through waiting tasks.  Of the reasons that hold, the one with the lowest
 * number is the cause that is told:
 *
 *	comes in  begins  runs
 *	   .        .      1    -ECHILD: the thread is a copy, in a forked child
 *	   .        .      2    -ESTALE: the attempt was taken away
 *	   1        .      3    -ESHUTDOWN: lane or pool are closed; the pool stops
 *	   .        .      4    -ESTALE, of a stolen fork: its maker's was taken away
 *	   .        1      5    the mark that ward_task_cancel() has left
 *	   .        2      .    -ECANCELED, of what is requeued: see stop_with_pool()
 *	   3        3      6    the task's own token
 *	   2        4      7    its lane's token, but for the winner of rivals
 *	   .        5      .    -ETIMEDOUT: start_within is over
 *
 * To a pool without a lane a task comes last of all: the inbox says -ESHUTDOWN.
 *
 * To ask for the cause of a token whose deadline has come fires it, which calls its
 * watches.  stop_by() fires nothing: it is for callers that must call no callback.
 *
 * A task that only waits for its callbacks (LOST, TOLD, DONE) is not asked for a cause:
 * its user may have given back what it points to.
 */
#ifndef WARD_LIB_LANE_STOP_H
#define WARD_LIB_LANE_STOP_H

#include "lane/lane.h"

/* ---- as it comes in ---------------------------------------------------------------- */

/* Why the task does not come in, to the lane (NULL: to none); 0: it does. */
static inline int stop_refuse(const struct lane *lane,
			      const struct ward_task *task)
{
	int cause = 0;

	if (lane && (load_acquire(&lane->closed) ||
		     load_acquire(&lane->pool->inbox.closed)))
		return -ESHUTDOWN;
	if (lane)
		cause = cancel_cause(&lane->token);
	if (likely(!cause) && task->cancel)
		cause = cancel_cause(task->cancel);
	return cause;
}

/* How long after its stamp the task may start; 0: at any time. */
static inline uint64_t stop_window(const struct pool *pool,
				   const struct ward_task *task)
{
	return policy_pick(task->policy ? task->policy->start_within : 0,
			   pool->policy.start_within);
}

/* The last time at which it may start, with that word; HOST_FOREVER: any. */
uint64_t stop_last_start(const struct pool *pool, const struct ward_task *task,
			 uint64_t word);

/* ---- while it waits ---------------------------------------------------------------- */

/*
 * From when on the task is to be answered instead of run, as things stand: 0: now;
 * HOST_FOREVER: nothing says so.
 */
uint64_t stop_by(const struct pool *pool, const struct ward_task *task);
/* No attempt follows a lost one. */
static inline bool stop_reruns(const struct pool *pool)
{
	return load_relaxed(&pool->stopping);
}
/* The task's time, or next attempt, does not come any more, because of the pool. */
static inline bool stop_with_pool(const struct pool *pool, uint64_t word)
{
	return task_state(word) == TASK_RERUN &&
	       (stop_reruns(pool) ||
		(word & TASK_PERIODIC && load_acquire(&pool->inbox.closed)));
}

/*
 * The cause that a task which is inside of an attempt is told, but for those of its thread
 * and its pool; or 0.  Nothing is fired.
 */
int stop_seen(const struct ward_task *task);

/* ---- as it begins ------------------------------------------------------------------ */

/* Why the task is not to run, though its turn has come; 0: it is. */
int stop_begin(const struct pool *pool, const struct ward_task *task);
/* The word moved as the attempt began: why run() is not called; 0: it is. */
cold int stop_short(const struct slot *slot, struct ward_task *task);

/* ---- inside of run() --------------------------------------------------------------- */

/* Why the task of 'slot' is to stop, whatever becomes of thread and pool; or 0. */
int stop_run(struct slot *slot);
/*
 * What ward_check() says to the thread, without a beat.  The thread need not be a worker
 * (NULL), nor inside of anything.
 */
cold int stop_self(struct slot *slot);

/* The token of the slot's task: its own, or its lane's; NULL: none. */
struct ward_cancel *stop_token(struct slot *slot);

/*
 * Inside run(), and nothing tells the task to stop, as far as a few loads can say.  The
 * conditions that hardly ever fail are one branch: a check must cost no more.
 */
static inline bool stop_unseen(const struct slot *slot)
{
	const struct ward_task *task = load_relaxed(&slot->task);
	uint64_t stops;

	if (!slot_runs(slot))
		return false;
	stops = (load_relaxed(&slot->fence) & 1) |
		load_relaxed(&slot->pool->stopping) |
		(load_acquire(&task_priv(task)->word) & /* [ca] */
		 (TASK_CANCELLED | TASK_LANE | TASK_CARRIER));
	return !stops && (!task->cancel || cancel_is_live(task->cancel));
}

/* ---- as it ends -------------------------------------------------------------------- */

/*
 * Has a run() that returned this failed?  Not if the task was told to stop, and says so:
 * the cause, -ESHUTDOWN when the pool stops, -ESTALE when it may not commit any more.
 * Nothing is fired.
 * 'lane': of a task that its submitter runs; else NULL.
 */
bool stop_failed(const struct pool *pool, const struct lane *lane,
		 const struct ward_task *task, int status);

#endif
