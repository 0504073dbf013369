/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - answers on one's own event loop: one thread with epoll submits empty tasks
 * to a lane with a port, and is told of their ends there.
 *
 * completions	done() and release() called by the loop, a second
 * per_wakeup	of them, to one return of epoll_wait() with the descriptor
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct loop {
	struct ward_port *port;
	struct ward_lane *lane;
	struct job *job;
	struct job **idle; /* a stack */
	uint32_t idles;
	int epoll;
	uint64_t ended, wakeups;
	bool wrong;
};

static struct loop loop;

static void port_done(struct ward_task *task, int status)
{
	(void)task;
	loop.wrong |= status != 0;
	loop.ended++;
}

static void port_release(struct ward_task *task)
{
	loop.idle[loop.idles++] = job_of(task);
}

static bool loop_start(const struct trial *t)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct epoll_event in = { .events = EPOLLIN };

	loop.job = aligned_alloc(64, t->window * sizeof(*loop.job));
	loop.idle = calloc(t->window, sizeof(struct job *));
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!loop.job || !loop.idle || loop.epoll < 0 ||
	    ward_port_create(&loop.port) ||
	    epoll_ctl(loop.epoll, EPOLL_CTL_ADD, ward_port_fd(loop.port), &in))
		return false;
	config.port = loop.port;
	if (ward_lane_create(&loop.lane, bench_pool, &config))
		return false;
	memset(loop.job, 0, t->window * sizeof(*loop.job));
	for (uint32_t i = 0; i < t->window; i++) {
		loop.job[i].task.run = job_count;
		loop.job[i].task.done = port_done;
		loop.job[i].task.release = port_release;
		loop.idle[loop.idles++] = &loop.job[i];
	}
	return true;
}

static bool loop_end(void)
{
	return !ward_lane_join(loop.lane, WARD_FOREVER) &&
	       !ward_lane_destroy(loop.lane) && !ward_port_destroy(loop.port) &&
	       !close(loop.epoll);
}

/* So many tasks in; then the loop until all of them have ended. */
static void turn(uint64_t tasks)
{
	uint64_t made = 0;
	struct epoll_event event;

	loop.ended = 0;
	while (loop.ended < tasks && !loop.wrong) {
		while (loop.idles && made < tasks) {
			struct job *job = loop.idle[--loop.idles];

			made++;
			if (ward_lane_submit(loop.lane, &job->task,
					     WARD_FOREVER))
				loop.wrong = true;
		}
		if (epoll_wait(loop.epoll, &event, 1, -1) == 1) {
			loop.wakeups++;
			ward_port_run(loop.port, 0);
		}
	}
}

static bool port_trial(const struct trial *t)
{
	struct setup setup = { t->workers, 1, t->ring, t->window };
	uint64_t from;
	double s;

	if (!rival_ward.start(&setup) || !loop_start(t))
		return false;
	turn(t->tasks / 10);
	loop.wakeups = 0;
	from = os_now();
	turn(t->tasks);
	s = (double)(os_now() - from) / 1e9;
	tell("completions", "1/s", (double)t->tasks / s);
	tell("per_wakeup", "tasks", (double)t->tasks / (double)loop.wakeups);
	return !loop.wrong && loop_end() && rival_ward.finish();
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned usual[] = { 1, 2, 8 };

static void port_run(const struct options *o, struct book *book)
{
	struct options only = *o;

	only.impl[0] = &rival_ward;
	only.impls = 1;
	for (unsigned i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		/* all that one thread has fits into its ring: it never waits
		 * there, where nobody would take its answers */
		struct trial like = { .bench = "port",
				      .mode = "-",
				      .producers = 1,
				      .workers = usual[i],
				      .tasks = o->quick ? 200000 : 2000000,
				      .ring = o->ring,
				      .window = o->ring / 2 };

		trials_in_turn(&only, book, &like, "completions", "1/s", NULL);
	}
}

static void port_report(const struct options *o, const struct book *book)
{
	static const char *const metric[] = { "completions", "per_wakeup" };
	static struct table table;

	(void)o;
	table_start(&table, "port: completions a second on one event loop");
	for (unsigned c = 0; c < 2; c++)
		table_column(&table, "%s", metric[c]);
	for (unsigned i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		char label[24];
		unsigned row;

		snprintf(label, sizeof(label), "1x%u", usual[i]);
		row = table_row(&table, label);
		for (unsigned c = 0; c < 2; c++) {
			struct key key = { "port", "ward",   metric[c],
					   "",	   usual[i], 1, NULL };

			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_port = {
	.name = "port",
	.what = "completions a second on one event loop",
	.run = port_run,
	.trial = port_trial,
	.report = port_report,
};
