/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.h - a worker's work: what its thread, which sits down and gets up, calls.
 */
#ifndef WARD_LIB_RUN_WORKER_H
#define WARD_LIB_RUN_WORKER_H

#include "run/run.h"

/* Why a worker comes to the end of its work. */
enum work_end {
	WORK_GOES_ON,
	WORK_STOPS, /* with the pool */
	WORK_RETURNED, /* it was fenced, and has lost its seat */
	WORK_LEAVES /* it was one too many, and has given it up */
};

/*
 * Works until the pool stops, or the thread has no seat any more.  'own' is false if
 * the thread was fenced in the attempt that it comes from.
 */
enum work_end worker_work(struct pool *pool, struct slot *slot, bool own);
/*
 * The worker's attempt was left by ward_raise(), from any depth.  False: the thread was
 * fenced meanwhile, or is a copy in a child process.
 */
cold bool worker_finish_raised(struct pool *pool, struct slot *slot);
/*
 * The caller's attempt or callback was taken away while it was inside.  True if it may
 * go on in its seat: the steward took the answer, but has not taken the seat yet, and
 * now cannot any more.  In a child process, where it is a copy, its thread ends.
 */
bool worker_come_home(struct pool *pool, struct slot *slot);

/* As run() was left, in whatever way: what it has not put away itself. */
cold void worker_clean_up(struct slot *slot, int status);

/* Shows the steward by which budgets the next epoch is judged; NULL: the pool's. */
cold void worker_budgets(struct slot *slot, const struct ward_policy *policy);

/* Before each epoch that begins outside; the task of a hook is NULL. */
static inline void show_own_budgets(struct slot *slot,
				    const struct ward_task *task)
{
	const struct ward_policy *policy = task ? task->policy : NULL;

	if (unlikely(policy || slot->own_budgets))
		worker_budgets(slot, policy);
}

#endif
