/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait for their time, without a thread and without a clock: time is
 * what later_due() is told.
 */
#include "fake_host.h"
#include "work/book.h"
#include "work/later.h"
#include "work/pool.h"
#include <criterion/criterion.h>
#include <ward/pool.h>

enum { TASKS = 64 };

static struct inbox inbox;
static struct hand hand;
static struct later later;
static struct ward_task task[TASKS];

static void setup(void)
{
	memset(&later, 0, sizeof(later));
	memset(task, 0, sizeof(task));
	cr_assert_eq(inbox_init(&inbox, 1, 4, 1, 1, NULL, NULL), 0);
	hand_init(&hand, 0);
}

static void teardown(void)
{
	inbox_fini(&inbox);
}

TestSuite(later, .init = setup, .fini = teardown);

static void put(int i, uint64_t at)
{
	book_open(book_of(&task[i]));
	later_put(&later, &inbox, &task[i], at);
}

static uint64_t waiting(void)
{
	return load_relaxed(&later.waiting);
}

static uint64_t owed(void)
{
	return load_relaxed(&inbox.owed_in) - load_relaxed(&inbox.owed_out);
}

/* The task that a worker would take now; -1: none. */
static int taken(void)
{
	struct ward_task *t = inbox_take(&inbox, &hand);

	return t ? (int)(t - task) : -1;
}

Test(later, nothing_is_due_never)
{
	cr_assert_eq(later_due(&later, &inbox, 0), HOST_FOREVER);
	cr_assert_eq(later_due(&later, &inbox, HOST_FOREVER), HOST_FOREVER);
	cr_assert_eq(taken(), -1);
}

Test(later, not_before_its_time)
{
	put(3, 100);
	cr_assert_eq(waiting(), 1);
	cr_assert_eq(owed(), 1, "it is owed while it waits");
	cr_assert_eq(taken(), -1);
	cr_assert_eq(later_due(&later, &inbox, 0), 100);
	cr_assert_eq(later_due(&later, &inbox, 99), 100);
	cr_assert_eq(taken(), -1);
	cr_assert_eq(waiting(), 1);
	cr_assert_eq(later_due(&later, &inbox, 100), HOST_FOREVER);
	cr_assert_eq(waiting(), 0);
	cr_assert_eq(owed(), 1, "and until it is taken");
	cr_assert_eq(taken(), 3);
	cr_assert_eq(owed(), 0);
	cr_assert_eq(taken(), -1);
}

Test(later, the_next_one_is_told)
{
	put(0, 300);
	put(1, 100);
	put(2, 200);
	cr_assert_eq(later_due(&later, &inbox, 1), 100);
	put(4, 50);
	cr_assert_eq(later_due(&later, &inbox, 1), 50);
	cr_assert_eq(later_due(&later, &inbox, 150), 200);
	cr_assert_eq(waiting(), 2);
	cr_assert_eq(later_due(&later, &inbox, 1000), HOST_FOREVER);
	cr_assert_eq(owed(), 4);
}

/* As destroy does it. */
Test(later, all_are_due_in_the_end)
{
	bool seen[TASKS] = { false };

	for (int i = 0; i < TASKS; i++)
		put(i, i % 2 ? HOST_FOREVER - 1 : (uint64_t)i);
	cr_assert_eq(later_due(&later, &inbox, HOST_FOREVER), HOST_FOREVER);
	cr_assert_eq(waiting(), 0);
	for (int i = 0, t; (t = taken()) >= 0; i++) {
		cr_assert_not(seen[t]);
		seen[t] = true;
	}
	for (int i = 0; i < TASKS; i++)
		cr_assert(seen[i]);
	cr_assert_eq(owed(), 0);
}

/* What was handed on may come again, from its very place. */
Test(later, again_and_again)
{
	for (uint64_t now = 0; now < 1000; now += 10) {
		put(5, now + 7);
		put(6, now + 3);
		cr_assert_eq(later_due(&later, &inbox, now), now + 3);
		cr_assert_eq(later_due(&later, &inbox, now + 3), now + 7);
		cr_assert_eq(taken(), 6);
		cr_assert_eq(later_due(&later, &inbox, now + 9), HOST_FOREVER);
		cr_assert_eq(taken(), 5);
		cr_assert_eq(taken(), -1);
	}
	cr_assert_eq(owed(), 0);
}

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* Each comes at the first look at or after its time, once. */
Test(later, at_random)
{
	static uint64_t at[TASKS]; /* 0: not waiting */
	uint64_t now = 1;

	for (int step = 0; step < 20000; step++) {
		uint64_t first = HOST_FOREVER, n = 0;
		int i = (int)draw(TASKS), t;

		if (!at[i]) {
			at[i] = now + draw(200);
			put(i, at[i]);
		}
		now += draw(20);
		for (i = 0; i < TASKS; i++) {
			if (!at[i])
				continue;
			n++;
			if (at[i] > now && at[i] < first)
				first = at[i];
		}
		cr_assert_eq(later_due(&later, &inbox, now), first);
		while ((t = taken()) >= 0) {
			cr_assert(at[t] && at[t] <= now);
			at[t] = 0;
			n--;
		}
		cr_assert_eq(waiting(), n);
		cr_assert_eq(owed(), n);
	}
}

/* ---- how long: lost.c's backoff -------------------------------------- */

static struct pool *pool;
static struct ward_policy pools = { .size = sizeof(pools) };
static struct ward_policy own = { .size = sizeof(own) };

static void with_pool(uint64_t min, uint64_t max)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	fake = (struct fake){ .now = 1000000 };
	pools = (struct ward_policy){ .size = sizeof(pools),
				      .runs = 60000,
				      .errors = 60000,
				      .backoff_min = min,
				      .backoff_max = max };
	config.policy = &pools;
	config.workers = 1;
	cr_assert_eq(pool_new(&pool, &config), 0);
}

static void without_pool(void)
{
	pool_put(pool);
}

static void opened(void)
{
	task[0] = (struct ward_task){ .policy = own.runs ? &own : NULL };
	book_open(book_of(&task[0]));
}

/* The task's attempt fails: how long the next one waits; it begins. */
static uint64_t fails(void)
{
	struct book *book = book_of(&task[0]);
	struct ward_task *again;
	struct hand none;
	uint64_t wait = 0;

	cr_assert(lost_again(pool, &pool->slot[0], &task[0], -EIO, 1));
	cr_assert_eq(book_state(load_relaxed(&book->word)), BOOK_RERUN);
	if (load_relaxed(&pool->later.waiting)) {
		cr_assert_geq(book->wait.at, fake.now);
		wait = book->wait.at - fake.now;
		later_due(&pool->later, &pool->inbox, HOST_FOREVER);
	}
	hand_init(&none, 0);
	again = inbox_take(&pool->inbox, &none);
	cr_assert_eq(again, &task[0]);
	store_relaxed(&book->word, book_with_state(load_relaxed(&book->word),
						   BOOK_QUEUED));
	return wait;
}

/* Of many tasks that fail n times: the n-th wait is even in [0, most]. */
static void is_even(int n, uint64_t most)
{
	enum { TIMES = 400 };
	uint64_t low = UINT64_MAX, high = 0, sum = 0;

	for (int i = 0; i < TIMES; i++) {
		uint64_t wait = 0;

		opened();
		for (int k = 0; k < n; k++)
			wait = fails();
		low = wait < low ? wait : low;
		high = wait > high ? wait : high;
		sum += wait / TIMES;
	}
	cr_assert_leq(high, most, "wait %d: %lu of %lu", n, high, most);
	cr_assert_geq(high, most - most / 20, "wait %d: %lu", n, high);
	cr_assert_leq(low, most / 20);
	cr_assert(sum > most / 5 * 2 && sum < most / 5 * 3);
}

Test(backoff, the_jitter_is_full_and_doubles)
{
	with_pool(1000000, 0);
	for (int n = 1; n <= 12; n++)
		is_even(n, n < 11 ? UINT64_C(1000000) << (n - 1) :
				    UINT64_C(1000000000));
	without_pool();
}

Test(backoff, it_grows_no_more_at_its_most)
{
	with_pool(1000000, 5000000);
	is_even(1, 1000000);
	is_even(3, 4000000);
	is_even(4, 5000000);
	is_even(40, 5000000);
	without_pool();
	with_pool(7000, 7000);
	is_even(1, 7000);
	is_even(5, 7000);
	without_pool();
}

Test(backoff, a_tasks_own_is_before_the_pools)
{
	with_pool(1000000, 5000000);
	own = pools;
	own.backoff_min = 30000;
	own.backoff_max = 90000;
	is_even(2, 60000);
	is_even(3, 90000);
	own.backoff_min = 0; /* the pool's 1 ms, and no more than its own most */
	is_even(1, 90000);
	own.backoff_max = 0;
	is_even(9, 5000000);
	own.runs = 0;
	without_pool();
}

Test(backoff, no_least_is_no_wait)
{
	with_pool(0, 5000000);
	opened();
	for (int i = 0; i < 100; i++)
		cr_assert_eq(fails(), 0);
	cr_assert_eq(load_relaxed(&pool->steward_word), 0, "nobody is rung");
	without_pool();
}

/* Times beyond all time come out before its end. */
Test(backoff, nothing_overflows)
{
	static const uint64_t least[] = { UINT64_MAX, UINT64_MAX / 2 + 1,
					  UINT64_MAX / 1000, UINT64_MAX / 999,
					  (uint64_t)1 << 62 };

	for (int i = 0; i < 5; i++) {
		with_pool(least[i], 0);
		for (int k = 0; k < 50; k++) {
			opened();
			for (int n = 0; n < 70; n++) {
				fails();
				cr_assert_lt(book_of(&task[0])->wait.at,
					     HOST_FOREVER);
			}
		}
		without_pool();
	}
}

/* The steward is rung for each, and knows of it. */
Test(backoff, the_steward_is_told)
{
	with_pool(1000000, 0);
	opened();
	cr_assert(lost_again(pool, &pool->slot[0], &task[0], -EIO, 1));
	cr_assert_eq(load_relaxed(&pool->steward_word), 1);
	cr_assert_eq(later_due(&pool->later, &pool->inbox, 0),
		     book_of(&task[0])->wait.at);
	later_due(&pool->later, &pool->inbox, HOST_FOREVER);
	without_pool();
}
