/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.c - a lane dispatched: see lane.h.
 */
#include "lane/port.h"
#include "lane/stop.h"

static struct ward_task *last_of(uintptr_t arrived)
{
	return (struct ward_task *)(arrived & ~(LANE_DISPATCHING | LANE_NOTED));
}

/* In 'count': one more active, past all dispatches. */
#define MOVED ((uint64_t)1 << 32)

/* Does it ask for a place, for a lane under this one? */
static bool is_asker(const struct ward_task *task)
{
	return unlikely(!task->run);
}

/* ---- in a dispatch: the queue ------------------------------------------------------- */

static bool is_dispatching(struct lane *lane)
{
	return CHECK_LOAD(&lane->arrived) & LANE_DISPATCHING;
}

static void append(struct lane *lane, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);

	priv->link = NULL;
	priv->before = NULL; /* and means nothing, of the first */
	WARD_ASSERT(is_dispatching(lane));
	WARD_ASSERT(!lane->first || !task_priv(lane->last)->link);
	if (lane->first) {
		priv->before = lane->last;
		task_priv(lane->last)->link = task;
	} else {
		lane->first = task;
	}
	lane->last = task;
	count_own(&lane->waiting, !is_asker(task));
}

/* Is a waiting task in the queue?  It may not have arrived yet. */
static bool stands(const struct lane *lane, const struct ward_task *task)
{
	return lane->first == task || task_priv(task)->before;
}

static void unlink_first(struct lane *lane)
{
	WARD_ASSERT(is_dispatching(lane) && lane->first);
	WARD_ASSERT(lane->last != lane->first || !task_priv(lane->first)->link);
	count_own(&lane->waiting, -(uint32_t)!is_asker(lane->first));
	lane->first = task_priv(lane->first)->link;
}

static void unlink_any(struct lane *lane, struct ward_task *task)
{
	struct ward_task *before = task_priv(task)->before;
	struct ward_task *next = task_priv(task)->link;

	if (lane->first == task) {
		unlink_first(lane);
		return;
	}
	WARD_ASSERT(is_dispatching(lane) && task_priv(before)->link == task);
	WARD_ASSERT(next ? task_priv(next)->before == task
			 : lane->last == task);
	task_priv(before)->link = next;
	if (next)
		task_priv(next)->before = before;
	else
		lane->last = before;
	count_own(&lane->waiting, -(uint32_t)!is_asker(task));
}

/* The task waits no more.  False: a canceller has marked it, and brings it. */
static bool call_up(struct ward_task *task)
{
	return !(sub_acq_rel(&task_priv(task)->word, TASK_WAITS) & /* [ca] */
		 TASK_CANCELLED);
}

/* The first task, whose turn has come; NULL: it was marked, and is off the queue. */
static struct ward_task *shift(struct lane *lane)
{
	struct ward_task *task = lane->first;

	unlink_first(lane);
	return likely(call_up(task)) ? task : NULL;
}

/* Adds up what has come and gone past all dispatches. */
static void recount(struct lane *lane)
{
	uint64_t count = load_acquire(&lane->count);
	uint32_t moved = (uint32_t)(count >> 32);

	lane->active += moved - lane->moved_seen;
	lane->moved_seen = moved;
	/* Without a width no task gives its place back. */
	WARD_ASSERT(!load_relaxed(&lane->width) ||
		    lane->active <= ((uint32_t)count & ~LANE_ABANDONED));
}

/* The last step with the asker: its lane's memory may soon be another lane. */
static void answer_asker(struct ward_task *asker, enum lane_answer answer)
{
	struct lane *lane = ward_entry(asker, struct lane, asker);

	swap_acq_rel(&lane->answer, answer); /* [la] */
	lane_note(lane);
}

/* To the pool, whose the task is from now on. */
static void pass(struct lane *lane, struct ward_task *task)
{
	struct inbox *inbox = &lane->pool->inbox;
	struct local_queue *mine = pool_local(lane->pool);
	_Atomic uint32_t *rung;

	if (is_asker(task)) {
		answer_asker(task, LANE_PLACE);
		return;
	}
	rung = lane->rank ? NULL : inbox_put_quick(inbox, mine, task);
	if (likely(rung))
		inbox_tell(inbox, rung);
	else
		inbox_pass(inbox, mine, task, lane->rank);
}

/* To be answered with 'status', by a worker, without having run. */
static void refuse(struct lane *lane, struct ward_task *task, int status)
{
	if (is_asker(task)) {
		answer_asker(task, LANE_NO_PLACE);
		return;
	}
	task_priv(task)->status = status;
	task_move(task_priv(task), TASK_LOST, TASK_SKIPPED | TASK_REFUSED);
	pass(lane, task);
}

/* Before it arrived: then it is its own ->before. */
static bool was_struck(const struct ward_task *task)
{
	const struct task_priv *priv = task_priv(task);

	return unlikely(load_relaxed(&priv->word) & TASK_CANCELLED) &&
	       priv->before == task;
}

/* In the order in which they came. */
static void arrive_all(struct lane *lane, struct ward_task *last)
{
	struct ward_task *task, *next;

	for (task = prio_reverse(last); task; task = next) {
		next = task_priv(task)->link;
		if (was_struck(task))
			refuse(lane, task, task_priv(task)->cause);
		else
			append(lane, task);
	}
}

static void fetch(struct lane *lane)
{
	if (load_relaxed(&lane->arrived) != LANE_DISPATCHING)
		arrive_all(lane, last_of(swap_acq_rel(&lane->arrived, /* [la] */
						      LANE_DISPATCHING)));
}

/* ---- in a dispatch: what follows ----------------------------------------------------- */

/* The next task is active. */
static void take_place(struct lane *lane)
{
	WARD_ASSERT(!lane->under || lane->placed);
	lane->active++;
	lane->placed = false;
}

/* The task's tokens are its own at that time. */
static void start_at(struct lane *lane, struct ward_task *task, uint64_t at,
		     uint64_t now)
{
	struct pool *pool = lane->pool;

	take_place(lane);
	if (at <= now) {
		pass(lane, task);
		return;
	}
	WARD_ASSERT(!lane->reserved);
	lane->reserved = true;
	store_relaxed(&lane->grant, at);
	task_move(task_priv(task), TASK_QUEUED, TASK_GRANT);
	later_put(&pool->inbox, task, at, true);
}

static void start_limited(struct lane *lane, struct ward_task *task)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);
	uint64_t last = stop_last_start(lane->pool, task, word);
	struct limit_set *set = load_relaxed(&lane->set);
	uint64_t now = host_now(), at;
	int err = limit_reserve(&set->drawn, set->limit, set->n, 1, now, last,
				&at);

	if (err)
		refuse(lane, task, err);
	else
		start_at(lane, task, at, now);
}

/* A task waits, and not for a place of this lane. */
static bool may_hand_on(const struct lane *lane)
{
	uint32_t width = load_relaxed(&lane->width);

	return lane->first && (!width || lane->active < width);
}

static void hand_on(struct lane *lane)
{
	bool limited = load_relaxed(&lane->set) &&
		       !load_relaxed(&lane->pool->stopping);

	while (may_hand_on(lane) && (likely(!lane->under) || lane->placed)) {
		struct ward_task *task;

		if (unlikely(limited && lane->reserved))
			break;
		task = shift(lane);

		if (unlikely(!task))
			continue;
		if (unlikely(limited)) {
			start_limited(lane, task);
			continue;
		}
		take_place(lane);
		pass(lane, task);
	}
}

/* ---- in a dispatch: places of the lane above ------------------------------------------ */

/* The caller's last step with 'under', which a drain may wait for. */
static void leave_under(struct lane *under, bool refused)
{
	struct inbox *inbox = &under->pool->inbox;

	lane_leave(under, refused);
	inbox_settle(inbox);
}

static void take_answer(struct lane *lane)
{
	uint32_t said = load_relaxed(&lane->answer);

	if (said == LANE_NO_ANSWER)
		return;
	swap_acq_rel(&lane->answer, LANE_NO_ANSWER); /* [la] */
	WARD_ASSERT(lane->asks && !lane->placed);
	lane->asks = false;
	lane->placed = said == LANE_PLACE;
	if (!lane->placed)
		leave_under(lane->under, true);
}

static void give_place_back(struct lane *lane)
{
	if (!lane->placed)
		return;
	lane->placed = false;
	leave_under(lane->under, false);
}

/* 'most' of the lane above does not bound askers. */
static void ask(struct lane *lane)
{
	WARD_ASSERT(!lane->asks && !lane->placed);
	lane->asks = true;
	add_acq_rel(&lane->under->count, 1); /* [ln] */
	task_open_lane(task_priv(&lane->asker), lane->under, true);
	lane_enter(lane->under, &lane->asker, false);
}

static void request_place(struct lane *lane)
{
	if (!may_hand_on(lane))
		give_place_back(lane);
	else if (!lane->placed && !lane->asks)
		ask(lane);
}

static void drop_oldest(struct lane *lane)
{
	struct ward_task *task;

	while (lane->flags & WARD_LANE_DROP_OLDEST &&
	       load_relaxed(&lane->waiting) > load_relaxed(&lane->queued)) {
		count_own(&lane->dropped, 1);
		task = shift(lane);
		if (task)
			refuse(lane, task, -ENOBUFS);
	}
}

/* The task was cancelled while it waited. */
static void strike(struct lane *lane, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);

	if (load_relaxed(&priv->word) & TASK_WAITS) { /* it has not left the queue */
		if (!stands(lane, task)) {
			priv->before = task; /* was_struck() */
			return;
		}
		unlink_any(lane, task);
		sub_acq_rel(&priv->word, TASK_WAITS);
	}
	count_own(&lane->recalled, 1);
	refuse(lane, task, priv->cause);
}

/* In the order in which they were cancelled. */
static void strike_out(struct lane *lane)
{
	struct ward_task *task = swap_acq_rel(&lane->struck, NULL); /* [la] */
	struct ward_task *next, *all = NULL;

	for (; task; task = next) {
		next = task_priv(task)->struck;
		task_priv(task)->struck = all;
		all = task;
	}
	for (; all; all = next) {
		next = task_priv(all)->struck;
		strike(lane, all);
	}
}

/* Refuses all tasks by 'all'; 0: those that are told to stop by what they carry. */
static void refuse_told(struct lane *lane, int all)
{
	struct ward_task *task, *next;
	int cause;

	if (all && lane->reserved)
		later_expedite_lane(&lane->pool->inbox, lane);
	for (task = lane->first; task; task = next) {
		next = task_priv(task)->link;
		cause = all ? all : stop_begin(lane->pool, task);
		if (!cause) {
			pool_tell_by(lane->pool, stop_by(lane->pool, task));
			continue;
		}
		unlink_any(lane, task);
		if (call_up(task))
			refuse(lane, task, cause);
	}
}

/*
 * The task that waits for its grant has it by the new limits, unless it has begun; so the
 * task itself must not be looked at.  What it will not need is undone when that is sure.
 */
static void grant_anew(struct lane *lane, const struct limit_set *last,
		       struct limit_set *next)
{
	static const struct limit_hold nothing;
	const struct limit_hold *drawn = last ? &last->drawn : &nothing;
	uint64_t grant = load_relaxed(&lane->grant), at;

	at = limit_change(&next->drawn, drawn, next->limit, next->n,
			  host_now());
	if (!grant || !cas_acq_rel(&lane->grant, &grant, at)) { /* [gr] */
		limit_undo(&next->drawn, drawn);
		return;
	}
	limit_undo(drawn, &next->drawn);
	if (at < grant)
		later_expedite_lane(&lane->pool->inbox, lane);
}

/* The last step with the old limits, but for threads that draw by themselves. */
static void change_limits(struct lane *lane)
{
	struct limit_set *next = swap_acq_rel(&lane->wanted, NULL); /* [la] */
	struct limit_set *last = load_relaxed(&lane->set);

	if (!next)
		return;
	if (lane->reserved)
		grant_anew(lane, last, next);
	store_release(&lane->set, next->n ? next : NULL); /* [lm] */
	if (!next->n)
		limit_set_put(next);
	if (last) {
		limit_set_end(last);
		limit_set_put(last);
	}
	sub_acq_rel(&lane->changing, 1); /* [lu] */
	wait_tell(&lane->empty);
}

static void recheck_waiting(struct lane *lane)
{
	uint32_t what = swap_acq_rel(&lane->sweep, 0); /* [la] */
	int cause = what & LANE_SWEEP_ALL ? cancel_cause(&lane->token) : 0;

	if (what & LANE_SWEEP_LIMITS)
		change_limits(lane);
	if (what & LANE_SWEEP_STRUCK)
		strike_out(lane);
	if (cause || what & LANE_SWEEP_TOLD)
		refuse_told(lane, cause);
}

static void process_events(struct lane *lane)
{
	recount(lane); /* after the fetch [ln] */
	if (unlikely(lane->reserved) && !load_relaxed(&lane->grant)) /* [la] */
		lane->reserved = false;
	if (unlikely(load_relaxed(&lane->sweep)))
		recheck_waiting(lane);
	if (unlikely(lane->under))
		take_answer(lane);
	hand_on(lane);
	drop_oldest(lane);
	if (unlikely(lane->under))
		request_place(lane);
}

/* The lane was retired.  False: the lane above has not answered it yet. */
static bool ends_here(struct lane *lane)
{
	if (!lane->under)
		return true;
	take_answer(lane);
	give_place_back(lane);
	return !lane->asks;
}

/* ---- dispatching ----------------------------------------------------------------------- */

static bool dispatch_begin(struct lane *lane)
{
	uintptr_t nobody = 0;

	return load_relaxed(&lane->arrived) == 0 &&
	       cas_acq_rel(&lane->arrived, &nobody, LANE_DISPATCHING); /* [la] */
}

/* False: something came. */
static bool dispatch_end(struct lane *lane)
{
	uintptr_t nothing = LANE_DISPATCHING;

	WARD_ASSERT(is_dispatching(lane));
	return cas_acq_rel(&lane->arrived, &nothing, 0); /* [la] */
}

/*
 * If the pool's owner has gone the caller answers what was handed on, after it has left
 * the lane (orphaned_answer()): each answer may be a dispatch.
 */
static void dispatch(struct lane *lane)
{
	do {
		fetch(lane); /* first: what was noted is seen below [la] */
		if (likely(!load_relaxed(&lane->retired))) {
			process_events(lane);
		} else if (ends_here(lane)) {
			lane_give_back(lane);
			return;
		}
	} while (!dispatch_end(lane));
}

void lane_note(struct lane *lane)
{
	uintptr_t word = load_relaxed(&lane->arrived);

	while (!cas_acq_rel(&lane->arrived, &word, /* [la] */
			    word ? word | LANE_NOTED : LANE_DISPATCHING))
		;
	if (!word)
		dispatch(lane);
}

/* A list by ->link, from the last that came to the first. */
static void push_list(struct lane *lane, struct ward_task *last,
		      struct ward_task *first)
{
	uintptr_t word = load_relaxed(&lane->arrived), next;

	do {
		next = LANE_DISPATCHING;
		if (word) {
			task_priv(first)->link = last_of(word);
			next = (uintptr_t)last | (word & LANE_NOTED) |
			       LANE_DISPATCHING;
		}
	} while (!cas_acq_rel(&lane->arrived, &word, next)); /* [la] */
	if (word)
		return;
	task_priv(first)->link = NULL;
	arrive_all(lane, last);
	dispatch(lane);
}

void lane_enter_some(struct lane *lane, struct ward_task *const *tasks,
		     uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		task_priv(tasks[i])->link = tasks[i - 1];
	if (n)
		push_list(lane, tasks[n - 1], tasks[0]);
}

void lane_sweep(struct lane *lane, uint32_t what)
{
	or_acq_rel(&lane->sweep, what); /* [la] */
	lane_note(lane);
}

void lane_strike(struct lane *lane, struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&lane->struck);

	do {
		task_priv(task)->struck = head;
	} while (!cas_acq_rel(&lane->struck, &head, task)); /* [la] */
	lane_sweep(lane, LANE_SWEEP_STRUCK);
}

bool lane_take_back(struct lane *lane, struct ward_task *task)
{
	bool there;

	if (!dispatch_begin(lane))
		return false;
	there = load_relaxed(&task_priv(task)->word) & TASK_WAITS &&
		stands(lane, task);
	if (there) {
		unlink_any(lane, task);
		count_own(&lane->recalled, 1);
	}
	dispatch(lane);
	return there;
}

static void leave_grant(struct lane *lane, struct ward_task *task)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);

	while (!cas_acq_rel(&task_priv(task)->word, &word, /* [K] */
			    word & ~TASK_GRANT))
		;
	lane_note(lane);
}

uint64_t lane_granted_at(const struct ward_task *task)
{
	return load_relaxed(&task_priv(task)->lane->grant);
}

bool lane_takes_grant(struct lane *lane, struct ward_task *task)
{
	uint64_t at = task_priv(task)->wait.at;

	if (!cas_acq_rel(&lane->grant, &at, 0)) /* [gr] */
		return false;
	leave_grant(lane, task);
	return true;
}

void lane_drops_grant(struct lane *lane, struct ward_task *task)
{
	swap_acq_rel(&lane->grant, 0); /* [gr] */
	leave_grant(lane, task);
}

/* Of two changes at once the later one counts. */
void lane_change_limits(struct lane *lane, struct limit_set *set)
{
	add_acq_rel(&lane->changing, 1); /* [lu] */
	set = swap_acq_rel(&lane->wanted, set); /* [la] */
	if (set) {
		limit_set_put(set);
		sub_acq_rel(&lane->changing, 1); /* [lu] */
		wait_tell(&lane->empty); /* a join waits for this change, too */
	}
	lane_sweep(lane, LANE_SWEEP_LIMITS);
}

bool lane_decide(struct lane *lane, enum lane_use use)
{
	uint32_t was = LANE_UNDECIDED;

	return cas_acq_rel(&lane->use, &was, use) || was == use;
}

/* ---- in and out ------------------------------------------------------------------------- */

/* A task that comes in need wait for no place, and no token. */
static bool finds_place(const struct lane *lane, uint32_t inside)
{
	return !load_relaxed(&lane->set) && !lane->under &&
	       (!load_relaxed(&lane->width) || !inside);
}

int lane_let_in(struct lane *lane, bool *active)
{
	uint64_t count = load_relaxed(&lane->count), next;
	uint32_t most = load_relaxed(&lane->most), inside;

	do {
		inside = (uint32_t)count;
		if (most && inside >= most)
			return LANE_FULL;
		*active = finds_place(lane, inside);
		next = count + 1 +
		       (*active && load_relaxed(&lane->width) ? MOVED : 0);
	} while (!cas_acq_rel(&lane->count, &count, next)); /* [ln] */
	return 0;
}

uint32_t lane_let_in_some(struct lane *lane, uint32_t n)
{
	uint64_t count = load_relaxed(&lane->count);
	uint32_t most = load_relaxed(&lane->most), some;

	do {
		uint32_t inside = (uint32_t)count & ~LANE_ABANDONED;

		some = !most || most - inside > n ? n : most - inside;
		if (most && inside >= most)
			return 0;
	} while (!cas_acq_rel(&lane->count, &count, count + some)); /* [ln] */
	return some;
}

void lane_enter(struct lane *lane, struct ward_task *task, bool active)
{
	if (likely(active))
		pass(lane, task);
	else
		push_list(lane, task, task);
}

/* The last task gives its place back on the way out.  False: it is not the last. */
static bool leave_alone(struct lane *lane)
{
	uint64_t count = load_relaxed(&lane->count);

	while ((uint32_t)count == 1)
		if (cas_acq_rel(&lane->count, &count, /* [ln] */
				count - MOVED - 1))
			return true;
	return false;
}

/* A place is free again, for a task that may wait. */
static void vacate(struct lane *lane)
{
	if (likely(dispatch_begin(lane))) {
		lane->active--;
		dispatch(lane);
		return;
	}
	sub_acq_rel(&lane->count, MOVED); /* [ln] */
	lane_note(lane);
}

/* How many are left inside; LANE_ABANDONED counts. */
static uint32_t let_out(struct lane *lane, bool refused)
{
	if (!refused && load_relaxed(&lane->width)) {
		if (likely(leave_alone(lane)))
			return 0;
		vacate(lane);
	}
	return (uint32_t)sub_acq_rel(&lane->count, 1) - 1; /* [ln] */
}

int lane_destroy(struct lane *lane)
{
	struct pool *pool = lane->pool;

	ward_cancel_unwatch(&lane->token, &lane->watch);
	if (ward_cancel_fini(&lane->token)) {
		ward_cancel_watch(&lane->token, &lane->watch);
		return -EBUSY;
	}
	lane->magic = HANDLE_DEAD;
	if (lane->under) /* the last look at it */
		sub_acq_rel(&lane->under->lower, 1); /* [lu] */
	if (load_relaxed(&lane->set))
		limit_set_put(load_relaxed(&lane->set));
	if (lane->port)
		port_unhold(lane->port);
	lane_unlist(pool, lane);
	/* No thread has the lane, or will: a last dispatch gives its memory back. */
	swap_acq_rel(&lane->retired, 1);
	lane_note(lane);
	pool_put(pool);
	return 0;
}

void lane_leave(struct lane *lane, bool refused)
{
	bool bounded = load_relaxed(&lane->most);
	uint32_t left;

	if (unlikely(lane->under) && !refused)
		lane_leave(lane->under, false); /* while the lane is there */
	left = let_out(lane, refused);

	if (bounded)
		wait_tell_one(&lane->room);
	if (left == 0)
		wait_tell(&lane->empty);
	else if (unlikely(left == LANE_ABANDONED))
		lane_destroy(lane);
}

void lane_abandon(struct lane *lane)
{
	struct watch *link = (struct watch *)(void *)&lane->link;
	uint64_t before;

	if (link->on)
		ward_cancel_unwatch((struct ward_cancel *)(void *)link->on,
				    &lane->link);
	before = add_acq_rel(&lane->count, LANE_ABANDONED); /* [ln] */
	if ((uint32_t)before == 0)
		lane_destroy(lane);
}

/* ---- endings --------------------------------------------------------------------------- */

bool lane_commit(struct lane *lane, struct ward_task *task)
{
	struct ward_task *none = NULL;

	if (!(lane->flags & LANE_RIVALS))
		return true;
	if (!cas_acq_rel(&lane->winner, &none, task))
		return none == task;
	ward_cancel_fire(&lane->token, -ECANCELED);
	return true;
}

/*
 * Among rivals a commit has two steps, in the task's word and here.  An attempt that was
 * lost between them has committed, and may yet come to the second, which is done for it
 * here: what it will find is decided before its answer.
 */
int lane_ended(struct lane *lane, struct ward_task *task, int status, bool failed)
{
	bool committed = load_acquire(&task_priv(task)->word) & TASK_COMMITTED;
	int32_t none = 0;

	if (status && !(lane->flags & LANE_RIVALS)) {
		cas_acq_rel(&lane->error, &none, status);
		/* One that never ran, or was told to stop, cancels no others. */
		if (failed && lane->flags & WARD_LANE_FAIL_FAST)
			ward_cancel_fire(&lane->token, -ECANCELED);
	}
	if ((!status || committed) && !lane_commit(lane, task))
		return status ? status : -ESTALE;
	return status;
}
