/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_deep.c - forks all the way down: fib(32) with one fork a call, a tree of a
 * million leaves that leans to one side, a loop that forks more than there is room
 * for, a chain as deep as the stack allows; with one worker, two and many.
 *
 * Expected: each fork runs once, the sums are right, the pool's memory does not
 * grow, and an idle worker has had its part.
 */
#include "story.h"

#include <malloc.h>

static struct ward_pool *pool;

/* ---- fib ------------------------------------------------------------------------ */

struct fib {
	struct ward_fork fork;
	unsigned n;
	uint64_t sum;
};

static uint64_t fib(unsigned n);

static int fib_run(struct ward_fork *fork)
{
	struct fib *f = ward_entry(fork, struct fib, fork);

	f->sum = fib(f->n);
	return 0;
}

static uint64_t fib(unsigned n)
{
	struct fib left = { .fork.run = fib_run, .n = n - 1 };
	struct ward_group group = { { 0 } };
	uint64_t right;

	if (n < 2)
		return n;
	ward_fork(&group, &left.fork);
	right = fib(n - 2);
	expect_equal(ward_join(&group), 0);
	return left.sum + right;
}

static int task_fib(struct item *item)
{
	item->number = fib((unsigned)item->number);
	return 0;
}

/* ---- a tree: a small left part, a large right one ---------------------------------- */

struct tree {
	struct ward_fork fork;
	uint32_t leaves;
	uint64_t sum;
};

static uint64_t tree(uint32_t leaves);

static int tree_run(struct ward_fork *fork)
{
	struct tree *t = ward_entry(fork, struct tree, fork);

	t->sum = tree(t->leaves);
	return 0;
}

static uint64_t tree(uint32_t leaves)
{
	uint32_t small = leaves / 16 ? leaves / 16 : 1;
	struct tree left = { .fork.run = tree_run, .leaves = small };
	struct ward_group group = { { 0 } };
	uint64_t right;

	if (leaves == 1)
		return 1;
	ward_fork(&group, &left.fork);
	right = tree(leaves - small);
	expect_equal(ward_join(&group), 0);
	return left.sum + right;
}

static int task_tree(struct item *item)
{
	item->number = tree((uint32_t)item->number);
	return 0;
}

/* ---- a loop ------------------------------------------------------------------------ */

enum { LOOP = 20000 };

static struct fib part[LOOP];

static int task_loop(struct item *item)
{
	struct ward_group group = { { 0 } };

	for (unsigned i = 0; i < LOOP; i++) {
		part[i] = (struct fib){ .fork.run = fib_run, .n = 1 + i % 2 };
		ward_fork(&group, &part[i].fork);
	}
	expect_equal(ward_join(&group), 0);
	item->number = 0;
	for (unsigned i = 0; i < LOOP; i++)
		item->number += part[i].sum;
	return 0;
}

/* ---- a chain ------------------------------------------------------------------------ */

static int chain_run(struct ward_fork *fork)
{
	struct fib *f = ward_entry(fork, struct fib, fork);
	struct fib next = { .fork.run = chain_run, .n = f->n - 1 };
	struct ward_group group = { { 0 } };

	if (f->n) {
		ward_fork(&group, &next.fork);
		expect_equal(ward_join(&group), 0);
	}
	f->sum = next.sum + 1;
	return 0;
}

static int task_chain(struct item *item)
{
	struct fib first = { .fork.run = chain_run,
			     .n = (unsigned)item->number };

	chain_run(&first.fork);
	item->number = first.sum;
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static uint64_t result(int (*what)(struct item *), uint64_t number)
{
	static const struct ward_policy patient = { .size = sizeof(patient),
						    .busy_within = IN_TIME };
	struct item item;

	item_init(&item, what, &patient, "deep");
	item.number = number;
	item_submit(pool, &item);
	item_ends(&item, 0);
	return item.number;
}

static void all(unsigned workers)
{
	struct ward_pool_config config = story_config();
	bool slow = UNDER_ASAN || UNDER_TSAN;
	size_t before;

	config.workers = workers;
	pool = pool_up(&config);
	expect_equal(result(task_fib, 20), 6765);
	before = mallinfo2().uordblks;
	expect_equal(result(task_fib, slow ? 24 : 32),
		     slow ? 46368 : 2178309);
	expect_equal(result(task_tree, 1000000), 1000000);
	expect_equal(result(task_loop, 0), LOOP);
	/* Each link is some 200 bytes of stack twice. */
	expect_equal(result(task_chain, 200), 201);
	expect(UNDER_ASAN || mallinfo2().uordblks < before + 65536);
	if (workers > 1)
		wait_until(result(task_fib, 20) == 6765 &&
			   stats_of(pool).accepted > 40);
	pool_down(pool);
}

int main(void)
{
	all(1);
	all(2);
	all(8);
	return 0;
}
