/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_ring.c - the ring: nothing lost, nothing twice, in order; by batches, by
 * halves, by producers that change.
 */
#include "base/host.h"
#include "sim.h"
#include "sync/ring.h"
#include <string.h>

#define ITEMS 8

static struct ring ring;
static ck_ring_buffer_t cell[4];
static struct item {
	uint32_t number;
} items[ITEMS];
static uint32_t taken[ITEMS], order[2];
static _Atomic uint32_t put_all, refused;
static uint32_t size, per_producer, producers;

static void set_up(uint32_t ring_size, uint32_t n, uint32_t each)
{
	memset(cell, 0, sizeof(cell));
	memset(taken, 0, sizeof(taken));
	memset(order, 0, sizeof(order));
	memset(items, 0, sizeof(items));
	size = ring_size;
	producers = n;
	per_producer = each;
	ring_init(&ring, cell, size);
	/* Where there is one producer it is the only one's, for good. */
	atomic_init(&ring.claim, n == 1);
	atomic_init(&put_all, 0);
	atomic_init(&refused, 0);
	sim_name(&ring, "ring.c_head");
	sim_name(&ring.ck.p_tail, "ring.p_tail");
	sim_name((void *)(uintptr_t)&ring.claim, "ring.claim");
	sim_name(cell, "cell");
}

/* ---- producers ----------------------------------------------------------- */

/* Producer i puts numbers i * 4 + 1, 2, ... one or two at a time. */
static void put_some(uint32_t i, bool claim)
{
	void *batch[2];
	uint32_t done = 0;

	for (uint32_t k = 0; k < per_producer; k++)
		items[i * 4 + k].number = i * 4 + k + 1; /* seen by the taker */
	while (done < per_producer) {
		uint32_t n = per_producer - done > 1 ? 1 + sim_choose(2) : 1;

		batch[0] = &items[i * 4 + done];
		batch[1] = &items[i * 4 + done + 1];
		if (claim && !ring_claim(&ring)) {
			host_relax();
			continue;
		}
		n = ring_put(&ring, batch, n);
		if (claim)
			ring_drop(&ring);
		if (!n)
			host_relax();
		done += n;
	}
	add_acq_rel(&put_all, 1);
}

static void producer(void *arg)
{
	put_some(*(uint32_t *)arg, producers > 1);
}

/* ---- consumers ----------------------------------------------------------- */

static offstage void account(const struct item *item, bool ordered)
{
	uint32_t i = (uint32_t)(item - items);

	check(i < ITEMS);
	check(!taken[i]);
	taken[i] = 1;
	if (ordered) {
		check(order[i / 4] < i % 4 + 1);
		order[i / 4] = i % 4 + 1;
	}
}

static void use(void *p, bool ordered)
{
	struct item *item = p;

	check(item);
	check(item->number == (uint32_t)(item - items) + 1);
	account(item, ordered);
}

static bool over(void)
{
	return load_acquire(&put_all) == producers;
}

/* Takes until the producers are done and the ring is empty after that. */
static void take_all(struct ring *from, uint32_t max, bool half, bool ordered)
{
	void *got[4];

	for (;;) {
		bool last = over();
		uint32_t n = ring_take(from, got, max, half);

		check(n <= max);
		for (uint32_t i = 0; i < n; i++)
			use(got[i], ordered);
		if (n)
			continue;
		if (last)
			return;
		host_relax();
	}
}

static void consumer(void *arg)
{
	take_all(&ring, 1 + sim_choose(3), sim_choose(2), arg != NULL);
}

static offstage void all_taken(void)
{
	for (uint32_t i = 0; i < producers; i++)
		for (uint32_t k = 0; k < per_producer; k++)
			check(taken[i * 4 + k]);
	check(ring_count(&ring) == 0);
}

static void go(uint32_t n, void (*const *fn)(void *), void **arg)
{
	host_thread thread[SIM_THREADS];

	for (uint32_t i = 0; i < n; i++)
		check(!host_spawn(&thread[i], NULL, fn[i], NULL, arg[i]));
	for (uint32_t i = 0; i < n; i++)
		host_join(thread[i], HOST_FOREVER);
}

static uint32_t number[] = { 0, 1 };

/* One producer, one consumer: in order. */
static void ring_1x1(void)
{
	set_up(2, 1, 3);
	go(2, (void (*[])(void *)){ producer, consumer },
	   (void *[]){ &number[0], &number });
	all_taken();
}
SCENARIO(ring_1x1, "an entry is lost, doubled or out of order", .bound = 2);

static void ring_1x3(void)
{
	set_up(2u << sim_choose(2), 1, 4);
	go(4, (void (*[])(void *)){ producer, consumer, consumer, consumer },
	   (void *[]){ &number[0], NULL, NULL, NULL });
	all_taken();
}
SCENARIO(ring_1x3, "two consumers take one entry");

/* Two producers that share by the claim. */
static void ring_2x2(void)
{
	set_up(2u << sim_choose(2), 2, 3);
	go(4, (void (*[])(void *)){ producer, producer, consumer, consumer },
	   (void *[]){ &number[0], &number[1], NULL, NULL });
	all_taken();
}
SCENARIO(ring_2x2, "producers that share a claim spoil the ring");

/* ---- somebody is stopped ------------------------------------------------- */

/* Each of the others makes its last step, whichever thread was stopped, and where. */
static void try_put(void *arg)
{
	uint32_t i = *(uint32_t *)arg;
	void *item = &items[i * 4];

	items[i * 4].number = i * 4 + 1;
	for (int tries = 0; tries < 3; tries++) {
		if (!ring_claim(&ring)) {
			add_acq_rel(&refused, 1);
			continue;
		}
		tries += ring_put(&ring, &item, 1) ? 3 : 0;
		ring_drop(&ring);
	}
}

static void try_take(void *arg)
{
	void *got[2];

	(void)arg;
	for (int i = 0; i < 3; i++) {
		uint32_t n = ring_take(&ring, got, 2, i & 1);

		for (uint32_t k = 0; k < n; k++)
			use(got[k], false);
	}
}

static void ring_stopped(void)
{
	set_up(2, 2, 1);
	go(4, (void (*[])(void *)){ try_put, try_put, try_take, try_take },
	   (void *[]){ &number[0], &number[1], NULL, NULL });
}
SCENARIO(ring_stopped, "one that is stopped stops another", .stop = 0x1e);
