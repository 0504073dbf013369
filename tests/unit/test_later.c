/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait for their time, without a thread and without a clock: time is
 * what later_due() is told.
 */
#include "fake_host.h"
#include "front/front.h"
#include "task/task_priv.h"
#include "queue/later.h"
#include "lane/stop.h"
#include <criterion/criterion.h>
#include <ward/pool.h>

enum { TASKS = 64 };

static struct inbox inbox;
static struct pool stays; /* it does not stop, nor end */
static struct local_queue local;
static int rung; /* the steward was, so often */
static struct ward_task task[TASKS];

static void ring(void *arg)
{
	(void)arg;
	rung++;
}

static void setup(void)
{
	memset(task, 0, sizeof(task));
	cr_assert_eq(inbox_init(&inbox, 1, 4, 1, 1, NULL, NULL), 0);
	inbox.later.ring = ring;
	inbox.later.told_by = stop_by;
	inbox.later.tell_by = pool_tell_by;
	inbox.later.arg = &stays;
	rung = 0;
	local_init(&local, 0);
}

static void teardown(void)
{
	inbox_fini(&inbox);
}

TestSuite(later, .init = setup, .fini = teardown);

static void put(int i, uint64_t at)
{
	task_open(task_priv(&task[i]));
	due_grow(&inbox.later.due);
	later_put(&inbox, &task[i], at, true);
}

static uint64_t waiting(void)
{
	return load_relaxed(&inbox.later.waiting);
}

static uint64_t owed(void)
{
	return inbox_requeued_count(&inbox);
}

/* The task that a worker would take now; -1: none. */
static int taken(void)
{
	struct ward_task *t = inbox_take(&inbox, &local);

	return t ? (int)(t - task) : -1;
}

Test(later, nothing_is_due_never)
{
	cr_assert_eq(later_due(&inbox, 0), HOST_FOREVER);
	cr_assert_eq(later_due(&inbox, HOST_FOREVER), HOST_FOREVER);
	cr_assert_eq(taken(), -1);
}

/* Some are looked at, and found to be told nothing: they stand where they stood. */
Test(later, who_is_put_back_keeps_its_place)
{
	struct ward_cancel live = { { 0 } };
	struct later_place place;
	struct ward_task *t;

	for (int i = 0; i < 6; i++) {
		task_open(task_priv(&task[i]));
		task[i].cancel = i % 3 ? NULL : &live;
		later_return(&inbox, &task[i]);
	}
	later_look(&inbox, true);
	for (int i = 0; i < 6; i += 3) {
		t = later_take_until(&inbox, LATER_FIRST, &place);
		cr_assert_eq(t, &task[i]);
		later_put_back(&inbox, t, &place);
	}
	cr_assert_null(later_take_until(&inbox, LATER_FIRST, &place));
	for (int i = 0; i < 6; i++)
		cr_assert_eq(taken(), i);
}

/* A task that was to be answered first is not, and its private words are another's. */
Test(later, who_is_put_back_has_no_time_of_another)
{
	struct later_place place;
	struct ward_task *t;

	put(0, 1000);
	task_open(task_priv(&task[1]));
	task_priv(&task[1])->wait.at = HOST_FOREVER / 2;
	later_requeue_first(&inbox, &task[1]);
	t = later_take_until(&inbox, LATER_FIRST, &place);
	cr_assert_eq(t, &task[1]);
	later_put_back(&inbox, t, &place);
	cr_assert_eq(taken(), 1);
	cr_assert_eq(taken(), -1, "the other is not due");
}

Test(later, not_before_its_time)
{
	put(3, 100);
	cr_assert_eq(waiting(), 1);
	cr_assert_eq(owed(), 1, "it is owed while it waits");
	cr_assert_eq(taken(), -1);
	cr_assert_eq(later_due(&inbox, 0), 100);
	cr_assert_eq(later_due(&inbox, 99), 100);
	cr_assert_eq(taken(), -1);
	cr_assert_eq(waiting(), 1);
	cr_assert_eq(later_due(&inbox, 100), HOST_FOREVER);
	cr_assert_eq(owed(), 1, "and until it is taken");
	cr_assert_eq(taken(), 3);
	cr_assert_eq(waiting(), 0);
	cr_assert_eq(owed(), 0);
	cr_assert_eq(taken(), -1);
}

Test(later, the_next_one_is_told)
{
	put(0, 300);
	put(1, 100);
	put(2, 200);
	cr_assert_eq(later_due(&inbox, 1), 100);
	put(4, 50);
	cr_assert_eq(later_due(&inbox, 1), 50);
	cr_assert_eq(later_due(&inbox, 150), HOST_FOREVER);
	cr_assert_eq(taken(), 4);
	cr_assert_eq(taken(), 1);
	cr_assert_eq(rung, 4, "once for each that was put");
	cr_assert_eq(taken(), -1);
	cr_assert_eq(rung, 5, "the steward knows of nothing meanwhile");
	cr_assert_eq(later_due(&inbox, 150), 200);
	cr_assert_eq(waiting(), 2);
	cr_assert_eq(later_due(&inbox, 1000), HOST_FOREVER);
	cr_assert_eq(owed(), 2);
}

/* However they came, and whenever it is that a worker comes for them. */
Test(later, what_is_due_comes_in_the_order_of_its_time)
{
	static const uint64_t at[] = { 50, 20, 20, 70, 10, 20 };
	static const int order[] = { 4, 1, 2, 5, 0, 3 };

	for (int i = 0; i < 6; i++)
		put(i, at[i]);
	later_due(&inbox, 20);
	later_due(&inbox, 100);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(taken(), order[i]);
	cr_assert_eq(taken(), -1);
}

Test(later, who_is_cancelled_need_not_wait)
{
	put(1, 500);
	put(2, 600);
	task_priv(&task[1])->wait.where = task_priv(&task[2])->wait.where;
	later_expedite(&inbox, &task[1]);
	cr_assert_eq(taken(), -1, "that is another's place");
	later_expedite(&inbox, &task[2]);
	cr_assert_eq(taken(), 2, "without the steward");
	cr_assert_eq(taken(), -1);
	cr_assert_eq(later_due(&inbox, 0), 500);
}

/* Marked before it came: nobody hurries it any more. */
Test(later, who_was_cancelled_does_not_wait)
{
	task_open(task_priv(&task[0]));
	or_relaxed(&task_priv(&task[0])->word, TASK_CANCELLED);
	later_put(&inbox, &task[0], 500, true);
	cr_assert_eq(taken(), 0);
}

/* A caller that may not allocate, and finds no place. */
Test(later, there_is_always_room)
{
	static struct ward_task many[6000];
	uint64_t n = 0;

	memset(many, 0, sizeof(many));
	for (int i = 0; i < 6000; i++) {
		task_open(task_priv(&many[i]));
		later_put(&inbox, &many[i], 100 + (uint64_t)i, true);
	}
	cr_assert_eq(owed(), 6000);
	fake.now = 0;
	for (struct ward_task *t; (t = inbox_take(&inbox, &local));) {
		cr_assert(later_again(&inbox, t), "it was early");
		n++;
	}
	cr_assert(n > 0 && n < 6000);
	cr_assert_eq(owed(), 6000);
	later_due(&inbox, 100000);
	for (int i = 0; i < 6000; i++)
		cr_assert_eq(inbox_take(&inbox, &local), &many[i]);
	cr_assert_eq(owed(), 0);
}

/* As destroy does it. */
Test(later, all_are_due_in_the_end)
{
	bool seen[TASKS] = { false };

	for (int i = 0; i < TASKS; i++)
		put(i, i % 2 ? HOST_FOREVER - 1 : (uint64_t)i);
	later_open(&inbox);
	for (int i = 0, t; (t = taken()) >= 0; i++) {
		cr_assert_not(seen[t]);
		seen[t] = true;
	}
	for (int i = 0; i < TASKS; i++)
		cr_assert(seen[i]);
	cr_assert_eq(waiting(), 0);
	cr_assert_eq(owed(), 0);
}

/* A task that was handed on may come again, from its very place. */
Test(later, again_and_again)
{
	for (uint64_t now = 0; now < 1000; now += 10) {
		put(5, now + 7);
		put(6, now + 3);
		cr_assert_eq(later_due(&inbox, now), now + 3);
		cr_assert_eq(later_due(&inbox, now + 3), HOST_FOREVER);
		cr_assert_eq(taken(), 6);
		cr_assert_eq(taken(), -1);
		cr_assert_eq(later_due(&inbox, now + 3), now + 7);
		cr_assert_eq(later_due(&inbox, now + 9), HOST_FOREVER);
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
		later_due(&inbox, now);
		while ((t = taken()) >= 0) {
			cr_assert(at[t] && at[t] <= now);
			at[t] = 0;
			n--;
		}
		cr_assert_eq(waiting(), n);
		cr_assert_eq(owed(), n);
		cr_assert_eq(later_due(&inbox, now), first);
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
	task_open(task_priv(&task[0]));
}

/* The task's attempt fails: how long the next one waits; it begins. */
static uint64_t fails(void)
{
	struct task_priv *priv = task_priv(&task[0]);
	struct ward_task *again;
	struct local_queue none;
	uint64_t wait = 0;

	slot_begin(&pool->slot[0], &task[0], SLOT_RUN);
	cr_assert(lost_again(pool, &pool->slot[0], &task[0], -EIO, 1));
	cr_assert_eq(task_state(load_relaxed(&priv->word)), TASK_RERUN);
	if (load_relaxed(&pool->inbox.later.waiting)) {
		cr_assert_geq(priv->wait.at, fake.now);
		wait = priv->wait.at - fake.now;
		later_open(&pool->inbox);
	}
	local_init(&none, 0);
	again = inbox_take(&pool->inbox, &none);
	cr_assert_eq(again, &task[0]);
	store_relaxed(&priv->word, task_with_state(load_relaxed(&priv->word),
						   TASK_QUEUED));
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
				cr_assert_lt(task_priv(&task[0])->wait.at,
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
	slot_begin(&pool->slot[0], &task[0], SLOT_RUN);
	cr_assert(lost_again(pool, &pool->slot[0], &task[0], -EIO, 1));
	cr_assert_eq(load_relaxed(&pool->steward_word), 1);
	cr_assert_eq(later_due(&pool->inbox, 0),
		     task_priv(&task[0])->wait.at);
	later_open(&pool->inbox);
	without_pool();
}
