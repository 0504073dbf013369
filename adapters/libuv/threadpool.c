/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threadpool.c - what the rest of libuv, and its users, call of a pool of threads.
 *
 * A request's memory is its user's from its callback on.  So a request that hangs is
 * answered when its thread comes home, however late; what is healed is the seat.
 */
#include "uv-common.h"
#include "answer.h"
#include "pool.h"
#include "record.h"
#ifdef UV_WARD_EXERCISE
#include "exercise.h"
#endif

/* ---- on the pool's threads -------------------------------------------------------- */

/* As the 'work' of a request: that it was cancelled. */
static void cancelled(struct uv__work *w)
{
	(void)w;
}

static int work(struct ward_task *task)
{
	struct record *record = ward_entry(task, struct record, task);
	/* Acquire: the request as it was submitted; release: nobody else's now. */
	struct uv__work *w = swap_acq_rel(&record->waits, NULL);

	if (!w)
		return 0; /* it was cancelled, and may be no more */
	record->inside = w;
	w->work(w);
#ifdef UV_WARD_EXERCISE
	exercise();
#endif
	record->inside = NULL;
	answer_give(w);
	return 0;
}

/* No thread is inside any more. */
static void leave(struct ward_task *task)
{
	struct record *record = ward_entry(task, struct record, task);
	struct uv__work *w = record->inside;

	if (w) { /* its thread has ended in there */
		record->inside = NULL;
		w->work = cancelled;
		answer_give(w);
	}
	record_put(record);
}

/* ---- on the loop's thread ------------------------------------------------------------ */

static bool hand_over(struct record *record, struct uv__work *w, enum uv__work_kind kind)
{
	static const char *const names[] = { [UV__WORK_CPU] = "uv work",
					     [UV__WORK_FAST_IO] = "uv file",
					     [UV__WORK_SLOW_IO] = "uv name" };

	record->task.run = work;
	record->task.release = leave;
	record->task.name = names[kind];
	store_release(&record->waits, w); /* work(), uv_cancel() */
	if (pool_submit(&record->task, kind == UV__WORK_SLOW_IO))
		return true;
	store_relaxed(&record->waits, NULL);
	record_put(record);
	return false;
}

void uv__work_submit(uv_loop_t *loop, struct uv__work *w, enum uv__work_kind kind,
		     void (*run)(struct uv__work *w),
		     void (*done)(struct uv__work *w, int status))
{
	struct record *record = record_get();

	w->loop = loop;
	w->work = run;
	w->done = done;
	((void **)&w->wq)[1] = record; /* for uv_cancel() */
	if (record && hand_over(record, w, kind))
		return;
	((void **)&w->wq)[1] = NULL;
	run(w);
	answer_give(w);
}

/* For uv_metrics_info(), which counts each answer; the first came as the call itself. */
static void count(uv_loop_t *loop, unsigned answers)
{
#if UV_VERSION_HEX >= 0x012d00
	if (answers < 2)
		return;
	uv__metrics_inc_events(loop, answers - 1);
	if (uv__get_internal_fields(loop)->current_timeout == 0)
		uv__metrics_inc_events_waiting(loop, answers - 1);
#else
	(void)loop;
	(void)answers;
#endif
}

void uv__work_done(uv_async_t *handle)
{
	uv_loop_t *loop = container_of(handle, uv_loop_t, wq_async);
	struct uv__work *w, *next;
	unsigned answers = 0;

	for (w = answer_take(loop); w; w = next, answers++) {
		next = answer_next(w);
		w->done(w, w->work == cancelled ? UV_ECANCELED : 0);
	}
	count(loop, answers);
}

void uv__threadpool_cleanup(void)
{
	pool_end();
}

/* ---- the user's own requests ------------------------------------------------------------ */

static void user_work(struct uv__work *w)
{
	uv_work_t *request = container_of(w, uv_work_t, work_req);

	request->work_cb(request);
}

static void user_done(struct uv__work *w, int status)
{
	uv_work_t *request = container_of(w, uv_work_t, work_req);

	request->loop->active_reqs.count--; /* uv__req_init() counted it */
	if (request->after_work_cb)
		request->after_work_cb(request, status);
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work_cb,
		  uv_after_work_cb after_work_cb)
{
	if (!work_cb)
		return UV_EINVAL;
	uv__req_init(loop, request, UV_WORK);
	request->loop = loop;
	request->work_cb = work_cb;
	request->after_work_cb = after_work_cb;
	uv__work_submit(loop, &request->work_req, UV__WORK_CPU, user_work, user_done);
	return 0;
}

static struct uv__work *work_of(uv_req_t *request)
{
	switch (request->type) {
	case UV_FS:
		return &((uv_fs_t *)request)->work_req;
	case UV_GETADDRINFO:
		return &((uv_getaddrinfo_t *)request)->work_req;
	case UV_GETNAMEINFO:
		return &((uv_getnameinfo_t *)request)->work_req;
	case UV_RANDOM:
		return &((uv_random_t *)request)->work_req;
	case UV_WORK:
		return &((uv_work_t *)request)->work_req;
	default:
		return NULL;
	}
}

int uv_cancel(uv_req_t *request)
{
	struct uv__work *w = work_of(request), *waits = w;
	struct record *record;

	if (!w)
		return UV_EINVAL;
	if (w->work == cancelled)
		return 0;
	record = w->work ? ((void **)&w->wq)[1] : NULL; /* without work: io_uring has it */
	if (!record || !cas_acq_rel(&record->waits, &waits, NULL)) /* against work() */
		return UV_EBUSY;
	w->work = cancelled;
	answer_give(w);
	return 0;
}
