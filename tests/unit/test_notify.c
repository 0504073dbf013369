/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages to the service manager, and when they are sent, by a clock that only the test moves.
 */
#include "fake_host.h"
#include "front/front.h"

#include "../../lib/heal/notify.c"
#include <criterion/criterion.h>

#define S UINT64_C(1000000000)
#define SCAN (S / 100)
#define START (1000 * S)

enum { WORKERS = 2 };

static struct pool *pool;
static struct heal *heal;
static struct steward *office;

static uint32_t broken; /* what the next audit says */

static int audit(struct ward_pool *handle, struct ward_audit *a)
{
	cr_assert_eq((struct pool *)handle, pool);
	a->broken = broken;
	strcpy(a->first, "A5: so");
	return broken ? -EUCLEAN : 0;
}

static void make(uint64_t watchdog)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = config.max = WORKERS;
	fake = (struct fake){ .now = START };
	memset(&fake_manager, 0, sizeof(fake_manager));
	fake_manager.watchdog = watchdog;
	cr_assert_eq(pool_new(&pool, &config), 0);
	heal = heal_new(pool);
	cr_assert_not_null(heal);
	pool->helpers = heal;
	cr_assert_eq(notify_claim(heal, audit), 0);
	for (uint32_t i = 0; i < WORKERS + 1; i++) {
		cr_assert_eq(thread_spawn(pool, &pool->slot[i]), 0);
		store_relaxed(&pool->slot[i].thread.life, LIFE_SPARE);
		sub_acq_rel(&pool->starting, 1);
		stack_push(&pool->spares, i);
		seat_match(pool);
	}
	cr_assert_eq(seats_vacant(&pool->seat_count), 0);
	office = load_relaxed(&heal->newest);
}

static void teardown(void)
{
	heal_free(heal);
	store_relaxed(&pool->refs, 1);
	pool_put(pool);
}

TestSuite(notify, .fini = teardown);

/* Rounds of a scan each; how many messages there were. */
static uint32_t rounds(unsigned times)
{
	uint32_t before = fake_manager.n;

	while (times--) {
		fake_time(SCAN);
		notify_round(office, fake.now);
	}
	return fake_manager.n - before;
}

#define SECONDS(n) ((unsigned)((n) * (S / SCAN)))

static void says(const char *what)
{
	cr_assert_str_eq(fake_manager.last, what);
}

/* A worker takes the ping.  False: there is none. */
static bool answers(void)
{
	struct ward_task *task = inbox_take(&pool->inbox, &pool->slot[0].local);

	if (!task)
		return false;
	cr_assert_eq(task, &heal->notify.ping);
	cr_assert_eq(task->run(task), 0);
	task_set(task_priv(task), TASK_FREE);
	task->done(task, 0);
	task->release(task);
	return true;
}

static void inside(uint32_t i, bool is)
{
	static struct ward_task task[WORKERS];

	if (is)
		slot_begin(&pool->slot[i], &task[i], SLOT_RUN);
	else
		cr_assert(slot_end(&pool->slot[i]));
}

Test(notify, status_when_it_changes_and_once_a_second_at_most)
{
	make(0);
	cr_assert_eq(rounds(10), 0, "before it is ready");
	notify_ready(heal);
	says("READY=1");
	cr_assert_eq(rounds(1), 0, "seen once");
	cr_assert_eq(rounds(1), 1);
	says("STATUS=2 workers, all well\n");
	cr_assert_eq(rounds(SECONDS(10)), 0);
	store_relaxed(&pool->zombies_out, 1);
	cr_assert_eq(rounds(1), 0, "for a moment: that is nothing to be told");
	store_relaxed(&pool->zombies_out, 0);
	cr_assert_eq(rounds(SECONDS(10)), 0);
	store_relaxed(&pool->zombies_out, 3);
	cr_assert_eq(rounds(2), 1);
	says("STATUS=2 workers; fenced threads that are still out: 3\n");
	store_relaxed(&pool->degraded, 1);
	cr_assert_eq(rounds(SECONDS(1) - 1), 0, "not yet");
	cr_assert_eq(rounds(1), 1);
	says("STATUS=2 workers; degraded: stuck workers stay in their seats; fenced "
	     "threads that are still out: 3\n");
	cr_assert_eq(notify_round(office, fake.now), HOST_FOREVER);
}

Test(notify, fed_twice_in_the_time_if_the_ping_is_answered)
{
	uint64_t fed = 0, longest = 0;

	make(4 * S);
	notify_ready(heal);
	rounds(1);
	cr_assert(answers(), "it is asked at once");
	rounds(1);
	says("WATCHDOG=1\nSTATUS=2 workers, all well\n");
	fed = fake.now;
	for (unsigned i = 0; i < SECONDS(60); i++) {
		bool said = rounds(1);

		if (said) {
			says("WATCHDOG=1\n");
			longest = fake.now - fed > longest ? fake.now - fed : longest;
			fed = fake.now;
		}
		answers();
	}
	cr_assert_leq(longest, 2 * S + 2 * SCAN);
	cr_assert_geq(longest, 2 * S, "and no more often");
	cr_assert_eq(notify_round(office, fake.now), office->teller.feed_at,
		     "there is time to sleep until then");
}

Test(notify, a_ping_that_free_workers_do_not_take)
{
	uint32_t fed;

	make(4 * S);
	notify_ready(heal);
	rounds(2);
	says("STATUS=2 workers, all well\n");
	cr_assert_eq(rounds(SECONDS(1)), 1, "half of the time between two feeds");
	says("STATUS=2 workers; a task waits, and no worker takes it\n");
	inside(0, true);
	cr_assert_eq(rounds(SECONDS(10)), 0, "one is free");
	inside(1, true);
	cr_assert_eq(rounds(1), 1, "none is");
	says("WATCHDOG=1\n");
	cr_assert_eq(rounds(1), 1);
	says("STATUS=2 workers, all well\n");
	rounds(SECONDS(3)); /* the next one, and a second of waiting for its answer */
	fed = rounds(SECONDS(20));
	cr_assert_geq(fed, 9, "no less often than else: %u", fed);
	cr_assert_leq(fed, 11);
	office->history[1].only_told = true;
	cr_assert_geq(rounds(SECONDS(4)), 1);
	says("STATUS=2 workers; a task waits, and no worker takes it\n");
	cr_assert_eq(rounds(SECONDS(10)), 0);
	office->history[1].only_told = false;
	inside(0, false);
	inside(1, false);
	cr_assert(answers(), "the first one, and it was put once");
	cr_assert(!answers());
	cr_assert_eq(rounds(1), 1);
	says("WATCHDOG=1\n");
}

Test(notify, not_fed_while_degraded_or_broken_and_soon_after)
{
	make(4 * S);
	notify_ready(heal);
	broken = 1u << 5;
	for (unsigned i = 0; i < SECONDS(5); i++) {
		rounds(1);
		answers();
		cr_assert(!strstr(fake_manager.last, "WATCHDOG"));
	}
	says("STATUS=2 workers; A5: so\n");
	broken = 0;
	store_relaxed(&pool->degraded, 1);
	for (unsigned i = 0; i < SECONDS(20); i++) {
		rounds(1);
		answers();
		cr_assert(!strstr(fake_manager.last, "WATCHDOG"));
	}
	store_relaxed(&pool->degraded, 0);
	for (unsigned i = 0; !strstr(fake_manager.last, "WATCHDOG"); i++) {
		cr_assert_leq(i, SECONDS(1) / 2 + 2);
		rounds(1);
		answers();
	}
}

Test(notify, what_is_not_taken_is_said_again_as_things_are_then)
{
	make(4 * S);
	fake_manager.answer = -EAGAIN;
	notify_ready(heal);
	for (unsigned i = 0; i < SECONDS(10); i++) {
		rounds(1);
		answers();
	}
	cr_assert_leq(fake_manager.n, 25, "now and then");
	store_relaxed(&pool->zombies_out, 1);
	for (unsigned i = 0; i < SECONDS(2); i++) {
		rounds(1);
		answers();
	}
	cr_assert_eq(office->teller.told_deaf, false);
	fake_manager.answer = 0;
	while (!rounds(1))
		answers();
	says("READY=1\nSTATUS=2 workers; fenced threads that are still out: 1\n");
	fake_manager.answer = -ECONNREFUSED;
	store_relaxed(&pool->zombies_out, 0);
	rounds(SECONDS(3));
	cr_assert_eq(office->teller.told_deaf, true);
}

/* At its end, and again with its memory, which a lost thread may keep for long. */
Test(notify, a_claim_is_given_back_once)
{
	static struct heal other, third;

	make(0);
	notify_unclaim(heal);
	cr_assert_eq(notify_claim(&other, audit), 0);
	notify_unclaim(heal);
	cr_assert_eq(notify_claim(&third, audit), -EALREADY);
	notify_unclaim(&other);
	cr_assert_eq(notify_claim(&third, audit), 0);
	notify_unclaim(&third);
}

static void stops(void)
{
	notify_stopping(heal);
	says("STOPPING=1\nSTATUS=stopping");
}

static void stops_and_goes(void)
{
	stops();
	notify_unclaim(heal);
}

/* Its sender was held, and it comes after STOPPING=1. */
Test(notify, a_late_word_is_not_the_last)
{
	make(0);
	notify_ready(heal);
	rounds(1);
	fake_manager.meanwhile = stops;
	cr_assert_eq(rounds(1), 3, "STOPPING, the late STATUS, STOPPING");
	says("STOPPING=1\nSTATUS=stopping");
	store_relaxed(&pool->degraded, 1);
	cr_assert_eq(rounds(SECONDS(10)), 0);
}

static void stops_unready(void)
{
	notify_stopping(heal);
	cr_assert_eq(fake_manager.n, 0, "it was not told that it is ready");
}

Test(notify, late_to_say_ready)
{
	make(4 * S);
	fake_manager.meanwhile = stops_unready;
	notify_ready(heal);
	says("STOPPING=1\nSTATUS=stopping");
	cr_assert_eq(rounds(SECONDS(10)), 0);
}

/* Not even by STOPPING=1: another pool speaks by then. */
Test(notify, a_word_after_destroy_is_left_alone)
{
	make(0);
	notify_ready(heal);
	rounds(1);
	fake_manager.meanwhile = stops_and_goes;
	cr_assert_eq(rounds(1), 2);
	says("STATUS=2 workers, all well\n");
	cr_assert_eq(rounds(SECONDS(10)), 0);
}

Test(notify, starved_or_over)
{
	make(4 * S);
	notify_ready(heal);
	rounds(1);
	answers();
	rounds(1);
	notify_starve(heal);
	cr_assert_eq(rounds(SECONDS(20)), 1);
	says("STATUS=2 workers; the root steward gave up\n");
	cr_assert(!answers());
	notify_stopping(heal);
	says("STOPPING=1\nSTATUS=stopping");
	notify_stopping(heal);
	store_relaxed(&pool->degraded, 1);
	cr_assert_eq(rounds(SECONDS(20)), 0);
	cr_assert_eq(notify_round(office, fake.now), HOST_FOREVER);
}
