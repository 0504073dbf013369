/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - everything about a set of tasks: how many run at once and in which order,
 * how many may wait and what happens to one too many, how urgent and how frequent
 * they are, what cancels them, where their answers go, and when all are done.
 *
 * Many lanes feed one pool.  A lane has no thread: its tasks wait in it for their
 * turn, and then in the pool like any others.  An idle lane costs its memory, some
 * 800 bytes, and nothing else.
 *
 *	width 1			a key: its tasks run in order, never two at once
 *	width n			a bulkhead: no more than n workers at a time
 *	any width, join		a set of tasks that somebody waits for
 *	under another		a share of that one's width
 *
 * Width counts answers: a task that was fenced, and is still inside run(), makes way
 * for the next.  ward_check() tells it so, and ward_commit() refuses it.
 */
#ifndef WARD_LANE_H
#define WARD_LANE_H

#include <ward/base.h>
#include <ward/cancel.h>
#include <ward/pool.h>
#include <ward/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_lane;
struct ward_limit;
struct ward_port;

enum {
	/* The first task that fails (task.h: not one that never ran, or was told to
	 * stop) cancels the lane with -ECANCELED. */
	WARD_LANE_FAIL_FAST = 1u << 0,
	/* Where 'queued' wait already, the oldest of them is answered -ENOBUFS. */
	WARD_LANE_DROP_OLDEST = 1u << 1,
	/* Where there is no room, run(), done() and release() are called by the
	 * submitting thread, before ward_lane_submit() returns, unsupervised and
	 * once.  Before, it takes what the lane's limits ask for: the call may wait
	 * for that, or be refused, as ward_limit_take() until 'until'.  How it ends
	 * counts as with any task of the lane, but it is not one of those that
	 * ward_lane_join() waits for: the submit is.  Inside of such a task the
	 * flag means nothing, to any lane: where there is no room a submit waits, or
	 * is refused.  Not with a width of 1, which would run two at once. */
	WARD_LANE_CALLER_RUNS = 1u << 2,
	/* Nothing waits in the lane: a task is taken if one of 'active' places is
	 * free.  Needs 'active'; 'queued' must be 0. */
	WARD_LANE_HANDOVER = 1u << 3
};

/* Zero is a good default everywhere.  Copied by ward_lane_create(). */
struct ward_lane_config {
	uint32_t size;	  /* set by WARD_LANE_CONFIG_INIT */
	uint32_t flags;	  /* WARD_LANE_* */
	const char *name; /* up to 15 bytes; default "anonymous" */
	uint32_t active;  /* handed to workers at once, up to 2^30; 0: any number */
	uint32_t queued;  /* that wait besides, up to 2^30; 0: any number.  Where
			     'active' is 0: that are in the lane */
	uint32_t prio;	  /* 0 high, as tasks without a lane, to 3 low; the lower
			     ones get their share, so that none waits for ever */
	const struct ward_policy *policy; /* for tasks without their own; copied */
	/* The lane's token is fired with this one.  Must outlive the lane. */
	struct ward_cancel *cancel;
	/* Each task takes one token from each of these before it runs.  They must
	 * outlive the lane, or ward_limit_fini(). */
	struct ward_limit *const *limits; /* the array is copied; up to 8 */
	uint32_t nlimits;
	uint32_t reserved; /* must be 0 */
	struct ward_port *port; /* done() and release() are called there: port.h */
	/*
	 * A lane of the same pool, whose places this one's tasks take besides their
	 * own: so many lanes share a width, say tenants of one backend.  They and the
	 * tasks of that lane come in turn, a task each; but as long as 'active' of this
	 * one are at work it asks for no more.  That lane's token fires this one's, too.
	 * It has 'active', no limits, then and before, and none of DROP_OLDEST,
	 * CALLER_RUNS and HANDOVER, and is under no other; this one has no
	 * limits either, for what waits for them would keep a place, and is neither
	 * CALLER_RUNS nor HANDOVER.  It must outlive this lane.  What it counts, and
	 * ward_lane_join() waits for there, are its own tasks, and of those under it the
	 * ones that have a place, and the next one of each lane.
	 */
	struct ward_lane *under;
};
#define WARD_LANE_CONFIG_INIT WARD_SIZED_INIT_(struct ward_lane_config)

/*
 * Makes a lane of 'pool', which goes on living until its lanes are destroyed, also
 * when it was destroyed.  config NULL is all defaults.
 * -EINVAL: NULL, wrong size, unknown flag, value out of range, flags that do not go
 * together, a limit that was not initialised; -E2BIG: more limits than WARD_LIMITS_MAX,
 * with all that they are under; -ENAMETOOLONG; -ENOMEM; -ECHILD.  On error *out is
 * untouched.
 */
WARD_API WARD_MUST int ward_lane_create(struct ward_lane **out,
					struct ward_pool *pool,
					const struct ward_lane_config *config);

/*
 * As ward_submit(), through the lane.
 *	0		accepted: done and release will come
 *	-EAGAIN		WARD_NOWAIT, and no room
 *	-ETIMEDOUT	no room until 'until'
 *	-ESHUTDOWN	the lane is closed, or the pool drains or is destroyed
 *	the cause	the lane was cancelled, or task->cancel was fired, before or
 *			while the call waited for room
 *	-EBUSY, -EINVAL, -ECHILD	as ward_submit()
 *	-ESTALE...	while it waited inside a task: what ward_check() says
 * Any thread; with WARD_NOWAIT it does not wait for anybody, and may be called in a
 * signal handler; but a submitter that is stopped in here can hold up its lane, and the
 * one that it is under.
 */
WARD_API WARD_MUST int ward_lane_submit(struct ward_lane *lane,
					struct ward_task *task, ward_ns until);

/*
 * Up to n tasks in order, as ward_lane_submit() each, but those that there is room for
 * at once by one step.  How many were taken (the first so many), 0..n; if none was, why
 * the first was not.  n = 0 is 0; -EINVAL: lane or tasks is NULL, or n is more than
 * 2^31 - 1.
 */
WARD_API WARD_MUST int ward_lane_submit_n(struct ward_lane *lane,
					  struct ward_task *const *tasks,
					  unsigned n, ward_ns until);

/*
 * As ward_submit_at() without a period, through the lane: at the point 'when', or at
 * once if that has passed, the task comes to the lane's queue, and runs in its turn.
 * From the submit on it is in the lane, and takes its room: a lane that is closed with
 * cause 0 has it run at its time, one that is cancelled answers it at once.
 *	0		accepted
 *	-EAGAIN		no room; it does not wait
 *	-EINVAL		as ward_submit(), or 'when' is WARD_FOREVER
 *	else		as ward_lane_submit()
 * Any thread, also under locks; does not wait.
 */
WARD_API WARD_MUST int ward_lane_submit_at(struct ward_lane *lane,
					   struct ward_task *task,
					   ward_ns when);

/*
 * Another width and another bound, as in ward_lane_config, while the lane is in use.
 * What is more than now is used at once; what is less comes about as tasks end, none is
 * stopped or thrown out (but the oldest, with WARD_LANE_DROP_OLDEST).
 * 0; -EINVAL: NULL, out of range, or not with the lane's flags; or a lane that was made
 * without 'active' is to have one, or the other way round; -ECHILD.  Any thread; does
 * not wait.
 */
WARD_API int ward_lane_resize(struct ward_lane *lane, uint32_t active,
			      uint32_t queued);

/*
 * Other limits, up to 8, as in ward_lane_config; none if n is 0.  (For another rate of the
 * same ones there is ward_limit_set().)  A task that had its tokens goes on.  One that waits
 * for them waits by the new limits: it keeps what it was granted by those that stay, and
 * gives back what it was by the others, as ward_limit_take() does.
 * Does not wait: whoever is busy with the lane just now sees to the change, and
 * ward_lane_join() waits for that, too; until then the old limits may be taken from.  The
 * memory of an old one may be given back after ward_limit_fini(), or ward_lane_destroy().
 *	0
 *	-EINVAL		lane is NULL; n is above 8; limits, or one of them, is NULL or was
 *			never initialised; the lane is under another, or one is, or was,
 *			under it
 *	-E2BIG		more than WARD_LIMITS_MAX, with all that they are under
 *	-ENOMEM, -ECHILD
 * After an error the old ones stay.  Any thread.
 */
WARD_API int ward_lane_set_limits(struct ward_lane *lane,
				  struct ward_limit *const *limits, uint32_t n);

struct ward_lane_stats {
	uint32_t size;	  /* set by WARD_LANE_STATS_INIT */
	uint32_t active;  /* as configured, or resized */
	uint32_t queued;  /* the same */
	uint32_t inside;  /* tasks in the lane, now */
	uint32_t waiting; /* of those, for their turn in it */
	int32_t error;	  /* how the first one ended that did not with 0, or 0 */
	int32_t cause;	  /* why the lane was cancelled, or 0 */
	uint32_t closed;  /* 1: nothing more is accepted */
	uint64_t dropped;    /* the oldest one, for a newer one, ever */
	uint64_t recalled;   /* by ward_task_cancel() or _recall(), while they waited */
	uint64_t full;	     /* submits that found no room at first */
	uint64_t by_callers; /* of those, run by who submitted */
	uint64_t reserved;
};
#define WARD_LANE_STATS_INIT WARD_SIZED_INIT_(struct ward_lane_stats)

/* Each number was true at some instant of the call.  0; -EINVAL; -ECHILD.  Any thread. */
WARD_API int ward_lane_stats(const struct ward_lane *lane,
			     struct ward_lane_stats *stats);

/*
 * Waits until no task is in the lane: 0, or how the first one ended that did not so (it
 * stays so for the lane's life); -ETIMEDOUT: not by then; -EDEADLK: called by a task
 * of this lane; or what ward_check() says to the calling task.  Inside a task it is
 * a declared wait, so that the pool may have another thread work meanwhile.
 */
WARD_API int ward_lane_join(struct ward_lane *lane, ward_ns until);

/*
 * Ends the lane: nothing more is accepted, and submitters that wait are refused.
 * With cause 0 what is queued is finished; with another, a negative errno value, the
 * lane is cancelled too.  Does not wait: ward_lane_join() does.
 * 0; -EALREADY: it was closed before; -EINVAL; -ECHILD.
 */
WARD_API int ward_lane_close(struct ward_lane *lane, int cause);

/*
 * Fires the lane's token with 'cause', a negative errno value (0: -ECANCELED):
 * tasks that have not begun never do, and are answered with it; those that run see
 * it in ward_check(); later ones are refused.  False: it was fired before.
 */
WARD_API bool ward_lane_cancel(struct ward_lane *lane, int cause);

/*
 * The lane's token, for a deadline, or to watch it.  It lives as long as the lane; and
 * what a task of it found by ward_token() is no other lane's as long as that thread is
 * inside run(), though it lost its attempt and the lane has ended.
 */
WARD_API struct ward_cancel *ward_lane_token(struct ward_lane *lane);

/* How many tasks are in the lane, now. */
WARD_API uint32_t ward_lane_count(const struct ward_lane *lane);

/*
 * Gives the lane back.  -EBUSY: tasks are in it, or lanes under it, or its limits are
 * about to be changed, or its token is watched, or linked to, by others; -EINVAL; -ECHILD.
 * No other call on it may be under way, but one that submitted what has been answered, and
 * that must be over before the pool ends.  Threads that lost an attempt of its tasks, and
 * are still inside, do not count.
 */
WARD_API int ward_lane_destroy(struct ward_lane *lane);

/*
 * Gives the lane back though tasks are in it: it goes when the last one has left.  They
 * are not cancelled by that; ward_lane_config's token does not fire them any more, and may
 * end.  For whoever must not wait for tasks that may hang.
 * 0; -EBUSY: lanes are under it, or were and have not gone, or its limits are about to be
 * changed; -EINVAL; -ECHILD.  Watches of its token, and links to it, must have been taken
 * back: else it stays until the process ends, and the pool's memory with it.  No other
 * call on it may be under way.
 */
WARD_API int ward_lane_abandon(struct ward_lane *lane);

#ifdef __cplusplus
}
#endif
#endif
