/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glib.c - GLib's GThreadPool, exclusive: all threads are there from the start.
 *
 * Its queue has no bound, and asking how long it is takes its lock; so each
 * producer counts the jobs that it has out and sleeps at a ring's worth until
 * half of them are back.
 */
#include "base/atomic.h"
#include "bench.h"

#include <glib.h>
#include <stdlib.h>

struct side {
	_Alignas(64) _Atomic uint32_t out;
	_Atomic uint32_t asleep; /* futex */
	uint32_t room;
};

static struct side *side;
static GThreadPool *pool;

/*
 * [G] The producer writes asleep, then reads out; a worker writes out, then
 * reads asleep; each fences between, so one sees the other.
 */
static void worker(gpointer data, gpointer user)
{
	struct job *job = data;
	struct side *s = &side[job->producer];

	(void)user;
	job_run(job);
	if (sub_acq_rel(&s->out, 1) - 1 > s->room / 2)
		return;
	barrier_seq_cst(); /* [G] */
	if (load_relaxed(&s->asleep) && swap_acq_rel(&s->asleep, 0))
		os_wake(&s->asleep, 1);
}

static void wait_for_half(struct side *s)
{
	store_relaxed(&s->asleep, 1);
	barrier_seq_cst(); /* [G] */
	while (load_relaxed(&s->out) > s->room / 2 && load_relaxed(&s->asleep))
		os_wait(&s->asleep, 1);
	store_relaxed(&s->asleep, 0);
}

static bool glib_start(const struct setup *setup)
{
	side = aligned_alloc(64, setup->producers * sizeof(*side));
	if (!side)
		return false;
	for (unsigned p = 0; p < setup->producers; p++) {
		atomic_init(&side[p].out, 0);
		atomic_init(&side[p].asleep, 0);
		side[p].room = setup->ring;
	}
	pool = g_thread_pool_new(worker, NULL, (gint)setup->workers, TRUE,
				 NULL);
	return pool;
}

static void glib_submit(unsigned producer, struct job *job)
{
	struct side *s = &side[producer];

	if (add_acq_rel(&s->out, 1) >= s->room)
		wait_for_half(s);
	if (!g_thread_pool_push(pool, job, NULL))
		abort();
}

static bool glib_finish(void)
{
	g_thread_pool_free(pool, FALSE, TRUE);
	free(side);
	return true;
}

const struct rival rival_glib = {
	.name = "glib",
	.what = "GThreadPool, exclusive",
	.start = glib_start,
	.submit = glib_submit,
	.finish = glib_finish,
};
