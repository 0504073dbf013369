/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop_libevent - work on a pool, answers on libevent's loop: see loop_epoll.
 */
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <ward/ward.h>

enum { TASKS = 100, TICKS = 3 };

static struct job {
	struct ward_task task;
	int number, square;
} job[TASKS];

/* The loop's own: nobody else touches these. */
static struct event_base *base;
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

static void readable(evutil_socket_t fd, short what, void *port)
{
	(void)fd;
	(void)what;
	ward_port_run(port, 0);
	if (answers == TASKS)
		event_base_loopbreak(base);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	ticks++;
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
	struct timeval often = { 0, 2000 };
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct event *answered, *timer;
	struct ward_pool *pool;
	struct ward_port *port;
	struct ward_lane *lane;

	loop = pthread_self();
	base = event_base_new();
	if (!base || ward_pool_create(&pool, NULL) || ward_pool_start(pool) ||
	    ward_port_create(&port))
		return 1;
	config.port = port;
	answered = event_new(base, ward_port_fd(port), EV_READ | EV_PERSIST,
			     readable, port);
	timer = event_new(base, -1, EV_PERSIST, tick, NULL);
	if (!answered || !timer || event_add(answered, NULL) ||
	    event_add(timer, &often) ||
	    ward_lane_create(&lane, pool, &config) || feed(lane))
		return 1;
	event_base_dispatch(base);
	printf("%d answers, %d of them elsewhere than on the loop; "
	       "1 + 4 + 9 + ... = %ld\n",
	       answers, elsewhere, sum);
	printf("the loop's timer went on meanwhile: %s\n",
	       ticks >= TICKS ? "yes" : "no");
	event_free(timer);
	event_free(answered);
	event_base_free(base);
	return ward_lane_destroy(lane) || ward_port_destroy(port) ||
	       ward_pool_destroy(pool, WARD_FOREVER);
}
