/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/bell.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <pthread.h>

enum { SLEEPERS = 4 };

static struct bell bell;
static struct bell_sleeper sleeper[SLEEPERS];
static _Atomic uint32_t work;  /* is anything to be seen? */
static _Atomic uint32_t looks; /* how often it was asked */
static _Atomic uint32_t woken;

static bool anything(void *arg)
{
	cr_assert_eq(arg, &work);
	add_relaxed(&looks, 1);
	return load_acquire(&work) != 0;
}

static void woke(void *arg)
{
	cr_assert_eq(arg, &work);
	add_relaxed(&woken, 1);
}

static void setup(void)
{
	host_init();
	bell_init(&bell, sleeper, SLEEPERS, 1, anything, woke, &work);
}

TestSuite(bell, .init = setup);

static uint32_t top(void)
{
	return BELL_TOP(load_acquire(&bell.word));
}

static uint32_t searching(void)
{
	return BELL_SEARCH(load_acquire(&bell.word));
}

static uint32_t waking(void)
{
	return BELL_WAKING(load_acquire(&bell.word));
}

/* ---- a thread that parks --------------------------------------------- */

struct parker {
	pthread_t thread;
	uint32_t i;
	_Atomic int32_t tid;
	_Atomic uint32_t back; /* 1: it searches; 2: closed */
};

static void *parks(void *arg)
{
	struct parker *me = arg;

	store_release(&me->tid, host_tid());
	store_release(&me->back, bell_park(&bell, me->i, false) ? 1 : 2);
	return NULL;
}

/* Returns when it sleeps on top of the stack. */
static void park(struct parker *p, uint32_t i)
{
	*p = (struct parker){ .i = i };
	cr_assert_eq(pthread_create(&p->thread, NULL, parks, p), 0);
	cr_assert(comes_true(load_acquire(&p->tid) &&
			     sleeps_in_futex(load_acquire(&p->tid))));
	cr_assert_eq(top(), i + 1);
	cr_assert_eq(load_relaxed(&sleeper[i].parked), 1);
}

static uint32_t joined(struct parker *p)
{
	pthread_join(p->thread, NULL);
	return load_acquire(&p->back);
}

static bool sleeps_on(struct parker *p)
{
	return load_acquire(&p->back) == 0 &&
	       sleeps_in_futex(load_acquire(&p->tid));
}

/* ---- searching ------------------------------------------------------- */

Test(bell, begins_quiet_and_still)
{
	cr_assert(bell_quiet(&bell));
	cr_assert(bell_still(&bell));
	cr_assert_eq(load_relaxed(&bell.word), 0);
}

Test(bell, so_many_search_and_no_more)
{
	bell_init(&bell, sleeper, SLEEPERS, 2, anything, NULL, &work);
	cr_assert(bell_search(&bell));
	cr_assert(bell_search(&bell));
	cr_assert_not(bell_search(&bell));
	cr_assert_eq(searching(), 2);
	cr_assert_not(bell_still(&bell));
	cr_assert(bell_quiet(&bell), "nobody sleeps");
	bell_found(&bell);
	cr_assert(bell_search(&bell));
	bell_found(&bell);
	bell_found(&bell);
	cr_assert(bell_still(&bell));
}

Test(bell, a_searcher_that_leaves_nobody_asleep_need_not_look_again)
{
	store_relaxed(&work, 1);
	cr_assert(bell_search(&bell));
	bell_found(&bell);
	cr_assert_eq(looks, 0);
}

Test(bell, the_last_searcher_looks_again_and_wakes_one_for_the_rest)
{
	struct parker one, two;

	park(&one, 0);
	park(&two, 1);
	cr_assert(bell_search(&bell));
	store_relaxed(&looks, 0);
	bell_found(&bell);
	cr_assert_eq(looks, 1);
	cr_assert(sleeps_on(&one) && sleeps_on(&two), "nothing was left");

	cr_assert(bell_search(&bell));
	store_release(&work, 1);
	bell_found(&bell);
	cr_assert_eq(joined(&two), 1, "the last that lay down");
	cr_assert(sleeps_on(&one));
	bell_close(&bell);
	joined(&one);
}

Test(bell, one_of_several_searchers_leaves_the_rest_to_the_others)
{
	struct parker one;

	bell.searchers = 2;
	park(&one, 0);
	cr_assert(bell_search(&bell));
	cr_assert(bell_search(&bell));
	store_release(&work, 1);
	store_relaxed(&looks, 0);
	bell_found(&bell);
	cr_assert_eq(looks, 0);
	cr_assert(sleeps_on(&one));
	bell_found(&bell);
	cr_assert_eq(joined(&one), 1);
}

/* ---- ringing --------------------------------------------------------- */

Test(bell, wakes_one_the_last_that_lay_down)
{
	struct parker p[3];

	for (uint32_t i = 0; i < 3; i++)
		park(&p[i], i);
	cr_assert_not(bell_quiet(&bell));
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(joined(&p[2]), 1);
	cr_assert_eq(searching(), 1, "who was woken searches");
	cr_assert_eq(waking(), 0);
	cr_assert_eq(top(), 2);
	cr_assert_eq(woken, 2, "told by its waker and by itself");
	cr_assert_eq(load_relaxed(&sleeper[2].parked), 0);
	bell_found(&bell);
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(joined(&p[1]), 1);
	bell_found(&bell);
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(joined(&p[0]), 1);
	cr_assert_eq(top(), 0);
	cr_assert_eq(woken, 6);
}

Test(bell, wakes_nobody_while_somebody_searches)
{
	struct parker one;

	park(&one, 0);
	cr_assert(bell_search(&bell));
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(woken, 0);
	cr_assert_eq(top(), 1);
	bell_found(&bell);
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(joined(&one), 1);
}

Test(bell, ringing_where_nobody_sleeps_is_nothing)
{
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(load_relaxed(&bell.word), 0);
	cr_assert_eq(woken, 0);
}

/* A sleeper taken off by a waker that was stopped before its futex call. */
static void waker_was_stopped(uint32_t i)
{
	uint64_t seen = load_acquire(&bell.word), to;

	cr_assert_eq(BELL_TOP(seen), i + 1);
	to = (seen & ~(uint64_t)BELL_FIELD) | load_relaxed(&sleeper[i].next);
	to |= (uint64_t)(i + 1) << BELL_WAKING_SHIFT;
	to += (uint64_t)1 << BELL_TAG_SHIFT;
	cr_assert(cas_acq_rel(&bell.word, &seen, to));
}

Test(bell, who_meets_a_token_repeats_the_call_once)
{
	_Atomic uint32_t rung = 0;
	struct parker one;
	uint64_t word;

	park(&one, 0);
	waker_was_stopped(0);
	cr_assert(sleeps_on(&one));
	cr_assert_not(bell_quiet(&bell));
	cr_assert_not(bell_still(&bell));
	word = load_acquire(&bell.word);
	bell_ring_asleep(&bell, &rung);
	cr_assert_eq(joined(&one), 1);
	cr_assert_eq(load_relaxed(&rung), BELL_TAG(word), "noted as repeated");
	cr_assert_eq(woken, 1, "told by itself, as its waker was stopped");
}

Test(bell, a_repeated_call_is_not_repeated_by_the_same_again)
{
	_Atomic uint32_t rung;
	struct parker one;

	park(&one, 0);
	waker_was_stopped(0);
	store_relaxed(&rung, BELL_TAG(load_acquire(&bell.word)));
	bell_ring_asleep(&bell, &rung);
	cr_assert_eq(load_relaxed(&sleeper[0].rung), 0);
	cr_assert(sleeps_on(&one));
	bell_ring_asleep(&bell, NULL); /* another publisher does */
	cr_assert_eq(joined(&one), 1);
}

/* ---- the rush -------------------------------------------------------- */

static bool rush(void)
{
	return BELL_RUSH(load_acquire(&bell.word));
}

/* Fences beside a searcher until there is a rush. */
static void hurry(_Atomic uint32_t *rung)
{
	for (uint32_t i = 1; i < BELL_RUSH_AFTER; i++) {
		bell_ring_asleep(&bell, rung);
		cr_assert_not(rush(), "after %u", i);
		cr_assert_not(bell_quiet(&bell));
	}
	bell_ring_asleep(&bell, rung);
	cr_assert(rush());
}

Test(bell, who_fences_often_beside_a_searcher_proclaims_a_rush)
{
	_Atomic uint32_t rung = 0;
	struct parker one;

	park(&one, 0);
	cr_assert(bell_search(&bell));
	hurry(&rung);
	cr_assert(bell_quiet(&bell), "nobody need be told");
	cr_assert_eq(woken, 0);
	store_relaxed(&looks, 0);
	bell_found(&bell);
	cr_assert_not(rush(), "over with the first that leaves");
	cr_assert_eq(looks, 1);
	cr_assert_not(bell_quiet(&bell));
	cr_assert(sleeps_on(&one), "nothing was left");
	bell_close(&bell);
	joined(&one);
}

Test(bell, who_keeps_no_note_proclaims_none)
{
	struct parker one;

	park(&one, 0);
	cr_assert(bell_search(&bell));
	for (uint32_t i = 0; i < 3 * BELL_RUSH_AFTER; i++)
		bell_ring_asleep(&bell, NULL);
	cr_assert_not(rush());
	bell_found(&bell);
	bell_close(&bell);
	joined(&one);
}

/* In a rush each that leaves looks, also beside others that go on. */
Test(bell, who_leaves_in_a_rush_wakes_one_for_what_is_left)
{
	_Atomic uint32_t rung = 0;
	struct parker one;

	bell.searchers = 2;
	park(&one, 0);
	cr_assert(bell_search(&bell));
	cr_assert(bell_search(&bell));
	hurry(&rung);
	store_release(&work, 1);
	store_relaxed(&looks, 0);
	bell_found(&bell);
	cr_assert_eq(looks, 1);
	cr_assert_not(rush());
	cr_assert(sleeps_on(&one), "another still searches");
	bell_found(&bell);
	cr_assert_eq(joined(&one), 1);
}

Test(bell, a_searcher_that_parks_ends_the_rush)
{
	_Atomic uint32_t rung = 0;
	struct parker one;

	park(&one, 0);
	cr_assert(bell_search(&bell));
	hurry(&rung);
	store_release(&work, 1);
	cr_assert(bell_park(&bell, 1, true));
	cr_assert_not(rush());
	cr_assert_eq(searching(), 1);
	bell_close(&bell);
	joined(&one);
}

/* ---- parking --------------------------------------------------------- */

Test(bell, who_sees_work_at_its_last_look_does_not_sleep)
{
	store_relaxed(&work, 1);
	cr_assert(bell_park(&bell, 2, false));
	cr_assert_eq(looks, 1);
	cr_assert_eq(searching(), 1);
	cr_assert_eq(top(), 0);
	cr_assert_eq(load_relaxed(&sleeper[2].parked), 0);
}

Test(bell, a_searcher_that_parks_searches_no_more_until_it_is_back)
{
	cr_assert(bell_search(&bell));
	store_relaxed(&work, 1);
	cr_assert(bell_park(&bell, 0, true));
	cr_assert_eq(searching(), 1);
	bell_found(&bell);
	cr_assert(bell_still(&bell));
}

/* The wakeup is work for one of the sleepers below, too: the newest goes. */
Test(bell, a_wakeup_without_a_call_is_slept_through)
{
	struct parker one;

	park(&one, 0);
	host_wake(&sleeper[0].rung, 1);
	cr_assert(sleeps_on(&one) || comes_true(sleeps_on(&one)));
	cr_assert_eq(top(), 1);
	bell_ring_asleep(&bell, NULL);
	cr_assert_eq(joined(&one), 1);
}

/* ---- the end --------------------------------------------------------- */

Test(bell, closing_wakes_all)
{
	struct parker p[3];

	for (uint32_t i = 0; i < 3; i++)
		park(&p[i], i);
	bell_close(&bell);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(joined(&p[i]), 2);
	cr_assert_not(bell_park(&bell, 3, false), "and for good");
}

Test(bell, closed_with_the_token_in_hand_it_searches_first)
{
	struct parker one;

	park(&one, 0);
	waker_was_stopped(0);
	bell_close(&bell);
	cr_assert_eq(joined(&one), 1);
	bell_found(&bell);
	cr_assert_not(bell_park(&bell, 0, false));
}

/* ---- rescue ---------------------------------------------------------- */

Test(bell, a_rescue_wakes_the_next_sleeper)
{
	struct parker one;

	cr_assert_not(bell_rescue(&bell), "nobody to wake");
	park(&one, 0);
	cr_assert(bell_rescue(&bell));
	cr_assert_eq(joined(&one), 1);
	cr_assert_eq(searching(), 1);
}

Test(bell, who_held_the_token_searches_too_when_it_comes_to_itself)
{
	struct parker one, two;

	bell.searchers = 2;
	park(&one, 0);
	park(&two, 1);
	waker_was_stopped(1);
	cr_assert(bell_rescue(&bell));
	cr_assert_eq(joined(&one), 1, "the next one has the token");
	cr_assert_eq(joined(&two), 1, "the first one was called as well");
	cr_assert_eq(searching(), 2);
	cr_assert_eq(load_relaxed(&sleeper[1].dropped), 0);
	bell_found(&bell);
	bell_found(&bell);
	cr_assert(bell_still(&bell));
}

Test(bell, the_only_sleeper_is_called_again)
{
	struct parker one;

	park(&one, 0);
	waker_was_stopped(0);
	cr_assert(bell_rescue(&bell), "though nobody sleeps below");
	cr_assert_eq(joined(&one), 1);
	cr_assert_eq(searching(), 1);
	cr_assert_not(bell_rescue(&bell));
}

/* ---- threads: no lost wakeup ----------------------------------------- */

enum { ITEMS = 30000 };

static _Atomic uint32_t got;

static void *consumer(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	bool searches = bell_search(&bell);

	for (;;) {
		uint32_t n = load_relaxed(&work);

		while (n && !cas_acq_rel(&work, &n, n - 1))
			;
		if (n) {
			add_acq_rel(&got, 1);
			if (searches)
				bell_found(&bell);
			searches = bell_search(&bell);
			continue;
		}
		searches = bell_park(&bell, i, searches);
		if (!searches)
			return NULL;
	}
}

/*
 * Each item is waited for before the next is put, so that a wakeup that was lost
 * is never made good by another.
 */
Test(bell, every_item_is_taken_without_another_ring)
{
	pthread_t thread[SLEEPERS];

	for (uintptr_t i = 0; i < SLEEPERS; i++)
		pthread_create(&thread[i], NULL, consumer, (void *)i);
	for (uint32_t n = 1; n <= ITEMS; n++) {
		add_acq_rel(&work, 1);
		host_barrier_light();
		if (!bell_quiet(&bell))
			bell_ring_asleep(&bell, NULL);
		cr_assert(comes_true(load_acquire(&got) == n), "item %u", n);
	}
	bell_close(&bell);
	for (int i = 0; i < SLEEPERS; i++)
		pthread_join(thread[i], NULL);
}
