/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stopped_submitter.c - scenario 31: a submitter is stopped somewhere inside
 * submit, as by a debugger: a signal handler parks it there.
 *
 * Expected: other submitters and the workers go on; when it goes on, it ends as
 * if nothing had been.
 */
#include "story.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMES = 150, OTHERS = 3, EACH = 60, OWN = 32 };

static struct ward_pool *pool;
static _Atomic uint32_t inside, parked, turn, stop;
static _Atomic int32_t victim_tid;
static struct item own[OWN];

static void park(int signo)
{
	int saved = errno;

	(void)signo;
	if (load_relaxed(&inside)) {
		uint32_t now = load_relaxed(&turn);

		store_release(&parked, 1);
		while (load_acquire(&turn) == now && !load_acquire(&stop))
			host_wait(&turn, now, HOST_FOREVER);
	}
	errno = saved;
}

static void *victim(void *arg)
{
	static const ward_ns until[] = { WARD_NOWAIT, WARD_FOREVER };

	(void)arg;
	store_release(&victim_tid, host_tid());
	for (unsigned i = 0; !load_acquire(&stop); i = (i + 1) % OWN) {
		int err;

		while (load_relaxed(&own[i].runs) &&
		       !load_acquire(&own[i].released))
			host_yield();
		item_init(&own[i], task_nothing, NULL, "own");
		store_relaxed(&own[i].runs, 1); /* in use */
		store_relaxed(&inside, 1);
		err = ward_submit(pool, &own[i].task, until[i % 2]);
		store_relaxed(&inside, 0);
		if (err) {
			expect_equal(err, -EAGAIN);
			store_relaxed(&own[i].runs, 0);
		}
	}
	return NULL;
}

static void *other(void *arg)
{
	struct item *item = arg;

	for (unsigned i = 0; i < EACH; i++) {
		item_init(&item[i], task_nothing, NULL, "other");
		expect_equal(ward_submit(pool, &item[i].task, WARD_FOREVER), 0);
	}
	return NULL;
}

/* While one is stopped, the others' tasks are taken and run. */
static void others_go_on(void)
{
	static struct item item[OTHERS][EACH];
	pthread_t thread[OTHERS];

	for (int i = 0; i < OTHERS; i++)
		expect(!pthread_create(&thread[i], NULL, other, item[i]));
	for (int i = 0; i < OTHERS; i++) {
		pthread_join(thread[i], NULL);
		for (int k = 0; k < EACH; k++)
			item_ends(&item[i][k], 0);
	}
}

/* Until the signal has hit it inside of submit. */
static void stop_it(void)
{
	uint64_t end = host_now() + IN_TIME;

	while (!load_acquire(&parked)) {
		expect(host_now() < end);
		syscall(SYS_tgkill, getpid(), load_relaxed(&victim_tid),
			SIGUSR1);
		host_yield();
	}
}

static void dismissed(void)
{
	store_relaxed(&parked, 0);
	add_acq_rel(&turn, 1);
	host_wake(&turn, INT32_MAX);
}

int main(void)
{
	struct sigaction action = { .sa_handler = park };
	struct ward_pool_config config = story_config();
	pthread_t thread;

	config.ring = 16;
	pool = pool_up(&config);
	expect(!sigaction(SIGUSR1, &action, NULL));
	expect(!pthread_create(&thread, NULL, victim, NULL));
	wait_until(load_acquire(&victim_tid));
	for (int i = 0; i < TIMES; i++) {
		stop_it();
		others_go_on();
		dismissed();
	}
	store_release(&stop, 1);
	dismissed(); /* a signal may have come after the last time */
	pthread_join(thread, NULL);
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	pool_down(pool);
	return 0;
}
