/* SPDX-License-Identifier: BSD-2-Clause */
#include "heal/ledger.h"
#include <criterion/criterion.h>
#include <string.h>

/* ---- a look at a thread, spelt out ----------------------------------- */

static struct host_sample sample(uint64_t cpu, uint64_t delay, uint64_t slices,
				 char state)
{
	return (struct host_sample){ .cpu_known = true,
				     .state_known = state != 0,
				     .switches_known = slices > 0,
				     .cpu = cpu,
				     .run_delay = delay,
				     .slices = slices,
				     .state = state };
}

static struct ward_ledger booked(uint64_t span, uint64_t late,
				 struct host_sample before,
				 struct host_sample now)
{
	struct ward_ledger ledger = { 0 };
	uint64_t doubt = 0;

	ledger_book(&ledger, &doubt, span, late, &before, &now);
	cr_assert_leq(doubt, ledger.starved);
	cr_assert(ledger_adds_up(&ledger));
	cr_assert_eq(ledger.silence, span);
	return ledger;
}

static void is(struct ward_ledger ledger, uint64_t busy, uint64_t blocked,
	       uint64_t starved, uint64_t stopped, uint64_t blind)
{
	cr_assert_eq(ledger.busy, busy, "busy %lu", ledger.busy);
	cr_assert_eq(ledger.blocked, blocked, "blocked %lu", ledger.blocked);
	cr_assert_eq(ledger.starved, starved, "starved %lu", ledger.starved);
	cr_assert_eq(ledger.stopped, stopped, "stopped %lu", ledger.stopped);
	cr_assert_eq(ledger.blind, blind, "blind %lu", ledger.blind);
}

/* ---- one account at a time ------------------------------------------- */

Test(ledger, what_moved_the_cpu_clock_is_busy)
{
	is(booked(100, 0, sample(5, 7, 3, 'R'), sample(105, 7, 3, 'R')), 100, 0,
	   0, 0, 0);
}

Test(ledger, a_sleeper_is_blocked_in_every_kind_of_sleep)
{
	static const char asleep[] = "SDIZXWP";

	for (const char *s = asleep; *s; s++)
		is(booked(100, 0, sample(5, 7, 3, *s), sample(5, 7, 3, *s)), 0,
		   100, 0, 0, 0);
}

Test(ledger, a_wait_for_a_cpu_is_starved_once_the_kernel_books_it)
{
	is(booked(100, 0, sample(5, 7, 3, 'R'), sample(25, 87, 4, 'R')), 20, 0,
	   80, 0, 0);
}

Test(ledger, a_wait_that_goes_on_is_starved_too)
{
	is(booked(100, 0, sample(5, 7, 3, 'R'), sample(25, 7, 3, 'R')), 20, 0,
	   80, 0, 0);
}

Test(ledger, a_stopped_thread_is_stopped)
{
	is(booked(100, 0, sample(5, 7, 3, 'R'), sample(15, 7, 3, 'T')), 10, 0,
	   0, 90, 0);
	is(booked(100, 0, sample(5, 7, 3, 'S'), sample(5, 17, 4, 't')), 0, 0,
	   10, 90, 0);
}

/* Time that the kernel does not count may have been a wait as well as sleep. */
Test(ledger, without_counts_sleep_is_what_has_not_run)
{
	is(booked(100, 0, sample(5, 0, 0, 'R'), sample(5, 0, 0, 'S')), 0, 100,
	   0, 0, 0);
	is(booked(100, 0, sample(5, 0, 0, 'S'), sample(15, 0, 0, 'S')), 10, 0,
	   0, 0, 90);
	is(booked(100, 0, sample(5, 0, 0, 'S'), sample(15, 0, 0, 'R')), 10, 0,
	   90, 0, 0);
	is(booked(100, 0, sample(5, 7, 3, 'S'), sample(15, 0, 0, 'S')), 10, 0,
	   0, 0, 90);
}

Test(ledger, without_counts_nothing_comes_out_of_doubt)
{
	struct host_sample a = sample(5, 0, 0, 'S'), b = sample(15, 0, 0, 'R'),
			 c = sample(15, 0, 0, 'S');
	struct ward_ledger ledger = { 0 };
	uint64_t doubt = 0;

	ledger_book(&ledger, &doubt, 100, 0, &a, &b);
	ledger_book(&ledger, &doubt, 100, 0, &b, &c);
	is(ledger, 10, 100, 90, 0, 0);
}

Test(ledger, what_the_steward_overslept_is_blind)
{
	is(booked(100, 60, sample(5, 7, 3, 'S'), sample(5, 7, 3, 'S')), 0, 40,
	   0, 0, 60);
	is(booked(100, 1000, sample(5, 7, 3, 'S'), sample(5, 7, 3, 'S')), 0, 0,
	   0, 0, 100);
}

Test(ledger, lateness_hides_no_cpu_time)
{
	is(booked(100, 60, sample(5, 7, 3, 'R'), sample(105, 7, 3, 'R')), 100,
	   0, 0, 0, 0);
}

Test(ledger, without_a_first_look_all_is_blind)
{
	struct ward_ledger ledger = { 0 };
	struct host_sample now = sample(50, 7, 3, 'R');
	uint64_t doubt = 0;

	ledger_book(&ledger, &doubt, 100, 0, NULL, &now);
	cr_assert_eq(doubt, 0);
	is(ledger, 0, 0, 0, 0, 100);
	cr_assert(ledger_adds_up(&ledger));
}

Test(ledger, without_a_clock_on_either_side_all_is_blind)
{
	struct host_sample known = sample(50, 7, 3, 'S'), none;

	memset(&none, 0, sizeof(none));
	is(booked(100, 0, none, known), 0, 0, 0, 0, 100);
	is(booked(100, 0, known, none), 0, 0, 0, 0, 100);
}

Test(ledger, without_a_state_the_rest_is_blind)
{
	is(booked(100, 0, sample(5, 7, 3, 0), sample(35, 7, 3, 0)), 30, 0, 0, 0,
	   70);
}

Test(ledger, counters_that_go_back_are_not_believed)
{
	is(booked(100, 0, sample(500, 700, 3, 'S'), sample(5, 7, 3, 'S')), 0,
	   100, 0, 0, 0);
}

/* The numbers are read one after the other. */
Test(ledger, more_than_the_span_is_cut_off)
{
	is(booked(100, 50, sample(0, 0, 3, 'R'), sample(90, 40, 5, 'R')), 90, 0,
	   10, 0, 0);
	is(booked(100, 50, sample(0, 0, 3, 'R'), sample(190, 40, 5, 'S')), 100,
	   0, 0, 0, 0);
}

Test(ledger, no_time_is_nothing)
{
	is(booked(0, 50, sample(0, 0, 3, 'R'), sample(90, 40, 5, 'S')), 0, 0, 0,
	   0, 0);
}

Test(ledger, spans_are_added)
{
	struct ward_ledger ledger = { 0 };
	struct host_sample a = sample(0, 0, 1, 'R'), b = sample(60, 40, 1, 'R'),
			 c = sample(60, 40, 1, 'S'), d = sample(60, 40, 1, 'T');
	uint64_t doubt = 0;

	ledger_book(&ledger, &doubt, 100, 0, &a, &b);
	ledger_book(&ledger, &doubt, 200, 20, &b, &c);
	ledger_book(&ledger, &doubt, 300, 0, &c, &d);
	is(ledger, 60, 180, 40, 300, 20);
	cr_assert_eq(ledger.silence, 600);
	cr_assert(ledger_adds_up(&ledger));
}

/* ---- in doubt -------------------------------------------------------- */

struct story {
	struct ward_ledger ledger;
	uint64_t doubt;
	struct host_sample last;
};

static void goes_on(struct story *story, uint64_t span, struct host_sample now)
{
	ledger_book(&story->ledger, &story->doubt, span, 0, &story->last, &now);
	cr_assert(ledger_adds_up(&story->ledger));
	story->last = now;
}

Test(ledger, a_wait_that_goes_on_is_starved_when_it_has_ended)
{
	struct story it = { .last = sample(0, 0, 1, 'R') };

	goes_on(&it, 100, sample(10, 0, 1, 'R'));
	is(it.ledger, 10, 0, 90, 0, 0);
	cr_assert_eq(it.doubt, 90);
	goes_on(&it, 100, sample(10, 0, 1, 'R'));
	is(it.ledger, 10, 0, 190, 0, 0);
	cr_assert_eq(it.doubt, 190);
	/* 50 more, then it sleeps */
	goes_on(&it, 100, sample(10, 240, 2, 'S'));
	is(it.ledger, 10, 50, 240, 0, 0);
	cr_assert_eq(it.doubt, 0);
}

/* The thread got a CPU meanwhile, so it need not be the same wait; but it may be. */
Test(ledger, a_ready_thread_is_not_blocked)
{
	struct story it = { .last = sample(0, 0, 1, 'R') };

	goes_on(&it, 100, sample(10, 20, 7, 'R'));
	is(it.ledger, 10, 0, 90, 0, 0);
	cr_assert_eq(it.doubt, 70);
	goes_on(&it, 100, sample(20, 180, 8, 'R'));
	is(it.ledger, 20, 0, 180, 0, 0);
	cr_assert_eq(it.doubt, 0);
}

Test(ledger, sleep_before_a_ready_look_is_blocked_in_the_end)
{
	struct story it = { .last = sample(0, 0, 1, 'S') };

	goes_on(&it, 100, sample(1, 0, 9, 'R'));
	is(it.ledger, 1, 0, 99, 0, 0);
	goes_on(&it, 100, sample(2, 3, 19, 'S'));
	is(it.ledger, 2, 195, 3, 0, 0);
	goes_on(&it, 100, sample(2, 3, 19, 'S'));
	is(it.ledger, 2, 295, 3, 0, 0);
}

Test(ledger, doubt_goes_where_the_next_look_is_blind_or_sees_a_stop)
{
	struct story it = { .last = sample(0, 0, 1, 'S') };

	goes_on(&it, 100, sample(0, 0, 2, 'R'));
	goes_on(&it, 100, sample(0, 0, 2, 'T'));
	is(it.ledger, 0, 0, 0, 200, 0);
	goes_on(&it, 100, sample(0, 0, 3, 'R'));
	it.last.cpu_known = false;
	goes_on(&it, 100, sample(0, 0, 3, 'S'));
	is(it.ledger, 0, 0, 0, 200, 200);
	cr_assert_eq(it.doubt, 0);
}

Test(ledger, a_missing_nanosecond_is_noticed)
{
	struct ward_ledger ledger = { .silence = 5,
				      .busy = 1,
				      .blocked = 1,
				      .starved = 1,
				      .stopped = 1,
				      .blind = 1 };

	cr_assert(ledger_adds_up(&ledger));
	ledger.silence = 6;
	cr_assert_not(ledger_adds_up(&ledger));
	ledger.silence = 4;
	cr_assert_not(ledger_adds_up(&ledger));
}

/* ---- A8, whatever the numbers ---------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Small, large, and next to where a counter wraps. */
static uint64_t any(void)
{
	uint64_t r = draw();

	switch (draw() % 4) {
	case 0:
		return r % 4;
	case 1:
		return r % 1000000000;
	case 2:
		return r >> 1;
	default:
		return UINT64_MAX - r % 4;
	}
}

static struct host_sample any_look(void)
{
	static const char state[] = { 'R', 'S', 'D', 'T', 't', 'Z', 'I', 0 };
	struct host_sample it = sample(any(), any(), any(), state[draw() % 8]);

	it.cpu_known = draw() % 8 != 0;
	return it;
}

Test(ledger, adds_up_for_any_numbers)
{
	for (unsigned i = 0; i < 100000; i++) {
		struct ward_ledger ledger = { 0 };
		struct host_sample before = any_look();
		uint64_t doubt = 0;

		for (unsigned k = 0; k < 8; k++) {
			struct host_sample now = any_look();
			uint64_t span = any() >> 4; /* eight of them fit */

			ledger_book(&ledger, &doubt, span, any(),
				    draw() % 16 ? &before : NULL, &now);
			cr_assert(ledger_adds_up(&ledger), "sequence %u", i);
			cr_assert_leq(doubt, ledger.starved);
			before = now;
		}
	}
}
