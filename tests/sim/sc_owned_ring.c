/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_owned_ring.c - the ring that a worker owns: biased towards it, revoked by thieves at
 * any of its steps, biased anew; batches of another ring in it; one of all stopped.
 */
#include "base/host.h"
#include "sim.h"
#include "sync/owned_ring.h"
#include "sync/ring.h"
#include <string.h>

enum { ITEMS = 6 };

static struct owned_ring hand;
static void *_Atomic hand_cell[4];
static struct ring ring;
static ck_ring_buffer_t cell[8];
static struct item {
	uint32_t number;
} items[ITEMS];
static uint32_t had[ITEMS];
static _Atomic uint32_t owner_done;

static void set_up(bool biased)
{
	uint32_t start = 0u - sim_choose(2); /* indices may come round */

	memset(hand_cell, 0, sizeof(hand_cell));
	memset(cell, 0, sizeof(cell));
	memset(had, 0, sizeof(had));
	memset(items, 0, sizeof(items));
	owned_init(&hand, hand_cell, 4);
	atomic_init(&hand.claim, 1); /* the owner's, for good */
	atomic_init(&hand.head, start);
	atomic_init(&hand.tail, start);
	atomic_init(&hand.brief, sim_choose(2));
	hand.seen = start;
	ring_init(&ring, cell, 8);
	atomic_init(&ring.claim, 1);
	atomic_init(&owner_done, 0);
	if (biased)
		owned_bias(&hand);
	sim_name((void *)(uintptr_t)&hand.head, "hand.head");
	sim_name((void *)(uintptr_t)&hand.tail, "hand.tail");
	sim_name((void *)(uintptr_t)&hand.taken, "hand.taken");
	sim_name((void *)(uintptr_t)hand_cell, "hand_cell");
	sim_name(&ring, "ring.c_head");
}

static void item_of(uint32_t i, void **out)
{
	items[i].number = i + 1; /* seen by whoever has it */
	*out = &items[i];
}

/* Once each, and whoever has several has them in order. */
static offstage void account(const struct item *item, uint32_t *last)
{
	uint32_t i = (uint32_t)(item - items);

	check(i < ITEMS);
	check(!had[i]);
	check(i + 1 > *last);
	had[i] = 1;
	*last = i + 1;
}

static void use(void *p, uint32_t *last)
{
	struct item *item = p;

	check(item && item->number == (uint32_t)(item - items) + 1);
	account(item, last);
}

static offstage uint32_t all_had(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ITEMS; i++)
		n += had[i];
	return n;
}

typedef void role(void *arg);

static void go(int n, role *const *roles)
{
	host_thread thread[SIM_THREADS];

	for (int i = 0; i < n; i++)
		check(!host_spawn(&thread[i], NULL, roles[i], NULL, NULL));
	for (int i = 0; i < n; i++)
		host_join(thread[i], HOST_FOREVER);
}

/* ---- thieves --------------------------------------------------------------------- */

static void thief(void *arg)
{
	bool half = sim_choose(2), polite = sim_choose(2);
	uint32_t last = 0;
	void *got[2];

	(void)arg;
	for (;;) {
		bool over = load_acquire(&owner_done);
		uint32_t n = owned_steal(&hand, got, 2, half, polite);

		check(n <= 2);
		for (uint32_t i = 0; i < n; i++)
			use(got[i], &last);
		if (n)
			continue;
		if (over)
			return;
		host_relax();
	}
}

static void go_with_thieves(role *owner)
{
	go(3, (role *[]){ owner, thief, thief });
	check(all_had() == ITEMS);
	check(owned_count(&hand) == 0);
}

/* ---- an owner that puts, takes and biases ----------------------------------------- */

static void owner(void *arg)
{
	uint32_t put = 0, last = 0;
	void *batch[3], *it;

	(void)arg;
	while (put < ITEMS || owned_count(&hand)) {
		uint32_t n = 1 + sim_choose(3);

		for (uint32_t i = 0; i < n && put + i < ITEMS; i++)
			item_of(put + i, &batch[i]);
		put += owned_put(&hand, batch, put + n < ITEMS ? n : ITEMS - put);
		if (sim_choose(2))
			owned_bias(&hand);
		while (sim_choose(4) && (it = owned_take(&hand)))
			use(it, &last);
	}
	store_release(&owner_done, 1);
}

static void owned_steal_any(void)
{
	set_up(sim_choose(2));
	go_with_thieves(owner);
}
SCENARIO(owned_steal_any, "an entry is lost, or had by its owner and a thief, or by two");

/* Two entries, a bias, and a new one when it was revoked: small enough for all schedules. */
static void owner_of_two(void *arg)
{
	uint32_t last = 0;
	void *two[2], *it;

	(void)arg;
	for (uint32_t i = 0; i < 2; i++)
		item_of(i, &two[i]);
	check(owned_put(&hand, two, 2) == 2);
	owned_bias(&hand);
	for (int i = 0; i < 2; i++)
		if ((it = owned_take(&hand)))
			use(it, &last);
	store_release(&owner_done, 1);
}

static void owned_meet(void)
{
	set_up(sim_choose(2));
	go(2, (role *[]){ owner_of_two, thief });
	check(all_had() == 2);
}
SCENARIO(owned_meet, "owner and thief meet at one entry", .bound = 2);

/* ---- batches, as a worker takes them ------------------------------------------------ */

static void producer(void *arg)
{
	uint32_t done = 0;
	void *batch[2];

	(void)arg;
	while (done < ITEMS) {
		item_of(done, &batch[0]);
		item_of(done + 1, &batch[1]);
		done += ring_put(&ring, batch, 2);
	}
}

/* Half of what is there, one to run, the rest kept. */
static void worker(void *arg)
{
	uint32_t last = 0;
	host_thread thread;
	void *got[4], *it;

	(void)arg;
	check(!host_spawn(&thread, NULL, producer, NULL, NULL));
	for (;;) {
		bool over = ring_count(&ring) == 0 && all_had() == ITEMS;
		uint32_t n = 0;

		it = owned_take(&hand);
		if (!it && (n = ring_take(&ring, got, 3, true)))
			it = got[0];
		if (n > 1) {
			check(owned_put(&hand, got + 1, n - 1) == n - 1);
			owned_bias(&hand);
		}
		if (it)
			use(it, &last);
		else if (over)
			break;
		else
			host_relax();
	}
	host_join(thread, HOST_FOREVER);
	store_release(&owner_done, 1);
}

static void owned_batch(void)
{
	set_up(sim_choose(2));
	go_with_thieves(worker);
}
SCENARIO(owned_batch, "a batch is lost between two rings or stolen twice");

/* ---- a look from outside ---------------------------------------------------------- */

/* Its bias is revoked, and it biases anew where later entries are. */
static void owner_anew(void *arg)
{
	uint32_t last = 0;
	void *two[2], *it;

	(void)arg;
	for (uint32_t i = 0; i < 4; i += 2) {
		item_of(i, &two[0]);
		item_of(i + 1, &two[1]);
		check(owned_put(&hand, two, 2) == 2);
		if ((it = owned_take(&hand)))
			use(it, &last);
	}
	while ((it = owned_take(&hand)))
		use(it, &last);
	for (int i = 0; i < 3; i++)
		owned_bias(&hand);
	store_release(&owner_done, 1);
}

static void look_on(void *arg)
{
	(void)arg;
	check(owned_count(&hand) <= ITEMS);
}

static void owned_look(void)
{
	set_up(true);
	go(3, (role *[]){ owner_anew, thief, look_on });
}
SCENARIO(owned_look, "a count is below zero");

/* ---- somebody is stopped ------------------------------------------------------------ */

static void take_twice(void *arg)
{
	uint32_t last = 0;
	void *it;

	(void)arg;
	for (int i = 0; i < 2; i++)
		if ((it = owned_take(&hand)))
			use(it, &last);
}

/* Nobody puts: what a look finds empty stays so. */
static void steal_all(void *arg)
{
	uint32_t last = 0, n;
	void *got[2];

	(void)arg;
	while ((n = owned_steal(&hand, got, 2, sim_choose(2), false)))
		for (uint32_t i = 0; i < n; i++)
			use(got[i], &last);
	check(owned_count(&hand) == 0);
}

/* So many may have gone with the one that was stopped. */
static uint32_t held_by(int stopped)
{
	return stopped < 0 ? 0 : stopped == 1 ? 1 : 2;
}

static void owned_stopped(void)
{
	void *three[3];

	set_up(sim_choose(2));
	for (uint32_t i = 0; i < 3; i++)
		item_of(i, &three[i]);
	check(owned_put(&hand, three, 3) == 3);
	owned_bias(&hand);
	go(3, (role *[]){ take_twice, steal_all, steal_all });
	check(all_had() + held_by(sim_stopped()) >= 3);
}
SCENARIO(owned_stopped, "one that is stopped keeps more than its own from the others",
	 .stop = 0xe);
