/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.c - what code inside a task asks and says about itself, and the time.
 *
 * The calls touch the caller's own slot and its task, which stays valid inside run(),
 * also when the attempt was lost, by its reference.
 */
#include "lane/stop.h"

ward_ns ward_now(void)
{
	return host_now();
}

const struct ward_self *ward_self(void)
{
	struct slot *slot = host_self();

	if (!slot)
		return NULL;
	if (!slot_runs(slot))
		slot->self.attempt = 0;
	return &slot->self;
}

struct ward_cancel *ward_token(void)
{
	return stop_token(host_self());
}

/* The rest is left by a jump, so that no register has to be saved. */
int ward_check(void)
{
	struct slot *slot = slot_here();

	if (unlikely(!slot))
		return stop_self(host_self());
	__atomic_store_n(&slot->pulse.beats, slot->pulse.beats + 1,
			 __ATOMIC_RELAXED);
	return likely(stop_unseen(slot)) ? 0 : stop_self(slot);
}

/* One of the task's attempts commits, and one of rivals. */
static bool commit(struct ward_task *task, uint32_t attempt)
{
	struct task_priv *priv = task_priv(task);
	bool laned = load_relaxed(&priv->word) & TASK_LANE;

	return task_commit(priv, attempt) &&
	       (!laned || lane_commit(priv->lane, task));
}

int ward_commit(void)
{
	struct slot *slot = host_self();

	if (!slot || !slot_runs(slot))
		return -EPERM;
	/* A fence that comes after this look comes after the commit. */
	if (!slot_taken(slot) && !stop_run(slot) &&
	    commit(slot_task(slot), slot->self.attempt))
		return 0;
	count_own(&slot->stale_commits, 1);
	if (slot_taken(slot) && load_relaxed(&slot->fence) != FENCE_FORKED) {
		/* The task got on: how much too early was the fence? */
		count_own(&slot->fencing.regrets, 1);
		histogram_add(&slot->fencing.regret,
			      host_now() - load_relaxed(&slot->fencing.at));
	}
	return -ESTALE;
}

/*
 * The number is drawn before the look at the fence: an attempt that finds itself unfenced
 * has drawn before any later attempt began, and all draw from one counter by
 * read-modify-write, so later ones have drawn more.  The attempt's forks may ask at the
 * same time, elsewhere: the first to store its number wins.
 */
int ward_fence(uint64_t *fence)
{
	struct slot *slot = host_self();
	struct slot *root;
	uint64_t number;

	if (!fence)
		return -EINVAL;
	if (!slot || !slot_runs(slot))
		return -EPERM;
	slot->needs_cleanup = 1;
	root = slot_root(slot);
	number = load_acquire(&root->fencing.fencing_token); /* [dq] */
	if (!number) {
		uint64_t drawn = host_ticket();

		if (cas_acq_rel(&root->fencing.fencing_token, &number, drawn)) /* [dq] */
			number = drawn;
	}
	if (slot_taken(slot) || slot_taken(root))
		return -ESTALE;
	*fence = number;
	return 0;
}

uint64_t ward_incident(const struct ward_task *task)
{
	return task ? task_incident(task_priv(task)) : 0;
}
