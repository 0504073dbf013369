/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane_job.h"
#include <poll.h>
#include <sys/epoll.h>

static bool readable(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return poll(&poller, 1, 0) == 1;
}

static struct ward_port *port_new(void)
{
	struct ward_port *port = NULL;

	cr_assert_eq(ward_port_create(&port), 0);
	return port;
}

static void port_ended(struct ward_port *port)
{
	/* The thread that posted the last one may be a step behind it. */
	cr_assert(comes_true(ward_port_run(port, 0) == 0 &&
			     !readable(ward_port_fd(port))));
	cr_assert_eq(ward_port_destroy(port), 0);
}

Test(port, answers)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_port *port;
	struct ward_lane *lane;
	struct job job[5];

	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_of(pool, .port = port);
	cr_assert_not(readable(ward_port_fd(port)));
	for (int i = 0; i < 5; i++) {
		job[i] = job_of_kind(job_run);
		job[i].answer = i;
		sent(lane, &job[i]);
	}
	for (int i = 0; i < 5; i++)
		cr_assert(runs(&job[i]));
	cr_assert(comes_true(readable(ward_port_fd(port))));
	cr_assert_eq(ward_port_destroy(port), -EBUSY);
	cr_assert_eq(ward_lane_destroy(lane), -EBUSY);
	for (int n = 0, got; n < 5; n += got) {
		got = ward_port_run(port, 2);
		cr_assert_leq(got, 2);
		cr_assert_geq(got, 0);
	}
	for (int i = 0; i < 5; i++) {
		job_had(&job[i], i);
		cr_assert_eq(load_relaxed(&job[i].done_on), host_tid());
		cr_assert_eq(load_relaxed(&job[i].released_on), host_tid());
	}
	given_back(lane);
	port_ended(port);
	ended(pool);
}

static struct ward_pool *in_audit;
static uint32_t audits;

static int runs_nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static void done_audits(struct ward_task *task, int status)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	(void)task, (void)status;
	cr_assert_eq(ward_audit(in_audit, &audit), 0, "%s", audit.first);
	audits++;
}

/* No worker has the task then, and it is not answered yet. */
Test(port, an_audit_in_done)
{
	struct ward_task task = { .run = runs_nothing, .done = done_audits };
	struct ward_pool *pool = pool_of(1);
	struct ward_port *port = port_new();
	struct ward_lane *lane = lane_of(pool, .port = port);

	in_audit = pool;
	cr_assert_eq(ward_lane_submit(lane, &task, WARD_FOREVER), 0);
	cr_assert(stat_is(pool, owed, 1) && stat_is(pool, idle, 1));
	cr_assert_eq(ward_port_run(port, 0), 1);
	cr_assert_eq(audits, 1);
	given_back(lane);
	port_ended(port);
	ended(pool);
}

/* ---- all that wait ----------------------------------------------------------------- */

/* Tasks are counted before they are there; then their worker sleeps. */
#define wait_there(pool, n) (stat_is(pool, owed, n) && stat_is(pool, idle, 1))

Test(port, what_was_left_and_what_came_since_is_one)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_port *port = port_new();
	struct ward_lane *lane = lane_of(pool, .port = port);
	struct job job[3];

	for (int i = 0; i < 3; i++)
		job[i] = job_of_kind(job_run);
	sent(lane, &job[0]);
	sent(lane, &job[1]);
	cr_assert(wait_there(pool, 2));
	cr_assert_eq(ward_port_run(port, 1), 1);
	sent(lane, &job[2]);
	cr_assert(wait_there(pool, 2));
	cr_assert_eq(ward_port_run(port, 0), 2);
	given_back(lane);
	port_ended(port);
	ended(pool);
}

Test(port, a_pool_that_has_gone_is_answered_at_once)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_port *port = port_new();
	struct ward_lane *lane = lane_of(pool, .port = port, .active = 1);
	struct job job[4];

	sent_all(lane, job, 4, job_run);
	cr_assert(wait_there(pool, 1));
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_port_run(port, 0), 4);
	job_had(&job[0], 0);
	for (int i = 1; i < 4; i++)
		job_had(&job[i], -ECANCELED);
	given_back(lane);
	port_ended(port);
}

/* ---- edges --------------------------------------------------------------------------- */

static int poller_of(struct ward_port *port)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(epoll_ctl(fd, EPOLL_CTL_ADD, ward_port_fd(port), &event),
		     0);
	return fd;
}

static bool has_edge(int poller)
{
	struct epoll_event event;

	return epoll_wait(poller, &event, 1, 0) == 1;
}

struct nested {
	struct job job, next;
	struct ward_pool *pool;
	struct ward_lane *lane;
	struct ward_port *port;
	int poller, err;
	bool edge;
};

/* Another answer comes, its edge is taken, and the caller refused. */
static void runs_inside(struct ward_task *task, int status)
{
	struct nested *it = ward_entry(job_of(task), struct nested, job);

	sent(it->lane, &it->next);
	comes_true(stats_of(it->pool).owed == 1);
	it->edge = comes_true(has_edge(it->poller));
	it->err = ward_port_run(it->port, 0);
	job_done(task, status);
}

Test(port, an_edge_that_was_refused_comes_again)
{
	struct ward_pool *pool = pool_of(1);
	struct nested it = { .job = job_of_kind(job_run),
			     .next = job_of_kind(job_run),
			     .pool = pool,
			     .port = port_new() };

	it.job.task.done = runs_inside;
	it.lane = lane_of(pool, .port = it.port);
	it.poller = poller_of(it.port);
	sent(it.lane, &it.job);
	cr_assert(comes_true(has_edge(it.poller)));
	cr_assert_eq(ward_port_run(it.port, 0), 1);
	cr_assert(it.edge);
	cr_assert_eq(it.err, -EBUSY);
	cr_assert(has_edge(it.poller));
	cr_assert_eq(ward_port_run(it.port, 0), 1);
	job_had(&it.next, 0);
	given_back(it.lane);
	port_ended(it.port);
	close(it.poller);
	ended(pool);
}

/* ---- fenced --------------------------------------------------------------------------- */

static int job_leaves(struct ward_task *task)
{
	job_spin(task);
	pthread_exit(NULL);
}

static int job_is_gone(struct ward_task *task)
{
	job_spin(task);
	raw_exit();
	return 0;
}

/* The task is answered while a thread is inside: its end is the loop's, too. */
static void ends_on_the_loop(int (*run)(struct ward_task *), bool lane_first)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_port *port = port_new();
	struct ward_lane *lane = lane_of(pool, .port = port);
	struct job job = job_of_kind(run);

	job.task.policy = &hasty;
	sent(lane, &job);
	cr_assert(comes_true(ward_port_run(port, 0) == 1));
	cr_assert_eq(load_acquire(&job.dones), 1);
	cr_assert_eq(load_acquire(&job.releases), 0);
	if (lane_first)
		given_back(lane);
	cr_assert_eq(ward_port_destroy(port), -EBUSY);
	store_relaxed(&job.stop, 1);
	cr_assert(comes_true(ward_port_run(port, 0) == 1));
	job_had(&job, -ETIME);
	cr_assert_eq(load_relaxed(&job.done_on), host_tid());
	cr_assert_eq(load_relaxed(&job.released_on), host_tid());
	if (!lane_first)
		given_back(lane);
	port_ended(port);
	ended(pool);
}

Test(port, a_fenced_one_is_released_there)
{
	ends_on_the_loop(job_spin, true);
	ends_on_the_loop(job_spin, false);
}

Test(port, one_whose_fenced_thread_ends_is_released_there)
{
	ends_on_the_loop(job_leaves, true);
	ends_on_the_loop(job_is_gone, true);
}

Test(port, a_fenced_one_is_released_there_when_the_pool_has_gone)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_port *port = port_new();
	struct ward_lane *lane = lane_of(pool, .port = port);
	struct job job = job_of_kind(job_spin);

	begun(lane, &job);
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 1);
	cr_assert_eq(ward_port_run(port, 0), 1);
	given_back(lane);
	cr_assert_eq(load_acquire(&job.releases), 0);
	store_relaxed(&job.stop, 1);
	cr_assert(comes_true(ward_port_run(port, 0) == 1));
	job_had(&job, -ECANCELED);
	cr_assert_eq(load_relaxed(&job.released_on), host_tid());
	port_ended(port);
}
