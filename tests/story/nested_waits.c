/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_waits.c - scenario 33: tasks submit work and wait for it, that work the same,
 * until every worker waits.
 *
 * Expected: tasks that wait say so, and other threads stand in for theirs: no deadlock,
 * nobody is convicted, and when it is over there are as many workers as before.  Where
 * there may be no more, that is told once, and a submitter that waits for room goes on
 * when there is some.
 */
#include "story.h"

enum { WIDTH = 2 };

struct node {
	struct item item;
	unsigned depth;
	struct node *parent;
	_Atomic uint32_t left; /* futex: children that have not ended */
};

static struct ward_pool *pool;
static struct node node[64];
static _Atomic uint32_t used;

static void send(struct node *parent, unsigned depth);

static int splits(struct item *item)
{
	struct node *n = ward_entry(item, struct node, item);
	uint32_t left;

	if (n->depth > 1) {
		store_release(&n->left, WIDTH);
		for (int i = 0; i < WIDTH; i++)
			send(n, n->depth - 1);
		ward_block_enter(WARD_FOREVER);
		while ((left = load_acquire(&n->left)))
			host_wait(&n->left, left, HOST_FOREVER);
		ward_block_leave();
	}
	if (n->parent) {
		sub_acq_rel(&n->parent->left, 1);
		host_wake(&n->parent->left, 1);
	}
	return 0;
}

static void send(struct node *parent, unsigned depth)
{
	struct node *n = &node[add_relaxed(&used, 1)];

	n->depth = depth;
	n->parent = parent;
	item_init(&n->item, splits, NULL, "splits");
	item_submit(pool, &n->item);
}

/* All nodes that are no leaves may wait at once: 3 of depth 3, 15 of depth 5. */
static void a_tree(unsigned depth, uint32_t max)
{
	struct ward_pool_config config = story_config();
	struct ward_stats s;

	config.max = max;
	config.idle = 20 * MS;
	store_relaxed(&used, 0);
	memset(node, 0, sizeof(node));
	pool = pool_up(&config);
	send(NULL, depth);
	for (uint32_t i = 0; i < (1u << depth) - 1; i++) {
		wait_until(load_acquire(&node[i].item.released));
		expect_equal(node[i].item.status, 0);
	}
	wait_until(stats_of(pool).workers == 2);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	expect_equal(s.rescues, 0);
	pool_down(pool);
}

static int waits_and_says_so(struct item *item)
{
	int status;

	ward_block_enter(WARD_FOREVER);
	status = task_gate(item);
	ward_block_leave();
	return status;
}

/* Every seat that there is, and one task more. */
static void as_many_as_may_be(void)
{
	struct ward_pool_config config = story_config();
	static struct item item[6];
	struct item last;

	pool = pool_up(&config); /* 2 workers; may be lent 4 */
	for (int i = 0; i < 6; i++)
		item_start(pool, &item[i], waits_and_says_so, NULL, "waits");
	for (int i = 0; i < 6; i++)
		item_runs(&item[i], 1);
	expect_equal(stats_of(pool).blocked, 6);
	item_start(pool, &last, task_nothing, NULL, "last");
	told(WARD_R_NO_THREAD, 0);
	for (int i = 0; i < 6; i++) {
		gate_open(&item[i]);
		item_ends(&item[i], 0);
	}
	item_ends(&last, 0);
	wait_until(stats_of(pool).workers == 2);
	expect_equal(told_count(WARD_R_NO_THREAD), 1);
	pool_down(pool);
}

enum { NESTED = 100 };

static struct item child[NESTED];

static int floods(struct item *item)
{
	(void)item;
	for (unsigned i = 0; i < NESTED; i++) {
		item_init(&child[i], task_nothing, NULL, "nested");
		if (ward_submit(pool, &child[i].task, WARD_FOREVER))
			return -1;
	}
	return 0;
}

/* The only worker waits, inside a task, for room that only a worker makes. */
static void no_room(void)
{
	struct ward_pool_config config = story_config();
	struct item flood;

	config.workers = 1;
	config.ring = 4;
	pool = pool_up(&config);
	item_start(pool, &flood, floods, NULL, "flood");
	item_ends(&flood, 0);
	for (unsigned i = 0; i < NESTED; i++)
		item_ends(&child[i], 0);
	pool_down(pool);
}

int main(void)
{
	a_tree(3, 0);
	a_tree(5, 16);
	as_many_as_may_be();
	no_room();
	return 0;
}
