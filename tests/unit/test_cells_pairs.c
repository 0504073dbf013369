/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls in cells with all else that a task may have: lanes, ports, tokens, limits,
 * policies, cancels, holds; and pools that drain, catch faults, change their size.  After
 * each the pool's audit is clean.
 */
#include "cell_ask.h"

CELLS_ARE_THERE;

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PAIR(...) CELLS_TEST(cells_pairs, __VA_ARGS__)

static void asked_in(struct ward_cells *cells, struct ward_lane *lane,
		     struct ask *ask)
{
	ask->call.lane = lane;
	asked(cells, ask);
}

/* ---- lanes ----------------------------------------------------------------- */

PAIR(a_lane_of_width_1_keeps_the_order, 2, 3)
{
	enum { CALLS = 60 };
	struct ward_lane *lane = lane_of(pool, .active = 1);
	static struct ask ask[CALLS];

	for (int i = 0; i < CALLS; i++)
		asked_in(cells, lane, ask_init(&ask[i], ASK_ECHO, i));
	for (int i = 0; i < CALLS; i++)
		ask_had(&ask[i], 0);
	for (int i = 1; i < CALLS; i++)
		cr_assert_gt(ask[i].done_at, ask[i - 1].done_at);
	given_back(lane);
}

PAIR(a_lane_of_width_1_runs_one_at_a_time, 2, 2)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct ask first, second, other;

	asked_in(cells, lane, ask_at(&first, ASK_WAIT, 1));
	cr_assert(at_gate(1, 1));
	asked_in(cells, lane, ask_at(&second, ASK_WAIT, 2));
	asked(cells, ask_init(&other, ASK_ECHO, 0)); /* there is a cell for it */
	ask_had(&other, 0);
	cr_assert_eq(board->came[2], 0);
	open_gate(2);
	open_gate(1);
	ask_had(&first, 0);
	ask_had(&second, 0);
	given_back(lane);
}

PAIR(a_lane_outlives_its_dead_cell, 2, 2)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct ask ask[3];

	asked_in(cells, lane, ask_init(&ask[0], ASK_ECHO, 0));
	asked_in(cells, lane, ask_init(&ask[1], ASK_KILL, 0));
	asked_in(cells, lane, ask_init(&ask[2], ASK_ECHO, 0));
	ask_had(&ask[0], 0);
	ask_had(&ask[1], -EOWNERDEAD);
	ask_had(&ask[2], 0);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -EOWNERDEAD);
	given_back(lane);
}

PAIR(a_lane_that_is_cancelled, 2, 2)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct ask ask[3];

	asked_in(cells, lane, ask_at(&ask[0], ASK_CHECK, 1));
	cr_assert(at_gate(1, 1));
	for (int i = 1; i < 3; i++)
		asked_in(cells, lane, ask_at(&ask[i], ASK_ECHO, 2));
	cr_assert(ward_lane_cancel(lane, -EPIPE));
	for (int i = 0; i < 3; i++)
		ask_had(&ask[i], -EPIPE);
	cr_assert_eq(board->came[2], 0);
	given_back(lane);
}

PAIR(a_lane_that_drops_the_oldest, 2, 1)
{
	struct ward_lane *lane = lane_of(pool, .active = 1, .queued = 1,
					 .flags = WARD_LANE_DROP_OLDEST);
	struct ask ask[3];

	asked_in(cells, lane, ask_at(&ask[0], ASK_WAIT, 1));
	cr_assert(at_gate(1, 1));
	asked_in(cells, lane, ask_init(&ask[1], ASK_ECHO, 0));
	asked_in(cells, lane, ask_init(&ask[2], ASK_ECHO, 0));
	ask_had(&ask[1], -ENOBUFS);
	open_gate(1);
	ask_had(&ask[0], 0);
	ask_had(&ask[2], 0);
	given_back(lane);
}

PAIR(a_lane_without_room, 2, 1)
{
	struct ward_lane *lane = lane_of(pool, .active = 1,
					 .flags = WARD_LANE_HANDOVER);
	struct ask first, second;

	asked_in(cells, lane, ask_at(&first, ASK_WAIT, 1));
	ask_init(&second, ASK_ECHO, 0)->call.lane = lane;
	cr_assert_eq(ward_cells_submit(cells, &second.call, WARD_NOWAIT),
		     -EAGAIN);
	cr_assert_eq(ward_cells_submit(cells, &second.call, ward_in(1)),
		     -ETIMEDOUT);
	ask_is_untouched(&second);
	open_gate(1);
	ask_had(&first, 0);
	asked(cells, &second);
	ask_had(&second, 0);
	given_back(lane);
}

PAIR(a_lane_with_a_limit, 2, 2)
{
	struct ward_limit limit = { 0 }, *const limits[] = { &limit };
	struct ward_lane *lane;
	struct ask ask[5];

	cr_assert_eq(ward_limit_init(&limit, 0.0001, 3), 0);
	lane = lane_of(pool, .limits = limits, .nlimits = 1);
	for (int i = 0; i < 5; i++)
		asked_in(cells, lane, ask_at(&ask[i], ASK_ECHO, 1));
	for (int i = 0; i < 3; i++)
		ask_had(&ask[i], 0);
	cr_assert(ward_lane_cancel(lane, -EPIPE));
	for (int i = 3; i < 5; i++)
		ask_had(&ask[i], -EPIPE);
	cr_assert_eq(board->came[1], 3);
	given_back(lane);
}

PAIR(a_port, 2, 2)
{
	struct ward_port *port;
	struct ward_lane *lane;
	struct ask ask[2];

	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_of(pool, .port = port);
	asked_in(cells, lane, ask_init(&ask[0], ASK_ECHO, 0));
	asked_in(cells, lane, ask_init(&ask[1], ASK_KILL, 0));
	for (int got = 0; got < 2;) {
		int n = ward_port_run(port, 0);

		cr_assert_geq(n, 0);
		got += n;
		host_yield();
	}
	ask_had(&ask[0], 0);
	cr_assert_eq(ask[0].out_size, sizeof(ask[0].request));
	ask_had(&ask[1], -EOWNERDEAD);
	given_back(lane);
	cr_assert_eq(ward_port_destroy(port), 0);
}

/* More calls than there is room for, twice: by reruns, and by a lane. */
PAIR(reruns_and_a_lane_beside_a_full_set, 1, 1)
{
	enum { CALLS = 40 };
	struct ward_policy policy = { .size = sizeof(policy), .errors = 3 };
	struct ward_lane *lane = lane_of(pool, .prio = 1);
	static struct ask ask[2][CALLS];

	for (int i = 0; i < CALLS; i++) {
		asked_in(cells, lane, ask_init(&ask[0][i], ASK_ECHO, i));
		ask_init(&ask[1][i], ASK_STATUS, -EIO)->call.task.policy =
			&policy;
		asked(cells, &ask[1][i]);
	}
	for (int i = 0; i < CALLS; i++) {
		ask_had(&ask[0][i], 0);
		ask_had(&ask[1][i], -EIO);
	}
	cr_assert_eq(stats_of(pool).reruns, 3 * CALLS);
	given_back(lane);
}

/* ---- told to stop ------------------------------------------------------------ */

/* One is inside, one waits behind it in the only cell. */
static void inside_and_behind(struct ward_cells *cells, struct ask *inside,
			      enum order order, struct ask *behind)
{
	ask_at(inside, order, 1);
	asked(cells, inside);
	cr_assert(at_gate(1, 1));
	asked(cells, behind);
}

PAIR(a_token_fires_for_one_that_waits, 1, 1)
{
	struct ward_cancel token = { { 0 } };
	struct ask inside, behind;

	ask_at(&behind, ASK_ECHO, 2)->call.task.cancel = &token;
	inside_and_behind(cells, &inside, ASK_WAIT, &behind);
	ward_cancel_fire(&token, -EPIPE);
	ask_had(&behind, -EPIPE);
	open_gate(1);
	ask_had(&inside, 0);
	cr_assert_eq(board->came[2], 0);
}

PAIR(a_token_fires_for_one_that_has_begun, 1, 1)
{
	struct ward_cancel token = { { 0 } };
	struct ask ask;

	ask_at(&ask, ASK_CHECK, 1)->call.task.cancel = &token;
	asked(cells, &ask);
	cr_assert(at_gate(1, 1));
	ward_cancel_fire(&token, -EPIPE);
	ask_had(&ask, -EPIPE);
	cr_assert_eq(stats_of(pool).failed, 0); /* it was told to */
	cr_assert_eq(counted(cells).killed, 0);
	/* The next one in its place has not heard of it. */
	for (int i = 0; i < 20; i++)
		one(cells, ASK_SELF, 0, 0);
}

PAIR(a_token_fires_after_the_answer, 1, 1)
{
	struct ward_cancel token = { { 0 } };
	struct ask ask;

	ask_init(&ask, ASK_ECHO, 0)->call.task.cancel = &token;
	asked(cells, &ask);
	ask_had(&ask, 0);
	ward_cancel_fire(&token, -EPIPE);
	one(cells, ASK_ECHO, 0, 0);
}

PAIR(a_deadline, 1, 1)
{
	struct ward_cancel begun = { { 0 } }, waits = { { 0 } };
	struct ask inside, behind;

	cr_assert_eq(ward_cancel_deadline(&begun, ward_in(WARD_MS(20))), 0);
	cr_assert_eq(ward_cancel_deadline(&waits, ward_in(WARD_MS(5))), 0);
	ask_at(&inside, ASK_CHECK, 1)->call.task.cancel = &begun;
	ask_at(&behind, ASK_ECHO, 2)->call.task.cancel = &waits;
	asked(cells, &inside);
	cr_assert_eq(ward_cells_submit(cells, &behind.call, WARD_FOREVER), 0);
	ask_had(&inside, -ETIMEDOUT);
	cr_assert(job_is_released(&behind));
	cr_assert(behind.status == -ETIMEDOUT || behind.status == 0);
}

PAIR(start_within, 1, 1)
{
	struct ward_policy policy = { .size = sizeof(policy),
				      .start_within = WARD_MS(2) };
	struct ask inside, behind;

	ask_at(&behind, ASK_ECHO, 2)->call.task.policy = &policy;
	inside_and_behind(cells, &inside, ASK_WAIT, &behind);
	ask_had(&behind, -ETIMEDOUT);
	cr_assert_eq(board->came[2], 0);
	open_gate(1);
	ask_had(&inside, 0);
}

PAIR(cancel_of_one_that_waits, 1, 1)
{
	struct ask inside, behind;

	ask_at(&behind, ASK_ECHO, 2);
	inside_and_behind(cells, &inside, ASK_WAIT, &behind);
	cr_assert_eq(ward_cells_cancel(cells, &behind.call, -EPIPE), 0);
	ask_had(&behind, -EPIPE);
	open_gate(1);
	ask_had(&inside, 0);
	cr_assert_eq(board->came[2], 0);
}

PAIR(cancel_of_one_that_has_begun, 1, 1)
{
	struct ask ask;

	asked(cells, ask_at(&ask, ASK_CHECK, 1));
	cr_assert(at_gate(1, 1));
	cr_assert_eq(ward_cells_cancel(cells, &ask.call, -EPIPE), 0);
	ask_had(&ask, -EPIPE);
	one(cells, ASK_SELF, 0, 0);
}

PAIR(cancel_by_the_task, 1, 1)
{
	struct ask inside, behind;
	int said;

	ask_at(&behind, ASK_ECHO, 2);
	inside_and_behind(cells, &inside, ASK_CHECK, &behind);
	cr_assert_eq(ward_task_cancel(pool, &behind.call.task, -EPIPE), 0);
	ask_had(&behind, -EPIPE);
	said = ward_task_recall(pool, &inside.call.task, 0);
	cr_assert(said == 0 || said == -EINPROGRESS, "%d", said);
	said = ward_task_cancel(pool, &inside.call.task, -EPIPE);
	cr_assert(said == -EALREADY ||
			  (said == -ENOENT && /* it has heard of the first */
			   comes_true(load_acquire(&inside.dones) == 1)),
		  "%d", said);
	ask_had(&inside, -ECANCELED);
	cr_assert_eq(board->came[2], 0);
}

PAIR(held_and_waited_for, 1, 1)
{
	struct ask ask;
	int status = 1;

	ask_at(&ask, ASK_WAIT, 1);
	cr_assert_eq(ward_task_hold(pool, &ask.call.task), 0);
	asked(cells, &ask);
	cr_assert_eq(ward_task_wait(pool, &ask.call.task, ward_in(1), &status),
		     -ETIMEDOUT);
	open_gate(1);
	cr_assert_eq(ward_task_wait(pool, &ask.call.task, ward_in(IN_TIME),
				    &status), 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(ask.releases, 0);
	cr_assert_not_null(ask.call.out); /* it stays until release() */
	one(cells, ASK_ECHO, 0, 0);
	cr_assert_eq(ward_task_drop(pool, &ask.call.task), 0);
	ask_had(&ask, 0);
}

/* ---- made again ------------------------------------------------------------------ */

PAIR(deaths, 1, 2)
{
	struct ward_policy policy = { .size = sizeof(policy), .deaths = 2 };
	struct ask ask;

	ask_init(&ask, ASK_ONCE, 2)->call.task.policy = &policy;
	asked(cells, &ask);
	ask_had(&ask, 0);
	cr_assert_eq(ask.answer.n, 3); /* the attempt */
	ask_init(&ask, ASK_ONCE, 3)->call.task.policy = &policy;
	asked(cells, &ask);
	ask_had(&ask, -EOWNERDEAD);
	cr_assert_eq(counted(cells).died, 5);
}

PAIR(what_waited_behind_a_death_spends_no_attempt, 1, 2)
{
	struct ask ask, behind[4];
	uint64_t killed = 0;

	asked(cells, ask_at(&ask, ASK_WAIT, 1));
	for (int i = 0; i < 4; i++)
		asked(cells, ask_at(&behind[i], ASK_WAIT, 2));
	cr_assert(at_gate(1, 1));
	for (uint32_t i = 0; i < 64; i++) {
		int32_t pid = ward_cells_pid(cells, i);

		if (pid > 0)
			killed += kill(pid, SIGKILL) == 0;
	}
	ask_had(&ask, -EOWNERDEAD);
	open_gate(2);
	for (int i = 0; i < 4; i++) {
		cr_assert(job_is_released(&behind[i]));
		cr_assert(behind[i].status == 0 ||
			  behind[i].status == -EOWNERDEAD);
	}
	/* One was inside of each cell, at the most; a spare may have been at work by then. */
	cr_assert_leq(counted(cells).lost, killed);
}

/* Its set counts it: it is answered, not given back. */
PAIR(recall_from_a_lane, 1, 1)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct ask first, second;

	asked_in(cells, lane, ask_at(&first, ASK_WAIT, 1));
	cr_assert(at_gate(1, 1));
	asked_in(cells, lane, ask_init(&second, ASK_ECHO, 0));
	cr_assert_eq(ward_task_recall(pool, &second.call.task, 0),
		     0);
	ask_had(&second, -ECANCELED);
	open_gate(1);
	ask_had(&first, 0);
	given_back(lane);
}

PAIR(stalls_with_a_backoff, 1, 1)
{
	struct ward_policy policy = hasty;
	struct ask ask;

	policy.stalls = 2;
	policy.backoff_min = WARD_MS(1);
	ask_init(&ask, ASK_SPIN, 0)->call.task.policy = &policy;
	asked(cells, &ask);
	ask_had(&ask, -ETIME);
	cr_assert_eq(counted(cells).killed, 3);
}

PAIR(a_committed_one_is_not_made_again, 1, 1)
{
	struct ward_policy policy = { .size = sizeof(policy), .deaths = 5 };
	struct ask ask;

	ask_init(&ask, ASK_COMMIT_KILL, 0)->call.task.policy = &policy;
	asked(cells, &ask);
	ask_had(&ask, -EOWNERDEAD);
	cr_assert_eq(board->ran[0], 1);
	cr_assert_eq(stats_of(pool).reruns, 0);
}

/* ---- pools --------------------------------------------------------------------------- */

PAIR(a_pool_that_drains, 1, 1)
{
	struct ask ask, late;

	asked(cells, ask_at(&ask, ASK_WAIT, 1));
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(1))), -ETIMEDOUT);
	ask_init(&late, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_submit(cells, &late.call, WARD_FOREVER),
		     -ESHUTDOWN);
	ask_is_untouched(&late);
	open_gate(1);
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	ask_had(&ask, 0);
}

PAIR(a_pool_that_changes_its_size, 1, 2)
{
	enum { CALLS = 200 };
	static struct ask ask[CALLS];

	for (int i = 0; i < CALLS; i++) {
		if (i % 10 == 0)
			cr_assert_eq(ward_pool_resize(pool, i % 20 ? 1 : 2, 0),
				     0);
		asked(cells, ask_init(&ask[i], i % 7 ? ASK_ECHO : ASK_FAIL,
				      -EIO));
	}
	for (int i = 0; i < CALLS; i++)
		ask_had(&ask[i], i % 7 ? 0 : -EIO);
}

static struct ward_cells *nested_cells;
static struct ward_pool *nested_pool;

static int calls_and_waits(struct ward_task *task)
{
	struct job *job = job_of(task);
	struct ward_pool *pool = nested_pool;
	int status = 1;
	struct ask ask;

	ask_init(&ask, ASK_ECHO, 0);
	if (ward_task_hold(pool, &ask.call.task))
		return 1;
	for (int i = 0; i < 20; i++) {
		if (ward_cells_submit(nested_cells, &ask.call, WARD_FOREVER))
			return 2;
		if (ward_task_wait(pool, &ask.call.task, WARD_FOREVER, &status) ||
		    status)
			return 3;
		if (ward_task_drop(pool, &ask.call.task))
			return 4;
		while (!load_acquire(&ask.releases))
			ward_pause(ward_in(WARD_US(50)));
		ask_init(&ask, ASK_ECHO, 0);
		if (ward_task_hold(pool, &ask.call.task))
			return 5;
	}
	add_acq_rel(&job->homes, 1);
	return ward_task_drop(pool, &ask.call.task) ? 6 : 0;
}

PAIR(a_task_that_calls_and_waits, 1, 1)
{
	struct job job[3];

	nested_cells = cells;
	nested_pool = pool;
	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(calls_and_waits);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < 3; i++)
		job_had(&job[i], 0);
}

static volatile uintptr_t nowhere = 0x10;

static int faults(struct ward_task *task)
{
	(void)task;
	*(volatile uint32_t *)nowhere = 1;
	return 0;
}

Test(cells_pairs, a_pool_that_catches_faults)
{
	struct ward_pool_config config = job_config(1);
	struct job job = job_of_kind(faults);
	struct ward_cells *cells;
	struct ward_pool *pool;

	config.flags = WARD_POOL_CATCH_FAULTS;
	pool = started(&config);
	cells = cells_of(pool, 1);
	one(cells, ASK_FAULT, 0, -EOWNERDEAD);
	submitted(pool, &job);
	job_had(&job, -EFAULT);
	one(cells, ASK_ABORT, 0, -EOWNERDEAD);
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

Test(cells_pairs, a_pool_that_only_tells)
{
	struct ward_pool_config config = job_config(1);
	struct ward_cells *cells;
	struct ward_pool *pool;
	struct ask ask;

	config.on_stall = WARD_STALL_REPORT;
	pool = started(&config);
	cells = cells_of(pool, 1);
	ask_at(&ask, ASK_SILENT, 1)->call.task.policy = &hasty;
	asked(cells, &ask);
	cr_assert(comes_true(told_of(WARD_R_BLOCKED)));
	open_gate(1);
	ask_had(&ask, 0);
	cr_assert_eq(counted(cells).killed, 0);
	cells_end(pool, cells);
}
