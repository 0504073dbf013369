/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.h - work that is cut in parts inside of a task: fork, go on, join.
 *
 *	struct sum { struct ward_fork fork; ... };
 *
 *	struct ward_group group = { 0 };
 *	struct sum left = { .fork.run = sum_run, ... };
 *
 *	ward_fork(&group, &left.fork);	idle workers may take it from here on
 *	right = ...;			go on
 *	err = ward_join(&group);	it has ended now, here or elsewhere
 *
 * Forks stay on the worker that made them, the newest first, until another one has
 * nothing else to do: that one steals the oldest.  A fork that nobody steals is a
 * plain call by ward_join(), and costs nanoseconds.  Forks fork in their turn.
 *
 * A fork is part of the attempt of the task that made it, wherever it runs: the same
 * token, attempt, right to commit, fence number and checkpoints, and the same lane and
 * ward that it must not wait for.  It hears in ward_check() and where it waits in the
 * library that the task was cancelled or fenced, and of the end of the pool; one that is
 * stolen after that does not begin, and join returns the cause.  It has the patience of
 * the same policy.  It must be fit to run on another thread than its maker's: ward_self()
 * tells of that one's worker.  There it is
 * supervised like an attempt of its own.  What becomes of it comes out of
 * ward_join() where it was stolen; where it was not, it happened in the attempt:
 *
 *			stolen: join returns		not stolen
 *	run() fails	its error			join returns the error
 *	ward_raise()	its error			ends the attempt
 *	fault, caught	-EFAULT				ends the attempt
 *	thread leaves	-EOWNERDEAD			ends the attempt
 *	hangs		nothing, see below		the attempt hangs
 *
 * A stolen fork that hangs is convicted, and its thread replaced.  But join cannot
 * return while that thread is still inside of it, since it uses the frame that join
 * would return to.  So the attempt that waits for it is convicted at once, too, and
 * answered -ETIME, as it would be had it run the fork itself; or, if the thread
 * comes home first, join returns -ETIME.
 *
 * Memory.  Fork and group are the caller's, and usually on its stack.  They must
 * stay until ward_join() has returned.  An attempt that leaves run() otherwise
 * (ward_raise(), a caught fault, the end of its thread) takes its forks back that
 * nobody has begun, and waits for the others before it leaves; one that returns
 * from run() without having joined, too, but then the frame is gone already.  An
 * exception must not leave a frame with forks.
 */
#ifndef WARD_FORK_H
#define WARD_FORK_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One part.  The library does not touch it after run() has returned. */
struct ward_fork {
	int (*run)(struct ward_fork *fork); /* 0, or a negative errno value */
	uint64_t priv[2];
};

/* What is joined together.  All-zero is empty, and so it is after a join. */
struct ward_group {
	uint64_t priv[4];
};

/*
 * Makes 'fork' a part of 'group'.  The fork may run now, in the call, if there is
 * no room for more (some hundred wait already on this worker); or later in
 * ward_join(), or on another worker of the pool.  Its memory is the library's
 * until the join.
 *	0		it will have run when ward_join() returns
 *	-EINVAL		NULL, or no run
 *	-EPERM		the group has forks of another thread
 * Any thread; not in a signal handler.  Outside of run(), and on a thread that is
 * no worker, the fork runs now.
 */
WARD_API int ward_fork(struct ward_group *group, struct ward_fork *fork);

/*
 * Runs what is left of the group, and waits for what others have begun of it;
 * while it waits it runs parts of just those.  0; the first error of its forks;
 * -ESTALE: the attempt was fenced, forks that nobody had begun were left out.
 * -EINVAL: NULL; -EPERM: not the thread that forked, which has not joined.
 *
 * To be called by who forked, before it leaves its frame.  It is a sign of life
 * and of progress (one unit).  The wait is no silence as long as those who run the
 * forks are not convicted themselves.
 */
WARD_API int ward_join(struct ward_group *group);

#ifdef __cplusplus
}
#endif
#endif
