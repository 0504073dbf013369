/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * destroy.c - scenario 28: destroy with fenced threads out, with producers
 * blocked on a full ring, with spares on their way up, over and over; and a pool
 * that was never started.
 *
 * Expected: it returns by its deadline, and says how many threads it left; every
 * accepted task is answered, blocked producers get -ESHUTDOWN; when the last
 * thread has left, threads, descriptors and memory are as before.
 */
#include "story.h"

#include <pthread.h>

enum { PRODUCERS = 3, ITEMS = 8, TIMES = 10 };

struct producer {
	struct ward_pool *pool;
	pthread_t thread;
	struct item item[ITEMS];
	unsigned accepted;
	int last;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (unsigned i = 0; i < ITEMS; i++) {
		item_init(&p->item[i], task_nothing, NULL, "behind");
		p->last = ward_submit(p->pool, &p->item[i].task, WARD_FOREVER);
		if (p->last)
			break;
		p->accepted++;
	}
	return NULL;
}

static unsigned waiting(struct ward_pool *handle)
{
	const struct inbox *inbox = &((struct pool *)handle)->inbox;
	unsigned n = 0;

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += load_acquire(&inbox->ring[i].room.inside);
	return n;
}

static void hang_both(struct ward_pool *pool, struct item *hang,
		      const struct ward_policy *policy)
{
	for (int i = 0; i < 2; i++) {
		item_start(pool, &hang[i], task_gate, policy, "hang");
		item_runs(&hang[i], 1);
	}
}

/* The scribe is inside no hook, and will not be for what happened so far. */
static void wait_told(struct ward_pool *handle)
{
	const struct tell *tell = &((struct pool *)handle)->tell;

	wait_until(load_acquire(&tell->told) +
			   load_acquire(&tell->suppressed) ==
		   load_acquire(&tell->raised));
}

/* Two convicted and out, two hanging in their seats, producers blocked. */
static void all_at_once(const struct ward_pool_config *config)
{
	static const struct ward_policy patient = { .size = sizeof(patient),
						    .blocked_within =
							    3600 * SECOND };
	struct ward_pool *pool = pool_up(config);
	static struct producer p[PRODUCERS];
	struct item out[2], hang[2];
	uint64_t began;

	hang_both(pool, out, NULL);
	for (int i = 0; i < 2; i++)
		item_done(&out[i], -ETIME);
	hang_both(pool, hang, &patient);
	memset(p, 0, sizeof(p));
	for (int i = 0; i < PRODUCERS; i++) {
		p[i].pool = pool;
		expect(!pthread_create(&p[i].thread, NULL, produce, &p[i]));
	}
	wait_until(waiting(pool) == PRODUCERS);
	wait_told(pool); /* a hook that is slow is left, and counted, too */
	began = host_now();
	pool_leave(pool, 20 * MS, 4);
	expect(host_now() - began >= 20 * MS);
	for (int i = 0; i < 2; i++)
		item_done(&hang[i], -ECANCELED);
	for (int i = 0; i < PRODUCERS; i++) {
		pthread_join(p[i].thread, NULL);
		expect_equal(p[i].last, -ESHUTDOWN);
		for (unsigned k = 0; k < p[i].accepted; k++)
			item_ends(&p[i].item[k], -ECANCELED);
	}
	for (int i = 0; i < 2; i++) {
		expect(!load_acquire(&out[i].released));
		expect(!load_acquire(&hang[i].released));
		gate_open(&out[i]);
		gate_open(&hang[i]);
		item_ends(&out[i], -ETIME);
		item_ends(&hang[i], -ECANCELED);
	}
	wait_until(threads_now() == 1);
}

static int die(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

/* Threads die one after another, so some are always on their way up. */
static void while_healing(const struct ward_pool_config *config, unsigned n)
{
	struct ward_pool *pool = pool_up(config);
	static struct item item[30];

	for (unsigned i = 0; i < 30; i++)
		item_start(pool, &item[i], die, NULL, "die");
	item_done(&item[n], -EOWNERDEAD);
	pool_leave(pool, IN_TIME, 0);
	for (unsigned i = 0; i < 30; i++) {
		expect_equal(load_acquire(&item[i].released), 1);
		expect(item[i].status == -EOWNERDEAD ||
		       item[i].status == -ECANCELED);
	}
	wait_until(threads_now() == 1);
}

static void never_started(const struct ward_pool_config *config)
{
	struct ward_pool *pool;
	struct item item;

	expect_equal(ward_pool_create(&pool, config), 0);
	item_start(pool, &item, task_nothing, NULL, "never");
	pool_leave(pool, 0, 0);
	item_ends(&item, -ECANCELED);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	unsigned descriptors = descriptors_now();

	config.ring = 2;
	never_started(&config);
	for (unsigned i = 0; i < TIMES; i++) {
		all_at_once(&config);
		while_healing(&config, i);
		expect_equal(descriptors_now(), descriptors);
	}
	return 0;
}
