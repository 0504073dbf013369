/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbourhoods of seats, and the order in which an inbox is searched that knows them.
 */
#include "queue/inbox.h"
#include "task/task_priv.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

enum { RINGS = 4, SIZE = 8, HANDS = 4, TASKS = 64 };

static struct inbox inbox;
static struct local_queue local[HANDS];
static struct ward_task task[TASKS];

/* Two sockets of two neighbourhoods each; ring i, and seat i, are in the i-th. */
static const uint8_t far[] = { 0, 1, 2, 2, 1, 0, 2, 2, 2, 2, 0, 1, 2, 2, 1, 0 };
static uint16_t of[CPU_SETSIZE];

static void furnish(struct host_near *host)
{
	cr_assert_not_null(host);
	inbox.near = near_new(host, RINGS, HANDS);
	cr_assert_not_null(inbox.near);
}

static void setup(void)
{
	host_init();
	cr_assert_eq(inbox_init(&inbox, RINGS, SIZE, HANDS, 1, NULL, NULL), 0);
	for (uint32_t i = 0; i < HANDS; i++) {
		local_init(&local[i], i);
		inbox_add_local(&inbox, i, &local[i]);
	}
	for (uint32_t i = 0; i < TASKS; i++)
		task_open(task_priv(&task[i]));
	for (uint32_t i = 0; i < CPU_SETSIZE; i++)
		of[i] = i < 4 ? (uint16_t)i : HOST_NOWHERE;
	furnish(host_near_make(4, CPU_SETSIZE, of, far));
	for (uint32_t i = 0; i < HANDS; i++)
		near_sit(inbox.near, &local[i], i, i);
}

static void teardown(void)
{
	inbox_fini(&inbox);
}

TestSuite(near, .init = setup, .fini = teardown);

static void put_own(uint32_t hand, uint32_t i)
{
	void *item = &task[i];

	cr_assert(owned_claim(&local[hand].ring));
	cr_assert_eq(owned_put(&local[hand].ring, &item, 1), 1);
	owned_drop(&local[hand].ring);
}

static void put_into(uint32_t ring, uint32_t i)
{
	void *item = &task[i];

	or_relaxed(&inbox.used, (uint64_t)1 << ring);
	cr_assert(ring_claim(&inbox.ring[ring]));
	cr_assert_eq(ring_put(&inbox.ring[ring], &item, 1), 1);
	ring_drop(&inbox.ring[ring]);
}

static long taken(uint32_t i)
{
	struct ward_task *it = inbox_take(&inbox, &local[i]);

	return it ? it - task : -1;
}

Test(near, each_ring_is_at_one_distance)
{
	for (uint32_t i = 0; i < HANDS; i++) {
		uint64_t all = 0;

		for (uint32_t k = 0; k < 3; k++) {
			uint64_t there = near_rings(inbox.near, &local[i], k);

			cr_assert_eq(all & there, 0);
			all |= there;
		}
		cr_assert_eq(all, 15);
		cr_assert_eq(near_rings(inbox.near, &local[i], 0), 1u << i);
		cr_assert_eq(near_rings(inbox.near, &local[i], 1),
			     1u << (i ^ 1));
	}
}

Test(near, seats_beyond_the_cpus_begin_anew)
{
	near_sit(inbox.near, &local[0], 0, 4001);
	cr_assert_eq(local[0].near, 1);
	cr_assert_eq(near_distance(inbox.near, &local[1], 0), 0);
	cr_assert_eq(near_distance(inbox.near, &local[2], 0), 2);
}

/* ---- the order of a search ----------------------------------------------- */

Test(near, rings_are_searched_from_near_to_far)
{
	for (uint32_t first = 0; first < RINGS; first++)
		for (uint32_t i = 0; i < HANDS; i++) {
			local[i].last = first;
			for (uint32_t k = 0; k < RINGS; k++)
				put_into(k, k);
			cr_assert_eq(taken(i), i);
			cr_assert_eq(taken(i), i ^ 1);
			cr_assert_eq(taken(i) / 2, (i ^ 2) / 2);
			cr_assert_eq(taken(i) / 2, (i ^ 2) / 2);
			cr_assert_eq(taken(i), -1);
		}
}

Test(near, and_so_are_hands)
{
	for (uint32_t first = 0; first < HANDS; first++)
		for (uint32_t i = 0; i < HANDS; i++) {
			local[i].victim = first;
			for (uint32_t k = 0; k < HANDS; k++)
				if (k != i)
					put_own(k, k);
			cr_assert_eq(taken(i), i ^ 1);
			cr_assert_eq(taken(i) / 2, (i ^ 2) / 2);
			cr_assert_eq(taken(i) / 2, (i ^ 2) / 2);
			cr_assert_eq(taken(i), -1);
		}
}

Test(near, a_hand_is_where_its_thread_sits)
{
	near_sit(inbox.near, &local[3], 3, 0);
	put_own(1, 1);
	put_own(3, 3);
	cr_assert_eq(taken(0), 3);
	cr_assert_eq(taken(0), 1);
	put_into(0, 0);
	put_into(3, 2);
	cr_assert_eq(taken(3), 0);
}

/* ---- nothing waits for ever ------------------------------------------------ */

/* Turns until the task is taken, while the near ring never runs dry. */
static uint32_t turns_until(long it)
{
	uint32_t turns = 0, next = 0;

	for (;; turns++) {
		if (!ring_count(&inbox.ring[0]))
			put_into(0, next++ % 8);
		if (taken(0) == it)
			return turns;
		cr_assert_lt(turns, 100000);
	}
}

Test(near, far_rings_have_their_turn)
{
	for (uint32_t ring = 1; ring < RINGS; ring++) {
		put_into(ring, 10 + ring);
		cr_assert_leq(turns_until(10 + ring), 2 * RINGS * INBOX_TURN);
	}
}

Test(near, far_hands_have_their_turn)
{
	for (uint32_t i = 1; i < HANDS; i++) {
		put_own(i, 10 + i);
		cr_assert_leq(turns_until(10 + i), 2 * HANDS * INBOX_TURN);
	}
}

/* Two near rings that take turns in being empty hide no third. */
Test(near, far_rings_have_their_turn_whatever_the_near_do)
{
	uint32_t turns = 0;
	long it;

	put_into(3, 9);
	do {
		put_into(turns & 1, turns & 1);
		it = taken(0);
		cr_assert_lt(++turns, 2 * RINGS * INBOX_TURN);
	} while (it != 9);
}

/* As before, of local queues: one before and one behind the far one are near. */
Test(near, far_hands_have_their_turn_whatever_the_near_do)
{
	near_sit(inbox.near, &local[3], 3, 0);
	for (uint32_t odd = 0; odd < 2; odd++) {
		uint32_t turns = odd;
		long it;

		put_own(2, 9);
		do {
			put_own(turns & 1 ? 3 : 1, turns & 1);
			it = taken(0);
			cr_assert_lt(++turns, 2 * (HANDS + 1) * INBOX_TURN);
		} while (it != 9);
		while (taken(0) >= 0)
			;
	}
}

/* ---- submitters ---------------------------------------------------------------- */

/* On a thread that has no number yet: the ring that it puts into. */
static void *put_first(void *arg)
{
	struct ward_task *mine = arg;
	struct ring *full;

	cr_assert_eq(inbox_put(&inbox, NULL, &mine, 1, &full), 1);
	for (uintptr_t i = 0; i < RINGS; i++)
		if (ring_count(&inbox.ring[i]))
			return (void *)i;
	return (void *)(uintptr_t)RINGS;
}

static uint32_t ring_of_a_new_thread(uint32_t i)
{
	pthread_t thread;
	void *ring;

	cr_assert_eq(pthread_create(&thread, NULL, put_first, &task[i]), 0);
	cr_assert_eq(pthread_join(thread, &ring), 0);
	cr_assert_eq(taken(0), i);
	return (uint32_t)(uintptr_t)ring;
}

/* This thread is in that one, whatever its CPU. */
static void all_in(uint16_t which)
{
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		inbox.near->host->of[cpu] = which;
}

Test(near, a_new_thread_submits_near_where_it_is)
{
	for (uint16_t which = 0; which < 4; which++) {
		all_in(which);
		for (uint32_t i = 0; i < 10; i++)
			cr_assert_eq(ring_of_a_new_thread(i), which);
	}
}

Test(near, who_is_nowhere_submits_as_ever)
{
	uint32_t seen = 0;

	all_in(HOST_NOWHERE);
	for (uint32_t i = 0; i < RINGS; i++)
		seen |= 1u << ring_of_a_new_thread(i);
	cr_assert_eq(seen, 15);
}

static void *number(void *arg)
{
	*(uint32_t *)arg = host_home_among(0x80, 16);
	cr_assert_eq(*(uint32_t *)arg, host_home());
	return NULL;
}

Test(near, no_two_threads_have_the_same_number)
{
	uint32_t home[32];
	pthread_t thread;

	for (uint32_t i = 0; i < 32; i++) {
		cr_assert_eq(pthread_create(&thread, NULL, number, &home[i]),
			     0);
		pthread_join(thread, NULL);
		cr_assert_eq(home[i] % 16, 7);
		for (uint32_t k = 0; k < i; k++)
			cr_assert_neq(home[i], home[k]);
	}
}
