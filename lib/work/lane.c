/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.c - turning a lane: see lane.h.
 */
#include "work/lane.h"
#include <errno.h>

#define TURNING ((struct ward_task *)1)

/* ---- by who turns: the queue -------------------------------------------------------- */

static void append(struct lane *lane, struct ward_task *task)
{
	book_of(task)->link = NULL;
	if (lane->first)
		book_of(lane->last)->link = task;
	else
		lane->first = task;
	lane->last = task;
	lane->waiting++;
}

static struct ward_task *shift(struct lane *lane)
{
	struct ward_task *task = lane->first;

	lane->first = book_of(task)->link;
	lane->waiting--;
	return task;
}

/* What arrived, the first first. */
static void fetch(struct lane *lane)
{
	struct ward_task *task, *next, *first = NULL;

	if (load_relaxed(&lane->arrived) == TURNING)
		return;
	task = swap_acq_rel(&lane->arrived, TURNING); /* [la] */
	for (; task != TURNING; task = next) {
		next = book_of(task)->link;
		book_of(task)->link = first;
		first = task;
	}
	for (; first; first = next) {
		next = book_of(first)->link;
		append(lane, first);
	}
}

static void pass(struct lane *lane, struct ward_task *task)
{
	struct slot *slot = host_self();

	book_of(task)->stamp = 0; /* the link is no time */
	inbox_pass(&lane->pool->inbox,
		   slot && slot->pool == lane->pool ? &slot->hand : NULL, task,
		   lane->rank);
}

/* To be answered with 'status', by a worker, without having run. */
static void refuse(struct lane *lane, struct ward_task *task, int status)
{
	book_of(task)->status = status;
	book_move(book_of(task), BOOK_LOST, BOOK_UNWANTED | BOOK_REFUSED);
	pass(lane, task);
}

/* ---- by who turns: what follows ------------------------------------------------------ */

static uint64_t last_start(const struct lane *lane,
			   const struct ward_task *task)
{
	uint64_t since = book_of(task)->wait.at;
	uint64_t window = submit_window(lane->pool, task);

	return window && window < HOST_FOREVER - since ? since + window :
							 HOST_FOREVER;
}

/* It has its tokens: now, or in a while. */
static void start_at(struct lane *lane, struct ward_task *task, uint64_t at,
		     uint64_t now)
{
	struct pool *pool = lane->pool;

	lane->active++;
	if (at <= now) {
		pass(lane, task);
		return;
	}
	lane->reserved = true;
	book_move(book_of(task), BOOK_QUEUED, BOOK_GRANT);
	add_relaxed(&pool->inbox.accepted, 1);
	later_put(&pool->later, &pool->inbox, task, at);
	steward_ring(pool); /* [w] */
}

static void start_limited(struct lane *lane, struct ward_task *task)
{
	struct limit_hold hold;
	uint64_t now = host_now(), at;
	int err = limit_reserve(&hold, lane->limit, lane->limits, 1, now,
				last_start(lane, task), &at);

	if (err)
		refuse(lane, task, err);
	else
		start_at(lane, task, at, now);
}

static void hand_on(struct lane *lane)
{
	bool limited = lane->limits && !load_relaxed(&lane->pool->stopping);

	while (lane->first && (!lane->width || lane->active < lane->width)) {
		if (unlikely(limited)) {
			if (lane->reserved)
				break;
			start_limited(lane, shift(lane));
			continue;
		}
		lane->active++;
		pass(lane, shift(lane));
	}
}

static void drop_oldest(struct lane *lane)
{
	while (lane->flags & WARD_LANE_DROP_OLDEST &&
	       lane->waiting > lane->queued)
		refuse(lane, shift(lane), -ENOBUFS);
}

/* Those that are not to run leave the queue. */
static void clear_out(struct lane *lane)
{
	int cause = cancel_cause(&lane->token);
	struct ward_task *task, *next = lane->first;

	lane->first = NULL;
	lane->waiting = 0;
	while ((task = next)) {
		uint64_t word = load_acquire(&book_of(task)->word); /* [ca] */

		next = book_of(task)->link;
		if (word & BOOK_CANCELLED)
			refuse(lane, task, book_of(task)->cause);
		else if (cause)
			refuse(lane, task, cause);
		else
			append(lane, task);
	}
}

static void see_to(struct lane *lane)
{
	fetch(lane);
	if (load_relaxed(&lane->left))
		lane->active -= swap_acq_rel(&lane->left, 0); /* [le] */
	if (unlikely(load_relaxed(&lane->granted)) &&
	    swap_acq_rel(&lane->granted, 0)) /* [le] */
		lane->reserved = false;
	if (unlikely(load_relaxed(&lane->sweep)) &&
	    swap_acq_rel(&lane->sweep, 0)) /* [le] */
		clear_out(lane);
	hand_on(lane);
	drop_oldest(lane);
}

/* ---- who turns ------------------------------------------------------------------------ */

static bool begin(struct lane *lane)
{
	struct ward_task *none = NULL;

	return cas_acq_rel(&lane->arrived, &none, TURNING); /* [la] */
}

/* False: there is more to see to. */
static bool end(struct lane *lane)
{
	struct ward_task *mine = TURNING;

	if (!cas_acq_rel(&lane->arrived, &mine, NULL)) /* [la] */
		return false;
	fence_seq_cst(); /* [le] I have left | was anything entered? */
	return likely(!(load_relaxed(&lane->left) |
			load_relaxed(&lane->granted) |
			load_relaxed(&lane->sweep))) ||
	       !begin(lane);
}

static void turn(struct lane *lane)
{
	do {
		see_to(lane);
	} while (!end(lane));
	lost_pay(lane->pool);
}

/* After something else than a task was entered. */
static void entered(struct lane *lane)
{
	fence_seq_cst(); /* [le] entered | does anybody turn? */
	if (begin(lane))
		turn(lane);
}

void lane_enter(struct lane *lane, struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&lane->arrived);

	for (;;) {
		if (!head) {
			if (!cas_acq_rel(&lane->arrived, &head, TURNING)) /* [la] */
				continue;
			append(lane, task);
			turn(lane);
			return;
		}
		book_of(task)->link = head;
		if (cas_acq_rel(&lane->arrived, &head, task)) /* [la] */
			return;
	}
}

void lane_sweep(struct lane *lane)
{
	swap_acq_rel(&lane->sweep, 1); /* [le] */
	entered(lane);
}

void lane_granted(struct lane *lane, struct ward_task *task)
{
	uint64_t word = load_relaxed(&book_of(task)->word);

	while (!cas_acq_rel(&book_of(task)->word, &word, /* [K] */
			    word & ~BOOK_GRANT))
		;
	swap_acq_rel(&lane->granted, 1); /* [le] */
	entered(lane);
}

/* A place is free again. */
static void vacate(struct lane *lane)
{
	if (likely(begin(lane))) {
		lane->active--;
		turn(lane);
		return;
	}
	add_acq_rel(&lane->left, 1); /* [le] */
	entered(lane);
}

void lane_leave(struct lane *lane, bool refused)
{
	uint32_t left;

	if (!refused && lane->width)
		vacate(lane);
	left = sub_acq_rel(&lane->inside, 1) - 1; /* [ln] */
	if (left == 0 && unlikely(load_relaxed(&lane->abandoned))) {
		ward_lane_destroy((struct ward_lane *)lane);
		return;
	}
	if (lane->most)
		door_tell(&lane->room);
	if (left == 0)
		door_tell(&lane->empty);
}

/* ---- endings --------------------------------------------------------------------------- */

static void lane_failed(struct lane *lane, int status)
{
	int32_t none = 0;

	if (!cas_acq_rel(&lane->error, &none, status))
		return;
	if (lane->flags & WARD_LANE_FAIL_FAST)
		ward_lane_cancel((struct ward_lane *)lane, -ECANCELED);
}

bool lane_commit(struct lane *lane, struct ward_task *task)
{
	struct ward_task *none = NULL;

	if (!lane->rivals)
		return true;
	if (!cas_acq_rel(&lane->winner, &none, task))
		return none == task;
	ward_lane_cancel((struct ward_lane *)lane, -ECANCELED);
	return true;
}

int lane_ended(struct lane *lane, struct ward_task *task, int status)
{
	if (!lane->rivals && status)
		lane_failed(lane, status);
	return status || lane_commit(lane, task) ? status : -ESTALE;
}

int lane_why_not(const struct lane *lane, const struct ward_task *task)
{
	int cause = cancel_cause(&lane->token);

	/* The token that the winner has fired is not for itself. */
	return cause && load_relaxed(&lane->winner) == task ? 0 : cause;
}
