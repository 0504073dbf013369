/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workerpool - five at a time, and nobody queues.
 *
 * schedule() takes a task when one of five places is free, and not before: so its
 * caller never runs ahead of the work.  It waits for that, or says that there is
 * none.  A task that panics is told, and its place is free again.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

enum { CAPACITY = 5, TASKS = 10 };
#define LONG WARD_MS(60) /* what a task takes: three seconds, seen from afar */

static struct ward_lane *places;
static _Atomic int running, most, ended, open_gate;
static sem_t told;

static int schedule(struct ward_task *task, ward_ns until)
{
	return ward_lane_submit(places, task, until);
}

/* ---- tasks -------------------------------------------------------------------- */

static int takes_long(struct ward_task *task)
{
	int now = ++running, was = most;

	(void)task;
	while (now > was && !atomic_compare_exchange_weak(&most, &was, now))
		;
	ward_pause(ward_in(LONG));
	running--;
	ended++;
	return 0;
}

static int until_open(struct ward_task *task)
{
	(void)task;
	while (!open_gate)
		ward_pause(ward_in(WARD_MS(1)));
	return 0;
}

static int panics(struct ward_task *task)
{
	(void)task;
	ward_raise(-EIO, "nothing is as it should be");
}

/* On a thread that is there for that. */
static void tell(void *arg, const struct ward_report *report)
{
	(void)arg;
	printf("  report #%llu: %s: %s; stack: %s\n",
	       (unsigned long long)report->id, strerror(-report->err),
	       report->message, report->nframes ? "yes" : "no");
	sem_post(&told);
}

/* ---- scenes ------------------------------------------------------------------- */

static void blocking(void)
{
	static struct ward_task task[TASKS];
	ward_ns start = ward_now();
	int ahead = 0;

	for (int i = 0; i < TASKS; i++) {
		task[i] = (struct ward_task)WARD_TASK_INIT(takes_long);
		schedule(&task[i], WARD_FOREVER);
		ahead += i + 1 - ended > CAPACITY;
	}
	ward_lane_join(places, WARD_FOREVER);
	printf("  %d ended, never more than %d at once: %s\n", ended, CAPACITY,
	       most <= CAPACITY ? "yes" : "no");
	printf("  taken when there was no place: %d\n", ahead);
	printf("  two rounds of %d took as long as two: %s\n", CAPACITY,
	       ward_now() - start >= 2 * LONG ? "yes" : "no");
}

static void non_blocking(void)
{
	static struct ward_task task[CAPACITY + 1];

	for (int i = 0; i <= CAPACITY; i++) {
		task[i] = (struct ward_task)WARD_TASK_INIT(until_open);
		printf("  task %d: %s\n", i,
		       strerror(-schedule(&task[i], WARD_NOWAIT)));
	}
	open_gate = 1;
	printf("  task %d, which waits: %s\n", CAPACITY,
	       strerror(-schedule(&task[CAPACITY], WARD_FOREVER)));
	ward_lane_join(places, WARD_FOREVER);
}

static void panic(void)
{
	static struct ward_task bad = WARD_TASK_INIT(panics);

	schedule(&bad, WARD_FOREVER);
	sem_wait(&told);
	printf("  all that was scheduled: %s\n",
	       strerror(-ward_lane_join(places, WARD_FOREVER)));
}

static int free_all(struct ward_pool *pool)
{
	static struct ward_task late = WARD_TASK_INIT(takes_long);

	ward_lane_close(places, 0);
	ward_lane_join(places, WARD_FOREVER); /* what was taken is finished */
	printf("  schedule: %s\n", strerror(-schedule(&late, WARD_FOREVER)));
	return ward_lane_destroy(places) ||
	       ward_pool_destroy(pool, WARD_FOREVER);
}

int main(void)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_lane_config lane = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sem_init(&told, 0, 0);
	config.workers = CAPACITY;
	config.hooks = &hooks;
	lane.active = CAPACITY;
	lane.flags = WARD_LANE_HANDOVER; /* no queue */
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool) ||
	    ward_lane_create(&places, pool, &lane))
		return 1;
	puts("ten tasks, five places:");
	blocking();
	puts("not waiting for a place:");
	non_blocking();
	puts("a task panics:");
	panic();
	puts("after the end:");
	return free_all(pool);
}
