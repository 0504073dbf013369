/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inflight.c - one producer that submits as answers come: so many empty tasks are
 * under way, and for each that comes back the next one goes out.
 *
 * wall_1, wall_4, ...	ns a task, with so many under way
 * cpu_1, ...		ns of CPU of all threads
 * switches_1, ...	context switches of all threads
 *
 * ward, mutex	are answered by release(), on a worker; a producer that has nothing
 *		to submit sleeps on a futex
 * ward_port	by a port, on the producer's thread, which sleeps in epoll_wait()
 * libuv	by its loop, on the producer's thread
 */
#include "cost.h"

#include <string.h>
#include <sys/epoll.h>

/* ---- libward, by a port -------------------------------------------------- */

static struct ward_port *port;
static struct ward_lane *lane;
static int epoll;

static bool port_start(const struct setup *setup)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct epoll_event in = { .events = EPOLLIN };

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || !rival_ward.start(setup) || ward_port_create(&port) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, ward_port_fd(port), &in))
		return false;
	config.port = port;
	return !ward_lane_create(&lane, bench_pool, &config);
}

static void port_submit(unsigned producer, struct job *job)
{
	(void)producer;
	if (ward_lane_submit(lane, &job->task, WARD_FOREVER))
		_exit(1);
}

static void port_wait(unsigned producer)
{
	struct epoll_event event;

	(void)producer;
	if (epoll_wait(epoll, &event, 1, -1) == 1)
		ward_port_run(port, 0);
}

static bool port_finish(void)
{
	return !ward_lane_join(lane, WARD_FOREVER) &&
	       !ward_lane_destroy(lane) && !ward_port_destroy(port) &&
	       !close(epoll) && rival_ward.finish();
}

static const struct rival ward_port = {
	.name = "ward_port",
	.what = "libward, answers by a port",
	.start = port_start,
	.submit = port_submit,
	.wait = port_wait,
	.finish = port_finish,
};

/* ---- one trial ----------------------------------------------------------- */

/* The number that is under way is the producer's window. */
static bool inflight_trial(const struct trial *t)
{
	struct load load = { .free_list = true, .sleeps = true };
	char metric[40];
	struct cost cost;

	if (!strcmp(t->impl, ward_port.name))
		load.rival = &ward_port;
	if (!cost_of(&load, t, &cost))
		return false;
	snprintf(metric, sizeof(metric), "wall_%u", t->window);
	tell(metric, "ns", cost.wall);
	snprintf(metric, sizeof(metric), "cpu_%u", t->window);
	tell(metric, "ns", cost.cpu);
	snprintf(metric, sizeof(metric), "switches_%u", t->window);
	tell(metric, "count", cost.switches);
	return true;
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned numbers[] = { 1, 4, 16, 64, 1024 };
#define NUMBERS (sizeof(numbers) / sizeof(*numbers))

static const unsigned usual[] = { 1, 4, 0 };

/* Those of them that were asked for. */
static struct options only_these(const struct options *o)
{
	static const char *const names[] = { "ward", "mutex", "libuv" };
	struct options only = *o;

	only.impls = 0;
	for (unsigned i = 0; i < o->impls; i++)
		for (unsigned k = 0; k < 3; k++) {
			if (strcmp(o->impl[i]->name, names[k]))
				continue;
			only.impl[only.impls++] = o->impl[i];
			if (k == 0)
				only.impl[only.impls++] = &ward_port;
		}
	return only;
}

static void inflight_run(const struct options *o, struct book *book)
{
	struct options only = only_these(o);
	struct trial like = { .bench = "inflight",
			      .mode = "-",
			      .producers = 1,
			      .tasks = o->tasks,
			      .cap = o->quick ? 200 * MS : S,
			      .ring = o->ring };
	char metric[40];

	for (unsigned p = 0; p < o->placements; p++)
		for (unsigned w = 0; size_at(o, usual, w); w++)
			for (unsigned i = 0; i < NUMBERS; i++) {
				if (o->brief && numbers[i] != 16)
					continue;
				like.placement = o->placement[p];
				like.workers = size_at(o, usual, w);
				like.window = numbers[i];
				snprintf(metric, sizeof(metric), "wall_%u",
					 numbers[i]);
				trials_in_turn(&only, book, &like, metric, "ns",
					       NULL);
			}
}

/* Columns of one metric: each pool's, by the number under way. */
static void inflight_table(const struct options *o, const struct book *book,
			   enum placement placement, const char *what,
			   const char *title)
{
	char head[TABLE_COLUMNS][16], metric[TABLE_COLUMNS][40];
	struct column column[TABLE_COLUMNS];
	struct grid grid = { .bench = "inflight",
			     .title = title,
			     .placement = placement,
			     .column = column };
	unsigned workers, n = 0;

	for (unsigned w = 0; (workers = size_at(o, usual, w)); w++)
		for (unsigned i = 0; i < NUMBERS && n < TABLE_COLUMNS; i++) {
			snprintf(head[n], sizeof(head[n]), "1x%u %u", workers,
				 numbers[i]);
			snprintf(metric[n], sizeof(metric[n]), "%s_%u", what,
				 numbers[i]);
			column[n] = (struct column){ head[n], metric[n], 1,
						     workers };
			n++;
		}
	grid.columns = n;
	grid_figures(o, book, &grid);
	if (!strcmp(what, "wall"))
		grid_ratios(o, book, &grid);
}

static void inflight_report(const struct options *o, const struct book *book)
{
	struct options only = only_these(o);

	for (unsigned p = 0; p < o->placements; p++) {
		enum placement at = o->placement[p];

		inflight_table(
			&only, book, at, "wall",
			"inflight: ns a task, by how many are under way");
		inflight_table(&only, book, at, "cpu",
			       "inflight: ns of CPU of all threads");
		inflight_table(&only, book, at, "switches",
			       "inflight: context switches of all threads");
	}
}

const struct bench bench_inflight = {
	.name = "inflight",
	.what = "ns per task of one who submits as answers come",
	.run = inflight_run,
	.trial = inflight_trial,
	.report = inflight_report,
};
