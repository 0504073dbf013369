/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_orders.c - which wards are stopped and started together, and in which order.
 *
 * Expected: of one for one nobody else is touched; of one for all the others are
 * stopped, the last first, then all are started, the first first; of rest for one
 * so are those that came after.  A steward below is one of them, and its wards go
 * and come in its place.  A steward that stops does it in the reverse order, too.
 */
#include "wards.h"

#include "flow/ward.h"

static struct actor a, b, c, d;

/* The steward's own word on it: they write their diaries when they get a CPU. */
static void began_in_order(const struct actor *first,
			   const struct actor *second)
{
	expect(first->ward->now->since <= second->ward->now->since);
}

static struct ward_steward *three(enum ward_strategy strategy)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root;

	config.strategy = strategy;
	config.restarts = 100;
	root = supervisor_up(&config);
	diary_clear();
	actor_start(&a, 'a', root);
	actor_start(&b, 'b', root);
	actor_start(&c, 'c', root);
	diary_says("+a+b+c");
	return root;
}

static void put_three(struct ward_steward *root)
{
	diary_clear();
	steward_gone(root);
	diary_says("-c-b-a");
	ward_put(a.ward);
	ward_put(b.ward);
	ward_put(c.ward);
}

static void one_for_one(void)
{
	struct ward_steward *root = three(WARD_ONE_FOR_ONE);

	actor_told(&b, DEED_RETURN_7);
	diary_says("+a+b+c-b+b");
	put_three(root);
}

static void one_for_all(void)
{
	struct ward_steward *root = three(WARD_ONE_FOR_ALL);

	for (int i = 0; i < 3; i++) {
		diary_clear();
		actor_told(&b, DEED_RAISE);
		diary_says("-b-c-a+a+b+c");
		began_in_order(&a, &b);
		began_in_order(&b, &c);
	}
	diary_clear();
	actor_told(&c, DEED_EXIT);
	diary_says("-c-b-a+a+b+c");
	expect_equal(view_of(b.ward).failures, 3);
	expect_equal(view_of(a.ward).failures, 0);
	put_three(root);
}

static void rest_for_one(void)
{
	struct ward_steward *root = three(WARD_REST_FOR_ONE);

	diary_clear();
	actor_told(&b, DEED_RETURN_0);
	diary_says("-b-c+b+c");
	diary_clear();
	actor_told(&c, DEED_RETURN_0);
	diary_says("-c+c");
	diary_clear();
	actor_told(&a, DEED_RETURN_0);
	diary_says("-a-c-b+a+b+c");
	began_in_order(&a, &b);
	began_in_order(&b, &c);
	put_three(root);
}

/* a, then a steward with b and c, then d. */
static void a_steward_below(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root, *below;

	config.strategy = WARD_ONE_FOR_ALL;
	config.restarts = 100;
	root = supervisor_up(&config);
	config.parent = root;
	config.name = "below";
	diary_clear();
	actor_start(&a, 'a', root);
	below = supervisor_up(&config);
	actor_start(&b, 'b', below);
	actor_start(&c, 'c', below);
	actor_start(&d, 'd', root);
	diary_says("+a+b+c+d");
	diary_clear();
	actor_told(&b, DEED_RETURN_7);
	diary_says("-b-c+b+c");
	diary_clear();
	actor_told(&a, DEED_RETURN_7);
	diary_says("-a-d-c-b+a+b+c+d");
	began_in_order(&a, &b);
	began_in_order(&b, &c);
	began_in_order(&c, &d);
	diary_clear();
	expect_equal(ward_steward_stop(below, ward_in(IN_TIME)), 0);
	diary_says("-c-b");
	expect_equal(ward_start(&c.ward, below, &c.spec), -ESHUTDOWN);
	diary_clear();
	actor_told(&d, DEED_RETURN_7); /* a stopped ward stays so */
	diary_says("-d-a+a+d");
	expect_equal(ward_steward_destroy(below, ward_in(IN_TIME)), 0);
	diary_clear();
	steward_gone(root);
	diary_says("-d-a");
	ward_put(a.ward);
	ward_put(b.ward);
	ward_put(c.ward);
	ward_put(d.ward);
}

/* With a member that goes away for good in the middle of it. */
static void one_goes(void)
{
	struct ward_steward *root = three(WARD_ONE_FOR_ALL);

	expect_equal(ward_stop(b.ward, ward_in(IN_TIME)), 0);
	diary_clear();
	actor_told(&a, DEED_RETURN_7);
	diary_says("-a-c+a+c");
	diary_clear();
	steward_gone(root);
	diary_says("-c-a");
	ward_put(a.ward);
	ward_put(b.ward);
	ward_put(c.ward);
}

int main(void)
{
	one_for_one();
	one_for_all();
	rest_for_one();
	a_steward_below();
	one_goes();
	wait_until(threads_now() == 1);
	return 0;
}
