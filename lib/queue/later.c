/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/later.h"
#include "task/task_priv.h"
#include "queue/inbox.h"

enum {
	LATER_TIMED = 1,
	LATER_PERIODIC = 2,
	LATER_ASKS = 4, /* its token, lane or stamp may tell it to stop */
	LATER_ASKS_TIMED = 8,
	LATER_LANE = 16,
	LANE_KINDS = 12
};

/* From here on all tasks are expired, whatever their time. */
#define ALL ((uint64_t)1 << 63)

_Static_assert(DUE_NEVER == HOST_FOREVER, "one end of time");

/* The time from which the task need not wait any more. */
static uint64_t told_by(const struct later *later, const struct ward_task *task)
{
	return later->told_by ? later->told_by(later->arg, task) : HOST_FOREVER;
}

/* Whoever answers those looks then, if no worker does before. */
static void tell_by(const struct later *later, uint64_t by)
{
	if (by != HOST_FOREVER)
		later->tell_by(later->arg, by);
}

/*
 * 'expired_to' grows each time, so that a thread that has found nothing expired, and
 * says so, says it only of what came before, however late.
 */
static void expire(struct inbox *inbox, uint64_t until)
{
	uint64_t expired_to = load_relaxed(&inbox->later.expired_to), next;

	do {
		next = expired_to < until ? until : expired_to + 1;
	} while (!cas_acq_rel(&inbox->later.expired_to, &expired_to, next)); /* [w] */
	inbox_tell(inbox, NULL);
}

/* Several lanes may have the same. */
static uint32_t kind_of_lane(const struct lane *lane)
{
	return (uint32_t)LATER_LANE
	       << (uintptr_t)lane / WARD_LINE % (unsigned)LANE_KINDS;
}

static uint32_t kinds_of(const struct ward_task *task, bool timed)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);
	bool asks = task->cancel || word & (TASK_LANE | TASK_STAMPED);

	return (timed ? LATER_TIMED : 0) |
	       (word & TASK_PERIODIC ? LATER_PERIODIC : 0) |
	       (!asks ? 0 : timed ? LATER_ASKS_TIMED : LATER_ASKS) |
	       (word & (TASK_WAITS | TASK_GRANT) ?
			kind_of_lane(task_priv(task)->lane) :
			0);
}

/* The task's time, which was 'at', as it stands now. */
static uint64_t time_now(const struct later *later,
			 const struct ward_task *task, uint64_t at)
{
	return unlikely(load_relaxed(&task_priv(task)->word) & TASK_GRANT) ?
		       later->granted_at(task) :
		       at;
}

static void put_at(struct inbox *inbox, struct ward_task *task, uint64_t at,
		   struct later_place place, bool fresh)
{
	struct later *later = &inbox->later;
	struct task_priv *priv = task_priv(task);
	bool timed = place.timed;
	uint64_t by;
	uint32_t leaf = due_open(&later->due, task, kinds_of(task, timed));

	add_relaxed(fresh ? &inbox->requeued_fresh : &inbox->requeued_in, 1);
	if (unlikely(!leaf)) {
		by = told_by(later, task);
		prio_put(&later->spill, task);
		inbox_tell(inbox, NULL);
		tell_by(later, by);
		return;
	}
	if (timed)
		add_relaxed(&later->waiting, 1);
	store_relaxed(&priv->wait.where, leaf);
	host_barrier_light(); /* [ca] [D] it can be found | is it over? another grant? */
	if (timed && at)
		at = time_now(later, task, at);
	by = at ? told_by(later, task) : HOST_FOREVER;
	if (later_has_come(by)) {
		at = 0;
		timed = false;
	} else if (timed && by < at) { /* its taker finds it told to stop */
		at = by;
	}
	due_show(&later->due, leaf, at, place.seq);
	if (!timed)
		expire(inbox, at ? at : 1);
	tell_by(later, by);
	if (timed && later->ring)
		later->ring(later->arg); /* [w] */
}

/*
 * Behind all of its time.  A task at 0 that is not told to stop any more is put back
 * among those that were returned.
 */
static void put(struct inbox *inbox, struct ward_task *task, uint64_t at,
		bool timed, bool fresh)
{
	uint64_t seq = add_relaxed(&inbox->later.seq, 1);

	task_priv(task)->wait.at = at ? at : LATER_RETURNED;
	put_at(inbox, task, at, (struct later_place){ seq, timed }, fresh);
}

void later_put(struct inbox *inbox, struct ward_task *task, uint64_t at, bool fresh)
{
	put(inbox, task, at, true, fresh);
}

void later_requeue(struct inbox *inbox, struct ward_task *task, bool fresh)
{
	put(inbox, task, host_now(), false, fresh);
}

void later_requeue_first(struct inbox *inbox, struct ward_task *task)
{
	put(inbox, task, LATER_FIRST, false, false);
}

void later_return(struct inbox *inbox, struct ward_task *task)
{
	put(inbox, task, LATER_RETURNED, false, false);
}

bool later_again(struct inbox *inbox, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t at = priv->wait.at =
		time_now(&inbox->later, task, priv->wait.at);

	if (likely(at <= host_now()) ||
	    later_has_come(told_by(&inbox->later, task)))
		return false;
	due_grow(&inbox->later.due);
	later_put(inbox, task, at, false);
	return true;
}

/* A guess where the task waits: its user looks there. */
static uint32_t where_of(const struct ward_task *task)
{
	return (uint32_t)load_relaxed(&task_priv(task)->wait.where);
}

void later_expedite(struct inbox *inbox, const struct ward_task *task)
{
	if (due_expedite(&inbox->later.due, where_of(task), task))
		expire(inbox, 1);
}

bool later_take_back(struct inbox *inbox, const struct ward_task *task)
{
	uint32_t kinds;

	if (!due_take_item(&inbox->later.due, where_of(task), task, &kinds))
		return false;
	if (kinds & LATER_TIMED)
		add_relaxed(&inbox->later.waiting, -(uint64_t)1);
	add_relaxed(&inbox->requeued_out, 1);
	add_relaxed(&inbox->accepted, -(uint64_t)1);
	return true;
}

static void expedite_kinds(struct inbox *inbox, uint32_t kinds)
{
	if (due_expedite_kinds(&inbox->later.due, kinds))
		expire(inbox, 1);
}

void later_expedite_lane(struct inbox *inbox, const struct lane *lane)
{
	host_barrier_heavy(); /* [ca] cancelled | can it be found? */
	expedite_kinds(inbox, kind_of_lane(lane));
}

void later_close(struct inbox *inbox)
{
	expedite_kinds(inbox, LATER_PERIODIC);
}

void later_open(struct inbox *inbox)
{
	if (!load_relaxed(&inbox->later.opened) &&
	    !swap_acq_rel(&inbox->later.opened, 1))
		due_help(&inbox->later.due);
	expire(inbox, ALL);
}

/* Nothing is expired up to there.  False: 'expired_to' has moved, look again. */
static bool none_expired(struct later *later, uint64_t expired_to)
{
	high_raise(&later->empty_to, expired_to); /* [w] */
	if (load_acquire(&later->expired_to) != expired_to)
		return false;
	if (load_relaxed(&later->blind) && swap_acq_rel(&later->blind, 0) &&
	    later->ring)
		later->ring(later->arg); /* [w] */
	return true;
}

struct ward_task *later_take_until(struct inbox *inbox, uint64_t until,
				   struct later_place *place)
{
	uint32_t kinds;
	struct ward_task *task = due_take(&inbox->later.due, until, &kinds,
					  &place->seq);

	if (!task)
		return NULL;
	place->timed = kinds & LATER_TIMED;
	if (place->timed)
		add_relaxed(&inbox->later.waiting, -(uint64_t)1);
	add_relaxed(&inbox->requeued_out, 1);
	return task;
}

struct ward_task *later_take(struct inbox *inbox)
{
	struct later *later = &inbox->later;
	struct ward_task *task;
	struct later_place place;
	uint64_t expired_to;

	while (later_expired(later)) {
		expired_to = load_acquire(&later->expired_to); /* [w] */
		task = later_take_until(
			inbox, expired_to < ALL ? expired_to : HOST_FOREVER,
			&place);
		if (task)
			return task;
		if (none_expired(later, expired_to))
			break;
	}
	task = prio_take(&later->spill);
	if (task)
		add_relaxed(&inbox->requeued_out, 1);
	return task;
}

uint64_t later_due(struct inbox *inbox, uint64_t now)
{
	struct later *later = &inbox->later;
	uint64_t first = due_first(&later->due);

	if (first > now)
		return first;
	/* Before it is said: the worker that has taken all of it rings. */
	swap_acq_rel(&later->blind, 1); /* [w] */
	expire(inbox, now);
	return HOST_FOREVER;
}

/* ---- told to stop ------------------------------------------------------------------ */

void later_look(struct inbox *inbox, bool timed)
{
	host_barrier_heavy(); /* [ca] told | can it be found? */
	expedite_kinds(inbox, LATER_ASKS | (timed ? LATER_ASKS_TIMED : 0));
}

bool later_expedited(struct later *later)
{
	return later_expired(later) && due_first(&later->due) == 0;
}

void later_put_back(struct inbox *inbox, struct ward_task *task,
		    const struct later_place *place)
{
	put_at(inbox, task, task_priv(task)->wait.at, *place, false);
}
