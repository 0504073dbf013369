/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.c - the service manager is pinged, as long as a root is up, and has not given
 * up with WARD_LAST_STARVE.
 */
#include "flow/tree.h"

static struct tree *tree_of(struct deferred *deferred)
{
	return ward_entry(deferred, struct tree, ping);
}

/* Not while stuck wards cannot be replaced: a restart may help. */
static void ping_manager(struct deferred *deferred)
{
	struct tree *tree = tree_of(deferred);
	bool ping_every;

	tree_lock(tree);
	ping_every = tree->ping_every && !tree->closed &&
	       !load_relaxed(&tree->pool->degraded);
	tree_unlock(tree);
	if (ping_every)
		host_notify("WATCHDOG=1");
}

static void pinged(struct deferred *deferred)
{
	(void)deferred;
}

/* Only when nobody is inside: there is one deferred call. */
static void ping_done(struct deferred *deferred)
{
	struct tree *tree = tree_of(deferred);

	tree_lock(tree);
	if (tree->ping_every)
		timer_set(&tree->ping_timer, ward_in(tree->ping_every));
	tree_unlock(tree);
	tree_put(tree);
}

static void ping_is_due(struct timer *timer)
{
	struct tree *tree = timer->tree;

	if (!tree->ping_every)
		return;
	add_acq_rel(&tree->refs, 1);
	deferred_submit(&tree->ping, tree->pool, "service manager");
}

void watchdog_start(struct tree *tree)
{
	timer_init(&tree->ping_timer, tree, &tree->root->me, ping_is_due,
		   "service manager");
	tree->ping.call = ping_manager;
	tree->ping.complete = pinged;
	tree->ping.put = ping_done;
	tree->ping_every = host_watchdog() / 2;
	if (tree->ping_every)
		timer_set(&tree->ping_timer, ward_in(tree->ping_every));
}

void watchdog_stop(struct tree *tree)
{
	tree->ping_every = 0;
	if (tree->notify)
		timer_unset(&tree->ping_timer);
}
