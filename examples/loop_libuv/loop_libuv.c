/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop_libuv - work on a pool, answers on libuv's loop: see loop_epoll.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <uv.h>
#include <ward/ward.h>

enum { TASKS = 100, TICKS = 3 };

static struct job {
	struct ward_task task;
	int number, square;
} job[TASKS];

/* The loop's own: nobody else touches these. */
static uv_poll_t answered;
static uv_timer_t timer;
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

static void readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	ward_port_run(poll->data, 0);
	if (answers == TASKS) { /* with no handle left uv_run() returns */
		uv_close((uv_handle_t *)&answered, NULL);
		uv_close((uv_handle_t *)&timer, NULL);
	}
}

static void tick(uv_timer_t *handle)
{
	(void)handle;
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
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	uv_loop_t *uv = uv_default_loop();
	struct ward_pool *pool;
	struct ward_port *port;
	struct ward_lane *lane;

	loop = pthread_self();
	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool) ||
	    ward_port_create(&port))
		return 1;
	config.port = port;
	answered.data = port;
	if (uv_poll_init(uv, &answered, ward_port_fd(port)) ||
	    uv_timer_init(uv, &timer) ||
	    uv_poll_start(&answered, UV_READABLE, readable) ||
	    uv_timer_start(&timer, tick, 2, 2) ||
	    ward_lane_create(&lane, pool, &config) || feed(lane))
		return 1;
	uv_run(uv, UV_RUN_DEFAULT);
	printf("%d answers, %d of them elsewhere than on the loop; "
	       "1 + 4 + 9 + ... = %ld\n",
	       answers, elsewhere, sum);
	printf("the loop's timer went on meanwhile: %s\n",
	       ticks >= TICKS ? "yes" : "no");
	uv_loop_close(uv);
	return ward_lane_destroy(lane) || ward_port_destroy(port) ||
	       ward_pool_destroy(pool, WARD_FOREVER);
}
