/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_snapshot.c - a page's snapshots: a steward and the one that it was replaced by write
 * them, and a reader elsewhere copies them.
 */
#include "base/host.h"
#include "sim.h"
#include "sync/snapshot.h"

enum { WORDS = 3, PUTS = 3 };

static _Atomic uint64_t memory[SNAPSHOT_COPIES][WORDS];
static struct snapshot snapshot;
static _Atomic uint64_t put; /* the highest number that was published */

static void set_up(void)
{
	for (int i = 0; i < SNAPSHOT_COPIES; i++)
		for (int k = 0; k < WORDS; k++)
			atomic_init(&memory[i][k], 0);
	snapshot = (struct snapshot){ .first = (char *)memory,
				      .stride = sizeof(memory[0]) };
	atomic_init(&put, 0);
	sim_name(&snapshot.claims, "claims");
	sim_name(&snapshot.numbers, "numbers");
	sim_name(memory, "memory");
}

static void writer(void *arg)
{
	(void)arg;
	for (int i = 0; i < PUTS; i++) {
		uint64_t number = snapshot_begin(&snapshot);
		uint64_t words[WORDS] = { 0, number, number };

		if (snapshot_put(&snapshot, number, words, sizeof(words)))
			high_raise(&put, number);
	}
}

/* As one in another process: of any copy, by its number. */
static void reader(void *arg)
{
	(void)arg;
	for (int k = 0; k < 4; k++) {
		_Atomic uint64_t *copy = memory[sim_choose(SNAPSHOT_COPIES)];
		uint64_t number = load_acquire(&copy[0]); /* [sn] */
		uint64_t a = load_relaxed(&copy[1]), b = load_relaxed(&copy[2]);

		atomic_thread_fence(memory_order_acquire); /* [sn] */
		if (number % 2 == 0 && load_relaxed(&copy[0]) == number)
			check(2 * a == number && 2 * b == number);
	}
}

/* Wherever a writer was stopped: what was published last is there. */
static void newest_is_whole(void)
{
	uint64_t newest = 0;

	for (int i = 0; i < SNAPSHOT_COPIES; i++) {
		uint64_t number = load_acquire(&memory[i][0]);

		if (number % 2 || number < newest)
			continue;
		newest = number;
		check(2 * load_relaxed(&memory[i][1]) == number);
	}
	check(newest >= 2 * load_acquire(&put));
}

static void go(void (*a)(void *), void (*b)(void *))
{
	host_thread t[2];

	set_up();
	check(!host_spawn(&t[0], NULL, a, NULL, NULL));
	check(!host_spawn(&t[1], NULL, b, NULL, NULL));
	for (int i = 0; i < 2; i++)
		host_join(t[i], HOST_FOREVER);
	newest_is_whole();
}

static void snapshot_read(void)
{
	go(writer, reader);
}
SCENARIO(snapshot_read, "a reader has a part of one snapshot and a part of another",
	 .stop = 0x6);

static void snapshot_over(void)
{
	go(writer, writer);
}
SCENARIO(snapshot_over, "the newest snapshot is written over", .stop = 0x6);
