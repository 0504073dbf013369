/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane_job.h"
#include "pool/pool.h"
#include <stdalign.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- order and width ------------------------------------------------------- */

static struct order {
	_Atomic uint32_t inside, most, last;
	bool broken;
} order;

static int in_order(struct ward_task *task)
{
	uint32_t inside = add_acq_rel(&order.inside, 1) + 1;
	uint32_t most = load_relaxed(&order.most);

	while (inside > most && !cas_acq_rel(&order.most, &most, inside))
		;
	if (add_acq_rel(&order.last, 1) != (uint32_t)job_of(task)->answer)
		order.broken = true;
	job_begins(job_of(task));
	sub_acq_rel(&order.inside, 1);
	return 0;
}

enum { MANY = 3000 };
static struct job many[MANY];

static void send_many(struct ward_lane *lane)
{
	for (int i = 0; i < MANY; i++) {
		many[i] = job_of_kind(in_order);
		many[i].answer = i;
		cr_assert_eq(ward_lane_submit(lane, &many[i].task,
					      WARD_FOREVER),
			     0);
	}
}

Test(lane, a_key_keeps_its_order)
{
	struct ward_pool *pool = pool_of(4);
	struct ward_lane *lane = lane_of(pool, .active = 1);

	send_many(lane);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	all_had(many, MANY, 0);
	cr_assert_eq(order.most, 1);
	cr_assert(!order.broken);
	gone(pool, lane);
}

Test(lane, a_bound_is_waited_for)
{
	struct ward_pool *pool = pool_of(4);
	struct ward_lane *lane = lane_of(pool, .active = 2, .queued = 3);

	send_many(lane);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	cr_assert_leq(order.most, 2);
	gone(pool, lane);
}

Test(lane, any_width_is_any)
{
	struct ward_pool *pool = pool_of(3);
	struct ward_lane *lane = lane_of(pool);
	struct job job[3];

	sent_all(lane, job, 3, job_sleep);
	for (int i = 0; i < 3; i++)
		cr_assert(runs(&job[i]), "all at once");
	cr_assert_eq(ward_lane_join(lane, ward_in(1)), -ETIMEDOUT);
	cr_assert_eq(ward_lane_destroy(lane), -EBUSY);
	cr_assert_eq(ward_lane_count(lane), 3);
	gates_open(job, 3);
	finished(pool, lane, 0);
}

/* A task that hangs keeps nobody who gives its lane back. */
Test(lane, one_that_is_abandoned_goes_with_its_last_task)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_cancel token = { { 0 } };
	struct ward_lane *lane = lane_of(pool, .active = 1, .cancel = &token);
	struct pool *inside = (struct pool *)pool;
	struct job job[2];

	job[0] = job_of_kind(job_sleep);
	job[0].task.policy = &patient;
	begun(lane, &job[0]);
	job[1] = job_of_kind(job_run);
	sent(lane, &job[1]);
	cr_assert_eq(ward_lane_abandon(lane), 0);
	cr_assert_eq(ward_cancel_fini(&token), 0, "it is linked still");
	cr_assert_eq(ward_lane_abandon(lane), -EINVAL);
	gates_open(job, 1);
	all_had(job, 2, 0);
	/* Its last thread gives its memory back, and the next lane has that. */
	cr_assert(comes_true(load_acquire(&inside->lanes_free) ==
			     (struct lane *)lane));
	cr_assert_eq(lane_of(pool), lane);
	cr_assert_eq(ward_lane_abandon(lane), 0, "an empty one goes at once");
	cr_assert_eq(load_acquire(&inside->lanes_free), (struct lane *)lane);
	cr_assert_eq(ward_lane_abandon(NULL), -EINVAL);
	ended(pool);
}

/* ---- one too many ------------------------------------------------------------ */

Test(lane, full_is_refused)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1, .queued = 1);
	struct job job[3];

	for (int i = 0; i < 3; i++)
		job[i] = job_of_kind(job_sleep);
	sent(lane, &job[0]);
	sent(lane, &job[1]);
	cr_assert_eq(ward_lane_submit(lane, &job[2].task, WARD_NOWAIT),
		     -EAGAIN);
	cr_assert_eq(ward_lane_submit(lane, &job[2].task, ward_in(1)),
		     -ETIMEDOUT);
	job_is_untouched(&job[2]);
	gate_open(&job[0].gate);
	cr_assert_eq(ward_lane_submit(lane, &job[2].task, WARD_FOREVER), 0);
	gate_open(&job[1].gate);
	gate_open(&job[2].gate);
	finished(pool, lane, 0);
}

Test(lane, handed_over_or_not_taken)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_HANDOVER);
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_run) };

	sent(lane, &job[0]);
	cr_assert_eq(ward_lane_submit(lane, &job[1].task, WARD_NOWAIT),
		     -EAGAIN);
	gate_open(&job[0].gate);
	cr_assert_eq(ward_lane_submit(lane, &job[1].task, WARD_FOREVER), 0);
	finished(pool, lane, 0);
}

Test(lane, the_oldest_is_dropped)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool,
					 .active = 1, .queued = 2,
					 .flags = WARD_LANE_DROP_OLDEST);
	struct job first = job_of_kind(job_sleep), job[5];

	sent(lane, &first);
	sent_all(lane, job, 5, job_run);
	for (int i = 0; i < 3; i++) {
		job_had(&job[i], -ENOBUFS);
		cr_assert_eq(job[i].runs, 0);
	}
	job_is_untouched(&job[3]);
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -ENOBUFS);
	job_had(&job[3], 0);
	job_had(&job[4], 0);
	gone(pool, lane);
}

Test(lane, the_caller_runs_it)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane =
		lane_of(pool, .queued = 1, .flags = WARD_LANE_CALLER_RUNS);
	struct job first = job_of_kind(job_sleep), job = job_of_kind(job_run);

	begun(lane, &first);
	job.answer = 5;
	sent(lane, &job);
	cr_assert_eq(job.releases, 1, "before the call came back");
	cr_assert_eq(load_relaxed(&job.ran_on), host_tid());
	cr_assert_eq(load_relaxed(&job.status), 5);
	gate_open(&first.gate);
	finished(pool, lane, 5);
}

static struct ward_lane *callers_lane(struct ward_pool *pool,
				      struct ward_limit **limit,
				      struct job *first)
{
	struct ward_lane *lane = lane_of(
		pool, .queued = 1, .limits = limit, .nlimits = *limit != NULL,
		.flags = WARD_LANE_CALLER_RUNS | WARD_LANE_FAIL_FAST);

	*first = job_of_kind(job_sleep);
	begun(lane, first);
	return lane;
}

Test(lane, what_the_caller_runs_is_limited)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_limit limit, *set[] = { &limit };
	struct ward_cancel token = { { 0 } };
	struct ward_lane *lane;
	struct job first, job = job_of_kind(job_run);

	cr_assert_eq(ward_limit_init(&limit, 1e-3, 2), 0);
	lane = callers_lane(pool, set, &first);
	sent(lane, &job);
	cr_assert_eq(job.releases, 1);
	job = job_of_kind(job_run);
	cr_assert_eq(ward_lane_submit(lane, &job.task, WARD_NOWAIT), -EAGAIN);
	cr_assert_eq(ward_lane_submit(lane, &job.task, ward_in(WARD_S(1))),
		     -ETIMEDOUT);
	ward_cancel_deadline(&token, ward_in(WARD_MS(20)));
	job.task.cancel = &token;
	cr_assert_eq(ward_lane_submit(lane, &job.task, WARD_FOREVER),
		     -ETIMEDOUT, "its token ends the wait");
	job_is_untouched(&job);
	gate_open(&first.gate);
	finished(pool, lane, 0);
}

Test(lane, what_the_caller_runs_may_fail)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_limit *none[] = { NULL };
	struct job first, job = job_of_kind(job_run), next = job;
	struct ward_lane *lane = callers_lane(pool, none, &first);
	int status = 0;

	job.answer = -EIO;
	cr_assert_eq(ward_task_hold(pool, &job.task), 0);
	sent(lane, &job);
	cr_assert_eq(job.dones, 1);
	cr_assert_eq(job.releases, 0, "held");
	cr_assert_eq(ward_task_wait(pool, &job.task, 1, &status), 0);
	cr_assert_eq(status, -EIO);
	cr_assert_eq(ward_task_drop(pool, &job.task), 0);
	job_had(&job, -EIO);
	cr_assert_eq(ward_cancel_cause(ward_lane_token(lane)), -ECANCELED);
	cr_assert_eq(ward_lane_submit(lane, &next.task, WARD_NOWAIT),
		     -ECANCELED);
	job_is_untouched(&next);
	gate_open(&first.gate);
	finished(pool, lane, -EIO);
}

static int raises(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_raise(-EPIPE, "%s", "out of it");
}

static struct ward_lane *nest;
static struct job nested[2];

static int submits_another(struct ward_task *task)
{
	job_begins(job_of(task));
	cr_assert_eq(ward_lane_submit(nest, task, WARD_NOWAIT), -EBUSY);
	return ward_lane_submit(nest, &nested[1].task, WARD_NOWAIT);
}

static int raises_inside(struct ward_task *task)
{
	nested[0] = job_of_kind(submits_another);
	nested[1] = job_of_kind(job_run);
	job_begins(job_of(task));
	if (ward_lane_submit(nest, &nested[0].task, WARD_NOWAIT))
		return 1;
	nested[0] = job_of_kind(raises);
	return ward_lane_submit(nest, &nested[0].task, WARD_NOWAIT) ? 2 : 3;
}

/* Not one inside of the other; and what it raises is its own. */
Test(lane, what_the_caller_runs_does_not_nest)
{
	struct ward_pool *pool = pool_of(2);
	struct job first = job_of_kind(job_sleep);
	struct job outer = job_of_kind(raises_inside);

	nest = lane_of(pool, .queued = 1, .flags = WARD_LANE_CALLER_RUNS);
	begun(nest, &first);
	submitted(pool, &outer);
	job_had(&outer, 3);
	cr_assert_eq(load_relaxed(&nested[0].status), -EPIPE);
	job_is_untouched(&nested[1]);
	gate_open(&first.gate);
	finished(pool, nest, -EAGAIN);
}

/* ---- waiting for room ---------------------------------------------------------- */

struct waiter {
	struct ward_lane *lane;
	struct job job;
	struct ward_cancel token;
	_Atomic int32_t tid;
	int said;
};

static void *waits_for_room(void *arg)
{
	struct waiter *w = arg;

	store_release(&w->tid, host_tid());
	w->said = ward_lane_submit(w->lane, &w->job.task, WARD_FOREVER);
	return NULL;
}

static void no_end(struct waiter *w)
{
	(void)w;
}

static void is_closed(struct waiter *w)
{
	ward_lane_close(w->lane, 0);
}

static void is_cancelled(struct waiter *w)
{
	ward_lane_cancel(w->lane, -EINTR);
}

static void is_told(struct waiter *w)
{
	ward_cancel_fire(&w->token, -EPIPE);
}

static void has_a_deadline(struct waiter *w)
{
	ward_cancel_deadline(&w->token, ward_in(2000000));
}

static void lane_has_a_deadline(struct waiter *w)
{
	ward_cancel_deadline(ward_lane_token(w->lane), ward_in(2000000));
}

/* While there is no room, and none comes. */
static void gets_out(void (*before)(struct waiter *w),
		     void (*after)(struct waiter *w), int said)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_HANDOVER);
	struct job first = job_of_kind(job_sleep);
	struct waiter w = { .lane = lane, .job = job_of_kind(job_run) };
	pthread_t thread;

	w.job.task.cancel = &w.token;
	sent(lane, &first);
	before(&w);
	cr_assert_eq(pthread_create(&thread, NULL, waits_for_room, &w), 0);
	cr_assert(before != no_end ||
		  comes_true(sleeps_in_futex(load_acquire(&w.tid))));
	after(&w);
	pthread_join(thread, NULL);
	cr_assert_eq(w.said, said, "%d", w.said);
	job_is_untouched(&w.job);
	gate_open(&first.gate);
	ward_lane_join(lane, WARD_FOREVER);
	gone(pool, lane);
}

Test(lane, who_waits_for_room_is_told_why_not)
{
	gets_out(no_end, is_closed, -ESHUTDOWN);
	gets_out(no_end, is_cancelled, -EINTR);
	gets_out(no_end, is_told, -EPIPE);
	gets_out(no_end, has_a_deadline, -ETIMEDOUT);
	gets_out(has_a_deadline, no_end, -ETIMEDOUT);
	gets_out(lane_has_a_deadline, no_end, -ETIMEDOUT);
	gets_out(is_told, no_end, -EPIPE);
}

Test(lane, room_or_not_the_task_was_cancelled)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool);
	struct ward_cancel token = { { 0 } };
	struct job job = job_of_kind(job_run);

	job.task.cancel = &token;
	ward_cancel_fire(&token, -EPIPE);
	cr_assert_eq(ward_lane_submit(lane, &job.task, WARD_NOWAIT), -EPIPE);
	job_is_untouched(&job);
	gone(pool, lane);
}

/* ---- ends -------------------------------------------------------------------- */

Test(lane, cancelled_never_runs)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job first = job_of_kind(job_sleep), job[3];

	begun(lane, &first);
	sent_all(lane, job, 2, job_run);
	cr_assert(ward_lane_cancel(lane, -EINTR));
	cr_assert_not(ward_lane_cancel(lane, -EPIPE));
	for (int i = 0; i < 2; i++) {
		job_had(&job[i], -EINTR);
		cr_assert_eq(job[i].runs, 0);
	}
	job[2] = job_of_kind(job_run);
	cr_assert_eq(ward_lane_submit(lane, &job[2].task, 0), -EINTR);
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -EINTR);
	cr_assert_eq(load_relaxed(&first.check), -EINTR, "it was told");
	job_is_untouched(&job[2]);
	gone(pool, lane);
}

static int waits_for_news(struct ward_task *task)
{
	job_begins(job_of(task));
	store_relaxed(&job_of(task)->check, ward_pause(WARD_FOREVER));
	return -ECANCELED;
}

Test(lane, who_pauses_is_woken)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool);
	struct job job = job_of_kind(waits_for_news);

	begun(lane, &job);
	ward_lane_cancel(lane, 0);
	job_had(&job, -ECANCELED);
	cr_assert_eq(load_relaxed(&job.check), -ECANCELED);
	gone(pool, lane);
}

Test(lane, the_first_error_ends_it)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_FAIL_FAST);
	struct job first = job_of_kind(job_sleep), job[2];

	first.answer = -EIO;
	sent(lane, &first);
	sent_all(lane, job, 2, job_run);
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -EIO);
	job_had(&first, -EIO);
	job_had(&job[0], -ECANCELED);
	job_had(&job[1], -ECANCELED);
	gone(pool, lane);
}

Test(lane, what_waits_in_lanes_is_counted)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane[2];
	struct job job[2][3];

	for (int l = 0; l < 2; l++) {
		lane[l] = lane_of(pool, .active = 1);
		for (int i = 0; i < 3; i++) {
			job[l][i] = job_of_kind(i ? job_run : job_sleep);
			sent(lane[l], &job[l][i]);
		}
	}
	cr_assert_eq(stats_of(pool).in_lanes, 4);
	cr_assert_eq(stats_of(pool).accepted, 2);
	for (int l = 0; l < 2; l++)
		gate_open(&job[l][0].gate);
	for (int l = 0; l < 2; l++) {
		cr_assert_eq(ward_lane_join(lane[l], WARD_FOREVER), 0);
		given_back(lane[l]);
	}
	cr_assert_eq(stats_of(pool).in_lanes, 0);
	ended(pool);
	cr_assert_eq(job[0][2].runs + job[1][2].runs, 2);
}

Test(lane, what_never_ran_does_not_end_it)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_FAIL_FAST);
	struct job first = job_of_kind(job_sleep), job[4];
	struct ward_cancel token = { { 0 } };

	begun(lane, &first);
	for (int i = 0; i < 4; i++) {
		job[i] = job_of_kind(job_run);
		job[i].answer = i == 2 ? -EIO : 0;
	}
	job[0].task.cancel = &token;
	for (int i = 0; i < 4; i++)
		sent(lane, &job[i]);
	ward_cancel_fire(&token, -EINTR);
	gate_open(&first.gate);
	job_had(&job[0], -EINTR);
	job_had(&job[1], 0);
	job_had(&job[2], -EIO);
	job_had(&job[3], -ECANCELED);
	finished(pool, lane, -EINTR);
}

Test(lane, closed_finishes_or_cancels)
{
	for (int cause = 0; cause >= -EPIPE; cause -= EPIPE) {
		struct ward_pool *pool = pool_of(1);
		struct ward_lane *lane = lane_of(pool, .active = 1);
		struct job first = job_of_kind(job_sleep);
		struct job job = job_of_kind(job_run), late = job;

		begun(lane, &first);
		sent(lane, &job);
		cr_assert_eq(ward_lane_close(lane, cause), 0);
		cr_assert_eq(ward_lane_close(lane, cause), -EALREADY);
		cr_assert_eq(ward_lane_submit(lane, &late.task, WARD_FOREVER),
			     -ESHUTDOWN);
		gate_open(&first.gate);
		ward_lane_join(lane, WARD_FOREVER);
		job_had(&job, cause);
		job_is_untouched(&late);
		gone(pool, lane);
	}
}

Test(lane, one_is_called_back)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job first = job_of_kind(job_sleep), job[2];

	begun(lane, &first);
	sent_all(lane, job, 2, job_run);
	cr_assert_eq(ward_task_cancel(pool, &job[0].task, -EINTR), 0);
	gate_open(&first.gate);
	ward_lane_join(lane, WARD_FOREVER);
	job_had(&job[0], -EINTR);
	cr_assert_eq(job[0].runs, 0);
	job_had(&job[1], 0);
	gone(pool, lane);
}

/* ---- what else may befall them ---------------------------------------------------- */

Test(lane, a_lost_one_makes_way)
{
	static int (*const kind[])(struct ward_task *) = { job_spin, job_exit,
							   job_raw_exit };
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1, .policy = &hasty);

	for (int i = 0; i < 3; i++) {
		struct job lost = job_of_kind(kind[i]);
		struct job job = job_of_kind(job_run);

		sent(lane, &lost);
		sent(lane, &job);
		job_had(&job, 0);
		cr_assert_eq(lost.dones, 1);
		store_relaxed(&lost.stop, 1);
		cr_assert(job_is_released(&lost));
		cr_assert_null(lost.task.policy, "the user's own");
	}
	finished(pool, lane, -ETIME);
}

static void exits_in_release(struct ward_task *task)
{
	job_release(task);
	pthread_exit(NULL);
}

Test(lane, who_dies_in_release_leaves_the_lane)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job lost = job_of_kind(job_run), job = job_of_kind(job_run);

	lost.task.release = exits_in_release;
	sent(lane, &lost);
	sent(lane, &job);
	job_had(&job, 0);
	finished(pool, lane, 0);
}

Test(lane, a_pool_drains_its_lanes)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1);

	send_many(lane);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	cr_assert_eq(ward_lane_count(lane), 0);
	all_had(many, MANY, 0);
	cr_assert_eq(ward_lane_submit(lane, &many[0].task, WARD_FOREVER),
		     -ESHUTDOWN);
	gone(pool, lane);
}

Test(lane, a_pool_ends_before_its_lanes)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job first = job_of_kind(job_spin), job = job_of_kind(job_run);

	begun(lane, &first);
	sent(lane, &job);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(WARD_MS(1))), 1);
	cr_assert_eq(first.dones, 1);
	job_had(&job, -ECANCELED);
	cr_assert_eq(ward_lane_submit(lane, &job.task, 0), -ESHUTDOWN);
	given_back(lane);
	store_relaxed(&first.stop, 1);
	cr_assert(job_is_released(&first));
}

/* ---- priorities --------------------------------------------------------------------- */

static _Atomic uint32_t ranks_seen;
static uint32_t rank_at[MANY];

static int notes_rank(struct ward_task *task)
{
	rank_at[add_relaxed(&ranks_seen, 1)] =
		(uint32_t)job_of(task)->answer;
	return 0;
}

/* All wait behind one; then the high ones come first, but not all of them. */
Test(lane, the_lowest_get_their_share)
{
	enum { HIGH = 2900, LOW = MANY - HIGH };
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct ward_lane *lane[2];
	struct job first = job_of_kind(job_sleep);
	uint32_t before = 0, early = 0;

	config.ring = 1 << 13;
	cr_assert_eq(ward_pool_create(&pool, &config), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	submitted(pool, &first);
	cr_assert(runs(&first));
	lane[0] = lane_of(pool);
	lane[1] = lane_of(pool, .prio = 3);
	for (int i = 0; i < MANY; i++) {
		many[i] = job_of_kind(notes_rank);
		many[i].answer = i >= LOW;
		sent(lane[i < LOW], &many[i]);
	}
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane[0], WARD_FOREVER), 0);
	cr_assert_eq(ward_lane_join(lane[1], WARD_FOREVER), 0);
	for (int i = 0; i < MANY; i++) {
		early += !rank_at[i] && before < HIGH;
		before += rank_at[i];
	}
	cr_assert_geq(early, 1, "none waits for ever");
	cr_assert_leq(early, 10, "but for long");
	given_back(lane[0]);
	given_back(lane[1]);
	ended(pool);
}

/* ---- many at once ---------------------------------------------------------------------- */

static struct ward_task *list[MANY];

static void list_many(int (*run)(struct ward_task *), int n)
{
	for (int i = 0; i < n; i++) {
		many[i] = job_of_kind(run);
		many[i].answer = run == in_order ? i : 0;
		list[i] = &many[i].task;
	}
}

Test(lane, many_at_once_keep_their_order)
{
	struct ward_pool *pool = pool_of(4);
	const struct ward_lane_config kind[] = { { .active = 1 },
						 { .active = 1, .queued = 7 } };

	for (int k = 0; k < 2; k++) {
		struct ward_lane *lane = lane_with(pool, kind[k]);

		store_relaxed(&order.last, 0);
		list_many(in_order, MANY);
		cr_assert_eq(ward_lane_submit_n(lane, list, MANY, WARD_FOREVER),
			     MANY);
		cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
		all_had(many, MANY, 0);
		cr_assert_eq(order.most, 1);
		cr_assert(!order.broken);
		given_back(lane);
	}
	ended(pool);
}

Test(lane, of_many_as_many_come_as_can)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1, .queued = 4);
	struct job first = job_of_kind(job_sleep);

	sent(lane, &first);
	list_many(job_run, 6);
	cr_assert_eq(ward_lane_submit_n(lane, list, 6, WARD_NOWAIT), 4);
	cr_assert_eq(ward_lane_submit_n(lane, list, 6, WARD_NOWAIT), -EBUSY);
	cr_assert_eq(ward_lane_submit_n(lane, list + 4, 2, WARD_NOWAIT),
		     -EAGAIN);
	cr_assert_eq(ward_lane_submit_n(lane, list + 4, 2, ward_in(1)),
		     -ETIMEDOUT);
	job_is_untouched(&many[4]);
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	list[5] = list[4]; /* twice in one */
	cr_assert_eq(ward_lane_submit_n(lane, list + 3, 3, WARD_FOREVER), 2);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	cr_assert_eq(many[4].releases, 1);
	ward_lane_cancel(lane, -EINTR);
	cr_assert_eq(ward_lane_submit_n(lane, list, 3, WARD_FOREVER), -EINTR);
	gone(pool, lane);
}

static struct ward_lane_stats lane_stats(const struct ward_lane *lane)
{
	struct ward_lane_stats stats = WARD_LANE_STATS_INIT;

	cr_assert_eq(ward_lane_stats(lane, &stats), 0);
	return stats;
}

/* ---- at a point in time ------------------------------------------------------------------ */

Test(lane, at_its_time_it_comes_to_its_turn)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .active = 1, .queued = 3);
	struct job first = job_of_kind(job_sleep), job[4];

	for (int i = 0; i < 4; i++)
		job[i] = job_of_kind(job_run);
	sent(lane, &first);
	cr_assert_eq(ward_lane_submit_at(lane, &job[0].task,
					 ward_in(WARD_MS(5))),
		     0);
	cr_assert_eq(ward_lane_submit_at(lane, &job[1].task, 0), 0);
	cr_assert_eq(ward_lane_submit_at(lane, &job[2].task,
					 ward_in(WARD_S(3600))),
		     0);
	cr_assert_eq(ward_lane_submit_at(lane, &job[3].task, 0), -EAGAIN);
	job_is_untouched(&job[3]);
	cr_assert_eq(ward_lane_count(lane), 4, "each has its room");
	cr_assert(comes_true(lane_stats(lane).waiting == 2));
	cr_assert_eq(job[0].runs + job[1].runs, 0, "and its turn comes");
	gate_open(&first.gate);
	job_had(&job[1], 0);
	job_had(&job[0], 0);
	cr_assert_lt(job[1].ran_at, job[0].ran_at);
	cr_assert_eq(ward_lane_close(lane, 0), 0);
	cr_assert_eq(ward_lane_join(lane, ward_in(WARD_MS(5))), -ETIMEDOUT);
	cr_assert_eq(ward_task_recall(pool, &job[2].task, 0), WARD_RECALLED);
	job_is_untouched(&job[2]);
	finished(pool, lane, 0);
}

/* Cancelled alone, with the lane, or with the pool: answered at once. */
Test(lane, who_waits_for_its_time_is_let_out)
{
	for (int how = 0; how < 3; how++) {
		struct ward_pool *pool = pool_of(2);
		struct ward_lane *lane = lane_of(pool, .active = 1);
		struct job job[3];

		for (int i = 0; i < 3; i++) {
			job[i] = job_of_kind(job_run);
			cr_assert_eq(ward_lane_submit_at(lane, &job[i].task,
							 ward_in(WARD_S(3600))),
				     0);
		}
		for (int i = 0; how == 0 && i < 3; i++)
			ward_task_cancel(pool, &job[i].task, -ECANCELED);
		if (how == 1)
			ward_lane_cancel(lane, 0);
		if (how == 2)
			cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
		for (int i = 0; i < 3; i++) {
			job_had(&job[i], -ECANCELED);
			cr_assert_eq(job[i].runs, 0);
		}
		if (how == 1)
			cr_assert_eq(ward_lane_submit_at(lane, &job[0].task,
							 WARD_S(1)),
				     -ECANCELED);
		ward_lane_join(lane, WARD_FOREVER);
		given_back(lane);
		if (how != 2)
			ended(pool);
	}
}

Test(lane, many_that_have_their_time)
{
	struct ward_pool *pool = pool_of(3);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	uint32_t ran = 0;

	for (int i = 0; i < MANY; i++) {
		many[i] = job_of_kind(job_run);
		cr_assert_eq(ward_lane_submit_at(lane, &many[i].task,
						 ward_in(WARD_US(i % 500))),
			     0);
		if (i % 7 == 0)
			ward_task_cancel(pool, &many[i / 2].task, 0);
	}
	ward_lane_join(lane, WARD_FOREVER);
	for (int i = 0; i < MANY; i++) {
		cr_assert(job_is_released(&many[i]));
		cr_assert_eq(many[i].runs, load_relaxed(&many[i].status) == 0);
		ran += many[i].runs;
	}
	cr_assert_gt(ran, MANY / 2);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	cr_assert_eq(stats_of(pool).accepted, stats_of(pool).answered);
	gone(pool, lane);
}

/* ---- changed while it is used ------------------------------------------------------------ */

Test(lane, another_width_is_used_at_once)
{
	struct ward_pool *pool = pool_of(4);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job job[6];

	sent_all(lane, job, 6, job_sleep);
	cr_assert(runs(&job[0]));
	cr_assert_eq(lane_stats(lane).waiting, 5);
	cr_assert_eq(ward_lane_resize(lane, 3, 0), 0);
	cr_assert(runs(&job[1]) && runs(&job[2]));
	cr_assert_eq(lane_stats(lane).waiting, 3);
	cr_assert_eq(lane_stats(lane).inside, 6);
	cr_assert_eq(ward_lane_resize(lane, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(job[3].runs, 0);
		gate_open(&job[i].gate);
	}
	for (int i = 3; i < 6; i++) {
		cr_assert(runs(&job[i]));
		cr_assert(i == 5 || !job[i + 1].runs);
		gate_open(&job[i].gate);
	}
	finished(pool, lane, 0);
}

/* A submitter that waits for room gets the room that is new. */
Test(lane, another_bound_is_told_to_who_waits)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_HANDOVER);
	struct job first = job_of_kind(job_sleep);
	struct waiter w = { .lane = lane, .job = job_of_kind(job_run) };
	pthread_t thread;

	sent(lane, &first);
	cr_assert_eq(pthread_create(&thread, NULL, waits_for_room, &w), 0);
	cr_assert(comes_true(sleeps_in_futex(load_acquire(&w.tid))));
	cr_assert_eq(lane_stats(lane).full, 1);
	cr_assert_eq(ward_lane_resize(lane, 2, 0), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(w.said, 0);
	job_had(&w.job, 0);
	gate_open(&first.gate);
	finished(pool, lane, 0);
}

Test(lane, numbers_are_as_they_are)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool,
					 .active = 1, .queued = 1,
					 .flags = WARD_LANE_DROP_OLDEST);
	struct job job[4];
	struct ward_lane_stats stats;

	sent_all(lane, job, 4, job_sleep);
	cr_assert_eq(ward_task_cancel(pool, &job[3].task, -EINTR), 0);
	job_had(&job[1], -ENOBUFS);
	job_had(&job[2], -ENOBUFS);
	job_had(&job[3], -EINTR);
	cr_assert_eq(ward_lane_close(lane, -EPIPE), 0);
	gate_open(&job[0].gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -ENOBUFS);
	stats = lane_stats(lane);
	cr_assert_eq(stats.active, 1);
	cr_assert_eq(stats.queued, 1);
	cr_assert_eq(stats.inside + stats.waiting, 0);
	cr_assert_eq(stats.dropped, 2);
	cr_assert_eq(stats.recalled, 1);
	cr_assert_eq(stats.full, 0);
	cr_assert_eq(stats.closed, 1);
	cr_assert_eq(stats.cause, -EPIPE);
	cr_assert_eq(stats.error, -ENOBUFS);
	gone(pool, lane);
}

Test(lane, refuses_what_it_cannot_be)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *any = lane_of(pool);
	struct ward_lane *one = lane_of(pool, .active = 1);
	struct ward_lane *over =
		lane_of(pool, .active = 2, .flags = WARD_LANE_HANDOVER);
	struct ward_lane_stats stats = { .size = 1 };
	struct ward_task *none[] = { NULL };

	cr_assert_eq(ward_lane_resize(NULL, 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_resize(any, 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_resize(any, 0, 5), 0);
	cr_assert_eq(ward_lane_resize(one, 0, 0), -EINVAL);
	cr_assert_eq(ward_lane_resize(one, (1u << 30) + 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_resize(one, 1, (1u << 30) + 1), -EINVAL);
	cr_assert_eq(ward_lane_resize(over, 2, 1), -EINVAL);
	cr_assert_eq(lane_stats(one).active, 1);
	cr_assert_eq(ward_lane_stats(NULL, &stats), -EINVAL);
	cr_assert_eq(ward_lane_stats(one, NULL), -EINVAL);
	cr_assert_eq(ward_lane_stats(one, &stats), -EINVAL);
	cr_assert_eq(ward_lane_submit_n(NULL, none, 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit_at(NULL, NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit_at(one, NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit_at(one, NULL, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_lane_submit_n(one, NULL, 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit_n(one, NULL, 0, 0), 0);
	cr_assert_eq(ward_lane_submit_n(one, none, 1, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit_n(one, none, 1u << 31, 0), -EINVAL);
	given_back(any);
	given_back(one);
	gone(pool, over);
}

/* ---- what is refused ------------------------------------------------------------------ */

Test(lane, refuses_what_makes_no_sense)
{
	static const struct ward_policy odd = { .size = 1 };
	static struct ward_limit *none[1];
	const struct ward_lane_config bad[] = {
		{ .size = 1 },
		{ .flags = 1u << 4 },
		{ .active = (1u << 30) + 1 },
		{ .queued = (1u << 30) + 1 },
		{ .prio = 4 },
		{ .reserved = 1 },
		{ .policy = &odd },
		{ .nlimits = 1 },
		{ .nlimits = 1, .limits = none },
		{ .nlimits = 9, .limits = none },
		{ .flags = WARD_LANE_DROP_OLDEST },
		{ .flags = WARD_LANE_DROP_OLDEST, .active = 1 },
		{ .flags = WARD_LANE_DROP_OLDEST, .queued = 1 },
		{ .flags = WARD_LANE_DROP_OLDEST | WARD_LANE_CALLER_RUNS,
		  .active = 2,
		  .queued = 1 },
		{ .flags = WARD_LANE_CALLER_RUNS },
		{ .flags = WARD_LANE_CALLER_RUNS, .active = 1, .queued = 1 },
		{ .flags = WARD_LANE_HANDOVER },
		{ .flags = WARD_LANE_HANDOVER, .active = 1, .queued = 1 },
	};
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = NULL;
	struct ward_lane_config config;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config = bad[i];
		if (!config.size)
			config.size = sizeof(config);
		cr_assert_eq(ward_lane_create(&lane, pool, &config), -EINVAL,
			     "%zu", i);
	}
	config = (struct ward_lane_config)WARD_LANE_CONFIG_INIT;
	config.name = "0123456789abcdef";
	cr_assert_eq(ward_lane_create(&lane, pool, &config), -ENAMETOOLONG);
	cr_assert_eq(ward_lane_create(NULL, pool, NULL), -EINVAL);
	cr_assert_eq(ward_lane_create(&lane, NULL, NULL), -EINVAL);
	cr_assert_null(lane);
	cr_assert_eq(ward_lane_submit(NULL, NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_join(NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_close(NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_destroy(NULL), -EINVAL);
	cr_assert_not(ward_lane_cancel(NULL, 0));
	cr_assert_null(ward_lane_token(NULL));
	cr_assert_eq(ward_lane_count(NULL), 0);
	cr_assert_eq(ward_port_create(NULL), -EINVAL);
	cr_assert_eq(ward_port_fd(NULL), -EINVAL);
	cr_assert_eq(ward_port_run(NULL, 0), -EINVAL);
	cr_assert_eq(ward_port_destroy(NULL), -EINVAL);
	ended(pool);
}

static struct ward_lane *joined;

static int joins_itself(struct ward_task *task)
{
	job_begins(job_of(task));
	store_relaxed(&job_of(task)->check, ward_lane_join(joined, 0));
	return 0;
}

Test(lane, refuses_tasks_that_are_none)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool);
	struct job job = job_of_kind(NULL), first = job_of_kind(job_sleep);

	joined = lane;
	cr_assert_eq(ward_lane_submit(lane, NULL, 0), -EINVAL);
	cr_assert_eq(ward_lane_submit(lane, &job.task, 0), -EINVAL);
	sent(lane, &first);
	cr_assert_eq(ward_lane_submit(lane, &first.task, 0), -EBUSY);
	gate_open(&first.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	cr_assert_eq(ward_lane_close(lane, 1), -EINVAL);
	job = job_of_kind(joins_itself);
	sent(lane, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), -EDEADLK);
	finished(pool, lane, 0);
}

/* ---- limits ---------------------------------------------------------------------------- */

Test(lane, no_faster_than_its_limits)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_limit limit, *limits[] = { &limit };
	struct ward_lane *lane;
	struct job job[6];
	ward_ns began;

	cr_assert_eq(ward_limit_init(&limit, 1000, 2), 0);
	lane = lane_of(pool, .limits = limits, .nlimits = 1);
	began = ward_now();
	sent_all(lane, job, 6, job_run);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	cr_assert_geq(ward_now() - began, WARD_MS(4) - 1);
	all_had(job, 6, 0);
	gone(pool, lane);
}

Test(lane, who_waits_for_a_grant_is_cancelled)
{
	static const struct ward_policy soon = { .size = sizeof(soon),
						 .start_within = WARD_S(60) };
	struct ward_pool *pool = pool_of(2);
	struct ward_limit limit, *limits[] = { &limit };
	struct ward_lane *lane;
	struct job job[4];

	cr_assert_eq(ward_limit_init(&limit, 1 / 3600.0, 1), 0);
	lane = lane_of(pool, .limits = limits, .nlimits = 1, .active = 2);
	for (int i = 0; i < 4; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.policy = i == 1 ? &soon : NULL;
		sent(lane, &job[i]);
	}
	job_had(&job[0], 0);
	job_had(&job[1], -ETIMEDOUT);
	cr_assert(ward_lane_cancel(lane, -EINTR));
	job_had(&job[2], -EINTR);
	job_had(&job[3], -EINTR);
	cr_assert_eq(job[2].runs, 0);
	ward_lane_join(lane, WARD_FOREVER);
	gone(pool, lane);
}

/* ---- recalled -------------------------------------------------------------------- */

enum { WAITING = 64 };

/* Behind one that holds the only place. */
static struct ward_lane *queue_of(struct ward_pool *pool, struct job *holder,
				  struct job *job, int n)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);

	*holder = job_of_kind(job_sleep);
	begun(lane, holder);
	sent_all(lane, job, n, job_run);
	return lane;
}

/* First, last, in the middle, neighbours, in any order: the others run. */
Test(lane, who_waits_is_taken_out_wherever_it_stands)
{
	struct ward_pool *pool = pool_of(2);
	struct job holder, job[WAITING];

	for (unsigned seed = 1; seed < 40; seed++) {
		struct ward_lane *lane = queue_of(pool, &holder, job, WAITING);
		bool gone[WAITING] = { false };
		uint32_t last = 0;

		srand(seed);
		for (unsigned k = 0; k < seed * 2 && k < 100; k++) {
			int i = rand() % WAITING;
			int said = ward_task_cancel(pool, &job[i].task, -EINTR);

			/* A worker may just be in the lane: then it strikes it. */
			cr_assert(said == (gone[i] ? -ENOENT : 0) ||
				  (gone[i] && said == -EALREADY));
			gone[i] = true;
			if (k % 3 == 0)
				cr_assert(job_is_released(&job[i]));
		}
		gate_open(&holder.gate);
		cr_assert_eq(ward_lane_join(lane, WARD_FOREVER),
			     -EINTR);
		for (int i = 0; i < WAITING; i++) {
			job_had(&job[i], gone[i] ? -EINTR : 0);
			cr_assert_eq(job[i].runs, !gone[i]);
			if (gone[i])
				continue;
			cr_assert(job[i].ran_at >= last, "in their order");
			last = job[i].ran_at;
		}
		given_back(lane);
	}
	ended(pool);
}

Test(lane, who_is_recalled_is_the_callers)
{
	struct ward_pool *pool = pool_of(2);
	struct job holder, job[3];
	struct ward_lane *lane = queue_of(pool, &holder, job, 3);

	cr_assert_eq(ward_task_recall(pool, &job[1].task, 0), WARD_RECALLED);
	cr_assert_eq(ward_lane_count(lane), 3);
	cr_assert_eq(ward_task_recall(pool, &job[1].task, 0), -ENOENT);
	cr_assert_eq(ward_task_hold(pool, &job[2].task), 0);
	cr_assert_eq(ward_task_recall(pool, &job[2].task, 0), WARD_RECALLED);
	cr_assert_eq(ward_task_recall(pool, &holder.task, 0), -EINPROGRESS);
	cr_assert_eq(ward_task_wait(pool, &job[2].task, 1, NULL), 0);
	cr_assert_eq(ward_task_drop(pool, &job[2].task), 0);
	job_is_untouched(&job[1]);
	job_is_untouched(&job[2]);
	sent(lane, &job[1]);
	gate_open(&holder.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
	job_had(&job[0], 0);
	job_had(&job[1], 0);
	cr_assert_lt(job[0].ran_at, job[1].ran_at);
	gone(pool, lane);
}

/* Nobody may look at what lies between the first and the last page of them. */
Test(lane, recalling_one_does_not_walk_the_others)
{
	enum { QUEUED = 1000, PAGE = 4096 };
	static alignas(PAGE) struct job job[QUEUED];
	char *inner = (char *)job + PAGE;
	size_t size = (sizeof(job) / PAGE - 2) * PAGE;
	struct ward_pool *pool = pool_of(2);
	struct job holder;
	struct ward_lane *lane = queue_of(pool, &holder, job, QUEUED);

	/* The first cancel may have to sort in what was just submitted. */
	cr_assert_eq(ward_task_cancel(pool, &job[1].task, 0), 0);
	cr_assert_eq(mprotect(inner, size, PROT_NONE), 0);
	cr_assert_eq(ward_task_cancel(pool, &job[3].task, 0), 0);
	cr_assert_eq(ward_task_cancel(pool, &job[QUEUED - 2].task, 0), 0);
	cr_assert_eq(mprotect(inner, size, PROT_READ | PROT_WRITE), 0);
	gate_open(&holder.gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -ECANCELED);
	gone(pool, lane);
}
