/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uv.c - libuv's thread pool.  As its documentation has it, work is queued on
 * the thread of a loop and its end is told there: each producer runs a loop of
 * its own, and the job is released by the loop's callback.  The number of
 * threads is UV_THREADPOOL_SIZE, which the environment of the trial sets.
 *
 * libuv's queue has no bound; a producer that has a ring's worth of jobs out
 * runs its loop until some are back.
 */
#include "bench.h"

#include <stdlib.h>
#include <uv.h>

struct side {
	_Alignas(64) uv_loop_t loop;
	uv_work_t *work; /* one for each job of the window */
	uint32_t out, room;
};

static struct side *side;
static unsigned sides;

static void on_worker(uv_work_t *work)
{
	struct job *job = work->data;

	job->task.run(&job->task);
}

static void on_loop(uv_work_t *work, int status)
{
	struct job *job = work->data;

	(void)status;
	side[job->producer].out--;
	job->task.release(&job->task);
}

static bool uv_start(const struct setup *setup)
{
	const char *size = getenv("UV_THREADPOOL_SIZE");

	/* 1024 is the most that libuv starts */
	if (!size || (unsigned)atoi(size) != setup->workers ||
	    setup->workers > 1024)
		return false;
	side = aligned_alloc(64, setup->producers * sizeof(*side));
	if (!side)
		return false;
	for (unsigned p = 0; p < setup->producers; p++, sides++) {
		side[p].out = 0;
		side[p].room = setup->ring;
		side[p].work = calloc(setup->window, sizeof(uv_work_t));
		if (!side[p].work || uv_loop_init(&side[p].loop))
			return false;
	}
	return true;
}

static void uv_wait(unsigned producer)
{
	uv_run(&side[producer].loop, UV_RUN_ONCE);
}

static void uv_submit(unsigned producer, struct job *job)
{
	struct side *s = &side[producer];
	uv_work_t *work = &s->work[job->index];

	while (s->out >= s->room)
		uv_wait(producer);
	work->data = job;
	s->out++;
	if (uv_queue_work(&s->loop, work, on_worker, on_loop))
		abort();
}

static bool uv_finish(void)
{
	bool ok = true;

	for (unsigned p = 0; p < sides; p++) {
		uv_run(&side[p].loop, UV_RUN_DEFAULT);
		ok = uv_loop_close(&side[p].loop) == 0 && ok;
		free(side[p].work);
	}
	free(side);
	return ok;
}

const struct rival rival_libuv = {
	.name = "libuv",
	.what = "uv_queue_work, a loop for each producer",
	.start = uv_start,
	.submit = uv_submit,
	.wait = uv_wait,
	.finish = uv_finish
};
