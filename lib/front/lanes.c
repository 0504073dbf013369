/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lanes.c - lanes as their users see them: made, filled, waited for, ended.
 */
#include "base/probe.h"
#include "lane/port.h"
#include "lane/stop.h"
#include "lane/wait.h"
#include "run/run.h"
#include <string.h>

enum { MANY = 1 << 30, RANKS = INBOX_RANKS };

static struct lane *lane_of(const struct ward_lane *handle)
{
	return (struct lane *)(uintptr_t)handle;
}

/* ---- cancelled ---------------------------------------------------------------------- */

/* Stops the tasks that wait in it, and wakes those that run and wait for something. */
static void was_cancelled(struct ward_watch *watch, int cause)
{
	struct lane *lane = ward_entry(watch, struct lane, watch);
	struct pool *pool = lane->pool;

	(void)cause;
	if (pool_enter(pool))
		return; /* a copy, in a child process */
	lane_sweep(lane, LANE_SWEEP_ALL);
	barrier_seq_cst(); /* [wl] cancelled | does any wait for its time? */
	if (load_relaxed(&lane->timed))
		later_expedite_lane(&pool->inbox, lane);
	for_each_slot(slot, pool)
		slot_wake_waiter(slot); /* a woken thread looks why */
	wait_wake(&lane->room);
	orphaned_answer(pool);
}

/* ---- up and down --------------------------------------------------------------------- */

/* At most one way for a task that finds no room; and no room must be possible. */
static bool is_sound(uint32_t flags, uint32_t active, uint32_t queued)
{
	uint32_t full = flags & (WARD_LANE_DROP_OLDEST | WARD_LANE_CALLER_RUNS |
				 WARD_LANE_HANDOVER);

	if (active > MANY || queued > MANY)
		return false;
	if (full & WARD_LANE_DROP_OLDEST &&
	    (full != WARD_LANE_DROP_OLDEST || !active || !queued))
		return false;
	if (full & WARD_LANE_CALLER_RUNS &&
	    (active == 1 || (!queued && !(full & WARD_LANE_HANDOVER))))
		return false;
	return !(full & WARD_LANE_HANDOVER) || (active && !queued);
}

/* With these a task that waits for a place above would be one too many, or none. */
enum { BESIDE_WIDTH = WARD_LANE_CALLER_RUNS | WARD_LANE_HANDOVER };

/* A lane with places for others: it has a width, is under none, turns no task away. */
static bool can_be_under(const struct pool *pool, const struct lane *under)
{
	return handle_is(under, HANDLE_LANE) && under->pool == pool &&
	       load_relaxed(&under->width) && !under->under &&
	       !(under->flags & (BESIDE_WIDTH | WARD_LANE_DROP_OLDEST));
}

static int check_lane(const struct ward_lane_config *c)
{
	enum { FLAGS = WARD_LANE_FAIL_FAST | WARD_LANE_DROP_OLDEST |
		       WARD_LANE_CALLER_RUNS | WARD_LANE_HANDOVER };

	if (c->size != sizeof(*c) || c->flags & ~(uint32_t)FLAGS ||
	    c->prio >= RANKS ||
	    c->reserved || (c->policy && !policy_is_sound(c->policy)) ||
	    c->nlimits > LIMIT_SET_MAX ||
	    !is_sound(c->flags, c->active, c->queued) ||
	    (c->under && (c->nlimits || c->flags & BESIDE_WIDTH)) ||
	    (c->port && !handle_is(c->port, HANDLE_PORT)))
		return -EINVAL;
	if (c->name && strnlen(c->name, 16) > 15)
		return -ENAMETOOLONG;
	return limit_check(c->limits, c->nlimits);
}

static void set_room(struct lane *lane, uint32_t flags, uint32_t active,
		     uint32_t queued)
{
	uint32_t most = flags & WARD_LANE_DROP_OLDEST ? 0 :
			flags & WARD_LANE_HANDOVER    ? active :
			queued			      ? active + queued :
							0;

	store_relaxed(&lane->width, active);
	store_relaxed(&lane->queued, queued);
	store_relaxed(&lane->most, most < LANE_ABANDONED ? most :
							   LANE_ABANDONED - 1);
}

static void configure(struct lane *lane, const struct ward_lane_config *c)
{
	set_room(lane, c->flags, c->active, c->queued);
	lane->flags = c->flags;
	lane->rank = (uint8_t)c->prio;
	if (c->policy) {
		lane->flags |= LANE_HAS_POLICY;
		lane->policy = *c->policy;
	}
	strcpy(lane->name, c->name && *c->name ? c->name : "anonymous");
	lane->port = c->port;
	lane->under = lane_of(c->under);
}

/* By stores that a late look, of a thread from the lane's last life, may meet. */
static void clear(struct lane *lane)
{
	store_relaxed(&lane->retired, 0);
	store_relaxed(&lane->sweep, 0);
	store_relaxed(&lane->closed, 0);
	store_relaxed(&lane->error, 0);
	store_relaxed(&lane->winner, NULL);
	store_relaxed(&lane->grant, 0);
	store_relaxed(&lane->struck, NULL);
	store_relaxed(&lane->zombie_left, 0);
	store_relaxed(&lane->timed, 0);
	store_relaxed(&lane->answer, LANE_NO_ANSWER);
	lane->reserved = lane->asks = lane->placed = false;
	lane->first = NULL;
	lane->active = 0;
	store_relaxed(&lane->waiting, 0);
	store_relaxed(&lane->dropped, 0);
	store_relaxed(&lane->recalled, 0);
	store_relaxed(&lane->full, 0);
	store_relaxed(&lane->by_callers, 0);
	lane->moved_seen = 0;
	store_relaxed(&lane->count, 0);
	/* The token's end has left nothing else of it. */
	store_relaxed(&token_of(&lane->token)->state, 0);
}

/* Limits, or a lane above: the last steps that can fail. */
static int decide(struct lane *lane, const struct ward_lane_config *c)
{
	struct limit_set *set = NULL;

	if (c->under && !lane_decide(lane_of(c->under), LANE_SHARED))
		return -EINVAL;
	store_relaxed(&lane->use, c->nlimits ? LANE_LIMITED : LANE_UNDECIDED);
	if (c->nlimits &&
	    !(set = limit_set_new(&lane->sets, c->limits, c->nlimits)))
		return -ENOMEM;
	store_relaxed(&lane->set, set);
	return 0;
}

int ward_lane_create(struct ward_lane **out, struct ward_pool *handle,
		     const struct ward_lane_config *config)
{
	static const struct ward_lane_config none = WARD_LANE_CONFIG_INIT;
	const struct ward_lane_config *c = config ? config : &none;
	struct pool *pool = (struct pool *)handle;
	struct lane *lane;
	int err = out ? pool_enter(pool) : -EINVAL;

	if (!err)
		err = check_lane(c);
	if (!err && c->under && !can_be_under(pool, lane_of(c->under)))
		err = -EINVAL;
	if (err)
		return err;
	lane = lane_alloc(pool);
	if (!lane)
		return -ENOMEM;
	err = decide(lane, c);
	if (err) {
		store_relaxed(&lane->retired, 1); /* it is no lane */
		lane_give_back(lane);
		return err;
	}
	clear(lane);
	configure(lane, c);
	store_release(&lane->arrived, 0); /* [lt] it may be dispatched */
	lane->watch.fn = was_cancelled;
	ward_cancel_watch(&lane->token, &lane->watch);
	if (c->cancel)
		ward_cancel_link(&lane->token, c->cancel, &lane->link);
	if (lane->under) {
		add_relaxed(&lane->under->lower, 1);
		ward_cancel_link(&lane->token, &lane->under->token, &lane->up);
	}
	add_acq_rel(&pool->refs, 1);
	if (lane->port)
		port_hold(lane->port);
	lane_list(pool, lane);
	lane->magic = handle_magic(HANDLE_LANE);
	*out = (struct ward_lane *)lane;
	return 0;
}

/* Its limits are about to be changed, or lanes are under it. */
static bool is_in_use(const struct lane *lane)
{
	return load_acquire(&lane->changing) || load_acquire(&lane->lower); /* [lu] */
}

/* 'end' is lane_destroy(), or lane_abandon() of a lane that tasks may be in. */
static int end_lane(struct lane *lane, int (*end)(struct lane *lane))
{
	struct pool *pool = lane->pool;
	int err;

	host_hold();
	add_acq_rel(&pool->refs, 1); /* the lane's own may be the last */
	err = end(lane);
	orphaned_answer(pool); /* a place of the lane above may have gone to others */
	pool_put(pool);
	host_unhold();
	return err;
}

int ward_lane_destroy(struct ward_lane *handle)
{
	struct lane *lane = lane_of(handle);
	int err = handle_enter(lane, HANDLE_LANE);

	if (err)
		return err;
	if (lane_inside(lane) || is_in_use(lane))
		return -EBUSY;
	return end_lane(lane, lane_destroy);
}

static int abandon(struct lane *lane)
{
	lane->magic = HANDLE_DEAD;
	lane_abandon(lane);
	return 0;
}

int ward_lane_abandon(struct ward_lane *handle)
{
	struct lane *lane = lane_of(handle);
	int err = handle_enter(lane, HANDLE_LANE);

	if (err)
		return err;
	if (is_in_use(lane))
		return -EBUSY;
	return end_lane(lane, abandon);
}

/* ---- in ------------------------------------------------------------------------------ */

/* Lets the task in; LANE_FULL: no room.  Is it refused, with room or without? */
static int try_enter(struct lane *lane, const struct ward_task *task, bool *active)
{
	int full = lane_let_in(lane, active), err;

	host_barrier_light(); /* [ln] I am inside | closed? */
	err = stop_refuse(lane, task);
	if (unlikely(err) && !full) {
		lane_leave(lane, !*active);
		inbox_settle(&lane->pool->inbox);
	}
	return err ? err : full;
}

static int wait_for_place(struct lane *lane, const struct ward_task *task,
			  bool *active, ward_ns until)
{
	struct wait_entry entry;
	int err, why;

	pool_until(lane->pool, until);
	wait_enter(&entry, &lane->room, until, WAIT_BLOCK);
	wait_token(&entry, &lane->token);
	wait_token(&entry, task->cancel);
	why = wait_event(&entry,
			 (err = try_enter(lane, task, active)) != LANE_FULL);
	if (err) /* the place that it was woken for may be another caller's */
		wait_tell_one(&lane->room);
	return why ? why : err;
}

/* ---- by the submitter ------------------------------------------------------------------ */

/* host_mine() of a thread that runs a lane's task: it runs none inside of that. */
static const char calling;

static bool caller_runs(const struct lane *lane)
{
	return lane->flags & WARD_LANE_CALLER_RUNS && host_mine() != &calling;
}

/* Draws what the lane's tasks draw before they run. */
static int may_run_here(struct lane *lane, const struct ward_task *task,
			ward_ns until)
{
	struct limit_set *set;
	int err;

	do {
		set = limit_set_get(&lane->set);
		if (!set)
			return stop_refuse(lane, task);
		err = limit_take(set->limit, set->n, 1, host_now(), until,
				 &set->gone, &lane->token, task->cancel);
		limit_set_put(set);
	} while (err == LIMIT_GONE);
	return err ? err : stop_refuse(lane, task);
}

/*
 * ward_raise() ends this task, not the pool's task that it is inside of: so no local
 * but 'status' changes after host_mark().
 */
static __attribute__((noinline)) int run_caught(struct slot *slot,
						struct ward_task *task)
{
	struct host_escape here, *const outer = slot->fail.raise_to;
	int status;

	if (host_mark(&here) == ESCAPE_NOT) {
		slot->fail.raise_to = &here;
		status = task->run(task);
	} else {
		status = slot->fail.raised;
	}
	slot->fail.raise_to = outer;
	return status;
}

/*
 * The task is in no pool, so it is not cancelled or watched over; but it may be held, and
 * it ends as a task of the lane does.  Its end is counted after run(), for its thread may
 * end in there.
 */
static void run_here(struct lane *lane, struct ward_task *task)
{
	const void *outer = host_mine();
	struct slot *slot = host_self();
	int status;

	add_relaxed(&lane->by_callers, 1);
	task_set(task_priv(task), TASK_DONE + TASK_ATTEMPT_ONE);
	host_set_mine(&calling);
	status = slot && slot_runs(slot) ? run_caught(slot, task) :
					   task->run(task);
	status = lane_ended(lane, task, status,
			    stop_failed(lane->pool, lane, task, status));
	task_priv(task)->status = status;
	if (task->done)
		task->done(task, status);
	add_relaxed(&lane->pool->inbox.requeued_fresh, 1);
	add_relaxed(&lane->pool->inbox.requeued_out, 1);
	worker_release(lane->pool, NULL, task);
	host_set_mine(outer);
	inbox_settle(&lane->pool->inbox);
}

/* ---- submitted ------------------------------------------------------------------------ */

/* Opens the task: when it is told to stop, for pool_tell_by() once it is entered. */
static uint64_t lane_open(struct lane *lane, struct ward_task *task,
			  bool active)
{
	struct task_priv *priv = task_priv(task);

	if (!task->policy && lane->flags & LANE_HAS_POLICY)
		task->policy = &lane->policy;
	PROBE(submit, lane->pool, task, lane);
	task_open_lane(priv, lane, !active);
	if (unlikely(stop_window(lane->pool, task)))
		task_stamp(priv, host_now());
	else if (likely(!task->cancel && !lane_asks(lane)))
		return HOST_FOREVER;
	return stop_by(lane->pool, task);
}

static void put(struct lane *lane, struct ward_task *task, bool active)
{
	uint64_t by = lane_open(lane, task, active);

	lane_enter(lane, task, active);
	pool_tell_by(lane->pool, by);
	orphaned_answer(lane->pool);
}

static int lane_submit(struct lane *lane, struct ward_task *task,
		       ward_ns until)
{
	bool active;
	int err;

	prefetch_own(&lane->count); /* on its way beside the task's */
	err = task_refuse(task);
	if (err)
		return err;
	err = try_enter(lane, task, &active);
	if (unlikely(err == LANE_FULL))
		add_relaxed(&lane->full, 1);
	if (err == LANE_FULL && caller_runs(lane)) {
		err = may_run_here(lane, task, until);
		return err ? err : LANE_FULL;
	}
	if (err == LANE_FULL)
		err = until == WARD_NOWAIT ?
			      -EAGAIN :
			      wait_for_place(lane, task, &active, until);
	if (!err)
		put(lane, task, active);
	else if (err != -EAGAIN)
		orphaned_answer(lane->pool); /* it may have left a place to others */
	return err;
}

int ward_lane_submit(struct ward_lane *handle, struct ward_task *task,
		     ward_ns until)
{
	struct lane *lane = lane_of(handle);
	int err = handle_enter(lane, HANDLE_LANE);

	if (unlikely(err))
		return err;
	host_hold();
	err = lane_submit(lane, task, until);
	host_unhold();
	if (likely(err != LANE_FULL))
		return err;
	run_here(lane, task);
	return 0;
}

/*
 * All n were let in, to wait for their turn: opens tasks up to the first that is refused,
 * and counts the others out.  How many were opened.
 */
static uint32_t open_some(struct lane *lane, struct ward_task *const *tasks,
			  uint32_t n, uint64_t *by, int *err)
{
	uint32_t good = 0;
	uint64_t one;

	host_barrier_light(); /* [ln] I am inside | closed? */
	for (; good < n; good++) {
		*err = task_refuse(tasks[good]);
		*err = *err ? *err : stop_refuse(lane, tasks[good]);
		if (*err)
			break;
		one = lane_open(lane, tasks[good], false);
		*by = one < *by ? one : *by;
	}
	for (uint32_t i = good; i < n; i++)
		lane_leave(lane, true);
	if (good < n)
		inbox_settle(&lane->pool->inbox);
	return good;
}

/* As many as there is room for; 0: *err says why, also LANE_FULL. */
static uint32_t submit_some(struct lane *lane, struct ward_task *const *tasks,
			    uint32_t n, int *err)
{
	uint32_t some = lane_let_in_some(lane, n), good;
	uint64_t by = HOST_FOREVER;

	*err = some ? 0 : LANE_FULL;
	good = some ? open_some(lane, tasks, some, &by, err) : 0;
	lane_enter_some(lane, tasks, good);
	pool_tell_by(lane->pool, by);
	orphaned_answer(lane->pool);
	return good;
}

/* As many as fit at a time; one by one where none waits, or where one has to. */
int ward_lane_submit_n(struct ward_lane *handle, struct ward_task *const *tasks,
		       unsigned n, ward_ns until)
{
	struct lane *lane = lane_of(handle);
	uint32_t done = 0;
	int err = (n && !tasks) || n > INT32_MAX ?
			  -EINVAL :
			  handle_enter(lane, HANDLE_LANE);
	bool alone = !err && !load_relaxed(&lane->width) &&
		     !load_relaxed(&lane->set);

	while (done < n && !err) {
		uint32_t some = 0;

		host_hold();
		if (!alone && n - done > 1)
			some = submit_some(lane, tasks + done, n - done, &err);
		host_unhold();
		done += some;
		if (some || (err && err != LANE_FULL))
			continue;
		err = ward_lane_submit(handle, tasks[done], until);
		done += !err;
	}
	return done ? (int)done : err;
}

/* The task has its room now, and comes to the queue when its time has come. */
static int submit_later(struct lane *lane, struct ward_task *task, uint64_t at)
{
	struct pool *pool = lane->pool;

	if (!task->policy && lane->flags & LANE_HAS_POLICY)
		task->policy = &lane->policy;
	PROBE(submit, pool, task, lane);
	task_open_timed(task_priv(task), lane);
	if (stop_window(pool, task))
		task_stamp(task_priv(task), at);
	due_grow(&pool->inbox.later.due);
	later_put(&pool->inbox, task, at, true);
	return 0;
}

static int lane_submit_at(struct lane *lane, struct ward_task *task,
			  uint64_t when)
{
	int err = task_refuse(task);

	if (err)
		return err;
	if (!lane_let_in_some(lane, 1)) {
		add_relaxed(&lane->full, 1);
		return -EAGAIN;
	}
	store_relaxed(&lane->timed, 1);
	barrier_seq_cst(); /* [ln] I am inside | closed? [wl] timed | cancelled? */
	err = stop_refuse(lane, task);
	if (err) {
		lane_leave(lane, true);
		inbox_settle(&lane->pool->inbox);
		return err;
	}
	if (when > host_now())
		return submit_later(lane, task, when);
	put(lane, task, false);
	return 0;
}

int ward_lane_submit_at(struct ward_lane *handle, struct ward_task *task,
			ward_ns when)
{
	struct lane *lane = lane_of(handle);
	int err = when == WARD_FOREVER ? -EINVAL :
					 handle_enter(lane, HANDLE_LANE);

	if (err)
		return err;
	host_hold();
	err = lane_submit_at(lane, task, when);
	orphaned_answer(lane->pool);
	host_unhold();
	return err;
}

/* ---- changed, and looked at ---------------------------------------------------------- */

int ward_lane_resize(struct ward_lane *handle, uint32_t active, uint32_t queued)
{
	struct lane *lane = lane_of(handle);
	int err = handle_enter(lane, HANDLE_LANE);

	if (err)
		return err;
	if (!is_sound(lane->flags, active, queued) ||
	    !active != !load_relaxed(&lane->width))
		return -EINVAL;
	host_hold();
	set_room(lane, lane->flags, active, queued);
	lane_note(lane);
	wait_wake(&lane->room);
	orphaned_answer(lane->pool);
	host_unhold();
	return 0;
}

int ward_lane_set_limits(struct ward_lane *handle,
			 struct ward_limit *const *limits, uint32_t n)
{
	struct lane *lane = lane_of(handle);
	struct limit_set *set;
	int err = n > LIMIT_SET_MAX ? -EINVAL : handle_enter(lane, HANDLE_LANE);

	if (!err)
		err = limit_check(limits, n);
	if (!err && n && (lane->under || !lane_decide(lane, LANE_LIMITED)))
		err = -EINVAL;
	if (err)
		return err;
	host_hold();
	set = limit_set_new(&lane->sets, limits, n);
	if (set) {
		lane_change_limits(lane, set);
		orphaned_answer(lane->pool);
	}
	host_unhold();
	return set ? 0 : -ENOMEM;
}

int ward_lane_stats(const struct ward_lane *handle, struct ward_lane_stats *s)
{
	const struct lane *lane = lane_of(handle);
	int err = s && s->size == sizeof(*s) ?
			  handle_enter(lane, HANDLE_LANE) :
			  -EINVAL;

	if (err)
		return err;
	s->active = load_relaxed(&lane->width);
	s->queued = load_relaxed(&lane->queued);
	s->waiting = load_relaxed(&lane->waiting);
	s->inside = lane_inside(lane);
	s->error = load_relaxed(&lane->error);
	s->cause = cancel_cause(&lane->token);
	s->closed = load_relaxed(&lane->closed);
	s->reserved = 0;
	s->dropped = load_relaxed(&lane->dropped);
	s->recalled = load_relaxed(&lane->recalled);
	s->full = load_relaxed(&lane->full);
	s->by_callers = load_relaxed(&lane->by_callers);
	return 0;
}

/* ---- ends ---------------------------------------------------------------------------- */

static bool is_own_task(const struct lane *lane)
{
	struct slot *slot = host_self();
	const struct task_priv *priv;

	if (!slot || !slot_runs(slot))
		return false;
	priv = task_priv(slot_task(slot));
	return load_relaxed(&priv->word) & TASK_LANE && priv->lane == lane;
}

static bool is_empty(struct lane *lane)
{
	cancel_cause(&lane->token); /* its deadline may have come */
	return !lane_inside(lane) && !load_acquire(&lane->changing); /* [lu] */
}

int ward_lane_join(struct ward_lane *handle, ward_ns until)
{
	struct lane *lane = lane_of(handle);
	struct wait_entry entry;
	int why = handle_enter(lane, HANDLE_LANE);

	if (why)
		return why;
	if (is_own_task(lane))
		return -EDEADLK;
	host_hold();
	pool_until(lane->pool, until);
	wait_enter(&entry, &lane->empty, until, WAIT_BLOCK);
	wait_token(&entry, &lane->token);
	why = wait_event(&entry, is_empty(lane));
	host_unhold();
	return why ? why : load_relaxed(&lane->error);
}

bool ward_lane_cancel(struct ward_lane *handle, int cause)
{
	struct lane *lane = lane_of(handle);
	bool first;

	if (!handle_told(lane, HANDLE_LANE) || handle_enter(lane, HANDLE_LANE))
		return false;
	host_hold();
	first = ward_cancel_fire(&lane->token, cause);
	host_unhold();
	return first;
}

int ward_lane_close(struct ward_lane *handle, int cause)
{
	struct lane *lane = lane_of(handle);
	int err = cause > 0 ? -EINVAL : handle_enter(lane, HANDLE_LANE);

	if (err)
		return err;
	if (swap_acq_rel(&lane->closed, 1))
		return -EALREADY;
	host_barrier_heavy(); /* [ln] closed | inside? */
	wait_wake(&lane->room);
	if (cause)
		ward_lane_cancel(handle, cause);
	return 0;
}

struct ward_cancel *ward_lane_token(struct ward_lane *handle)
{
	struct lane *lane = lane_of(handle);

	return handle_told(lane, HANDLE_LANE) ? &lane->token : NULL;
}

uint32_t ward_lane_count(const struct ward_lane *handle)
{
	const struct lane *lane = lane_of(handle);

	return handle_told(lane, HANDLE_LANE) ? lane_inside(lane) : 0;
}
