/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.c - the service manager is fed, as long as a root is up that has not given
 * up in a way that is to starve it.
 */
#include "flow/tree.h"

static struct tree *eater(struct errand *errand)
{
	return ward_entry(errand, struct tree, meal);
}

/* Stuck wards that cannot be replaced are not for us to heal. */
static void eat(struct errand *errand)
{
	struct tree *tree = eater(errand);
	bool feed;

	tree_lock(tree);
	feed = tree->feed && !tree->closed &&
	       !load_relaxed(&tree->pool->degraded);
	tree_unlock(tree);
	if (feed)
		host_notify("WATCHDOG=1");
}

static void eaten(struct errand *errand)
{
	(void)errand;
}

/* Only when nobody is inside any more: the errand is one. */
static void digest(struct errand *errand)
{
	struct tree *tree = eater(errand);

	tree_lock(tree);
	if (tree->feed)
		timer_set(&tree->hunger, ward_in(tree->feed));
	tree_unlock(tree);
	tree_put(tree);
}

static void is_hungry(struct timer *timer)
{
	struct tree *tree = timer->tree;

	if (!tree->feed)
		return;
	add_acq_rel(&tree->refs, 1);
	errand_submit(&tree->meal, tree->pool, "service manager");
}

void feed_start(struct tree *tree)
{
	timer_init(&tree->hunger, tree, &tree->root->me, is_hungry,
		   "service manager");
	tree->meal.make = eat;
	tree->meal.then = eaten;
	tree->meal.put = digest;
	tree->feed = host_watchdog() / 2;
	if (tree->feed)
		timer_set(&tree->hunger, ward_in(tree->feed));
}

void feed_stop(struct tree *tree)
{
	tree->feed = 0;
	if (tree->notify)
		timer_unset(&tree->hunger);
}
