/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * near.c - workers are bound to the neighbourhoods of their seats, and die, hang and
 * come home: the next thread in a seat is bound as the first one was, and no task waits
 * for ever for a neighbourhood whose workers all hang.
 *
 * Each CPU that we may use is made out to be a neighbourhood of its own.
 */
#include "story.h"

#include <pthread.h>
#include <sched.h>

enum { SEATS = 4, MANY = 200 };

static int cpu[SEATS]; /* the first of ours */
static unsigned cpus;

/* ---- the machine ------------------------------------------------------------- */

static void find_cpus(void)
{
	cpu_set_t set;

	expect_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE && cpus < SEATS; i++)
		if (CPU_ISSET(i, &set))
			cpu[cpus++] = i;
	if (cpus < 2)
		story_skip("one CPU has one neighbourhood");
}

/* In place of the library's own. */
WRAPPED(host_near_find);
struct host_near *__wrap_host_near_find(const struct host_cpus *set)
{
	uint16_t of[CPU_SETSIZE];
	uint8_t distance[SEATS * SEATS];

	expect(!set); /* there is none in the configuration */
	for (int i = 0; i < CPU_SETSIZE; i++)
		of[i] = HOST_NOWHERE;
	for (unsigned i = 0; i < cpus; i++)
		of[cpu[i]] = (uint16_t)i;
	for (unsigned i = 0; i < cpus * cpus; i++)
		distance[i] = i / cpus != i % cpus;
	return host_near_make(cpus, CPU_SETSIZE, of, distance);
}

/* ---- where they run ------------------------------------------------------------ */

static void is_bound_as_its_seat(void)
{
	unsigned seat = ward_self()->worker;
	cpu_set_t set;

	expect_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	expect_equal(CPU_COUNT(&set), 1);
	expect(CPU_ISSET(cpu[seat % cpus], &set));
}

static int task_is_bound(struct item *item)
{
	is_bound_as_its_seat();
	item->number = ward_self()->worker;
	store_release(&item->mark, 1); /* it may be read */
	return task_gate(item);
}

/* A task that waits for the last one is not stuck, however long that is in coming. */
static const struct ward_policy patient = {
	.size = sizeof(patient),
	.blocked_within = WARD_S(600),
};

/* One in each seat at once. */
static void all_are_bound(struct ward_pool *pool)
{
	struct item item[SEATS];
	unsigned seen = 0;

	for (int i = 0; i < SEATS; i++)
		item_start(pool, &item[i], task_is_bound, &patient, "where");
	for (int i = 0; i < SEATS; i++)
		wait_until(load_acquire(&item[i].mark));
	for (int i = 0; i < SEATS; i++)
		gate_open(&item[i]);
	for (int i = 0; i < SEATS; i++) {
		item_ends(&item[i], 0);
		seen |= 1u << item[i].number;
	}
	expect_equal(seen, (1u << SEATS) - 1);
}

/* ---- what befalls them ----------------------------------------------------------- */

static int die(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void die_and_are_replaced(struct ward_pool *pool)
{
	struct item item[2 * SEATS];

	for (int i = 0; i < 2 * SEATS; i++)
		item_start(pool, &item[i], die, NULL, "dies");
	for (int i = 0; i < 2 * SEATS; i++)
		item_ends(&item[i], -EOWNERDEAD);
	wait_healed(pool);
	all_are_bound(pool);
}

/* Zombies that come home are spares, and take whatever seat is vacant then. */
static void hang_and_come_home(struct ward_pool *pool)
{
	struct item item[SEATS];

	for (int i = 0; i < SEATS; i++)
		item_start(pool, &item[i], task_sleep_until_fenced, NULL,
			   "hangs");
	for (int i = 0; i < SEATS; i++)
		item_ends(&item[i], -ETIME);
	wait_healed(pool);
	all_are_bound(pool);
	die_and_are_replaced(pool);
}

/* Only the first seat's worker is free: whatever is far from it is its own to run. */
static void one_runs_them_all(struct ward_pool *pool)
{
	struct item held[SEATS], many[MANY];

	for (int i = 0; i < SEATS; i++)
		item_start(pool, &held[i], task_is_bound, &patient, "held");
	for (int i = 0; i < SEATS; i++)
		wait_until(load_acquire(&held[i].mark));
	for (int i = 0; i < MANY; i++)
		item_start(pool, &many[i], task_nothing, NULL, "far");
	for (int i = 0; i < SEATS; i++)
		if (held[i].number == 0)
			gate_open(&held[i]);
	for (int i = 0; i < MANY; i++)
		item_ends(&many[i], 0);
	for (int i = 0; i < SEATS; i++) {
		if (held[i].number)
			gate_open(&held[i]);
		item_ends(&held[i], 0);
	}
}

/* From each of our CPUs, so that every neighbourhood's rings are used. */
static void *submit_there(void *arg)
{
	struct ward_pool *pool = arg;
	static _Atomic uint32_t at;
	struct item item[MANY];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu[add_relaxed(&at, 1) % cpus], &set);
	expect_equal(sched_setaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < MANY; i++)
		item_start(pool, &item[i], task_nothing, NULL, "from there");
	for (int i = 0; i < MANY; i++)
		item_ends(&item[i], 0);
	return NULL;
}

static void from_everywhere(struct ward_pool *pool)
{
	pthread_t thread[SEATS];

	for (int i = 0; i < SEATS; i++)
		expect_equal(
			pthread_create(&thread[i], NULL, submit_there, pool),
			0);
	for (int i = 0; i < SEATS; i++)
		pthread_join(thread[i], NULL);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	find_cpus();
	config.flags = WARD_POOL_NEAR;
	config.workers = SEATS;
	config.max = SEATS;
	pool = pool_up(&config);
	expect_equal(stats_of(pool).neighbourhoods, cpus);
	all_are_bound(pool);
	from_everywhere(pool);
	die_and_are_replaced(pool);
	hang_and_come_home(pool);
	one_runs_them_all(pool);
	from_everywhere(pool);
	pool_down(pool);

	config.flags = 0;
	pool = pool_up(&config);
	expect_equal(stats_of(pool).neighbourhoods, 1);
	pool_down(pool);
	return 0;
}
