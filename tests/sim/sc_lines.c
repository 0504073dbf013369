/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_lines.c - tasks through an inbox, to count the lines that travel: each is an
 * object of its own, as a user's would be.  Without a steward, which has as many turns
 * here as any thread, and without slots, whose lines are their workers' own.
 */
#include "lines.h"
#include "base/host.h"
#include "sim.h"
#include "task/task_priv.h"
#include "queue/inbox.h"
#include <string.h>

enum { WARM = 8, WORKERS = 16, RINGS = 4 };

static struct job {
	struct ward_task task;
} __attribute__((aligned(64))) job[WARM + LINES_TASKS];
static struct inbox inbox;
static struct local_queue local[WORKERS];
static host_thread thread[WORKERS];
static _Atomic uint32_t done;
static uint32_t ran; /* offstage */
unsigned lines_workers;

static offstage void is_run(void)
{
	ran++;
}

static offstage void all_ran(void)
{
	check(ran == WARM + LINES_TASKS);
	ran = 0;
}

/* A worker's accesses to a task in good health. */
static void worker(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	struct ward_task *task;

	while ((task = inbox_next(&inbox, &local[i], i))) {
		struct task_priv *priv = task_priv(task);

		check(task_plain(load_acquire(&priv->word)));
		is_run();
		store_release(&priv->word,
			      task_shut(load_relaxed(&priv->word)));
	}
	add_acq_rel(&done, 1);
}

static void put(unsigned from, unsigned to)
{
	for (; from < to; from++) {
		struct ward_task *task = &job[from].task;
		_Atomic uint32_t *rung;
		struct ring *full;

		task_open(task_priv(task));
		rung = inbox_put_quick(&inbox, NULL, task);
		if (rung)
			inbox_tell(&inbox, rung);
		else
			check(inbox_put(&inbox, NULL, &task, 1, &full) == 1);
	}
}

static void set_up(void)
{
	atomic_init(&done, 0);
	check(!inbox_init(&inbox, RINGS, 256, lines_workers, 1, NULL, NULL));
	lines_are(OF_INBOX, &inbox, sizeof(inbox));
	lines_are(OF_INBOX, inbox.bell.sleeper,
		  lines_workers * sizeof(*inbox.bell.sleeper));
	lines_are(OF_TASK, job, sizeof(job));
	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *ring = &inbox.ring[i];

		lines_are(OF_RING, ring, sizeof(*ring));
		lines_are(OF_RING, ring->cell,
			  (ring->mask + 1) * sizeof(*ring->cell));
	}
	lines_are(OF_HAND, local, sizeof(local));
	memset(job, 0, sizeof(job));
	for (unsigned i = 0; i < WARM + LINES_TASKS; i++)
		store_relaxed(&task_priv(&job[i].task)->word, TASK_FREE);
	memset(local, 0, sizeof(local));
	for (uint32_t i = 0; i < lines_workers; i++) {
		local_init(&local[i], i);
		local[i].ring.need = UINT32_MAX; /* shared: thieves come */
		inbox_add_local(&inbox, i, &local[i]);
	}
}

void lines_body(void)
{
	set_up();
	for (uint32_t i = 0; i < lines_workers; i++)
		check(!host_spawn(&thread[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	put(0, WARM); /* the first of all cost more */
	lines_begin();
	put(WARM, WARM + LINES_TASKS);
	check(!inbox_close(&inbox, HOST_FOREVER));
	while (inbox_anything(&inbox))
		host_relax();
	lines_end();
	bell_close(&inbox.bell);
	for (uint32_t i = 0; i < lines_workers; i++)
		host_join(thread[i], HOST_FOREVER);
	all_ran();
	inbox_fini(&inbox);
}
