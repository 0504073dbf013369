/* SPDX-License-Identifier: BSD-2-Clause */
/* page_speed.c - what a task costs, and how long it waits. */
#include "piece.h"
#include "svg.h"

#include <stdio.h>
#include <string.h>

/* ---- alone ---------------------------------------------------------------- */

/* Two rankings beside each other, if ward is in one of them. */
static void page_pair(const struct page *p, const struct ranking pair[2],
		      const char *title, const char *text)
{
	if (!page_figure(p, &pair[0].want, "ward") &&
	    !page_figure(p, &pair[1].want, "ward"))
		return;
	page_section(p, title, text);
	fputs("<div class=\"grid\">\n", p->out);
	page_ranking(p, &pair[0]);
	page_ranking(p, &pair[1]);
	fputs("</div>\n", p->out);
	page_section_end(p);
}

void page_alone(const struct page *p)
{
	static const struct ranking pair[] = {
		{ "Across: producer and worker on two cores",
		  SPREAD,
		  { "throughput", "task", "across", 1, 1 },
		  NULL },
		{ "Together: all threads on one core",
		  SPREAD,
		  { "throughput", "task", "together", 1, 1 },
		  NULL }
	};

	page_pair(
		p, pair, "What an empty task costs, one producer and one worker",
		"Time a task, shorter is better. Floor is libward's own queue without "
		"supervision, nothing the loop itself: neither is a pool.");
}

/* ---- by workers ----------------------------------------------------------- */

#define SIZES 12u

/* How many workers there were beside one producer, in order. */
static unsigned sizes_of(const struct page *p, const char *placement,
			 unsigned size[SIZES])
{
	const struct want w = { "throughput", "task", placement, 0, 1 };
	unsigned n = 0;

	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];
		unsigned at = n;

		if (!page_wants(f, &w) || strcmp(f->impl, "ward") || n == SIZES)
			continue;
		for (; at && size[at - 1] > f->workers; at--)
			size[at] = size[at - 1];
		size[at] = f->workers;
		n++;
	}
	return n;
}

struct sweep {
	const char *placement;
	unsigned size[SIZES], n;
	char name[SIZES][16];
	const char *tick[SIZES];
	double min, max;
};

/* Million tasks a second. */
static struct spread rate(const struct figure *f)
{
	struct spread s = { 0, 0, 0 };

	if (f) {
		s = figure_spread(f);
		s = (struct spread){ 1000 / s.median, 1000 / s.max,
				     1000 / s.min };
	}
	return s;
}

static void sweep_of(const struct page *p, const struct sweep *sweep,
		     const char *impl, struct spread to[SIZES])
{
	for (unsigned i = 0; i < sweep->n; i++) {
		const struct want w = { "throughput", "task", sweep->placement,
					sweep->size[i], 1 };

		to[i] = rate(page_figure(p, &w, impl));
	}
}

static void sweep_reach(const struct page *p, struct sweep *sweep)
{
	const struct want w = { "throughput", "task", sweep->placement, 0, 1 };

	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];
		struct spread s = rate(f);

		if (!page_wants(f, &w) || !strcmp(f->impl, "nothing"))
			continue;
		if (s.median > 0 && (sweep->min <= 0 || s.median < sweep->min))
			sweep->min = s.median;
		sweep->max = s.max > sweep->max ? s.max : sweep->max;
	}
}

static void sweep_panel(const struct page *p, const struct sweep *sweep,
			const char *impl)
{
	struct lines lines = { .tick = sweep->tick,
			       .ticks = sweep->n,
			       .min = sweep->min,
			       .max = sweep->max,
			       .unit = "M" };
	struct spread ward[SIZES], other[SIZES];
	char title[80];

	snprintf(title, sizeof(title), "libward and %s", impl);
	lines.what = title;
	sweep_of(p, sweep, "ward", ward);
	sweep_of(p, sweep, impl, other);
	lines_add(&lines, "libward", "c0", ward, sweep->n);
	lines_add(&lines, impl, page_class(impl), other, sweep->n);
	fputs("<figure>\n<h3>", p->out);
	svg_text(p->out, impl);
	fputs("</h3>\n", p->out);
	lines_print(&lines, p->out);
	fputs("</figure>\n", p->out);
}

static void sweep_panels(const struct page *p, struct sweep *sweep)
{
	struct rows rows = { .n = 0 };
	const struct ranking order = { NULL,
				       NULL,
				       { "throughput", "task", sweep->placement,
					 sweep->size[0], 1 },
				       NULL };
	const struct figure *ward = page_figure(
		p,
		&(struct want){ "throughput", "task", sweep->placement,
				sweep->size[sweep->n - 1], 1 },
		"ward");

	ranking_rows(p, &order, &rows);
	sweep_reach(p, sweep);
	page_key_begin(p);
	page_key_entry(p, "c0", "libward");
	page_key_entry(p, "c1", "the pool that the title names");
	page_key_entry(p, "plain",
		       "floor: libward's queue without supervision");
	page_key_end(p);
	fputs("<div class=\"grid small\">\n", p->out);
	for (unsigned i = 0; i < rows.n; i++)
		if (!page_is_ours(rows.row[i].label) &&
		    strcmp(rows.row[i].label, "nothing"))
			sweep_panel(p, sweep, rows.row[i].label);
	fputs("</div>\n<figure>", p->out);
	page_figure_end(
		p,
		"Million empty tasks a second, by the number of workers; the "
		"same axes in each.",
		"throughput", ward->runs);
}

void page_by_workers(const struct page *p)
{
	static const char *const placement[] = { "across", "together",
						 "unpinned" };
	static const char *const where[] = {
		"The producer has one half of the CPUs, the workers the other.",
		"All threads are on one CPU.",
		"The scheduler puts the threads where it likes.",
	};

	for (unsigned k = 0; k < 3; k++) {
		struct sweep sweep = { .placement = placement[k] };
		char title[80], text[400];

		sweep.n = sizes_of(p, placement[k], sweep.size);
		if (sweep.n < 2)
			continue;
		for (unsigned i = 0; i < sweep.n; i++) {
			snprintf(sweep.name[i], sizeof(sweep.name[i]), "%u",
				 sweep.size[i]);
			sweep.tick[i] = sweep.name[i];
		}
		snprintf(title, sizeof(title),
			 "Throughput by the number of workers, %s",
			 placement[k]);
		snprintf(
			text, sizeof(text),
			"One producer of empty tasks, higher is better. %s The shaded "
			"span is from the slowest run to the quickest. More workers "
			"have nothing to win here: what is seen is what they cost.",
			where[k]);
		page_section(p, title, text);
		sweep_panels(p, &sweep);
		page_section_end(p);
	}
}

/* ---- in flight ------------------------------------------------------------ */

static const char *const flight_tick[] = { "1", "4", "16", "64", "1024" };
#define FLIGHTS 5u

static bool flight_of(const struct page *p, const char *impl,
		      const char *placement, struct spread to[FLIGHTS])
{
	const struct figure *f = NULL;

	for (unsigned i = 0; i < FLIGHTS; i++) {
		char metric[32];
		const struct want w = { "inflight", metric, placement, 1, 1 };

		snprintf(metric, sizeof(metric), "wall_%s", flight_tick[i]);
		f = page_figure(p, &w, impl);
		to[i] = f ? figure_spread(f) : (struct spread){ 0, 0, 0 };
	}
	return f != NULL;
}

static void flight_figure(const struct page *p, const char *placement,
			  const char *title)
{
	static const char *const impl[][3] = {
		{ "ward", "c0", "libward, answered on a worker" },
		{ "ward_port", "c2", "libward, answered by a port" },
		{ "mutex", "c1", "mutex" },
		{ "libuv", "c3", "libuv" },
	};
	const struct want w = { "inflight", "wall_16", placement, 1, 1 };
	const struct want few = { "inflight", "wall_1", placement, 1, 1 };
	const struct figure *ward = page_figure(p, &w, "ward");
	struct lines lines = { .tick = flight_tick,
			       .ticks = FLIGHTS,
			       .unit = "ns",
			       .what = title };

	if (!ward)
		return;
	if (!page_figure(p, &few, "ward")) {
		page_ranking(p, &(struct ranking){ title, SPREAD, w, NULL });
		return;
	}
	for (unsigned i = 0; i < sizeof(impl) / sizeof(*impl); i++) {
		struct spread s[FLIGHTS];

		if (flight_of(p, impl[i][0], placement, s))
			lines_add(&lines, impl[i][2], impl[i][1], s, FLIGHTS);
	}
	page_figure_begin(p, title);
	page_key_begin(p);
	for (unsigned i = 0; i < lines.n; i++)
		page_key_entry(p, lines.line[i].class, lines.line[i].label);
	page_key_end(p);
	lines_print(&lines, p->out);
	page_figure_end(p, "Time a task, by the tasks under way.", "inflight",
			ward->runs);
}

void page_in_flight(const struct page *p)
{
	const struct want w = { "inflight", "wall_16", NULL, 1, 1 };
	const struct want few = { "inflight", "wall_1", NULL, 1, 1 };
	bool brief = !page_figure(p, &few, "ward");

	if (!page_figure(p, &w, "ward"))
		return;
	page_section(
		p, "Few tasks at a time",
		"One producer, one worker, and so many tasks under way: a new one is "
		"submitted when an answer has come. Libward answers on a worker (ward) or in "
		"the producer's own epoll loop (ward_port).");
	fputs("<div class=\"grid\">\n", p->out);
	flight_figure(p, "across",
		      brief ? "16 under way, across two cores"
			    : "Across two cores");
	flight_figure(p, "together",
		      brief ? "16 under way, on one core" : "On one core");
	fputs("</div>\n", p->out);
	page_section_end(p);
}

/* ---- latency -------------------------------------------------------------- */

#define BEST 3u

/* The best of the other pools, by their medians, as other lines. */
static void latency_best(const struct page *p, struct shares *shares)
{
	static const char *const class[BEST] = { "c1", "c2", "c3" };
	static struct rows rows;
	const struct want start = { "latency", "start", NULL, 0, 0 };
	const struct ranking order = {
		NULL, NULL, { "latency", "start_p50", NULL, 0, 0 }, NULL
	};
	unsigned n = 0;

	memset(&rows, 0, sizeof(rows));
	ranking_rows(p, &order, &rows);
	for (unsigned i = 0; i < rows.n && n < BEST; i++)
		if (!page_is_ours(rows.row[i].label) &&
		    !page_is_plain(rows.row[i].label))
			shares_add(shares, rows.row[i].label, class[n++],
				   page_series(p, &start, rows.row[i].label));
}

void page_latency(const struct page *p)
{
	const struct want start = { "latency", "start", NULL, 0, 0 };
	const struct ranking all = {
		"All of them",
		"Dot: half of the tasks began by then; ring: 99 % did.",
		{ "latency", "start_p50", NULL, 0, 0 },
		"start_p99"
	};
	struct shares shares = { .n = 0 };

	if (!page_series(p, &start, "ward"))
		return;
	page_section(
		p, "How long a task waits for an idle pool",
		"From before the submit to the task's first instruction: one task at a "
		"time, 50 \302\265s to 1 ms after the last, on a pool that sleeps. The "
		"shaded span is from libward's quickest run to its slowest.");
	fputs("<div class=\"grid\">\n", p->out);
	shares_add(&shares, "libward", "c0", page_series(p, &start, "ward"));
	latency_best(p, &shares);
	shares_add(&shares, "floor", "plain", page_series(p, &start, "floor"));
	page_shares(p, &shares, "Beside the three that are best", "latency");
	page_ranking(p, &all);
	fputs("</div>\n", p->out);
	page_section_end(p);
}

/* ---- forks ---------------------------------------------------------------- */

void page_forks(const struct page *p)
{
	static const struct ranking pair[] = {
		{ "fib(27) on one worker",
		  SPREAD,
		  { "forkjoin", "fib", NULL, 1, 0 },
		  NULL },
		{ "fib(27) on two workers",
		  SPREAD,
		  { "forkjoin", "fib", NULL, 2, 0 },
		  NULL }
	};

	page_pair(
		p, pair, "What a fork and its join cost",
		"With the addition around them; ward_call has joins that name their "
		"function. Shorter is better.");
}

/* ---- supervision ---------------------------------------------------------- */

static void supervision_tasks(const struct page *p)
{
	static const char *const placement[] = { "together", "across" };
	struct rows rows = { .unit = "ns",
			     .what = "A task, with and without it" };
	unsigned runs = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct want w = { "throughput", "task", placement[i], 1,
					1 };
		const struct figure *ward = page_figure(p, &w, "ward");
		char label[48];

		snprintf(label, sizeof(label), "ward, %s", placement[i]);
		rows_add(&rows, label, "c0", ward, NULL);
		snprintf(label, sizeof(label), "floor, %s", placement[i]);
		rows_add(&rows, label, "plain", page_figure(p, &w, "floor"),
			 NULL);
		runs = ward ? ward->runs : runs;
	}
	if (!rows.n)
		return;
	page_figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	page_figure_end(p, SPREAD, "throughput", runs);
}

static void supervision_calls(const struct page *p)
{
	static const char *const call[][2] = {
		{ "beat", "ward_beat()" },
		{ "progress", "ward_progress()" },
		{ "check", "ward_check()" },
	};
	struct rows rows = { .unit = "ns", .what = "A call inside a task" };
	unsigned runs = 0;

	for (unsigned i = 0; i < 3; i++) {
		const struct want w = { "overhead", call[i][0], NULL, 0, 0 };
		const struct figure *f = page_figure(p, &w, "ward");

		rows_add(&rows, call[i][1], "c0", f, NULL);
		runs = f ? f->runs : runs;
	}
	if (!rows.n)
		return;
	page_figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	page_figure_end(p, SPREAD, "overhead", runs);
}

void page_supervision(const struct page *p)
{
	const struct want task = { "throughput", "task", NULL, 1, 1 };
	const struct want beat = { "overhead", "beat", NULL, 0, 0 };

	if (!page_figure(p, &task, "ward") && !page_figure(p, &beat, "ward"))
		return;
	page_section(
		p, "What supervision costs",
		"The same queue, batches and parking with supervision (libward) and "
		"without (floor); and what a task pays that says it is alive.");
	fputs("<div class=\"grid\">\n", p->out);
	supervision_tasks(p);
	supervision_calls(p);
	fputs("</div>\n", p->out);
	page_section_end(p);
}
