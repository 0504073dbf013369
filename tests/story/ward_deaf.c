/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_deaf.c - wards that are told to stop and do not listen, beating all the
 * time.
 *
 * Expected: after its deadline each is fenced, with a report, and what waits for
 * its end is told; the others' turn comes then.  Its thread comes home when it
 * likes, and is none of the ward's any more: what it checkpoints or commits is
 * refused.  ward_restart() does the same to one incarnation.  A root that is
 * destroyed meanwhile says who is left inside.
 */
#include "wards.h"

#define DEADLINE (50 * MS)

struct deaf {
	struct actor actor;
	_Atomic int32_t check; /* what it heard in the end */
};

static int run_deaf(void *arg)
{
	struct deaf *deaf = arg;
	struct actor *actor = &deaf->actor;

	diary('+', actor->name[0]);
	add_acq_rel(&actor->runs, 1);
	while (!load_acquire(&actor->gate)) {
		ward_beat();
		ward_progress(1);
		nap(MS / 4);
	}
	store_relaxed(&deaf->check, ward_check());
	add_acq_rel(&actor->homes, 1);
	return 7; /* too late to be told */
}

static void deaf_start(struct deaf *deaf, char name,
		       struct ward_steward *steward)
{
	memset(deaf, 0, sizeof(*deaf));
	actor_init(&deaf->actor, name);
	deaf->actor.spec.run = run_deaf;
	deaf->actor.spec.arg = deaf;
	deaf->actor.spec.stop_within = DEADLINE;
	expect_equal(ward_start(&deaf->actor.ward, steward, &deaf->actor.spec),
		     0);
	wait_until(load_acquire(&deaf->actor.runs) == 1);
}

static void came_back(struct deaf *deaf, uint32_t homes)
{
	store_release(&deaf->actor.gate, 1);
	wait_until(load_acquire(&deaf->actor.homes) == homes);
	expect_equal(load_relaxed(&deaf->check), -ESTALE);
}

static void is_stopped(struct ward_steward *root)
{
	struct deaf a;
	int status;

	deaf_start(&a, 'a', root);
	expect_equal(ward_stop(a.actor.ward, WARD_NOWAIT), -ETIMEDOUT);
	expect_equal(ward_stop(a.actor.ward, ward_in(IN_TIME)), 0);
	expect_equal(ward_wait(a.actor.ward, WARD_NOWAIT, &status), 0);
	expect_equal(status, -ECANCELED);
	expect_equal(a.actor.status, -ECANCELED);
	expect_equal(load_acquire(&a.actor.ends), 1);
	expect(!strcmp(told(WARD_R_OVERDUE, 0)->task, "a"));
	expect_equal(view_of(a.actor.ward).failures, 0);
	expect_equal(load_acquire(&a.actor.homes), 0);
	came_back(&a, 1);
	expect_equal(load_acquire(&a.actor.ends), 1);
	ward_put(a.actor.ward);
}

static void is_restarted(struct ward_steward *root)
{
	unsigned restarts = told_count(WARD_R_RESTART);
	struct deaf a;

	deaf_start(&a, 'a', root);
	expect_equal(ward_restart(a.actor.ward), 0);
	expect_equal(ward_restart(a.actor.ward), 0); /* is on its way */
	wait_until(load_acquire(&a.actor.runs) == 2);
	expect_equal(load_acquire(&a.actor.homes), 0);
	expect_equal(ward_stop(a.actor.ward, WARD_NOWAIT), -ETIMEDOUT);
	expect_equal(ward_stop(a.actor.ward, ward_in(IN_TIME)), 0);
	expect_equal(told_count(WARD_R_RESTART), restarts);
	came_back(&a, 2);
	ward_put(a.actor.ward);
}

/* The deaf one keeps those before it waiting, for as long as it may. */
static void in_turn(struct ward_steward *root)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *below;
	struct actor a, c;
	struct deaf b;

	config.parent = root;
	below = supervisor_up(&config);
	diary_clear();
	actor_start(&a, 'a', below);
	deaf_start(&b, 'b', below);
	actor_start(&c, 'c', below);
	expect_equal(ward_steward_stop(below, WARD_NOWAIT), -ETIMEDOUT);
	expect_equal(ward_steward_stop(below, ward_in(IN_TIME)), 0);
	diary_says("+a+b+c-c-b-a");
	expect_equal(ward_steward_destroy(below, WARD_NOWAIT), 0);
	came_back(&b, 1);
	ward_put(a.ward);
	ward_put(b.actor.ward);
	ward_put(c.ward);
}

/* Its memory is its own until it leaves: the root is gone by then. */
static void outlives_its_root(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root = supervisor_up(&config);
	struct deaf a, b;
	int status;

	deaf_start(&a, 'a', root);
	deaf_start(&b, 'b', root);
	expect_equal(ward_steward_destroy(root, WARD_NOWAIT), 2);
	expect(view_of(a.actor.ward).gone && view_of(b.actor.ward).gone);
	expect_equal(ward_wait(a.actor.ward, WARD_NOWAIT, &status), 0);
	expect_equal(status, -ECANCELED);
	expect_equal(load_acquire(&a.actor.ends), 1);
	ward_put(a.actor.ward);
	came_back(&a, 1);
	came_back(&b, 1);
	ward_put(b.actor.ward);
	wait_until(threads_now() == 1);
}

int main(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root = supervisor_up(&config);

	is_stopped(root);
	is_restarted(root);
	in_turn(root);
	steward_gone(root);
	outlives_its_root();
	wait_until(threads_now() == 1);
	return 0;
}
