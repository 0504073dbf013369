/* SPDX-License-Identifier: BSD-2-Clause */
/* A bug of the library's own in its lists and locks ends test builds. */
#ifndef WARD_ASSERTIONS
#define WARD_ASSERTIONS
#endif
#include "../../lib/flow/tree.c"
#include "../../lib/lane/lane_list.c"
#include "../../lib/task/watch.c"
#include "said.h"
#include "sync/ring.h"

/* ---- a ring's claim ----------------------------------------------------------------- */

static struct ring ring;
static ck_ring_buffer_t cell[4];

static void fills_unclaimed(void)
{
	void *item = &ring;

	ring_init(&ring, cell, 4);
	ring_put(&ring, &item, 1);
}

static void drops_unclaimed(void)
{
	ring_init(&ring, cell, 4);
	ring_drop(&ring);
}

Test(misuse, of_a_ring_that_is_not_claimed)
{
	aborts(fills_unclaimed, "ring_fill()", "ring->claim");
	aborts(drops_unclaimed, "ring_drop()", "ring->claim");
}

/* ---- a token's lists -------------------------------------------------------------- */

static struct token token;
static struct watch one = { .on = &token }, other = { .on = &token };

static void puts_untaken(void)
{
	put_last(&token, &one);
}

static void gives_untaken(void)
{
	give(&token);
}

static void takes_off_twice(void)
{
	take(&token);
	put_last(&token, &one);
	put_last(&token, &other);
	one.next = one.prev = &other; /* as if it were still there */
	other.next = other.prev = &other;
	take_off(&token, &one);
}

static void visits_as_second(void)
{
	take(&token);
	store_relaxed(&token.teller, me());
	put_last(&token, &one);
	visit(&token, &one, -ECANCELED);
}

static void comes_back_as_another(void)
{
	store_relaxed(&token.teller, me() + 1);
	go_on(&token);
}

/* The second link has been told of a deadline that the first has not. */
static void tells_in_wrong_order(void)
{
	int64_t state;

	one = (struct watch){ .child = &token, .passed = 7 };
	other = (struct watch){ .child = &token, .passed = 1 };
	store_relaxed(&token.state, 5);
	take(&token);
	put_last(&token, &one);
	put_last(&token, &other);
	next(&token, &state);
}

static void unlinks_twice(void)
{
	struct token child = { .children = 0 };

	one.child = &child;
	child.parents = &one;
	unlink_parent(&token, &one);
}

static void fires_twice(void)
{
	store_relaxed(&token.state, -ECANCELED & ~TOKEN_TOLD);
	token_fired(&token);
	token_fired(&token);
}

Test(misuse, of_a_tokens_lists)
{
	aborts(puts_untaken, "put_last()", "has_lists(t)");
	aborts(gives_untaken, "give()", "has_lists(t)");
	aborts(takes_off_twice, "take_off()", "w->next->prev == w");
	aborts(unlinks_twice, "unlink_parent()", "parent->children");
}

Test(misuse, of_a_tokens_telling)
{
	aborts(visits_as_second, "visit()", "t->teller");
	aborts(comes_back_as_another, "go_on()", "t->teller");
	aborts(tells_in_wrong_order, "next()", "passed >= w->passed");
	aborts(fires_twice, "token_fired()", "state < 0");
}

/* ---- a tree ----------------------------------------------------------------------- */

static struct tree tree;
static struct ward_steward top = { .tree = &tree, .phase = PHASE_DOWN };
static struct member first, second;

static void gives_unheld(void)
{
	tree_unlock(&tree);
}

static void steps_unlocked(void)
{
	step(&top);
}

static void links_unlocked(void)
{
	member_link(&top, &first);
}

static void links_twice(void)
{
	tree_lock(&tree);
	member_link(&top, &first);
	member_link(&top, &first);
}

static void unlinks_what_does_not_stand(void)
{
	tree_lock(&tree);
	member_link(&top, &first);
	member_link(&top, &second);
	second.prev = NULL;
	unlink_member(&top, &second);
}

static void is_up_in_down(void)
{
	tree_lock(&tree);
	member_link(&top, &first);
	first.state = MEMBER_UP;
	step(&top);
}

Test(misuse, of_a_trees_lock)
{
	aborts(gives_unheld, "host_lock_give()", "host_lock_is_held");
	aborts(steps_unlocked, "step()", "host_lock_is_held");
	aborts(links_unlocked, "member_link()", "is_linked");
}

Test(misuse, of_a_trees_members)
{
	aborts(links_twice, "member_link()", "!member->above");
	aborts(unlinks_what_does_not_stand, "unlink_member()", "is_linked");
	aborts(is_up_in_down, "step()", "is_in_phase");
}

/* ---- a pool's lanes --------------------------------------------------------------- */

static struct pool pool;
static struct lane a, b;

static void unlists_twice(void)
{
	lane_list(&pool, &a);
	lane_list(&pool, &b);
	lane_unlist(&pool, &b);
	lane_unlist(&pool, &b);
}

Test(misuse, of_a_pools_lanes)
{
	aborts(unlists_twice, "lane_unlist()", "lane_stands");
}
