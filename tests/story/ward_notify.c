/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_notify.c - the service manager is told and fed: a socket of ours stands for
 * it.
 *
 * Expected: READY=1 at the start, WATCHDOG=1 again and again, STOPPING=1 at the
 * end.  A root that gave up and is to starve it says so, and feeds no more; another
 * one goes on.
 */
#include "manager.h"
#include "wards.h"

static int fail(void *arg)
{
	(void)arg;
	return -EIO;
}

static _Atomic uint32_t gave_up;

static void count_gave_up(void *arg, struct ward_steward *steward)
{
	(void)arg;
	(void)steward;
	add_acq_rel(&gave_up, 1);
}

static struct ward_steward *up(enum ward_last last)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();
	struct ward_steward *root;

	config.flags = WARD_STEWARD_NOTIFY;
	config.last = last;
	config.gave_up = count_gave_up;
	config.pool = &pool;
	store_relaxed(&gave_up, 0);
	expect_equal(ward_steward_create(&root, &config), 0);
	says("READY=1", NULL);
	comes_to_say("STATUS=18 workers, all well");
	is_fed(5);
	return root;
}

static void give_up(struct ward_steward *root)
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;

	spec.name = "a";
	spec.run = fail;
	expect_equal(ward_start(&ward, root, &spec), 0);
	ward_put(ward);
	wait_until(load_acquire(&gave_up) == 1);
}

int main(void)
{
	struct ward_steward *root;

	manager_up(NULL, "40000");
	root = up(WARD_LAST_TELL);
	give_up(root);
	is_fed(20); /* the first ones were on their way, perhaps, but not all */
	steward_gone(root);
	comes_to_say("STATUS=stopping");
	while (manager_hears(1000)) /* a feed may have been under way */
		;

	root = up(WARD_LAST_STARVE);
	give_up(root);
	comes_to_say("STATUS=18 workers; the root steward gave up");
	is_not_fed();
	steward_gone(root);
	comes_to_say("STOPPING=1");
	says("STATUS=stopping", NULL);
	expect(!manager_hears(1000));
	manager_down();
	wait_until(threads_now() == 1);
	return 0;
}
