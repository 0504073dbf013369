/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane/stop.h"

/* ---- what a task carries ----------------------------------------------------------- */

static const struct lane *lane_of(const struct ward_task *task, uint64_t word)
{
	return word & TASK_LANE ? task_priv(task)->lane : NULL;
}

/* The winner's firing does not stop the winner. */
static int lane_cause(const struct lane *lane, const struct ward_task *task)
{
	int cause = cancel_cause(&lane->token);

	return cause && load_relaxed(&lane->winner) == task ? 0 : cause;
}

/* The same, fired by nobody. */
static int lane_seen(const struct lane *lane, const struct ward_task *task)
{
	int cause = cancel_seen(&lane->token);

	return cause && load_relaxed(&lane->winner) == task ? 0 : cause;
}

int stop_seen(const struct ward_task *task)
{
	uint64_t word = load_acquire(&task_priv(task)->word); /* [ca] */
	const struct lane *lane = lane_of(task, word);
	int cause = 0;

	if (unlikely(word & TASK_CANCELLED))
		return task_priv(task)->cause;
	if (task->cancel)
		cause = cancel_seen(task->cancel);
	return cause || !lane ? cause : lane_seen(lane, task);
}

/* The task's mark, its token, its lane's token: in that order. */
static int cause_of(const struct ward_task *task, uint64_t word)
{
	const struct lane *lane = lane_of(task, word);
	int cause = 0;

	if (unlikely(word & TASK_CANCELLED)) /* [ca] */
		return task_priv(task)->cause;
	if (task->cancel)
		cause = cancel_cause(task->cancel);
	return cause || !lane ? cause : lane_cause(lane, task);
}

/* A task that has begun in time is run again at any time. */
uint64_t stop_last_start(const struct pool *pool, const struct ward_task *task,
			 uint64_t word)
{
	uint64_t window, stamp = task_priv(task)->stamp;

	if (!(word & TASK_STAMPED) || task_attempt(word) != 1)
		return HOST_FOREVER;
	window = stop_window(pool, task);
	return window && window < HOST_FOREVER - stamp ? stamp + window :
							 HOST_FOREVER;
}

/* ---- while it waits, as it begins ---------------------------------------------------- */

uint64_t stop_by(const struct pool *pool, const struct ward_task *task)
{
	uint64_t word = load_acquire(&task_priv(task)->word); /* [ca] */
	enum task_state state = task_state(word);
	const struct lane *lane = lane_of(task, word);
	uint64_t by, at;

	if ((state != TASK_QUEUED && state != TASK_RERUN) ||
	    word & TASK_CANCELLED || stop_with_pool(pool, word))
		return 0;
	by = stop_last_start(pool, task, word);
	by += by < HOST_FOREVER;
	if (task->cancel && (at = cancel_by(task->cancel)) < by)
		by = at;
	if (lane && (at = cancel_by(&lane->token)) < by &&
	    load_relaxed(&lane->winner) != task)
		by = at;
	return by;
}

int stop_begin(const struct pool *pool, const struct ward_task *task)
{
	uint64_t word = load_acquire(&task_priv(task)->word), last; /* [ca] */
	int cause = cause_of(task, word);

	if (cause)
		return cause;
	last = stop_last_start(pool, task, word);
	return last != HOST_FOREVER && host_now() > last ? -ETIMEDOUT : 0;
}

cold int stop_short(const struct slot *slot, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word); /* [ca] */

	/* A mere flag: the attempt may be taken before it is set, or after. */
	do {
		if (!(word & TASK_CANCELLED) || word & TASK_BEGUN)
			return 0; /* a zombie has come home; or the canceller was told so */
		if (task_attempt(word) != slot->self.attempt)
			break;
	} while (!cas_acq_rel(&priv->word, &word, word | TASK_SKIPPED));
	return priv->cause;
}

/* ---- inside of run(), and as it ends -------------------------------------------------- */

/*
 * A canceller may not have looked yet for a worker inside, and must not find the attempt
 * ended without a sign.  A zombie says nothing for a later attempt.
 */
static cold void tell_begun(const struct slot *slot, const struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word); /* [ca] */

	if (slot_taken(slot)) /* after it */
		return;
	while (word & TASK_CANCELLED && !(word & TASK_BEGUN) &&
	       !cas_acq_rel(&priv->word, &word, word | TASK_BEGUN)) /* [ca] */
		;
}

int stop_run(struct slot *slot)
{
	const struct ward_task *task = load_relaxed(&slot->task);
	int cause;

	while (steal_is_carrier(task)) {
		slot = carrier_of(task)->owner;
		if (slot_taken(slot))
			return -ESTALE;
		task = load_relaxed(&slot->task);
	}
	cause = cause_of(task, load_acquire(&task_priv(task)->word)); /* [ca] */
	if (unlikely(cause))
		tell_begun(slot, task);
	return cause;
}

cold int stop_self(struct slot *slot)
{
	if (!slot || !slot_inside(load_relaxed(&slot->word)))
		return 0;
	if (unlikely(slot_taken(slot)))
		return load_relaxed(&slot->fence) == FENCE_FORKED ? -ECHILD :
								    -ESTALE;
	if (unlikely(load_relaxed(&slot->pool->stopping)))
		return -ESHUTDOWN;
	return slot_runs(slot) ? stop_run(slot) : 0;
}

struct ward_cancel *stop_token(struct slot *slot)
{
	const struct ward_task *task;

	if (!slot || !slot_runs(slot))
		return NULL;
	task = slot_task(slot);
	if (task->cancel || !(load_relaxed(&task_priv(task)->word) & TASK_LANE))
		return task->cancel;
	return &task_priv(task)->lane->token;
}

static bool says(int status, int cause)
{
	return cause && (status == cause || status == -ESTALE);
}

bool stop_failed(const struct pool *pool, const struct lane *lane,
		 const struct ward_task *task, int status)
{
	const struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word);
	const struct ward_task *winner;

	if (!status || status == -ECANCELED || word & TASK_SKIPPED)
		return false;
	if (status == -ESHUTDOWN && load_relaxed(&pool->stopping))
		return false;
	if (word & TASK_CANCELLED && says(status, priv->cause)) /* [ca] */
		return false;
	if (task->cancel && says(status, cancel_seen(task->cancel)))
		return false;
	lane = lane ? lane : lane_of(task, word);
	if (!lane || says(status, lane_seen(lane, task)))
		return !lane;
	winner = load_acquire(&lane->winner); /* a rival? */
	return status != -ESTALE || !winner || winner == task;
}
