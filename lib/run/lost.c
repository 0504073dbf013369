/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lost.c - attempts that lost their worker.
 *
 * The task of an attempt whose answer was taken away is requeued (later.h): any worker
 * takes it in its turn, and destroy when there is none.  Whether a task runs again,
 * after what backoff, is decided here too, also after an attempt that failed.
 */
#include "run/run.h"
#include "task/backoff.h"
#include "lane/port.h"
#include "lane/stop.h"
#include <string.h>

static const struct ward_policy *policy_of(const struct pool *pool,
					   const struct ward_task *task)
{
	return task->policy ? task->policy : &pool->policy;
}

static uint32_t allowed(const struct ward_policy *policy, enum lost_why why)
{
	const uint32_t times[LOST_STOP] = { [LOST_STALL] = policy->stalls,
					    [LOST_DEATH] = policy->deaths,
					    [LOST_ERROR] = policy->errors,
					    [LOST_FAULT] = policy->faults };

	return times[why];
}

/* Attempts so far; of a periodic task, since its last rearm. */
static uint32_t attempts(const struct task_priv *priv)
{
	uint32_t n = 1;

	for (int why = 0; why < LOST_STOP; why++)
		n += priv->reruns[why];
	return n;
}

/*
 * May the task run again?  Spends the budgets of its policy, and of the pool's
 * where that leaves them open.
 */
static bool may_rerun(struct pool *pool, const struct ward_task *task,
		      struct task_priv *priv, enum lost_why why)
{
	const struct ward_policy *pools = &pool->policy;
	const struct ward_policy *own = policy_of(pool, task);
	uint32_t attempt = task_attempt(load_relaxed(&priv->word));
	uint64_t runs = policy_pick(own->runs, pools->runs); /* 0: any */

	/* The number has 16 bits, and must not come round to 1. */
	if (why == LOST_STOP || stop_reruns(pool) ||
	    load_relaxed(&priv->word) & TASK_CANCELLED ||
	    (runs && attempts(priv) >= runs) ||
	    attempt >= UINT16_MAX - 1)
		return false;
	if (priv->reruns[why] >=
	    policy_pick(allowed(own, why), allowed(pools, why)))
		return false;
	priv->reruns[why]++;
	return true;
}

int lost_status(enum lost_why why)
{
	static const int status[] = { [LOST_STALL] = -ETIME,
				      [LOST_DEATH] = -EOWNERDEAD,
				      [LOST_FAULT] = -EFAULT,
				      [LOST_STOP] = -ECANCELED };

	return status[why];
}

/* Ends the attempt in the task's word.  True: the task is to run again. */
static bool end_attempt(struct pool *pool, struct ward_task *task,
			enum lost_why why, int status, bool inside,
			uint64_t incident)
{
	struct task_priv *priv = task_priv(task);
	bool again;

	if (task_attempt(load_relaxed(&priv->word)) == 1)
		memset(priv->reruns, 0, sizeof(priv->reruns));
	again = may_rerun(pool, task, priv, why);
	store_relaxed(&priv->incident, incident);
	priv->status = status;
	priv->why = (uint16_t)why;
	if (task_lose(priv, inside, again ? TASK_RERUN : TASK_LOST, TASK_LOST))
		again = false;
	if (load_relaxed(&priv->word) & TASK_SKIPPED)
		priv->status = priv->cause; /* its worker did not call run() */
	if (again)
		add_relaxed(&pool->reruns, 1);
	return again;
}

static void run_again(struct pool *pool, struct ward_task *task)
{
	const struct ward_policy *own = policy_of(pool, task);
	uint32_t n = task_attempt(load_relaxed(&task_priv(task)->word)) - 1;
	uint64_t wait = backoff_draw(
		&pool->rng,
		policy_pick(own->backoff_min, pool->policy.backoff_min),
		policy_pick(own->backoff_max, pool->policy.backoff_max), n);
	uint64_t now;

	if (!wait) {
		later_requeue(&pool->inbox, task, false);
		return;
	}
	now = host_now();
	later_put(&pool->inbox, task,
		  wait < HOST_FOREVER - now ? now + wait : HOST_FOREVER - 1,
		  false);
}

bool lost_again(struct pool *pool, struct slot *slot, struct ward_task *task,
		int status, uint64_t incident)
{
	if (!end_attempt(pool, task, LOST_ERROR, status, false, incident))
		return false;
	slot_end(slot); /* before another worker may begin it */
	run_again(pool, task);
	return true;
}

void lost_away(struct pool *pool, struct ward_task *task, enum lost_why why,
	       int status, uint64_t incident)
{
	_Atomic uint64_t *count[] = { [LOST_STALL] = &pool->stalled,
				      [LOST_DEATH] = &pool->died,
				      [LOST_ERROR] = &pool->failed,
				      [LOST_FAULT] = &pool->faulted };

	add_relaxed(&pool->away_started, 1);
	if (why == LOST_ERROR || why == LOST_STOP)
		add_relaxed(&pool->away_ended, 1);
	if (why != LOST_STOP)
		add_relaxed(count[why], 1);
	if (end_attempt(pool, task, why, status, false, incident))
		run_again(pool, task);
	else
		later_requeue_first(&pool->inbox, task);
}

/*
 * A callback is due, by 'state', and its thread will not come to it.  To the front,
 * for the bench answers what is there when all workers are busy.
 */
static void requeue_due(struct pool *pool, struct ward_task *task,
			enum task_state state)
{
	task_move(task_priv(task), state, 0);
	later_requeue_first(&pool->inbox, task);
}

void lost_attempt(struct pool *pool, struct ward_task *task,
		  enum slot_phase phase, enum lost_why why, bool inside,
		  uint64_t incident)
{
	if (phase == SLOT_RUN) {
		add_relaxed(why == LOST_DEATH ? &pool->died :
			    why == LOST_FAULT ? &pool->faulted :
						&pool->stalled,
			    1);
		if (end_attempt(pool, task, why, lost_status(why), inside,
				incident))
			run_again(pool, task);
		else
			later_requeue_first(&pool->inbox, task);
		return;
	}
	/*
	 * A callback loses no answer.  While its thread lives it may return and go on
	 * to the next one; what a dead thread left is requeued.
	 */
	if (phase == SLOT_HOOK || inside)
		return;
	if (phase == SLOT_DEAD)
		requeue_due(pool, task, TASK_TOLD);
	else if (phase == SLOT_DONE)
		requeue_due(pool, task, TASK_DONE);
	else
		add_acq_rel(&pool->released, 1); /* [r] */
}

void lost_hold(struct pool *pool, struct ward_task *task)
{
	if (!task_put(task_priv(task)))
		return;
	add_relaxed(&pool->unreleased, -(uint64_t)1);
	if (load_relaxed(&task_priv(task)->word) & TASK_PORT)
		port_post_late(pool, task);
	else
		requeue_due(pool, task, TASK_DONE);
}

void lost_local(struct pool *pool, struct slot *slot)
{
	void *task;

	/* Thieves come to such a queue last, under load hardly ever. */
	while (owned_steal(&slot->local.ring, &task, 1, false, false)) {
		if (later_has_come(stop_by(pool, task)))
			later_requeue_first(&pool->inbox, task);
		else
			later_return(&pool->inbox, task);
	}
}
