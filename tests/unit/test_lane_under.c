/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lane_under.c - lanes under a lane: a share of its width.
 */
#include "lane_job.h"
#include <sys/wait.h>

static struct ward_pool *pool;
static struct ward_lane *over;

/* One of the lanes under that. */
#define lane_under(...) lane_of(pool, .under = over, __VA_ARGS__)

static void set_up(uint32_t workers, uint32_t places)
{
	pool = pool_of(workers);
	over = lane_of(pool, .active = places);
}

/* A task holds the one place, and another one waits for it in a lane below. */
static struct ward_lane *one_waits(struct ward_cancel *token, struct job *held,
				   struct job *waits)
{
	struct ward_lane *lane;

	set_up(2, 1);
	lane = lane_under(.cancel = token);
	*held = job_of_kind(job_sleep);
	*waits = job_of_kind(job_run);
	begun(over, held);
	sent(lane, waits);
	return lane;
}

static void joined(struct ward_lane *lane, int status)
{
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), status);
	cr_assert_eq(ward_lane_count(lane), 0);
	given_back(lane);
}

static void tear_down(void)
{
	finished(pool, over, 0);
}

/* ---- one that is abandoned --------------------------------------------------------- */

Test(lane_under, one_that_is_abandoned_keeps_the_one_above)
{
	struct job held, waits;
	struct ward_lane *lane = one_waits(NULL, &held, &waits);

	cr_assert_eq(ward_lane_abandon(lane), 0);
	cr_assert_eq(ward_lane_abandon(over), -EBUSY);
	gate_open(&held.gate);
	job_had(&held, 0);
	job_had(&waits, 0);
	cr_assert(comes_true(!ward_lane_abandon(over)));
	ended(pool);
}

/* ---- how many at once -------------------------------------------------------- */

static _Atomic uint32_t inside, most;

static int counted(struct ward_task *task)
{
	uint32_t now = add_acq_rel(&inside, 1) + 1;
	uint32_t seen = load_relaxed(&most);

	while (now > seen && !cas_acq_rel(&most, &seen, now))
		;
	job_begins(job_of(task));
	host_yield();
	sub_acq_rel(&inside, 1);
	return 0;
}

enum { LANES = 3, EACH = 700 };
static struct job job[LANES + 1][EACH];

static void send_all(struct ward_lane *const *lane, int lanes)
{
	for (int i = 0; i < EACH; i++)
		for (int k = 0; k < lanes; k++) {
			job[k][i] = job_of_kind(counted);
			sent(lane[k], &job[k][i]);
		}
}

static void lanes_had(int lanes)
{
	for (int k = 0; k < lanes; k++)
		all_had(job[k], EACH, 0);
}

Test(lane_under, a_width_is_shared, .timeout = 60)
{
	struct ward_lane *lane[LANES + 1];

	set_up(4, 2);
	for (int k = 0; k < LANES; k++)
		lane[k] = lane_under();
	lane[LANES] = over;
	send_all(lane, LANES + 1);
	lanes_had(LANES + 1);
	cr_assert_eq(load_relaxed(&most), 2);
	for (int k = 0; k < LANES; k++)
		joined(lane[k], 0);
	tear_down();
}

Test(lane_under, its_own_width_holds_too, .timeout = 60)
{
	struct ward_lane *lane;

	set_up(4, 3);
	lane = lane_under(.active = 1);
	send_all(&lane, 1);
	lanes_had(1);
	cr_assert_eq(load_relaxed(&most), 1);
	joined(lane, 0);
	tear_down();
}

Test(lane_under, a_bound_and_batches, .timeout = 60)
{
	static struct ward_task *list[EACH];
	struct ward_lane *lane;
	int n = 0;

	set_up(3, 2);
	lane = lane_under(.active = 2, .queued = 5);
	for (int i = 0; i < EACH; i++) {
		job[0][i] = job_of_kind(counted);
		list[i] = &job[0][i].task;
	}
	while (n < EACH) {
		int took = ward_lane_submit_n(lane, list + n,
					      (unsigned)(EACH - n),
					      WARD_FOREVER);

		cr_assert_gt(took, 0);
		n += took;
	}
	lanes_had(1);
	cr_assert_leq(load_relaxed(&most), 2);
	joined(lane, 0);
	tear_down();
}

/* ---- in turn ------------------------------------------------------------------- */

/* However many of one wait, the next one is another's. */
Test(lane_under, they_come_in_turn)
{
	struct ward_lane *lane[2];
	struct job first = job_of_kind(job_sleep);

	set_up(1, 1);
	for (int k = 0; k < 2; k++)
		lane[k] = lane_under();
	begun(over, &first);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 20; i++) {
			job[k][i] = job_of_kind(job_run);
			sent(lane[k], &job[k][i]);
		}
	gate_open(&first.gate);
	job_had(&first, 0);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 20; i++)
			job_had(&job[k][i], 0);
	for (int i = 0; i < 20; i++) {
		cr_assert_lt(job[0][i].ran_at, job[1][i].ran_at, "%d", i);
		if (i < 19)
			cr_assert_lt(job[1][i].ran_at, job[0][i + 1].ran_at,
				     "%d", i);
	}
	for (int k = 0; k < 2; k++)
		given_back(lane[k]);
	tear_down();
}

Test(lane_under, what_is_inside_is_counted_there)
{
	struct ward_lane_stats stats = WARD_LANE_STATS_INIT;
	struct ward_lane *lane;
	struct job held[3];

	set_up(2, 1);
	lane = lane_under();
	sent_all(lane, held, 3, job_sleep);
	cr_assert(runs(&held[0]));
	cr_assert_eq(ward_lane_count(lane), 3);
	cr_assert_eq(ward_lane_count(over), 2, "one at work, and the next one");
	cr_assert_eq(ward_lane_stats(over, &stats), 0);
	cr_assert_eq(stats.waiting, 0, "no task of its own");
	cr_assert_eq(stats_of(pool).in_lanes, 2);
	gates_open(held, 3);
	all_had(held, 3, 0);
	given_back(lane);
	tear_down();
}

/* ---- a place that nobody needs any more -------------------------------------------- */

/* The place that it has asked for comes when it is gone, and goes on to others. */
Test(lane_under, one_that_ends_while_it_asks)
{
	struct job held, waits;
	struct ward_lane *lane = one_waits(NULL, &held, &waits);
	struct job last = job_of_kind(job_run);

	cr_assert(ward_lane_cancel(lane, -EINTR));
	job_had(&waits, -EINTR);
	joined(lane, -EINTR);
	sent(over, &last);
	cr_assert_eq(ward_lane_destroy(over), -EBUSY);
	gate_open(&held.gate);
	job_had(&last, 0);
	tear_down();
	job_had(&held, 0);
}

Test(lane_under, a_drain_does_not_wait_for_who_asked)
{
	struct job held, waits;
	struct ward_lane *lane = one_waits(NULL, &held, &waits);

	cr_assert_eq(ward_task_recall(pool, &waits.task, 0), WARD_RECALLED);
	gate_open(&held.gate);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	given_back(lane);
	tear_down();
}

Test(lane_under, recalled_from_the_middle)
{
	struct ward_lane *lane;
	struct job held = job_of_kind(job_sleep), waits[3];

	set_up(2, 1);
	lane = lane_under();
	begun(over, &held);
	sent_all(lane, waits, 3, job_run);
	cr_assert_eq(ward_task_cancel(pool, &waits[1].task, -EINTR), 0);
	gate_open(&held.gate);
	for (int i = 0; i < 3; i++)
		job_had(&waits[i], i == 1 ? -EINTR : 0);
	joined(lane, -EINTR);
	tear_down();
}

/* ---- what comes from above ------------------------------------------------------- */

Test(lane_under, cancelled_with_the_lane_above)
{
	struct ward_cancel own = { 0 };
	struct ward_lane *lane[2];
	struct job held = job_of_kind(job_sleep), waits[2], late;

	set_up(2, 1);
	lane[0] = lane_under();
	lane[1] = lane_under(.cancel = &own);
	begun(over, &held);
	for (int k = 0; k < 2; k++) {
		waits[k] = job_of_kind(job_run);
		sent(lane[k], &waits[k]);
	}
	cr_assert(ward_lane_cancel(over, -EPIPE));
	for (int k = 0; k < 2; k++) {
		job_had(&waits[k], -EPIPE);
		cr_assert_eq(waits[k].runs, 0);
		late = job_of_kind(job_run);
		cr_assert_eq(ward_lane_submit(lane[k], &late.task, 0), -EPIPE);
	}
	gate_open(&held.gate);
	job_had(&held, 0);
	cr_assert_eq(ward_cancel_cause(&own), 0);
	for (int k = 0; k < 2; k++)
		given_back(lane[k]);
	cr_assert_eq(ward_lane_join(over, WARD_FOREVER), 0);
	given_back(over);
	cr_assert_eq(ward_cancel_fini(&own), 0);
	ended(pool);
}

Test(lane_under, its_own_token_stops_it_alone)
{
	struct ward_cancel own = { 0 };
	struct job held, waits;
	struct ward_lane *lane = one_waits(&own, &held, &waits);

	cr_assert(ward_cancel_fire(&own, -EINTR));
	job_had(&waits, -EINTR);
	cr_assert_eq(ward_cancel_cause(ward_lane_token(over)), 0);
	given_back(lane);
	gate_open(&held.gate);
	tear_down();
	cr_assert_eq(ward_cancel_fini(&own), 0);
}

Test(lane_under, a_wider_lane_is_used_at_once)
{
	struct ward_lane *lane;
	struct job held[3];

	set_up(3, 1);
	lane = lane_under();
	sent_all(lane, held, 3, job_sleep);
	cr_assert(runs(&held[0]));
	cr_assert_eq(held[1].runs + held[2].runs, 0);
	cr_assert_eq(ward_lane_resize(over, 3, 0), 0);
	cr_assert(runs(&held[1]));
	cr_assert(runs(&held[2]));
	gates_open(held, 3);
	all_had(held, 3, 0);
	given_back(lane);
	tear_down();
}

/* A fenced attempt makes way, there as here. */
Test(lane_under, a_place_is_free_when_its_task_was_convicted)
{
	struct ward_lane *lane;
	struct job stuck = job_of_kind(job_sleep), next = job_of_kind(job_run);

	set_up(1, 1);
	lane = lane_under();
	stuck.task.policy = &hasty;
	sent(lane, &stuck);
	sent(lane, &next);
	job_had(&next, 0);
	cr_assert_eq(load_acquire(&stuck.dones), 1);
	gate_open(&stuck.gate);
	job_had(&stuck, -ETIME);
	joined(lane, -ETIME);
	tear_down();
}

Test(lane_under, a_pool_ends_with_all_of_them)
{
	struct ward_lane *lane[2];
	struct job held = job_of_kind(job_sleep), waits[2][5];

	set_up(1, 1);
	for (int k = 0; k < 2; k++)
		lane[k] = lane_under();
	begun(over, &held);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 5; i++) {
			waits[k][i] = job_of_kind(job_run);
			sent(lane[k], &waits[k][i]);
		}
	gate_open(&held.gate);
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 5; i++) {
			cr_assert_eq(waits[k][i].dones, 1);
			cr_assert_eq(waits[k][i].releases, 1);
		}
	for (int k = 0; k < 2; k++)
		given_back(lane[k]);
	given_back(over);
}

/* ---- beside what else a lane can -------------------------------------------------- */

/* A delayed task takes its turn for a place; cancelled before, it takes none. */
Test(lane_under, what_comes_later)
{
	struct ward_lane *lane, *ends;
	struct job held = job_of_kind(job_sleep), soon = job_of_kind(counted);
	struct job never = job_of_kind(job_run), now = job_of_kind(counted);

	set_up(3, 1);
	lane = lane_under();
	ends = lane_under();
	begun(over, &held);
	cr_assert_eq(ward_lane_submit_at(lane, &soon.task,
					 ward_in(WARD_MS(5))),
		     0);
	cr_assert_eq(ward_lane_submit_at(ends, &never.task,
					 ward_in(WARD_S(3600))),
		     0);
	cr_assert_eq(ward_lane_submit_at(lane, &now.task, 0), 0);
	cr_assert_eq(ward_lane_count(over), 2, "the one that asks");
	cr_assert(comes_true(stats_of(pool).in_lanes == 2));
	cr_assert_eq(soon.runs + now.runs, 0);
	cr_assert(ward_lane_cancel(ends, -EINTR));
	job_had(&never, -EINTR);
	gate_open(&held.gate);
	job_had(&soon, 0);
	job_had(&now, 0);
	cr_assert_eq(load_relaxed(&most), 1);
	given_back(lane);
	given_back(ends);
	tear_down();
}

Test(lane_under, the_oldest_is_dropped_while_it_asks)
{
	struct ward_lane_stats stats = WARD_LANE_STATS_INIT;
	struct ward_lane *lane;
	struct job held = job_of_kind(job_sleep), waits[4];

	set_up(2, 1);
	lane = lane_under(.active = 1, .queued = 1,
			  .flags = WARD_LANE_DROP_OLDEST);
	begun(over, &held);
	sent_all(lane, waits, 4, job_run);
	for (int i = 0; i < 3; i++)
		job_had(&waits[i], -ENOBUFS);
	cr_assert_eq(ward_lane_stats(lane, &stats), 0);
	cr_assert_eq(stats.dropped, 3);
	cr_assert_eq(ward_lane_count(over), 2);
	gate_open(&held.gate);
	job_had(&waits[3], 0);
	joined(lane, -ENOBUFS);
	tear_down();
	job_had(&held, 0);
}

/* Their places are free when they are released there. */
Test(lane_under, answers_at_a_port)
{
	struct ward_port *port = NULL;
	struct ward_lane *lane;
	struct job sent_there[3], last = job_of_kind(job_run);
	int there = 0;

	set_up(2, 1);
	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_under(.port = port);
	sent_all(lane, sent_there, 3, job_run);
	sent(over, &last);
	cr_assert(comes_true((there += ward_port_run(port, 0)) >= 3));
	all_had(sent_there, 3, 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(load_relaxed(&sent_there[i].done_on), host_tid());
	job_had(&last, 0);
	joined(lane, 0);
	cr_assert(comes_true(ward_port_run(port, 0) == 0));
	cr_assert_eq(ward_port_destroy(port), 0);
	tear_down();
}

/* In a child of the process both are copies, and nobody asks for places there. */
Test(lane_under, in_a_forked_child)
{
	struct job held, waits;
	struct ward_lane *lane = one_waits(NULL, &held, &waits);
	struct job late = job_of_kind(job_run);
	int status, child;

	child = fork();
	if (!child)
		_exit(ward_lane_submit(lane, &late.task, 0) != -ECHILD ||
		      ward_lane_submit_at(lane, &late.task, 0) != -ECHILD ||
		      ward_lane_resize(over, 2, 0) != -ECHILD ||
		      ward_lane_set_limits(lane, NULL, 0) != -ECHILD ||
		      ward_lane_cancel(over, -EINTR) ||
		      ward_lane_destroy(lane) != -ECHILD ||
		      ward_lane_destroy(over) != -ECHILD);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	gate_open(&held.gate);
	job_had(&waits, 0);
	given_back(lane);
	tear_down();
}

/* ---- bad input --------------------------------------------------------------------- */

static int refused(struct ward_lane_config config)
{
	struct ward_lane *none = NULL;
	int err;

	config.size = sizeof(config);
	err = ward_lane_create(&none, pool, &config);
	cr_assert_null(none);
	return err;
}

Test(lane_under, what_cannot_be)
{
	struct ward_limit limit;
	struct ward_limit *limits[] = { &limit };
	struct ward_pool *other = pool_of(1);
	struct ward_lane *lane, *wide, *strange, *drops, *limited;

	cr_assert_eq(ward_limit_init(&limit, 1.0, 1), 0);
	set_up(1, 1);
	lane = lane_under(.active = 1);
	wide = lane_of(pool);
	strange = lane_of(other, .active = 1);
	drops = lane_of(pool,
			.active = 1, .queued = 1,
			.flags = WARD_LANE_DROP_OLDEST);
	limited = lane_of(pool, .active = 1, .limits = limits, .nlimits = 1);
	cr_assert_eq(refused((struct ward_lane_config){ .under = lane }),
		     -EINVAL, "two deep");
	cr_assert_eq(refused((struct ward_lane_config){ .under = wide }),
		     -EINVAL, "no width to share");
	cr_assert_eq(refused((struct ward_lane_config){ .under = strange }),
		     -EINVAL, "another pool's");
	cr_assert_eq(refused((struct ward_lane_config){ .under = drops }),
		     -EINVAL);
	cr_assert_eq(refused((struct ward_lane_config){ .under = limited }),
		     -EINVAL);
	cr_assert_eq(refused((struct ward_lane_config){
			     .under = over,
			     .active = 1,
			     .flags = WARD_LANE_HANDOVER }),
		     -EINVAL);
	cr_assert_eq(refused((struct ward_lane_config){ .under = over,
							.limits = limits,
							.nlimits = 1 }),
		     -EINVAL);
	cr_assert_eq(ward_lane_destroy(over), -EBUSY, "one is under it");
	given_back(lane);
	given_back(wide);
	given_back(strange);
	given_back(drops);
	given_back(limited);
	tear_down();
	ended(other);
}
