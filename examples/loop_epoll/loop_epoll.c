/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop_epoll - work on a pool, answers on your own event loop.
 *
 * run() is called by a worker; done() by the loop, in ward_port_run(), which the
 * loop calls when the port's descriptor is readable.  So done() may touch what is
 * the loop's without a lock.  The loop's own timer goes on meanwhile.
 *
 * loop_libevent and loop_libuv are the same on those.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <ward/ward.h>

enum { TASKS = 100, TICKS = 3 };

static struct job {
	struct ward_task task;
	int number, square;
} job[TASKS];

/* The loop's own: nobody else touches these. */
static pthread_t loop;
static int answers, elsewhere;
static long sum;
static _Atomic int ticks; /* the last job looks at it, too */

/* ---- on a worker -------------------------------------------------------------- */

static int run(struct ward_task *task)
{
	struct job *j = ward_entry(task, struct job, task);

	if (j->number == TASKS)
		while (ticks < TICKS && !ward_pause(ward_in(WARD_MS(1))))
			; /* long enough for the loop to be seen at work */
	j->square = j->number * j->number;
	return 0;
}

/* ---- on the loop -------------------------------------------------------------- */

static void done(struct ward_task *task, int status)
{
	elsewhere += !pthread_equal(pthread_self(), loop);
	answers += status == 0;
	sum += ward_entry(task, struct job, task)->square;
}

static void tick(int timer)
{
	uint64_t times;

	if (read(timer, &times, sizeof(times)) == sizeof(times))
		ticks += (int)times;
}

static int add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Until all is answered. */
static void run_loop(int epoll, int timer, struct ward_port *port)
{
	struct epoll_event event;

	while (answers < TASKS) {
		if (epoll_wait(epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.fd == timer)
			tick(timer);
		else
			ward_port_run(port, 0);
	}
}

/* ---- both --------------------------------------------------------------------- */

static int feed(struct ward_lane *lane)
{
	int err = 0;

	for (int i = 0; i < TASKS && !err; i++) {
		job[i].task = (struct ward_task){ .run = run, .done = done };
		job[i].number = i + 1;
		err = ward_lane_submit(lane, &job[i].task, WARD_FOREVER);
	}
	return err;
}

int main(void)
{
	struct itimerspec often = { { 0, 2000000 }, { 0, 2000000 } };
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool;
	struct ward_port *port;
	struct ward_lane *lane;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	loop = pthread_self();
	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool) ||
	    ward_port_create(&port))
		return 1;
	config.port = port;
	if (ward_lane_create(&lane, pool, &config) ||
	    timerfd_settime(timer, 0, &often, NULL) || add(epoll, timer) ||
	    add(epoll, ward_port_fd(port)) || feed(lane))
		return 1;
	run_loop(epoll, timer, port);
	printf("%d answers, %d of them elsewhere than on the loop; "
	       "1 + 4 + 9 + ... = %ld\n",
	       answers, elsewhere, sum);
	printf("the loop's timer went on meanwhile: %s\n",
	       ticks >= TICKS ? "yes" : "no");
	close(timer);
	close(epoll);
	return ward_lane_destroy(lane) || ward_port_destroy(port) ||
	       ward_pool_destroy(pool, WARD_FOREVER);
}
