/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many workers there should be, from what is seen: no thread, no clock.
 */
#include "heal/plan.h"
#include <criterion/criterion.h>

#define SEATS 8
#define WINDOW 1000u

static struct plan plan;
static struct size size;
static struct pool_load load;

static void setup(void)
{
	plan = (struct plan){ 0 };
	size = (struct size){ .least = 2, .most = 2, .base = 2, .open = true };
	load = (struct pool_load){ .seats = SEATS, .taken = 2 };
}

TestSuite(plan, .init = setup);

/* ---- lending --------------------------------------------------------- */

static uint32_t lends(bool need_more, uint32_t waiting)
{
	load.need_more = need_more;
	load.waiting = waiting;
	plan_lend(&size, &load);
	return size.lent;
}

Test(plan, lends_one_for_each_that_waits_beside_work)
{
	cr_assert_eq(lends(true, 0), 0);
	cr_assert_eq(lends(true, 1), 1);
	cr_assert_eq(lends(true, 2), 2);
	cr_assert_eq(lends(true, 3), 3, "one of those lent waits, too");
}

Test(plan, lends_nobody_where_no_work_is)
{
	cr_assert_eq(lends(false, 2), 0);
	cr_assert_eq(lends(true, 1), 1);
	cr_assert_eq(lends(false, 2), 1, "and takes nobody back who is needed");
}

Test(plan, takes_back_when_a_wait_is_over)
{
	lends(true, 3);
	cr_assert_eq(lends(true, 1), 1);
	cr_assert_eq(lends(false, 0), 0);
}

Test(plan, lends_up_to_the_last_seat)
{
	cr_assert_eq(lends(true, SEATS), SEATS - 2);
	setup();
	size.open = false;
	size.most = 5;
	cr_assert_eq(lends(true, SEATS), 3,
		     "or to the most that was asked for");
	setup();
	size.open = false;
	cr_assert_eq(lends(true, 2), 0, "which may be none");
}

/* ---- growing --------------------------------------------------------- */

static uint32_t grows(bool need_more)
{
	load.need_more = need_more;
	plan_grow(&plan, &size, &load);
	return size.base;
}

static void may_grow(uint32_t most)
{
	size.most = most;
	size.open = false;
}

Test(plan, grows_faster_the_longer_it_is_pressed)
{
	may_grow(20);
	cr_assert_eq(grows(true), 2, "a moment is nothing");
	cr_assert_eq(grows(true), 3);
	cr_assert_eq(grows(true), 5);
	cr_assert_eq(grows(true), 9);
	cr_assert_eq(grows(true), 17);
	cr_assert_eq(grows(true), 20);
	cr_assert_eq(grows(true), 20);
}

Test(plan, a_scan_without_pressure_begins_anew)
{
	may_grow(20);
	grows(true);
	cr_assert_eq(grows(false), 2);
	cr_assert_eq(grows(true), 2);
	cr_assert_eq(grows(true), 3);
	grows(false);
	grows(true);
	cr_assert_eq(grows(true), 4);
}

Test(plan, waits_for_those_on_the_way)
{
	may_grow(20);
	grows(true);
	load.vacant = true;
	cr_assert_eq(grows(true), 2);
	load.vacant = false;
	cr_assert_eq(grows(true), 3);
}

Test(plan, a_fixed_pool_does_not_grow)
{
	for (int i = 0; i < 50; i++)
		cr_assert_eq(grows(true), 2);
}

Test(plan, grows_beside_those_lent_up_to_the_most)
{
	may_grow(6);
	lends(true, 3);
	for (int i = 0; i < 50; i++)
		grows(true);
	cr_assert_eq(size.base + size.lent, 6);
}

/* For so long that a shift would overflow. */
Test(plan, grows_by_no_more_than_there_is)
{
	may_grow(4096);
	size.base = 4095;
	plan.need_more = 1000;
	cr_assert_eq(grows(true), 4096);
}

/* ---- shrinking ------------------------------------------------------- */

static uint32_t shrinks(uint32_t idle, uint64_t now)
{
	load.idle = idle;
	plan_shrink(&plan, &size, &load, WINDOW, now);
	return size.base;
}

static void has_grown(void)
{
	may_grow(8);
	cr_assert_eq(shrinks(2, 1), 2);
	size.base = 8;
}

Test(plan, who_was_idle_for_a_window_leaves)
{
	has_grown();
	cr_assert_eq(shrinks(8, 2), 8);
	cr_assert_eq(shrinks(3, 500), 8);
	cr_assert_eq(shrinks(8, 1000), 8);
	cr_assert_eq(shrinks(8, 1001), 5, "three of them were, always");
	cr_assert_eq(shrinks(5, 1500), 5);
	cr_assert_eq(shrinks(5, 2001), 2);
	cr_assert_eq(shrinks(2, 9000), 2);
}

Test(plan, who_is_needed_once_in_a_window_stays)
{
	has_grown();
	for (uint64_t now = 100; now < 10000; now += 100)
		cr_assert_eq(shrinks(now % 900 ? 8 : 0, now), 8);
}

Test(plan, a_pool_that_begins_large_begins_its_window)
{
	may_grow(8);
	size.base = 8;
	cr_assert_eq(shrinks(8, 5000), 8);
	cr_assert_eq(shrinks(8, 5999), 8);
	cr_assert_eq(shrinks(8, 6000), 2);
}

/* ---- and when there may be no more ----------------------------------- */

Test(plan, is_spent_when_all_wait_at_the_last_seat)
{
	lends(true, SEATS);
	load.taken = SEATS;
	cr_assert(plan_is_spent(&size, &load));
	load.waiting = SEATS - 1;
	cr_assert_not(plan_is_spent(&size, &load), "one works");
	load.waiting = SEATS;
	load.need_more = false;
	cr_assert_not(plan_is_spent(&size, &load), "for nothing");
	load.need_more = true;
	load.vacant = true;
	cr_assert_not(plan_is_spent(&size, &load), "one is on the way");
	load.vacant = false;
	size.lent--;
	cr_assert_not(plan_is_spent(&size, &load), "one more may come");
	load = (struct pool_load){ .seats = SEATS,
				   .taken = SEATS,
				   .need_more = true };
	size.lent++;
	cr_assert_not(plan_is_spent(&size, &load), "nobody was counted");
}
