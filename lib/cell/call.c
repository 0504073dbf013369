/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.c - a call as its task.
 *
 * A call that is not in a lane goes from its submitter to a cell.  All others, and those
 * that are made again, come to a worker first, as any task does, whose run() finds a
 * descriptor, and then lets the task go (slot_away).  The answer comes from the collector.
 */
#include "cell/cell.h"
#include "front/front.h"
#include "lane/stop.h"
#include "lane/wait.h"

enum { ROOM_LOOKS = 8 };
#define ROOM_AGAIN UINT64_C(1000000)

static struct ward_cells *cells_of(const struct ward_call *call)
{
	return call->priv[0];
}

/* ---- room ------------------------------------------------------------------------ */

static int look_for_room(struct ward_cells *cells, const struct ward_call *call,
			 struct desc **desc)
{
	int err;

	*desc = send_take(cells, call, NULL);
	if (*desc)
		return 0;
	if (load_acquire(&cells->ending))
		return -ECANCELED;
	err = call->task.cancel ? cancel_cause(call->task.cancel) : 0;
	return err ? err : -EAGAIN;
}

/* The same for a submitter, who is refused where a call that was accepted goes on. */
static int look_to_submit(struct ward_cells *cells, const struct ward_call *call,
			  struct desc **desc)
{
	int err = look_for_room(cells, call, desc);

	if (err && (load_acquire(&cells->closed) ||
		    load_acquire(&cells->pool->inbox.closed)))
		err = -ESHUTDOWN;
	return err;
}

/* Answers come in bursts: a submitter that looks some more often need not sleep. */
static bool room_comes(struct ward_cells *cells, const struct ward_call *call,
		       int *err, struct desc **desc)
{
	for (int i = 0; i < ROOM_LOOKS; i++) {
		host_yield();
		*err = look_to_submit(cells, call, desc);
		if (*err != -EAGAIN)
			return true;
	}
	return false;
}

static int wait_room(struct ward_cells *cells, const struct ward_call *call,
		     ward_ns until, struct desc **desc)
{
	struct wait_entry entry;
	int err = -EAGAIN, why;

	wait_enter(&entry, &cells->room, until, WAIT_RELIEVED);
	wait_token(&entry, call->task.cancel);
	why = wait_event(&entry, (err = look_to_submit(cells, call, desc)) !=
					 -EAGAIN);
	if (why && *desc)
		send_drop(*desc);
	return why ? why : err;
}

static int find_room(struct ward_cells *cells, const struct ward_call *call,
		     ward_ns until, struct desc **desc)
{
	int err = look_to_submit(cells, call, desc);

	if (likely(err != -EAGAIN) || until == WARD_NOWAIT ||
	    room_comes(cells, call, &err, desc))
		return err;
	return wait_room(cells, call, until, desc);
}

/* ---- on a worker ----------------------------------------------------------------- */

static void go(struct ward_task *task, void *arg)
{
	struct desc *desc = arg;
	struct ward_cells *cells = desc->cell->cells;

	/* The call may be released, and the set destroyed, before the last step here. */
	add_acq_rel(&cells->refs, 1);
	if (task)
		send_post(desc);
	else
		send_drop(desc);
	cells_put(cells);
}

static void go_later(struct ward_task *task, void *cells)
{
	if (task)
		collect_later(cells, task, host_now() + ROOM_AGAIN);
}

/*
 * Hands the call to a cell.  Where there is no room it comes again: a worker that waited
 * for that would be missing for the answers that make room.
 */
static cold int call_send(struct ward_call *call)
{
	struct slot *slot = slot_here();
	struct desc *desc = NULL;
	int err = look_for_room(cells_of(call), call, &desc);

	if (err == -EAGAIN) {
		slot->away = (struct slot_away){ go_later, cells_of(call) };
		slot->needs_cleanup = 1;
		return SLOT_AWAY;
	}
	if (err)
		return err;
	slot->away = (struct slot_away){ go, desc };
	slot->needs_cleanup = 1;
	err = send_fill(desc, call);
	return err ? err : SLOT_AWAY;
}

/* The answer that the call has; NULL: none. */
static struct desc *answer_of(const struct ward_call *call)
{
	struct desc *desc = call_desc(call);

	return desc && load_relaxed(&desc->state) == DESC_ANSWERED ? desc : NULL;
}

int call_run(struct ward_task *task)
{
	struct ward_call *call = call_of(task);

	return likely(answer_of(call)) ? 0 : call_send(call);
}

static void call_done(struct ward_task *task, int status)
{
	struct ward_call *call = call_of(task);
	const struct desc *desc = answer_of(call);

	if (desc) {
		call->out = send_answer(desc);
		call->out_size = desc->out_size;
	}
	if (unlikely(call_is_awaited(call)))
		task_priv(task)->status = status;
	if (call->done)
		call->done(call, status);
}

static void call_release(struct ward_task *task)
{
	struct ward_call *call = call_of(task);
	struct ward_cells *cells = cells_of(call);
	struct desc *desc = call_desc(call);
	void (*release)(struct ward_call *) = call->release;
	bool awaited = call_is_awaited(call);

	call->out = NULL;
	call_put_on(call, NULL);
	if (likely(desc))
		send_drop(desc);
	if (release)
		release(call); /* it may be gone */
	cells_leave(cells);
	if (unlikely(awaited))
		call_tell(call, CALL_BACK);
}

/* ---- submitted ------------------------------------------------------------------- */

/* A submitter cannot be the worker who hands the call on. */
static int check_lane(const struct ward_cells *cells, const struct lane *lane)
{
	int err = handle_enter(lane, HANDLE_LANE);

	if (!err && (lane->pool != cells->pool ||
		     lane->flags & WARD_LANE_CALLER_RUNS))
		err = -EINVAL;
	return err;
}

static int check_call(const struct ward_cells *cells, const struct ward_call *call)
{
	if (!call || call->reserved ||
	    (call->in_size && !call->in && !call->fill))
		return -EINVAL;
	if (call->in_size > cells->layout.in_max)
		return -EMSGSIZE;
	if (call->task.policy && !policy_is_sound(call->task.policy))
		return -EINVAL;
	if (task_state(load_acquire(&task_priv(&call->task)->word)) != TASK_FREE) /* [K] */
		return -EBUSY;
	return call->lane ? check_lane(cells, (struct lane *)call->lane) : 0;
}

static void prepare(struct ward_cells *cells, struct ward_call *call, enum call_way way)
{
	call->priv[0] = cells;
	store_relaxed(call_word(call), way);
	call_put_on(call, NULL);
	call->out = NULL;
	call->out_size = 0;
	call->task.run = call_run;
	call->task.done = call_done;
	call->task.release = call_release;
}

/* True: counted, so that drain waits for it. */
static bool enter(struct ward_cells *cells)
{
	stripes_add(&cells->in, 1);
	host_barrier_light(); /* [kx] a call on its way | closed? */
	if (likely(!load_acquire(&cells->closed)))
		return true;
	cells_leave(cells);
	return false;
}

static void open_call(struct pool *pool, struct ward_task *task)
{
	task_set(task_priv(task), TASK_QUEUED + TASK_ATTEMPT_ONE);
	if (unlikely(stop_window(pool, task)))
		task_stamp(task_priv(task), host_now());
}

static void shut_call(struct pool *pool, struct ward_task *task)
{
	task_set(task_priv(task), TASK_FREE);
	wait_tell(&pool->answered); /* [y] */
}

/* The call was never there. */
static cold void unaccept(struct pool *pool)
{
	stripes_add(&pool->inbox.away.direct, -(uint64_t)1);
	inbox_settle(&pool->inbox);
}

/* From here on the pool counts it as its own: its drain waits, its close refuses. */
static int accept_call(struct pool *pool)
{
	stripes_add(&pool->inbox.away.direct, 1);
	host_barrier_light(); /* [D] on my way | closed? */
	if (likely(!load_acquire(&pool->inbox.closed)))
		return 0;
	unaccept(pool);
	return -ESHUTDOWN;
}

/* Where there is no room at once, or the request takes its time to be written. */
static __attribute__((noinline)) int submit_slowly(struct ward_cells *cells,
						   struct ward_call *call, ward_ns until)
{
	struct desc *desc = NULL;
	int err = find_room(cells, call, until, &desc);

	if (err)
		return err;
	host_unhold(); /* fill() is the user's code, which may be left */
	err = send_fill(desc, call);
	host_hold();
	if (err)
		send_drop(desc);
	else
		send_post(desc);
	return err;
}

static int submit_here(struct ward_cells *cells, struct ward_call *call, ward_ns until)
{
	struct pool *pool = cells->pool;
	int err = accept_call(pool);

	if (unlikely(err))
		return err;
	open_call(pool, &call->task);
	if (likely(send_quick(cells, call)))
		return 0;
	err = submit_slowly(cells, call, until);
	if (err) {
		unaccept(pool);
		shut_call(pool, &call->task);
	}
	return err;
}

static int submit(struct ward_cells *cells, struct ward_call *call, ward_ns until)
{
	int err;

	if (call->lane)
		return ward_lane_submit(call->lane, &call->task, until);
	err = stop_refuse(NULL, &call->task);
	return err ? err : submit_here(cells, call, until);
}

int call_submit(struct ward_cells *cells, struct ward_call *call, ward_ns until,
		enum call_way way)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (!err)
		err = check_call(cells, call);
	if (err)
		return err;
	host_hold();
	err = enter(cells) ? 0 : -ESHUTDOWN;
	if (!err) {
		pool_until(cells->pool, until);
		prepare(cells, call, way);
		err = submit(cells, call, until);
		if (err) {
			store_relaxed(call_word(call), CALL_ALONE);
			cells_leave(cells);
		}
	}
	host_unhold();
	return err;
}

int ward_cells_submit(struct ward_cells *cells, struct ward_call *call, ward_ns until)
{
	return call_submit(cells, call, until, CALL_ALONE);
}

int ward_cells_cancel(struct ward_cells *cells, struct ward_call *call, int cause)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (err)
		return err;
	err = ward_task_cancel((struct ward_pool *)cells->pool,
			       call ? &call->task : NULL, cause);
	store_release(&cells->told, 1);
	cells_wake(cells);
	return err;
}
