/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last.c - a steward that gave up: its steward is told; a root does what is left
 * to do, and the service manager is fed as long as that is not to starve it.
 */
#include "flow/tree.h"

/* ---- giving up --------------------------------------------------------------------- */

/* Told, and then the end of the process, in the scribe's own time. */
static void abort_with_report(struct ward_steward *root)
{
	struct pool *pool = root->tree->pool;
	struct incident *in = incident_last(&pool->tell, WARD_R_GAVE_UP,
					    incident_id());

	if (!in)
		return; /* others' last words are on their way */
	in->report.what = "the root of all stewards gave up: abort";
	in->report.cause = root->incident;
	incident_abort(&pool->tell, in);
	steward_wake(pool); /* it keeps that word, where the scribe cannot */
}

static void last_resort(struct ward_steward *root)
{
	if (root->tree->last == WARD_LAST_STARVE)
		feed_stop(root->tree);
	if (root->tree->last == WARD_LAST_ABORT)
		abort_with_report(root);
}

static void tell_above(struct ward_steward *steward)
{
	struct ward_steward *above = steward->me.above;

	steward_is_down(steward);
	if (steward->leaving)
		return;
	if (!above) {
		steward_leave(steward); /* nothing of it will ever be up again */
		last_resort(steward);
	} else if (!member_is_falling(&steward->me)) {
		steward_failed(above, &steward->me, 0, steward->incident);
	}
}

static struct farewell *farewell_of(struct errand *errand)
{
	return ward_entry(errand, struct farewell, errand);
}

static void make(struct errand *errand)
{
	struct ward_steward *steward = farewell_of(errand)->steward;

	steward->gave_up(steward->arg, steward);
}

static void then(struct errand *errand)
{
	struct ward_steward *steward = farewell_of(errand)->steward;

	tree_lock(steward->tree);
	steward->calling = false;
	tell_above(steward);
	tree_settle(steward);
	tree_unlock(steward->tree);
}

static void put(struct errand *errand)
{
	struct farewell *farewell = farewell_of(errand);
	struct ward_steward *steward = farewell->steward;

	tree_lock(steward->tree);
	if (!steward->farewell) {
		steward->farewell = farewell;
		farewell = NULL;
	}
	tree_unlock(steward->tree);
	host_free(farewell, sizeof(*farewell));
	unhold_steward(steward);
}

/*
 * A gave_up() that hangs has its errand for itself; who gives up meanwhile, when
 * there is no memory either, does so without it.
 */
void steward_gave_up(struct ward_steward *steward)
{
	struct farewell *farewell = steward->farewell;

	if (steward->gave_up && !farewell)
		farewell = host_alloc(sizeof(*farewell));
	if (!steward->gave_up || !farewell) {
		tell_above(steward);
		return;
	}
	steward->farewell = NULL;
	steward->calling = true;
	hold_steward(steward);
	farewell->steward = steward;
	farewell->errand.make = make;
	farewell->errand.then = then;
	farewell->errand.put = put;
	errand_submit(&farewell->errand, steward->tree->pool, steward->name);
}

/* ---- the service manager ------------------------------------------------------------- */

static struct tree *hungry(struct timer *timer)
{
	return ward_entry(timer, struct tree, hunger);
}

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
	struct tree *tree = hungry(timer);

	if (!tree->feed)
		return;
	add_acq_rel(&tree->refs, 1);
	errand_submit(&tree->meal, tree->pool, "service manager");
}

static void hold_hunger(struct timer *timer)
{
	add_acq_rel(&hungry(timer)->refs, 1);
}

static void put_hunger(struct timer *timer)
{
	tree_put(hungry(timer));
}

void feed_start(struct tree *tree)
{
	timer_init(&tree->hunger, tree, "service manager");
	tree->hunger.fired = is_hungry;
	tree->hunger.hold = hold_hunger;
	tree->hunger.put = put_hunger;
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
