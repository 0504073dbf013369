/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.c - libward without any supervision: the library's own inbox, with its
 * rings, batches, stealing and parking, and below it the barest loop that runs
 * what it gives.  No slots, no epochs, no fences, no states of tasks, nobody
 * who looks.  What healing costs is what the library takes beyond this.
 */
#include "base/host.h"
#include "bench.h"
#include "plain.h"
#include "front/front.h"
#include "queue/inbox.h"

#include <errno.h>

static struct inbox inbox;
static struct local_queue **local;
static unsigned locals;

static void work(unsigned number)
{
	struct local_queue *mine = local[number];
	struct ward_task *task;

	while ((task = inbox_next(&inbox, mine, number)))
		job_run(job_of(task));
}

/* As the library has it. */
static uint32_t rings(void)
{
	uint32_t n = 4;

	while (n < 2 * host_cpu_present() && n < 64)
		n *= 2;
	return n;
}

static bool floor_start(const struct setup *setup)
{
	unsigned n = setup->workers;

	host_init();
	local = calloc(n, sizeof(struct local_queue *));
	if (!local ||
	    inbox_init(&inbox, rings(), setup->ring, n, SEARCHERS, NULL, NULL))
		return false;
	for (unsigned i = 0; i < n; i++, locals++) {
		local[i] = host_alloc(sizeof(*local[i]));
		if (!local[i])
			return false;
		local_init(local[i], i);
		inbox_add_local(&inbox, i, local[i]);
	}
	return plain_start(n, work);
}

static void floor_submit(unsigned producer, struct job *job)
{
	struct ward_task *task = &job->task;
	_Atomic uint32_t *rung = inbox_put_quick(&inbox, NULL, task);
	struct ring *full;

	(void)producer;
	if (rung) {
		inbox_tell(&inbox, rung);
		return;
	}
	while (inbox_put(&inbox, NULL, &task, 1, &full) == -EAGAIN)
		submit_wait_room(&inbox, full, NULL, HOST_FOREVER);
}

static void floor_submit_n(unsigned producer, struct ward_task **task,
			   unsigned n)
{
	struct ring *full;

	(void)producer;
	while (n) {
		int put = inbox_put(&inbox, NULL, task, n, &full);

		if (put > 0) {
			task += put;
			n -= (unsigned)put;
		} else {
			submit_wait_room(&inbox, full, NULL, HOST_FOREVER);
		}
	}
}

static bool floor_finish(void)
{
	bell_close(&inbox.bell);
	plain_join();
	/* until then each may still look into the local queues of all others */
	for (unsigned i = 0; i < locals; i++)
		host_free(local[i], sizeof(*local[i]));
	inbox_fini(&inbox);
	free(local);
	return true;
}

const struct rival rival_floor = {
	.name = "floor",
	.what = "libward's inbox without supervision",
	.start = floor_start,
	.submit = floor_submit,
	.submit_n = floor_submit_n,
	.finish = floor_finish
};
