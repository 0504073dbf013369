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
#include "request.h"

/* ---- for libuv ---------------------------------------------------------------------- */

void uv__work_submit(uv_loop_t *loop, struct uv__work *w, enum uv__work_kind kind,
		     void (*run)(struct uv__work *w),
		     void (*done)(struct uv__work *w, int status))
{
	static const char *const names[] = { [UV__WORK_CPU] = "uv work",
					     [UV__WORK_FAST_IO] = "uv file",
					     [UV__WORK_SLOW_IO] = "uv name" };

	w->loop = loop;
	w->work = run;
	w->done = done;
	if (request_submit(w, names[kind], kind == UV__WORK_SLOW_IO))
		return;
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
		w->done(w, request_end(w) ? UV_ECANCELED : 0);
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
	struct uv__work *w = work_of(request);

	if (!w)
		return UV_EINVAL;
	/* Without work: io_uring has it. */
	return w->work && request_cancel(w) ? 0 : UV_EBUSY;
}
