/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * submit.c - a task's way in: checked, marked as the pool's, put.
 */
#include "base/probe.h"
#include "front/front.h"
#include "lane/stop.h"
#include "lane/wait.h"

enum { ROOM_SPIN = 64 }; /* looks for room before a submitter sleeps */

static cold int open_task(const struct pool *pool, struct ward_task *task)
{
	int err = task_refuse(task);

	if (likely(!err))
		err = stop_refuse(NULL, task); /* it would never run */
	if (unlikely(err))
		return err;
	task_set(task_priv(task), TASK_QUEUED + TASK_ATTEMPT_ONE);
	if (unlikely(stop_window(pool, task)))
		task_stamp(task_priv(task), host_now());
	return 0;
}

/* The same, of a task that asks for nothing special; false: open_task() tells. */
static hot bool open_plain(const struct pool *pool, struct ward_task *task)
{
	if (unlikely(!task || (uintptr_t)task % _Alignof(struct ward_task)))
		return false;
	PROBE(submit, pool, task, 0); /* here, and so, it costs no register */
	if (unlikely(((uintptr_t)task->policy | (uintptr_t)task->cancel |
		      pool->policy.start_within) != 0 || !task->run ||
		     !task_idle(load_acquire(&task_priv(task)->word)))) /* [K] */
		return false;
	task_open(task_priv(task));
	return true;
}

/* A holder may have come to wait for the task meanwhile. */
static inline void shut_task(struct pool *pool, struct ward_task *task)
{
	task_set(task_priv(task), TASK_FREE);
	wait_tell(&pool->answered); /* [y] */
}

static bool room_comes(const struct ring *ring)
{
	for (int i = 0; i < ROOM_SPIN; i++) {
		if (ring_count(ring) <= ring->mask / 2)
			return true;
		host_relax();
	}
	return false;
}

static int look_for_room(const struct inbox *inbox, const struct ring *full,
			 const struct ward_cancel *cancel,
			 const struct slot *slot)
{
	if (cancel && cancel_cause(cancel))
		return 0; /* put_waiting() asks again */
	if (slot && slot_taken(slot))
		return -ESTALE;
	if (load_acquire(&inbox->closed))
		return -ESHUTDOWN;
	return ring_count(full) < full->mask ? 0 : -EAGAIN;
}

int submit_wait_room(struct inbox *inbox, struct ring *full,
		     const struct ward_cancel *cancel, ward_ns until)
{
	struct wait_entry entry;
	int err, why;

	if (!full) { /* every claim was taken; the holders are at work */
		host_yield();
		return 0;
	}
	if (room_comes(full))
		return 0;
	wait_enter(&entry, &full->room, until, WAIT_RELIEVED | WAIT_ONE_WORD);
	wait_token(&entry, cancel);
	why = wait_event(&entry, (err = look_for_room(inbox, full, cancel,
						      entry.slot)) != -EAGAIN);
	return why ? why : err;
}

/* The first task's token ends the wait, too. */
static cold int put_waiting(struct pool *pool, struct local_queue *mine,
			    struct ward_task *const *tasks, uint32_t n,
			    ward_ns until)
{
	const struct ward_cancel *cancel = tasks[0]->cancel;
	struct ring *full = NULL;
	bool last = until == WARD_NOWAIT;
	int put, err;

	for (;;) {
		put = inbox_put(&pool->inbox, mine, tasks, n, &full);
		if (put != -EAGAIN)
			return put;
		if (last)
			break;
		err = submit_wait_room(&pool->inbox, full, cancel, until);
		if (err && err != -ETIMEDOUT)
			return err;
		if (cancel && (err = cancel_cause(cancel)))
			return err;
		last = until != WARD_FOREVER && host_now() >= until;
	}
	add_relaxed(&pool->refused, 1);
	return until == WARD_NOWAIT ? -EAGAIN : -ETIMEDOUT;
}

/* How many were put by then, or why none. */
static int put_all(struct pool *pool, struct local_queue *mine,
		   struct ward_task *const *tasks, uint32_t n, ward_ns until)
{
	uint32_t done = 0;
	int put;

	do {
		put = put_waiting(pool, mine, tasks + done, n - done, until);
		if (put > 0)
			done += (uint32_t)put;
	} while (put > 0 && done < n);
	return done ? (int)done : put;
}

/*
 * Destroy wakes and refuses a submitter that waits, and must not free the pool under it:
 * so it is counted until its last step there.
 */
static cold int put_slowly(struct pool *pool, struct local_queue *mine,
			   struct ward_task *const *tasks, uint32_t n,
			   ward_ns until)
{
	int put;

	if (until == WARD_NOWAIT)
		return put_all(pool, mine, tasks, n, until);
	pool_until(pool, until);
	add_acq_rel(&pool->inbox.submitters, 1);
	put = put_all(pool, mine, tasks, n, until);
	sub_acq_rel(&pool->inbox.submitters, 1); /* [u] */
	return put;
}

static int submit_opened(struct pool *pool, struct ward_task *task,
			 ward_ns until)
{
	struct local_queue *mine = pool_local(pool);
	uint64_t by = stop_by(pool, task);
	struct ring *full;
	int put = inbox_put(&pool->inbox, mine, &task, 1, &full);

	if (put == -EAGAIN)
		put = put_slowly(pool, mine, &task, 1, until);
	if (put > 0) {
		pool_tell_by(pool, by); /* a sweep has seen the task, or sees this */
		return 0;
	}
	shut_task(pool, task);
	return put;
}

/* The rest of ward_submit(), with its host_unhold(). */
static __attribute__((noinline)) int submit_rest(struct pool *pool,
						 struct ward_task *task,
						 ward_ns until, bool opened)
{
	int err = opened ? 0 : open_task(pool, task);

	if (!err)
		err = submit_opened(pool, task, until);
	host_unhold();
	return err;
}

static cold int tell_asleep(struct pool *pool, _Atomic uint32_t *rung)
{
	bell_ring_asleep(&pool->inbox.bell, rung);
	host_unhold();
	return 0;
}

/* Rare cases are left by a jump, so that no register has to be saved. */
int ward_submit(struct ward_pool *handle, struct ward_task *task, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	_Atomic uint32_t *rung;
	int err = pool_enter(pool);

	if (unlikely(err))
		return err;
	host_hold();
	if (unlikely(!open_plain(pool, task)))
		return submit_rest(pool, task, until, false);
	rung = inbox_put_quick(&pool->inbox, pool_local(pool), task);
	if (unlikely(!rung))
		return submit_rest(pool, task, until, true);
	if (unlikely(!inbox_told(&pool->inbox)))
		return tell_asleep(pool, rung);
	host_unhold();
	return 0;
}

static int submit_n(struct pool *pool, struct ward_task *const *tasks,
		    unsigned n, ward_ns until)
{
	struct local_queue *mine = pool_local(pool);
	struct ring *full;
	unsigned opened = 0, done;
	uint64_t by = HOST_FOREVER, one;
	int err = 0, put;

	while (opened < n) {
		if (!open_plain(pool, tasks[opened])) {
			err = open_task(pool, tasks[opened]);
			if (err)
				break;
			one = stop_by(pool, tasks[opened]);
			by = one < by ? one : by;
		}
		opened++;
	}
	if (!opened)
		return err;
	put = inbox_put(&pool->inbox, mine, tasks, opened, &full);
	done = put > 0 ? (unsigned)put : 0;
	if (done < opened && (put > 0 || put == -EAGAIN)) {
		put = put_slowly(pool, mine, tasks + done, opened - done,
				 until);
		done += put > 0 ? (unsigned)put : 0;
	}
	pool_tell_by(pool, by);
	err = put < 0 ? put : err;
	for (unsigned i = done; i < opened; i++)
		shut_task(pool, tasks[i]);
	return done ? (int)done : err;
}

/* For callers that cannot take "no room": what is requeued, or waits, always has room. */
int submit_at(struct pool *pool, struct ward_task *task, uint64_t at,
	      uint64_t period)
{
	int err = task_refuse(task);
	uint64_t now;

	if (err)
		return err;
	if (!inbox_enter(&pool->inbox))
		return -ESHUTDOWN;
	now = host_now();
	PROBE(submit, pool, task, 0);
	task_open_requeued(task_priv(task), period);
	if (stop_window(pool, task))
		task_stamp(task_priv(task), at > now ? at : now);
	due_grow(&pool->inbox.later.due);
	if (at <= now)
		later_requeue(&pool->inbox, task, true);
	else
		later_put(&pool->inbox, task, at, true);
	inbox_leave(&pool->inbox);
	return 0;
}

int ward_submit_at(struct ward_pool *handle, struct ward_task *task,
		   ward_ns when, ward_ns period)
{
	struct pool *pool = (struct pool *)handle;
	int err = when == WARD_FOREVER ? -EINVAL : pool_enter(pool);

	if (err)
		return err;
	host_hold();
	err = submit_at(pool, task, when, period);
	host_unhold();
	return err;
}

int ward_submit_n(struct ward_pool *handle, struct ward_task *const *tasks,
		  unsigned n, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	int done = (n && !tasks) || n > INT32_MAX ? -EINVAL : pool_enter(pool);

	if (done)
		return done;
	host_hold();
	done = submit_n(pool, tasks, n, until);
	host_unhold();
	return done;
}
