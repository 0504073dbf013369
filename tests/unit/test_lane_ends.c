/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lane_ends.c - how lanes and their tasks end otherwise than by being done: with
 * their pool, with their threads, too late, and when somebody does not want them.
 */
#include "lane_job.h"
#include <stdlib.h>
#include <sys/wait.h>

static struct ward_pool *never_started(void)
{
	struct ward_pool_config config = job_config(1);

	return created(&config);
}

/* ---- with the pool ------------------------------------------------------------ */

/* Each answer lets the next one go; nobody's stack is as long as a lane. */
Test(lane_ends, a_long_lane_ends_with_its_pool)
{
	enum { LONG = 300000 };
	struct ward_pool *pool = never_started();
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job *job = calloc(LONG, sizeof(*job));

	sent_all(lane, job, LONG, job_run);
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	all_had(job, LONG, -ECANCELED);
	given_back(lane);
	free(job);
}

/* Nor as there are lanes that one answer cancels. */
Test(lane_ends, many_lanes_end_with_their_pool)
{
	enum { LANES = 5000 };
	struct ward_pool *pool = never_started();
	struct ward_lane **lane = calloc(LANES, sizeof(struct ward_lane *));
	struct job *job = calloc(LANES, sizeof(*job));

	for (int i = 0; i < LANES; i++) {
		lane[i] = lane_of(pool, .flags = WARD_LANE_FAIL_FAST);
		job[i] = job_of_kind(job_run);
		sent(lane[i], &job[i]);
	}
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	for (int i = 0; i < LANES; i++) {
		job_had(&job[i], -ECANCELED);
		given_back(lane[i]);
	}
	free(job);
	free(lane);
}

static void ends_waiting_for_grants(struct ward_pool *pool, int first)
{
	struct ward_limit limit, *limits[] = { &limit };
	struct ward_lane *lane;
	struct job job[4];

	cr_assert_eq(ward_limit_init(&limit, 1 / 3600.0, 1), 0);
	lane = lane_of(pool, .limits = limits, .nlimits = 1);
	sent_all(lane, job, 4, job_run);
	if (first)
		job_had(&job[0], 0);
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	for (int i = first; i < 4; i++)
		job_had(&job[i], -ECANCELED);
	given_back(lane);
}

Test(lane_ends, who_waits_for_a_grant_ends_with_the_pool)
{
	ends_waiting_for_grants(pool_of(1), 1);
	ends_waiting_for_grants(never_started(), 0);
}

/* ---- with their threads ------------------------------------------------------- */

static void hangs_in_release(struct ward_task *task)
{
	job_release(task);
	gate_pass(&job_of(task)->gate);
	pthread_exit(NULL);
}

static void exits_in_release(struct ward_task *task)
{
	job_release(task);
	pthread_exit(NULL);
}

/* Fenced in release(), and then gone. */
Test(lane_ends, a_zombie_that_dies_in_release_leaves_the_lane)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool, .active = 2, .policy = &hasty);
	struct job lost = job_of_kind(job_run), job = job_of_kind(job_run);

	lost.task.release = hangs_in_release;
	sent(lane, &lost);
	cr_assert(job_is_released(&lost));
	sent(lane, &job);
	job_had(&job, 0); /* so it has been replaced */
	cr_assert(comes_true(ward_lane_count(lane) == 1), "the other is out");
	gate_open(&lost.gate);
	cr_assert_eq(ward_lane_join(lane, ward_in(IN_TIME)), 0);
	gone(pool, lane);
}

/* The records of threads are used again. */
Test(lane_ends, who_dies_in_release_leaves_once)
{
	enum { DEATHS = 8 };
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct job job[3 * DEATHS];

	for (int i = 0; i < 3 * DEATHS; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.release = exits_in_release;
		if (i < DEATHS)
			sent(lane, &job[i]);
		else
			submitted(pool, &job[i]);
		job_had(&job[i], 0);
	}
	cr_assert_eq(ward_lane_join(lane, ward_in(IN_TIME)), 0);
	gone(pool, lane);
}

/* ---- too late ------------------------------------------------------------------- */

static int fails_late(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	if (load_relaxed(&job->runs) > 1)
		return 0;
	while (host_now() < job->incident)
		host_yield();
	return -EIO;
}

/* A task that has begun in time is run again at any time. */
Test(lane_ends, a_rerun_is_not_too_late)
{
	static const struct ward_policy policy = { .size = sizeof(policy),
						   .runs = 2,
						   .errors = 1,
						   .start_within = WARD_S(2) };
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool, .policy = &policy);
	struct job job = job_of_kind(fails_late);

	job.incident = ward_in(WARD_S(2) + WARD_MS(1));
	sent(lane, &job);
	job_had(&job, 0);
	cr_assert_eq(job.runs, 2);
	finished(pool, lane, 0);
}

/* ---- not wanted ------------------------------------------------------------------- */

/* A lane with one place, which is taken until the gate is opened. */
static struct ward_lane *full_lane(struct ward_pool *pool, struct job *first)
{
	struct ward_lane *lane =
		lane_of(pool, .active = 1, .flags = WARD_LANE_HANDOVER);

	*first = job_of_kind(job_sleep);
	begun(lane, first);
	return lane;
}

struct waiter {
	struct ward_lane *lane;
	struct job job;
	_Atomic int32_t tid, err;
};

static void *waits(void *arg)
{
	struct waiter *w = arg;

	store_release(&w->tid, host_tid());
	store_release(&w->err, ward_lane_submit(w->lane, &w->job.task,
						WARD_FOREVER));
	return NULL;
}

static pthread_t waiting(struct waiter *w, struct ward_lane *lane)
{
	pthread_t thread;

	w->lane = lane;
	w->job.task.run = job_run;
	store_relaxed(&w->err, 1);
	cr_assert_eq(pthread_create(&thread, NULL, waits, w), 0);
	cr_assert(comes_true(load_acquire(&w->tid)));
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&w->tid))));
	return thread;
}

static void is_refused(struct waiter *w, pthread_t thread, int err)
{
	cr_assert(comes_true(load_acquire(&w->err) != 1), "while it is full");
	cr_assert_eq(load_relaxed(&w->err), err);
	pthread_join(thread, NULL);
	job_is_untouched(&w->job);
}

static void ends_full(struct ward_lane *lane, struct job *first, int error)
{
	gate_open(&first->gate);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), error);
	job_had(first, error);
	given_back(lane);
}

Test(lane_ends, who_waits_is_refused_though_it_is_full)
{
	struct ward_pool *pool = pool_of(1);
	struct job first, other = job_of_kind(job_run);
	struct ward_lane *lane = full_lane(pool, &first);
	struct waiter w = { NULL };
	pthread_t thread = waiting(&w, lane);

	cr_assert_eq(ward_lane_close(lane, 0), 0);
	is_refused(&w, thread, -ESHUTDOWN);
	cr_assert_eq(ward_lane_submit(lane, &other.task, WARD_NOWAIT),
		     -ESHUTDOWN);
	ends_full(lane, &first, 0);
	lane = full_lane(pool, &first);
	w = (struct waiter){ NULL };
	thread = waiting(&w, lane);
	cr_assert(ward_lane_cancel(lane, -EINTR));
	is_refused(&w, thread, -EINTR);
	ends_full(lane, &first, 0);
	ended(pool);
}

Test(lane_ends, who_waits_is_told_by_a_deadline)
{
	struct ward_pool *pool = pool_of(1);
	struct job first;
	struct ward_lane *lane = full_lane(pool, &first);
	struct waiter w = { NULL };
	pthread_t thread = waiting(&w, lane);

	cr_assert_eq(ward_cancel_deadline(ward_lane_token(lane),
					  ward_in(WARD_MS(1))),
		     0);
	is_refused(&w, thread, -ETIMEDOUT);
	ends_full(lane, &first, 0);
	ended(pool);
}

Test(lane_ends, the_tasks_own_token_ends_its_wait)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job first;
	struct ward_lane *lane = full_lane(pool, &first);
	struct waiter w = { .job = { .task = { .cancel = &token } } };
	pthread_t thread = waiting(&w, lane);

	cr_assert(ward_cancel_fire(&token, -EPIPE));
	is_refused(&w, thread, -EPIPE);
	ends_full(lane, &first, 0);
	cr_assert_eq(ward_lane_submit(lane = lane_with(pool, (struct ward_lane_config){ 0 }),
				      &w.job.task, WARD_NOWAIT),
		     -EPIPE);
	gone(pool, lane);
}

static int until_open(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	return 0;
}

/* The run was told; it returns 0 all the same, and its next turn is far away. */
Test(lane_ends, a_period_ends_when_its_run_was_told)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(until_open);

	cr_assert_eq(ward_submit_at(pool, &job.task, 0, WARD_S(3600)), 0);
	cr_assert(runs(&job));
	cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR), -EINPROGRESS);
	gate_open(&job.gate);
	job_had(&job, -EINTR);
	ended(pool);
}

/* ---- in a child ------------------------------------------------------------------ */

static int all_refused(struct ward_lane *lane, struct ward_port *port,
		       struct ward_cancel *token)
{
	struct ward_task task = WARD_TASK_INIT(job_run);

	ward_cancel_fire(token, -EINTR);
	return ward_lane_submit(lane, &task, WARD_NOWAIT) == -ECHILD &&
	       ward_lane_join(lane, 0) == -ECHILD &&
	       ward_lane_close(lane, -EINTR) == -ECHILD &&
	       !ward_lane_cancel(lane, 0) &&
	       ward_lane_destroy(lane) == -ECHILD &&
	       ward_port_run(port, 0) == -ECHILD &&
	       ward_port_destroy(port) == 0;
}

/* The descriptor is one and the same: what a child takes from it is lost. */
Test(lane_ends, a_child_has_none)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	struct ward_port *port;
	struct ward_lane *lane;
	int status;
	pid_t child;

	needs_a_whole_child();
	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_of(pool, .port = port, .cancel = &token);
	begun(lane, &job);
	cr_assert(comes_true(stats_of(pool).owed == 1));
	child = fork();
	if (!child)
		_exit(!all_refused(lane, port, &token));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_eq(ward_port_run(port, 0), 1);
	job_had(&job, 0);
	given_back(lane);
	cr_assert_eq(ward_port_destroy(port), 0);
	ended(pool);
}

/* ---- with a thread that does not know -------------------------------------------- */

static struct ward_cancel *_Atomic found;

static int fires_late(struct ward_task *task)
{
	struct job *job = job_of(task);

	store_release(&found, ward_token());
	job_begins(job);
	gate_pass(&job->gate);
	ward_cancel_fire(load_relaxed(&found), -EPIPE);
	add_acq_rel(&job->homes, 1);
	return 0;
}

/* A task was fenced, its lane has ended, and there are others; none of them is hit. */
Test(lane_ends, a_zombie_fires_no_other_lane)
{
	enum { LANES = 20 };
	struct ward_pool *pool = pool_of(2);
	struct ward_lane *lane = lane_of(pool, .policy = &hasty);
	struct ward_lane *other[LANES], *last;
	struct job job = job_of_kind(fires_late);

	sent(lane, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), -ETIME);
	cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), -ETIME);
	given_back(lane);
	for (int i = 0; i < LANES; i++)
		other[i] = lane_of(pool);
	gate_open(&job.gate);
	cr_assert(job_is_released(&job));
	for (int i = 0; i < LANES; i++) {
		cr_assert_eq(ward_cancel_cause(ward_lane_token(other[i])), 0);
		given_back(other[i]);
	}
	/* The memory is used again, when nobody is inside any more. */
	for (int i = 0; i < LANES; i++)
		other[i] = lane_of(pool);
	last = lane_of(pool);
	cr_assert_eq(last, lane);
	cr_assert_eq(ward_cancel_cause(ward_lane_token(last)), 0);
	given_back(last);
	for (int i = 0; i < LANES; i++)
		given_back(other[i]);
	ended(pool);
}

/* A holder of a task was never inside: a zombie elsewhere keeps no memory of it. */
Test(lane_ends, who_holds_a_task_does_not_haunt_its_lane)
{
	static struct ward_policy once;
	struct ward_pool *pool = pool_of(2);
	struct job zombie = job_of_kind(job_spin), job = job_of_kind(job_run);
	struct ward_lane *lane, *first = NULL;

	once = hasty;
	zombie.task.policy = &once;
	submitted(pool, &zombie);
	cr_assert(comes_true(load_acquire(&zombie.dones) == 1));
	for (uint32_t i = 0; i < 3; i++) {
		lane = lane_of(pool);
		first = first ? first : lane;
		cr_assert_eq(lane, first, "the same memory");
		cr_assert_eq(ward_task_hold(pool, &job.task), 0);
		sent(lane, &job);
		cr_assert_eq(ward_task_wait(pool, &job.task, WARD_FOREVER,
					    NULL),
			     0);
		cr_assert_eq(ward_lane_join(lane, WARD_FOREVER), 0);
		given_back(lane);
		cr_assert_eq(ward_task_drop(pool, &job.task), 0);
		cr_assert(comes_true(load_acquire(&job.releases) == i + 1));
	}
	store_relaxed(&zombie.stop, 1);
	cr_assert(job_is_released(&zombie));
	ended(pool);
}
