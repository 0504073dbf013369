/* SPDX-License-Identifier: BSD-2-Clause */
/* page_heal.c - workers that are lost, and those in their place. */
#include "piece.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- losses --------------------------------------------------------------- */

static const struct {
	const char *name, *verb;
} loss[] = { { "death", "die" },
	     { "blocked", "block" },
	     { "livelock", "spin" },
	     { "fault", "fault" },
	     { "all", "die" } };
#define LOSSES (sizeof(loss) / sizeof(*loss))

static unsigned events_of(const struct page *p, const char *impl,
			  struct event event[LOSSES])
{
	unsigned n = 0;

	for (unsigned i = 0; i < LOSSES; i++) {
		char at[32], lost[32];

		snprintf(at, sizeof(at), "%s_at", loss[i].name);
		snprintf(lost, sizeof(lost), "%s_lost", loss[i].name);
		event[n].at = page_median(p, "losses", at, impl);
		snprintf(event[n].text, sizeof(event[n].text), "%.0f %s",
			 page_median(p, "losses", lost, impl), loss[i].verb);
		n += event[n].at > 0;
	}
	return n;
}

static double most_of(const struct series *s)
{
	double most = 0;

	for (unsigned i = 0; s && i < s->points; i++) {
		double max = series_spread(s, i).max;

		most = max > most ? max : most;
	}
	return most;
}

static void losses_figure(const struct page *p, const char *impl,
			  const char *title, double most)
{
	const struct want w = { .bench = "losses", .metric = "answered" };
	struct event event[LOSSES];
	struct over_time chart = { .series = page_series(p, &w, impl),
				   .class = page_class(impl),
				   .max = most * 1.05,
				   .what = title,
				   .end = "process ended",
				   .event = event };

	if (!chart.series)
		return;
	chart.events = events_of(p, impl, event);
	page_figure_begin(p, title);
	over_time_print(&chart, p->out);
	page_figure_end(p, "Answers a second, in steps of 10 ms.", "losses",
			series_runs(chart.series));
}

void page_losses(const struct page *p)
{
	const struct want w = { .bench = "losses", .metric = "answered" };
	const struct series *ward = page_series(p, &w, "ward");
	const struct series *mutex = page_series(p, &w, "mutex");
	double most = fmax(most_of(ward), most_of(mutex));
	char text[400];

	if (!ward)
		return;
	snprintf(
		text, sizeof(text),
		"%u workers answer tasks that sleep for 1 ms, and some of those tasks "
		"end their threads, wait or spin without end, or write to nowhere. A "
		"wait may last %.0f ms and a spin %.0f ms of CPU time before libward "
		"calls them lost: so long those workers are missing. Each that a plain "
		"pool loses is gone for good, and a fault ends its process.",
		ward->of.workers,
		page_median(p, "losses", "blocked_budget", "ward"),
		page_median(p, "losses", "livelock_budget", "ward"));
	page_section(p, "What is answered while workers are lost", text);
	fputs("<div class=\"grid\">\n", p->out);
	losses_figure(p, "ward", "libward", most);
	losses_figure(p, "mutex", "A plain pool (mutex)", most);
	fputs("</div>\n", p->out);
	page_section_end(p);
}

/* ---- healing -------------------------------------------------------------- */

static void death_figure(const struct page *p)
{
	const struct want death = { .bench = "heal", .metric = "death" };
	const struct want wakeup = { .bench = "heal", .metric = "wakeup" };
	struct shares shares = { .n = 0 };

	shares_add(&shares, "libward", "c0", page_series(p, &death, "ward"));
	shares_add(&shares, "a watcher that joins it and wakes a spare", "c1",
		   page_series(p, &death, "watcher"));
	shares_add(&shares, "one wakeup, for scale", "plain",
		   page_series(p, &wakeup, "nothing"));
	page_shares(p, &shares, "A death, until another thread works", "heal");
}

static void hung_figure(const struct page *p)
{
	const struct want hung = { .bench = "heal", .metric = "hung" };
	struct shares shares = { .n = 0 };

	shares_add(&shares, "libward", "c0", page_series(p, &hung, "ward"));
	shares.mark = page_median(p, "heal", "hung_budget", "ward");
	shares.marked = "budget";
	page_shares(p, &shares, "A hang, until another thread works", "heal");
}

static void kinds_figure(const struct page *p)
{
	static const char *const kind[][2] = {
		{ "raise", "raise" },
		{ "wakeup", "one wakeup" },
		{ "death", "death" },
		{ "ward", "death of a ward" },
		{ "fault", "fault" },
		{ "rawexit", "raw exit" },
		{ "load_death", "busy: death" },
		{ "load_raise", "busy: raise" },
		{ "hung", "hang" },
		{ "livelock", "livelock" },
		{ "blocked", "blocked" },
	};
	struct rows rows = { .unit = "us",
			     .what = "Healing, by what happened" };
	unsigned runs = 0;

	for (unsigned i = 0; i < sizeof(kind) / sizeof(*kind); i++) {
		char p50[32], p99[32];
		const struct want half = { .bench = "heal", .metric = p50 };
		const struct want most = { .bench = "heal", .metric = p99 };
		const char *impl =
			strcmp(kind[i][0], "wakeup") ? "ward" : "nothing";
		const struct figure *f;

		snprintf(p50, sizeof(p50), "%s_p50", kind[i][0]);
		snprintf(p99, sizeof(p99), "%s_p99", kind[i][0]);
		f = page_figure(p, &half, impl);
		runs = f ? f->runs : runs;
		rows_add(&rows, kind[i][1], page_is_ours(impl) ? "c0" : "plain",
			 f, page_figure(p, &most, impl));
	}
	if (rows.n < 3)
		return;
	page_figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	page_figure_end(p, "Dot: half took no longer; ring: 99 % did.", "heal",
			runs);
}

void page_healing(const struct page *p)
{
	const struct want death = { .bench = "heal", .metric = "death" };

	if (!page_series(p, &death, "ward"))
		return;
	page_section(
		p, "How long until a healthy thread works in its place",
		"From just before a worker is lost to the first instruction of the task "
		"that waited behind it, on the thread that took its place. The shaded "
		"span is from the quickest run to the slowest.");
	fputs("<div class=\"grid\">\n", p->out);
	death_figure(p);
	hung_figure(p);
	kinds_figure(p);
	fputs("</div>\n", p->out);
	page_section_end(p);
}
