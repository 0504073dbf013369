/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * many_submitters.c - scenario 32: four times more submitters than cores.
 *
 * Expected: no submit spins for another one that has lost its CPU: what a call takes
 * of its thread's own CPU time stays far below a scheduling slice.  (A queue whose
 * producers wait for each other takes whole slices here, hundreds of times.)  That
 * it does not sleep either is seen from the thread's own switches.
 */
#include "story.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SUBMITS = 20000, RING = 256 };
#define LONG UINT64_C(1000000) /* ns of own CPU */

struct submitter {
	struct ward_pool *pool;
	pthread_t thread;
	struct ward_task task[RING];
	unsigned longs, accepted;
	long slept;
};

static uint64_t own_cpu(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static _Atomic uint64_t ran;

static int run(struct ward_task *task)
{
	(void)task;
	add_relaxed(&ran, 1);
	return 0;
}

static void *submit_many(void *arg)
{
	struct submitter *me = arg;
	long before = switches();

	for (unsigned i = 0; i < SUBMITS; i++) {
		uint64_t began;
		int err;

		/* A task that is still in the pool is refused: -EBUSY. */
		began = own_cpu();
		err = ward_submit(me->pool, &me->task[i % RING], WARD_NOWAIT);
		me->longs += own_cpu() - began > LONG;
		expect(!err || err == -EAGAIN || err == -EBUSY);
		me->accepted += !err;
	}
	me->slept = switches() - before;
	return NULL;
}

int main(void)
{
	unsigned n = 4 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	struct ward_pool_config config = story_config();
	struct submitter *submitter = calloc(n, sizeof(*submitter));
	struct ward_pool *pool;
	uint64_t accepted = 0;
	unsigned longs = 0;
	long slept = 0;

	config.ring = RING;
	pool = pool_up(&config);
	for (unsigned i = 0; i < n; i++) {
		submitter[i].pool = pool;
		for (unsigned k = 0; k < RING; k++)
			submitter[i].task[k] = (struct ward_task)WARD_TASK_INIT(run);
		expect(!pthread_create(&submitter[i].thread, NULL, submit_many,
				       &submitter[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(submitter[i].thread, NULL);
		accepted += submitter[i].accepted;
		longs += submitter[i].longs;
		slept += submitter[i].slept;
	}
	printf("%u submitters, %llu accepted, %u long calls, %ld sleeps\n", n,
	       (unsigned long long)accepted, longs, slept);
	/* The machine itself may be away for a while, now and then. */
	expect(longs <= n * SUBMITS / 1000);
	expect(slept <= (long)n * SUBMITS / 1000);
	pool_down(pool);
	expect_equal(load_acquire(&ran), accepted);
	free(submitter);
	return 0;
}
