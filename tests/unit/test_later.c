/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait for their time, without a thread and without a clock: time is
 * what later_due() is told.
 */
#include "fake_host.h"
#include "work/book.h"
#include "work/later.h"
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
