/* SPDX-License-Identifier: BSD-2-Clause */
/* Which reason to stop is told where several hold; and asking fires nothing. */
#include "fake_host.h"
#include "lane/stop.h"
#include <criterion/criterion.h>

enum { MARK = -EINTR, OWN = -EPIPE, LANES = -EIO };

static struct pool pool;
static struct lane lane;
static struct slot slot;
static struct ward_task task;
static struct ward_cancel token;
static struct ward_policy policy = WARD_POLICY_INIT;

static void setup(void)
{
	memset(&pool, 0, sizeof(pool));
	memset(&lane, 0, sizeof(lane));
	memset(&slot, 0, sizeof(slot));
	memset(&token, 0, sizeof(token));
	task = (struct ward_task){ .cancel = &token, .policy = &policy };
	lane.pool = slot.pool = &pool;
	fake.now = 1000;
	policy.start_within = 500;
	task_open_lane(task_priv(&task), &lane, false);
	task_stamp(task_priv(&task), fake.now);
}

TestSuite(stop, .init = setup);

static void marked(void)
{
	task_priv(&task)->cause = MARK;
	or_relaxed(&task_priv(&task)->word, TASK_CANCELLED);
}

static uint64_t by(void)
{
	return stop_by(&pool, &task);
}

Test(stop, begins_unless_told)
{
	cr_assert_eq(stop_begin(&pool, &task), 0);
	fake.now = 1500;
	cr_assert_eq(stop_begin(&pool, &task), 0, "just in time");
	fake.now = 1501;
	cr_assert_eq(stop_begin(&pool, &task), -ETIMEDOUT);
	ward_cancel_fire(&lane.token, LANES);
	cr_assert_eq(stop_begin(&pool, &task), LANES);
	ward_cancel_fire(&token, OWN);
	cr_assert_eq(stop_begin(&pool, &task), OWN);
	marked();
	cr_assert_eq(stop_begin(&pool, &task), MARK);
}

Test(stop, comes_in_unless_told)
{
	cr_assert_eq(stop_refuse(&lane, &task), 0);
	ward_cancel_fire(&token, OWN);
	cr_assert_eq(stop_refuse(&lane, &task), OWN);
	cr_assert_eq(stop_refuse(NULL, &task), OWN);
	ward_cancel_fire(&lane.token, LANES);
	cr_assert_eq(stop_refuse(&lane, &task), LANES);
	store_relaxed(&pool.inbox.closed, 1);
	cr_assert_eq(stop_refuse(&lane, &task), -ESHUTDOWN);
	cr_assert_eq(stop_refuse(NULL, &task), OWN, "the inbox says it");
	store_relaxed(&pool.inbox.closed, 0);
	store_relaxed(&lane.closed, 1);
	cr_assert_eq(stop_refuse(&lane, &task), -ESHUTDOWN);
}

Test(stop, goes_on_unless_told)
{
	cr_assert_eq(stop_self(NULL), 0);
	cr_assert_eq(stop_self(&slot), 0, "inside of nothing");
	slot_begin(&slot, &task, SLOT_RUN);
	fake.now = 9000;
	cr_assert_eq(stop_self(&slot), 0, "what runs is not late");
	ward_cancel_fire(&lane.token, LANES);
	cr_assert_eq(stop_self(&slot), LANES);
	ward_cancel_fire(&token, OWN);
	cr_assert_eq(stop_self(&slot), OWN);
	marked();
	cr_assert_eq(stop_self(&slot), MARK);
	cr_assert(load_relaxed(&task_priv(&task)->word) & TASK_BEGUN);
	store_relaxed(&pool.stopping, 1);
	cr_assert_eq(stop_self(&slot), -ESHUTDOWN);
	store_relaxed(&slot.fence, FENCE_TAKEN(load_relaxed(&slot.word)));
	cr_assert_eq(stop_self(&slot), -ESTALE);
	store_relaxed(&slot.fence, FENCE_FORKED);
	cr_assert_eq(stop_self(&slot), -ECHILD);
}

Test(stop, the_winner_is_told_nothing_by_its_lane)
{
	ward_cancel_fire(&lane.token, LANES);
	store_relaxed(&lane.winner, &task);
	cr_assert_eq(stop_begin(&pool, &task), 0);
	cr_assert_eq(by(), 1501);
	cr_assert(stop_failed(&pool, NULL, &task, -ESTALE));
	store_relaxed(&lane.winner, (struct ward_task *)&slot);
	cr_assert_eq(stop_begin(&pool, &task), LANES);
	cr_assert_eq(by(), 0);
	cr_assert_not(stop_failed(&pool, NULL, &task, -ESTALE));
}

Test(stop, a_stolen_fork_is_told_what_its_maker_is)
{
	static struct slot thief;

	thief.pool = &pool;
	thief.carrier.owner = &slot;
	task_open_carrier(task_priv(&thief.carrier.task), 1);
	slot_begin(&slot, &task, SLOT_RUN);
	slot_begin(&thief, &thief.carrier.task, SLOT_RUN);
	cr_assert_eq(stop_self(&thief), 0);
	ward_cancel_fire(&token, OWN);
	cr_assert_eq(stop_self(&thief), OWN);
	store_relaxed(&slot.fence, FENCE_TAKEN(load_relaxed(&slot.word)));
	cr_assert_eq(stop_self(&thief), -ESTALE);
	cr_assert_not(stop_unseen(&thief));
}

/* A deadline is seen, and fires nothing. */
Test(stop, who_waits_is_told_by_the_earliest)
{
	cr_assert_eq(by(), 1501);
	ward_cancel_deadline(&lane.token, 1400);
	cr_assert_eq(by(), 1400);
	ward_cancel_deadline(&token, 1300);
	cr_assert_eq(by(), 1300);
	fake.now = 2000;
	cr_assert_eq(by(), 1300);
	cr_assert(later_has_come(by()));
	cr_assert(load_relaxed(&token_of(&token)->state) == 1300);
	cr_assert_eq(stop_begin(&pool, &task), -ETIMEDOUT);
	cr_assert_lt(load_relaxed(&token_of(&token)->state), 0);
	cr_assert_eq(by(), 0);
	cr_assert_eq(load_relaxed(&token_of(&lane.token)->state), 1400);
}

Test(stop, nobody_looks_at_the_token_of_who_is_answered)
{
	static const enum task_state due[] = { TASK_LOST, TASK_TOLD,
					       TASK_DONE };

	task.cancel = (struct ward_cancel *)8;
	for (int i = 0; i < 3; i++) {
		task_move(task_priv(&task), due[i], 0);
		cr_assert_eq(by(), 0);
	}
}

Test(stop, what_is_owed_ends_with_the_pool)
{
	task_open_requeued(task_priv(&task), 7);
	cr_assert_eq(by(), HOST_FOREVER);
	store_relaxed(&pool.inbox.closed, 1);
	cr_assert_eq(by(), 0, "periodic: it does not come again");
	task_open_requeued(task_priv(&task), 0);
	cr_assert_eq(by(), HOST_FOREVER);
	store_relaxed(&pool.stopping, 1);
	cr_assert_eq(by(), 0);
	cr_assert_eq(later_has_come(HOST_FOREVER), false);
}

Test(stop, the_mark_that_comes_as_it_begins)
{
	slot.self.attempt = 1;
	cr_assert_eq(stop_short(&slot, &task), 0);
	marked();
	cr_assert_eq(stop_short(&slot, &task), MARK);
	cr_assert(load_relaxed(&task_priv(&task)->word) & TASK_SKIPPED);
	or_relaxed(&task_priv(&task)->word, TASK_BEGUN);
	cr_assert_eq(stop_short(&slot, &task), 0, "it was said to go on");
}

Test(stop, who_says_what_it_was_told_has_not_failed)
{
	cr_assert(stop_failed(&pool, NULL, &task, OWN));
	cr_assert(stop_failed(&pool, NULL, &task, -ESTALE));
	cr_assert(stop_failed(&pool, NULL, &task, -ESHUTDOWN));
	cr_assert_not(stop_failed(&pool, NULL, &task, -ECANCELED));
	ward_cancel_fire(&lane.token, LANES);
	cr_assert_not(stop_failed(&pool, NULL, &task, LANES));
	cr_assert_not(stop_failed(&pool, NULL, &task, -ESTALE));
	cr_assert(stop_failed(&pool, NULL, &task, OWN));
	ward_cancel_fire(&token, OWN);
	cr_assert_not(stop_failed(&pool, NULL, &task, OWN));
	marked();
	cr_assert_not(stop_failed(&pool, NULL, &task, MARK));
	store_relaxed(&pool.stopping, 1);
	cr_assert_not(stop_failed(&pool, NULL, &task, -ESHUTDOWN));
}
