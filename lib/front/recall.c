/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recall.c - a task that is not wanted any more, and one whose memory is to stay.
 *
 * The way of a cancel is in docs/overview.md.  Edge [ca]: marked | begun.  The heavy fence
 * is the canceller's: a worker does one load.  Where both see each other one swap of the
 * word decides what is said.
 *
 * The answer must be true of a task that may end meanwhile.  So the canceller holds its
 * memory, as a zombie does: by a reference, which goes into the word with the mark.  Only
 * a worker that was inside of the task before the mark may not see that, and end it by a
 * mere store; a hold from before the task was submitted helps against this, because no
 * worker ends such a task so.
 */
#include "lane/stop.h"
#include "lane/wait.h"
#include "run/run.h"

enum { ERRNO_MAX = 4095 };

/* The task waits for an attempt, or is in one. */
static bool may_run(uint64_t word)
{
	return (task_state(word) == TASK_QUEUED ||
		task_state(word) == TASK_RERUN) &&
	       !(word & TASK_SKIPPED);
}

/*
 * One of several cancellers gets to write the cause.  0: the task is marked, and held;
 * *word is what the mark went into.
 */
static int mark(struct pool *pool, struct ward_task *task, int cause,
		uint64_t *word)
{
	struct task_priv *priv = task_priv(task);

	*word = load_acquire(&priv->word);
	do {
		if (!may_run(*word))
			return -ENOENT;
		if (*word & TASK_ASKED)
			return -EALREADY;
	} while (!cas_acq_rel(&priv->word, word, /* [K] */
			      (*word | TASK_ASKED) + TASK_REF_ONE));
	priv->cause = (int16_t)cause;
	*word = load_acquire(&priv->word);
	while (may_run(*word) && *word & TASK_ASKED)
		if (cas_acq_rel(&priv->word, word, *word | TASK_CANCELLED)) /* [ca] */
			return 0;
	lost_hold(pool, task); /* the task has ended meanwhile */
	return -ENOENT;
}

/*
 * Is the worker inside of the task, and how far: in run(), past that (DEAD: the task may
 * yet run again), or about to give it back?  From RELEASE on it has done so.  The phase is
 * this task's only if the word is still the same after the look at the task; a worker that
 * goes on meanwhile soon has another.
 */
static bool is_inside(const struct slot *slot, const struct ward_task *task,
		      enum slot_phase *phase)
{
	uint64_t word = load_acquire(&slot->word), seen; /* [E] */

	do {
		seen = word;
		*phase = slot_phase(word);
		if ((*phase != SLOT_RUN && *phase != SLOT_DEAD &&
		     *phase != SLOT_DONE) ||
		    load_acquire(&slot->task) != task) /* [E] */
			return false;
		word = load_acquire(&slot->word); /* [E] */
	} while (word != seen);
	return true;
}

/* The worker's attempt was taken away: it is a zombie, or on its way out. */
static bool is_zombie(const struct slot *slot)
{
	uint64_t fence = load_acquire(&slot->fence); /* [H] */

	return fence & 1 && slot_phase(FENCE_EPOCH(fence)) == SLOT_RUN;
}

/*
 * The worker that is inside of the task; a zombie of an earlier attempt only if there is
 * no other.  A zombie gives nothing back, however far it is.
 */
static struct slot *who_has(struct pool *pool, const struct ward_task *task,
			    enum slot_phase *phase)
{
	struct slot *zombie = NULL;

	for_each_slot(slot, pool) {
		if (!is_inside(slot, task, phase))
			continue;
		if (!is_zombie(slot))
			return slot;
		zombie = slot;
	}
	*phase = SLOT_RUN;
	return zombie;
}

/* The task's attempt goes on.  False: its worker saw the mark first. */
static bool is_begun(struct task_priv *priv)
{
	uint64_t word = load_acquire(&priv->word);

	do {
		if (word & TASK_SKIPPED)
			return false;
		if (!may_run(word) || !(word & TASK_CANCELLED))
			return true; /* it has just ended */
	} while (!cas_acq_rel(&priv->word, &word, word | TASK_BEGUN));
	return true;
}

/* What has become, or becomes, of a marked task. */
static int outcome(struct pool *pool, struct ward_task *task)
{
	enum slot_phase phase = SLOT_OUT;
	struct slot *slot = who_has(pool, task, &phase);
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word);

	/* A task that waits for another attempt may have a zombie inside. */
	if (task_state(word) != TASK_QUEUED)
		slot = NULL;
	if (slot && phase != SLOT_DONE && is_begun(priv)) {
		steal_wake_waiters(slot);
		return -EINPROGRESS;
	}
	word = load_acquire(&priv->word);
	if (!(word & TASK_CANCELLED))
		return -ENOENT;
	if (word & TASK_BEGUN) /* the attempt was told, and has ended */
		return -EINPROGRESS;
	return word & TASK_SKIPPED || (!slot && may_run(word)) ?
		       0 :
		       -ENOENT;
}

/* The task is off its queue: the user's again.  A waiter holds it [y]. */
static void give_up(struct pool *pool, struct ward_task *task, bool laned)
{
	struct task_priv *priv = task_priv(task);
	struct lane *lane = laned ? priv->lane : NULL;
	uint64_t word = load_relaxed(&priv->word);

	priv->status = priv->cause;
	if (lane && task->policy == &lane->policy)
		task->policy = NULL; /* the user gave none */
	while (!cas_acq_rel(&priv->word, &word, /* [K] */
			    ((word & TASK_REFS) | task_shut(word)) -
				    TASK_REF_ONE))
		;
	wait_tell(&pool->answered); /* [y] */
	if (lane)
		lane_leave(lane, true);
}

/*
 * Of a marked task that waits in its lane.  It is not taken back while another thread
 * dispatches the lane, for that is not waited for.
 */
static bool recall_waiting(struct pool *pool, struct ward_task *task,
			   bool back)
{
	struct lane *lane = task_priv(task)->lane;

	if (back && lane_take_back(lane, task)) {
		give_up(pool, task, true);
		return true;
	}
	lane_strike(lane, task);
	return false;
}

/* Of a marked task that waits for its time; it may have begun meanwhile. */
static bool recall_timed(struct pool *pool, struct ward_task *task,
			 uint64_t word)
{
	if (task_state(word) != TASK_RERUN || word & TASK_PERIODIC ||
	    task_attempt(word) > 1 || !later_take_back(&pool->inbox, task))
		return false;
	give_up(pool, task, word & TASK_LANE);
	return true;
}

static int recall(struct pool *pool, struct ward_task *task, int cause,
		  bool back)
{
	uint64_t word;
	int err = mark(pool, task, cause, &word);
	bool had = false;

	if (err)
		return err;
	back = back && task->run != load_relaxed(&pool->counted_run);
	if (task_waits(word)) {
		had = recall_waiting(pool, task, back);
	} else if (back && recall_timed(pool, task, word)) {
		had = true;
	} else {
		host_barrier_heavy(); /* [ca] marked | begun? */
		err = outcome(pool, task);
		if (!err)
			later_expedite(&pool->inbox, task);
	}
	/* All workers may be busy: a sweep finds the task, and answers it. */
	if (!had && !err && task_state(word) == TASK_QUEUED)
		pool_tell_by(pool, 1);
	if (!had)
		lost_hold(pool, task);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
	return had ? WARD_RECALLED : err;
}

static int recall_or_cancel(struct ward_pool *handle, struct ward_task *task,
			    int cause, bool back)
{
	struct pool *pool = (struct pool *)handle;
	int err = !task || cause > 0 || cause < -ERRNO_MAX ? -EINVAL :
							     pool_enter(pool);

	if (err)
		return err;
	host_hold();
	err = recall(pool, task, cause ? cause : -ECANCELED, back);
	host_unhold();
	return err;
}

int ward_task_cancel(struct ward_pool *handle, struct ward_task *task,
		     int cause)
{
	return recall_or_cancel(handle, task, cause, false);
}

int ward_task_recall(struct ward_pool *handle, struct ward_task *task,
		     int cause)
{
	return recall_or_cancel(handle, task, cause, true);
}

/* No honest caller has 2^31 holds, so the count does not overflow. */
int ward_task_hold(struct ward_pool *handle, struct ward_task *task)
{
	struct pool *pool = (struct pool *)handle;
	int err = task ? pool_enter(pool) : -EINVAL;

	if (err)
		return err;
	add_acq_rel(&pool->refs, 1);
	add_acq_rel(&task_priv(task)->word, TASK_REF_ONE); /* [K] */
	return 0;
}

int ward_task_drop(struct ward_pool *handle, struct ward_task *task)
{
	struct pool *pool = (struct pool *)handle;
	int err = task ? pool_enter(pool) : -EINVAL;

	if (err)
		return err;
	host_hold();
	lost_hold(pool, task);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
	pool_put(pool);
	host_unhold();
	return 0;
}

/* The task is in no pool, or only held there. */
static bool is_answered(const struct ward_task *task)
{
	enum task_state state =
		task_state(load_acquire(&task_priv(task)->word)); /* [K] */

	return state == TASK_FREE || state == TASK_ANSWERED;
}

int ward_task_wait(struct ward_pool *handle, struct ward_task *task,
		   ward_ns until, int *status)
{
	struct pool *pool = (struct pool *)handle;
	struct slot *slot = host_self();
	struct wait_entry entry;
	int err = task ? pool_enter(pool) : -EINVAL;

	if (err)
		return err;
	if (slot && slot_inside(load_relaxed(&slot->word)) &&
	    (slot_runs(slot) ? slot_task(slot) :
			       load_relaxed(&slot->task)) == task)
		return -EDEADLK;
	host_hold();
	pool_until(pool, until);
	wait_enter(&entry, &pool->answered, until, WAIT_BLOCK);
	err = wait_event(&entry, is_answered(task));
	host_unhold();
	if (!err && status)
		*status = task_priv(task)->status;
	return err;
}
