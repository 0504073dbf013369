/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_deque.c - the deque: what is pushed is had once, by its owner or by a thief;
 * the newest here and the oldest there; shared by its owner, asked for by a thief, or had
 * while its owner looks at nothing; when it is full, and when it goes round.
 */
#include "base/host.h"
#include "sim.h"
#include "sync/deque.h"
#include <string.h>

#define ITEMS 8u

static void *_Atomic cells[DEQUE_SIZE];
static struct deque deque;
static struct item {
	uint32_t number; /* plain: written before the push, read by the taker */
} items[ITEMS];
static uint32_t had[ITEMS], last_stolen, looks = UINT32_MAX;
static _Atomic uint32_t over;

static void set_up(void)
{
	memset(&deque, 0, sizeof(deque));
	deque_init(&deque, cells, NULL);
	memset(items, 0, sizeof(items));
	memset(had, 0, sizeof(had));
	last_stolen = 0;
	atomic_init(&over, 0);
	sim_name(&deque.bottom, "bottom");
	sim_name(&deque.top, "top");
	sim_name(cells, "cell");
}

static offstage void account(const struct item *item)
{
	uint32_t i = (uint32_t)(item - items);

	check(i < ITEMS);
	check(!had[i]);
	had[i] = 1;
}

/* Items go in by their numbers, so the oldest is the least. */
static offstage void account_stolen(const struct item *item, bool alone)
{
	check(!alone || item->number > last_stolen);
	last_stolen = item->number;
}

static void use(struct item *item)
{
	check(item->number == (uint32_t)(item - items) + 1);
	account(item);
}

static offstage void none_newer(uint32_t i, uint32_t pushed)
{
	for (uint32_t k = i + 1; k < pushed; k++)
		check(had[k]);
}

static void take(uint32_t pushed)
{
	struct item *item = deque_take(&deque);

	if (!item)
		return;
	none_newer((uint32_t)(item - items), pushed);
	use(item);
}

/* Pushes n, and takes some back on the way; what does not fit, it does at once. */
static void own(uint32_t n)
{
	uint32_t takes = sim_choose(1u << 2 * n), shares = sim_choose(4);

	for (uint32_t i = 0; i < n; i++) {
		items[i].number = i + 1;
		if (!deque_push(&deque, &items[i]))
			use(&items[i]);
		if (shares == 1 + i % 3)
			deque_share(&deque, shares == 3);
		for (uint32_t k = takes >> 2 * i & 3; k; k--)
			take(i + 1);
	}
	while (deque_count(&deque))
		take(n);
	store_release(&over, 1);
}

static void steal(bool alone)
{
	uint64_t number;

	for (uint32_t tries = 0; tries < looks; tries++) {
		bool last = load_acquire(&over);
		struct item *item = deque_look(&deque, &number);

		if (item && deque_win(&deque, number)) {
			use(item);
			account_stolen(item, alone);
		} else if (last) {
			return;
		} else {
			host_relax();
		}
	}
}

static void thief(void *arg)
{
	steal(arg != NULL);
}

static void run(uint32_t thieves, uint32_t n)
{
	host_thread thread[3];
	struct host_spawn how = { .name = "thief" };

	set_up();
	for (uint32_t i = 0; i < thieves; i++)
		check(host_spawn(&thread[i], &how, thief, NULL,
				 thieves == 1 ? &deque : NULL) == 0);
	own(n);
	for (uint32_t i = 0; i < thieves; i++)
		host_join(thread[i], HOST_FOREVER);
	for (uint32_t i = 0; i < n; i++)
		check(had[i]);
	check(deque_count(&deque) == 0);
}

static void deque_1(void)
{
	run(1, 3 + sim_choose(3));
}
SCENARIO(deque_1, "a fork is lost, run twice, or its maker's writes not seen");

static void deque_last(void)
{
	looks = 3;
	run(1, 1 + sim_choose(2));
	looks = UINT32_MAX;
}
SCENARIO(deque_last, "owner and thief both have the last one", .bound = 2);

/*
 * As in steal.c: a thief is out before it tries to win, and the owner leaves what lies
 * in its frame only when it has dropped the rest and nobody is out.
 */
static _Atomic uint32_t out, left;

static void robber(void *arg)
{
	uint64_t number;
	struct item *item;

	(void)arg;
	item = deque_look(&deque, &number);
	add_acq_rel(&out, 1);
	if (item && deque_win(&deque, number)) {
		use(item);
		check(!load_relaxed(&left));
	}
	sub_acq_rel(&out, 1);
}

static void deque_left(void)
{
	struct host_spawn how = { .name = "thief" };
	host_thread thread;
	uint32_t n = 1 + sim_choose(2);

	set_up();
	atomic_init(&out, 0);
	atomic_init(&left, 0);
	check(host_spawn(&thread, &how, robber, NULL, NULL) == 0);
	for (uint32_t i = 0; i < n; i++) {
		items[i].number = i + 1;
		check(deque_push(&deque, &items[i]));
	}
	deque_drop(&deque, 0);
	while (load_acquire(&out))
		host_relax();
	store_relaxed(&left, 1);
	memset(items, 0, sizeof(items)); /* the frame is another's */
	host_join(thread, HOST_FOREVER);
}
SCENARIO(deque_left,
	 "an owner leaves its frame and sees the theft, not the thief",
	 .bound = 2);

/* The limit is the same again, and what lies there is another item, taken without a fence. */
static void deque_turn(void)
{
	struct host_spawn how = { .name = "thief" };
	host_thread thread;

	set_up();
	check(host_spawn(&thread, &how, thief, NULL, NULL) == 0);
	for (uint32_t i = 0; i < 7; i++) {
		items[i].number = i + 1;
		if (!deque_push(&deque, &items[i]))
			use(&items[i]);
		if (i % 2)
			deque_share(&deque, true);
		if (i)
			take(i + 1);
	}
	while (deque_count(&deque))
		take(7);
	store_release(&over, 1);
	host_join(thread, HOST_FOREVER);
	for (uint32_t i = 0; i < 7; i++)
		check(had[i]);
}
SCENARIO(deque_turn, "a limit that a thief has read is taken for a later one");

/* An owner that works on something long, and looks at nothing. */
static void deque_coarse(void)
{
	struct host_spawn how = { .name = "thief" };
	uint32_t n = 1 + sim_choose(2);
	host_thread thread[2];

	set_up();
	for (uint32_t i = 0; i < 2; i++)
		check(host_spawn(&thread[i], &how, thief, NULL, NULL) == 0);
	for (uint32_t i = 0; i < n; i++) {
		items[i].number = i + 1;
		check(deque_push(&deque, &items[i]));
	}
	if (!host_asymmetric || sim_choose(2))
		deque_share(&deque, !host_asymmetric);
	if (sim_choose(2))
		take(n);
	while (deque_count(&deque))
		host_relax();
	store_release(&over, 1);
	for (uint32_t i = 0; i < 2; i++)
		host_join(thread[i], HOST_FOREVER);
	for (uint32_t i = 0; i < n; i++)
		check(had[i]);
}
SCENARIO(deque_coarse, "nobody can have what its owner sits on");

static void deque_2(void)
{
	run(2, 3 + sim_choose(4));
}
SCENARIO(deque_2, "the same with two thieves, who see each other's swaps");
