/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clerk's loop, round by round, in virtual time: each of its waits is a step
 * of the test.
 */
#include "fake_host.h"
#include "front/front.h"

#include "../../lib/heal/clerk.c"
#include <criterion/criterion.h>

#define S UINT64_C(1000000000)
#define START (1000 * S)

enum {
	WORKERS = 2,
	SPARES = 2,
	ZOMBIES = 8,
	SLOTS = WORKERS + 1 + SPARES + ZOMBIES /* and the bench */
};

static struct pool *pool;
static struct heal *heal;

static enum slot_life life_of(uint32_t i)
{
	return LIFE_STATE(load_relaxed(&pool->slot[i].thread.life));
}

static void moves(uint32_t i, enum slot_life to)
{
	uint64_t turn = LIFE_GEN(load_relaxed(&pool->slot[i].thread.life)) + 1;

	store_relaxed(&pool->slot[i].thread.life, turn << 8 | to);
}

/* A thread that was made has come up, and is a spare. */
static void comes_up(uint32_t i)
{
	cr_assert_eq(life_of(i), LIFE_STARTING);
	moves(i, LIFE_SPARE);
	sub_acq_rel(&pool->starting, 1);
	add_acq_rel(&pool->spares_ready, 1);
	stack_push(&pool->spares, i);
	seat_match(pool);
}

static void setup(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = config.max = WORKERS;
	config.spares = SPARES;
	config.zombies = ZOMBIES - 1;
	config.zombies_asleep = 1;
	fake = (struct fake){ .now = START };
	cr_assert_eq(pool_new(&pool, &config), 0);
	heal = heal_new(pool);
	cr_assert_not_null(heal);
	pool->helpers = heal;
	for (uint32_t i = 0; i < WORKERS + SPARES; i++) {
		cr_assert_eq(thread_spawn(pool, &pool->slot[i]), 0);
		comes_up(i);
	}
	cr_assert_eq(seats_vacant(&pool->seat_count), 0);
	cr_assert_eq(load_relaxed(&pool->spares_ready), SPARES);
	cr_assert_eq(deputy_make(heal), 0);
	fake.spawns = 0;
}

static void teardown(void)
{
	heal_free(heal);
	store_relaxed(&pool->refs, 1);
	pool_put(pool);
}

TestSuite(clerk, .init = setup, .fini = teardown);

/* ---- its rounds ------------------------------------------------------ */

static struct {
	uint32_t n;
	uint64_t until[64]; /* of each wait, from then; or HOST_FOREVER */
	void (*then)(uint32_t n);
} waits;

static int clerk_waits(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	cr_assert_eq(word, &pool->clerk_word);
	cr_assert_eq(load_relaxed(word), seen);
	cr_assert_lt(waits.n, 64);
	waits.until[waits.n++] =
		until == HOST_FOREVER ? until : until - fake.now;
	if (until != HOST_FOREVER) {
		cr_assert_gt(until, fake.now, "a wait that is none");
		fake_time(until - fake.now);
	}
	if (waits.then)
		waits.then(waits.n);
	if (until == HOST_FOREVER && load_relaxed(word) == seen)
		store_relaxed(&heal->clerk.stop, 1); /* nobody else will ring */
	return 0;
}

static void runs(void (*then)(uint32_t n))
{
	waits.n = 0;
	waits.then = then;
	fake.wait = clerk_waits;
	store_relaxed(&heal->clerk.stop, 0);
	clerk(heal);
}

static uint32_t times_told(enum ward_kind kind)
{
	uint64_t top = load_relaxed(&pool->tell.ready.top);
	uint32_t n = 0, i = (uint32_t)top ? (uint32_t)top - 1 : STACK_NONE;

	for (; i != STACK_NONE; i = stack_after(&pool->tell.ready, i))
		n += pool->tell.record[i].report.kind == kind;
	return n;
}

/* Worker i has gone; a spare takes its seat. */
static void is_gone(uint32_t i)
{
	uint32_t seat = load_relaxed(&pool->slot[i].seat.number);

	moves(i, LIFE_GONE);
	seat_vacate(pool, &pool->slot[i], seat, fake.now);
}

/* ---- where nothing is wanted ----------------------------------------- */

Test(clerk, sleeps_where_nothing_is_wanted)
{
	runs(NULL);
	cr_assert_eq(waits.n, 1);
	cr_assert_eq(waits.until[0], HOST_FOREVER);
	cr_assert_eq(fake.spawns, 0);
	cr_assert_eq(fake.joins, 0);
}

/* ---- reaping and bearing --------------------------------------------- */

Test(clerk, buries_the_gone_and_makes_up_for_them)
{
	uint64_t turn = LIFE_GEN(load_relaxed(&pool->slot[1].thread.life));

	is_gone(1);
	cr_assert_eq(load_relaxed(&pool->spares_ready), SPARES - 1);
	runs(NULL);
	cr_assert_eq(fake.joins, 1);
	cr_assert_eq(load_relaxed(&pool->threads_joined), 1);
	cr_assert_eq(fake.spawns, 1);
	cr_assert_eq(life_of(1), LIFE_STARTING,
		     "in the record that is free again");
	cr_assert_geq(LIFE_GEN(load_relaxed(&pool->slot[1].thread.life)), turn + 3);
	cr_assert_eq(load_relaxed(&pool->starting), 1);
	cr_assert_eq(load_relaxed(&pool->threads_created), 5);
	cr_assert_eq(waits.n, 1);
	cr_assert_eq(load_relaxed(&pool->transitions), 0);
	comes_up(1);
	runs(NULL);
	cr_assert_eq(fake.spawns, 1, "who is on the way is counted");
}

Test(clerk, fills_vacant_seats_and_the_spares)
{
	is_gone(0);
	is_gone(1);
	is_gone(2);
	is_gone(3);
	cr_assert_eq(seats_vacant(&pool->seat_count), 2);
	cr_assert_eq(load_relaxed(&pool->spares_ready), 0);
	runs(NULL);
	cr_assert_eq(fake.joins, 4);
	cr_assert_eq(fake.spawns, 4);
	for (uint32_t i = 0; i < 4; i++)
		comes_up(i);
	cr_assert_eq(seats_vacant(&pool->seat_count), 0);
	cr_assert_eq(load_relaxed(&pool->spares_ready), SPARES);
}

Test(clerk, makes_up_for_zombies_in_other_records)
{
	moves(0, LIFE_ZOMBIE);
	seat_vacate(pool, &pool->slot[0], 0, fake.now);
	runs(NULL);
	cr_assert_eq(fake.joins, 0);
	cr_assert_eq(fake.spawns, 1);
	cr_assert_eq(life_of(4), LIFE_STARTING);
	cr_assert_eq(life_of(0), LIFE_ZOMBIE);
}

Test(clerk, without_a_free_record_it_waits_for_one)
{
	for (uint32_t i = 4; i < SLOTS; i++) {
		cr_assert_eq(thread_spawn(pool, &pool->slot[i]), 0);
		sub_acq_rel(&pool->starting, 1);
		moves(i, LIFE_ZOMBIE);
	}
	fake.spawns = 0;
	moves(0, LIFE_ZOMBIE);
	seat_vacate(pool, &pool->slot[0], 0, fake.now);
	runs(NULL);
	cr_assert_eq(fake.spawns, 0);
	cr_assert_eq(waits.n, 1);
	cr_assert_eq(waits.until[0], HOST_FOREVER);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 0);
	moves(7, LIFE_GONE);
	runs(NULL);
	cr_assert_eq(fake.spawns, 1);
	cr_assert_eq(life_of(7), LIFE_STARTING);
}

/* ---- threads that cannot be had -------------------------------------- */

static uint32_t refusals; /* so many more */

static int refuses(void *arg)
{
	(void)arg;
	return refusals && refusals-- ? -EAGAIN : 0;
}

Test(clerk, tries_again_at_growing_intervals_and_says_it_once)
{
	uint32_t alive = load_relaxed(&pool->alive);
	uint32_t refs = load_relaxed(&pool->refs);

	fake.spawn = refuses;
	refusals = 14;
	is_gone(1);
	runs(NULL);
	cr_assert_eq(waits.n, 15);
	for (uint32_t i = 0; i < 14; i++) {
		uint64_t ms = i < 10 ? 1u << i : 1000;

		cr_assert_eq(waits.until[i], ms * MS, "wait %u: %lu ms", i,
			     waits.until[i] / MS);
	}
	cr_assert_eq(waits.until[14], HOST_FOREVER);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 1);
	cr_assert_eq(fake.spawns, 1);
	cr_assert_eq(load_relaxed(&pool->starting), 1);
	cr_assert_eq(load_relaxed(&pool->alive), alive + 1);
	cr_assert_eq(load_relaxed(&pool->refs), refs + 1);
	cr_assert_eq(load_relaxed(&pool->threads_created), 5);
}

Test(clerk, a_refusal_leaves_no_trace)
{
	uint32_t alive = load_relaxed(&pool->alive);
	uint32_t refs = load_relaxed(&pool->refs);

	fake.spawn = refuses;
	refusals = 1;
	cr_assert_eq(thread_spawn(pool, &pool->slot[4]), -EAGAIN);
	cr_assert_eq(life_of(4), LIFE_FREE);
	cr_assert_eq(load_relaxed(&pool->starting), 0);
	cr_assert_eq(load_relaxed(&pool->alive), alive);
	cr_assert_eq(load_relaxed(&pool->refs), refs);
	cr_assert_eq(load_relaxed(&pool->threads_created), 4);
	cr_assert_eq(load_relaxed(&pool->transitions), 0);
}

static void next_trouble(uint32_t n)
{
	if (n != 3)
		return;
	cr_assert_eq(waits.until[2], HOST_FOREVER);
	comes_up(1);
	refusals = 1;
	is_gone(0);
	clerk_wake(pool);
}

Test(clerk, says_it_again_the_next_time)
{
	fake.spawn = refuses;
	refusals = 2;
	is_gone(1);
	runs(next_trouble);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 2);
	cr_assert_eq(waits.until[waits.n - 1], HOST_FOREVER);
}

/* ---- threads that are slow to leave ---------------------------------- */

static uint32_t still_there; /* joins that come too early */

static int leaves_late(host_thread thread)
{
	(void)thread;
	return still_there && still_there-- ? -ETIMEDOUT : 0;
}

Test(clerk, comes_back_to_who_has_not_left_yet)
{
	fake.join = leaves_late;
	still_there = 5;
	is_gone(1);
	runs(NULL);
	cr_assert_eq(waits.n, 6);
	for (uint32_t i = 0; i < 5; i++)
		cr_assert_eq(waits.until[i], (1u << i) * MS);
	cr_assert_eq(waits.until[5], HOST_FOREVER);
	cr_assert_eq(load_relaxed(&pool->threads_joined), 1);
	cr_assert_eq(fake.spawns, 1, "its heir did not wait for it");
	cr_assert_eq(life_of(4), LIFE_STARTING);
	cr_assert_eq(life_of(1), LIFE_FREE);
}

/* ---- threads that die as they are made ------------------------------- */

static uint32_t births_to_fail;

/* The exit cleanup of a thread that never had a seat. */
static void dies_at_birth(uint32_t n)
{
	(void)n;
	for (uint32_t i = 0; i < pool->slots; i++) {
		if (life_of(i) != LIFE_STARTING || !births_to_fail)
			continue;
		births_to_fail--;
		moves(i, LIFE_GONE);
		add_relaxed(&pool->failed_starts, 1);
		sub_acq_rel(&pool->starting, 1);
		clerk_wake(pool);
	}
}

Test(clerk, does_not_bear_the_stillborn_at_full_speed)
{
	uint64_t last = 0;

	births_to_fail = 6;
	is_gone(1);
	runs(dies_at_birth);
	cr_assert_eq(births_to_fail, 0);
	cr_assert_eq(fake.spawns, 7);
	cr_assert_eq(load_relaxed(&pool->starting), 1, "the last one lives");
	for (uint32_t i = 0; i < waits.n; i++) {
		if (waits.until[i] == HOST_FOREVER)
			continue;
		cr_assert_gt(waits.until[i], last, "longer each time");
		last = waits.until[i];
	}
	cr_assert_geq(last, 8 * MS);
	cr_assert_eq(waits.until[waits.n - 1], HOST_FOREVER);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 1);
}

/* ---- the end --------------------------------------------------------- */

Test(clerk, bears_nobody_while_the_pool_stops)
{
	store_relaxed(&pool->stopping, 1);
	is_gone(1);
	runs(NULL);
	cr_assert_eq(fake.spawns, 0);
	cr_assert_eq(fake.joins, 1, "but buries");
	cr_assert_eq(life_of(1), LIFE_FREE);
}

static void is_stopped(uint32_t n)
{
	if (n == 3)
		clerk_stop(heal);
}

Test(clerk, ends_when_it_is_told_in_the_middle_of_its_trouble)
{
	fake.spawn = refuses;
	refusals = UINT32_MAX;
	is_gone(1);
	runs(is_stopped);
	cr_assert_eq(waits.n, 3);
}

/* ---- the last of all ---------------------------------------------------------- */

/* Destroy has let go of the second one, and joined the first deputy. */
Test(clerk, sees_off_whom_nobody_has_joined)
{
	store_relaxed(&load_relaxed(&heal->newest)->there, 0);
	cr_assert_eq(deputy_make(heal), 0); /* while destroy did not wait for it */
	moves(0, LIFE_GONE);
	moves(1, LIFE_GONE);
	pool->slot[1].thread.joined = true;
	detach_left(pool);
	cr_assert_eq(fake.detaches, 2);
}

/* ---- beside destroy ------------------------------------------------------------ */

static int destroy_comes(host_thread thread)
{
	(void)thread;
	fake.join = NULL;
	cr_assert_eq(steward_stop(heal, fake.now), 0);
	return 0;
}

/* The clerk hangs as it joins a former steward; destroy leaves that one to it. */
Test(clerk, joins_nobody_whom_destroy_joins)
{
	cr_assert_eq(deputy_make(heal), 0);
	fake.joins = 0;
	fake.join = destroy_comes;
	cr_assert_eq(deputy_make(heal), 0);
	cr_assert_eq(fake.joins, 2, "each once");
}
