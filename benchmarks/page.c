/* SPDX-License-Identifier: BSD-2-Clause */
#include "page.h"
#include "chart.h"
#include "svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- style ---------------------------------------------------------------- */

/* Colours that differ in lightness as well; lines of theirs in dashes, too. */
#define LIGHT                                                                  \
	"--page:#fff;--card:#f7f7f5;--ink:#1a1a19;--soft:#5c5b57;"             \
	"--grid:#e3e2dd;--axis:#8f8e88;--c0:#1f5fc4;--c1:#d9590b;"             \
	"--c2:#12876a;--c3:#8a4fd0;--c4:#b8870b;--plain:#8f8e88;"
#define DARK                                                                   \
	"--page:#161615;--card:#1f1f1d;--ink:#f1f0ec;--soft:#b3b1aa;"          \
	"--grid:#343431;--axis:#7d7c76;--c0:#6aa5ff;--c1:#f58a47;"             \
	"--c2:#35bd98;--c3:#b98df2;--c4:#dcb03c;--plain:#8d8c86;"

static const char *const style[] = {
	":root{color-scheme:light dark;" LIGHT "}",
	"@media (prefers-color-scheme:dark){:root{" DARK "}}",
	"@media print{:root{color-scheme:light;" LIGHT "}"
	"section,figure,.tile{break-inside:avoid}body{font-size:10pt}}",
	"*{box-sizing:border-box}",
	"body{margin:0 auto;max-width:1080px;padding:24px 20px 48px;"
	"background:var(--page);color:var(--ink);"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}",
	"h1{font-size:1.7em;line-height:1.2;margin:0 0 .3em}",
	"h2{font-size:1.25em;line-height:1.3;margin:0 0 .2em}",
	"h3{font-size:1em;margin:0 0 .2em}",
	"p{margin:.2em 0 .8em;max-width:72ch}",
	".soft,figcaption{color:var(--soft)}",
	"section{margin:40px 0 0;padding-top:18px;"
	"border-top:1px solid var(--grid)}",
	".grid{display:grid;gap:20px 28px;margin:12px 0 0;"
	"grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr))}",
	".small{grid-template-columns:"
	"repeat(auto-fill,minmax(min(100%,300px),1fr))}",
	".tiles{display:grid;gap:12px;margin:22px 0 0;"
	"grid-template-columns:repeat(auto-fit,minmax(min(100%,185px),1fr))}",
	".tile{background:var(--card);border-radius:8px;padding:12px 14px}",
	".tile b{display:block;font-size:1.65em;line-height:1.25;"
	"font-weight:650}",
	".tile span{display:block;font-size:.85em;line-height:1.4;"
	"color:var(--soft)}",
	"figure{margin:0;min-width:0;max-width:640px}",
	"figcaption{font-size:.85em;margin-top:.2em}",
	"svg{display:block;width:100%;height:auto;overflow:visible}",
	"svg text{font-size:12px;fill:var(--ink);"
	"font-variant-numeric:tabular-nums}",
	"svg .tick,svg .marked,svg .said{fill:var(--soft)}",
	"svg .ours{font-weight:700;fill:var(--c0)}",
	".small svg text{font-size:15px}",
	"@media(max-width:480px){svg text{font-size:15px}"
	"body{padding:16px 16px 40px}}",
	".grid line,.key line{stroke-width:1}",
	"line.grid{stroke:var(--grid)}line.axis{stroke:var(--axis)}",
	"line.mark{stroke:var(--axis);stroke-dasharray:2 3}",
	".line,.stem{fill:none;stroke-width:2;stroke-linejoin:round}",
	".line.c0{stroke-width:2.5}",
	".line.plain{stroke-dasharray:2 3}",
	"line.range{stroke-width:1.5}",
	".band{fill-opacity:.16;stroke:none}.stem{stroke-width:1.5}",
	".dot{stroke:var(--page);stroke-width:1.5}",
	".ring{fill:var(--page);stroke-width:2}",
	".line.c2{stroke-dasharray:9 3}.line.c3{stroke-dasharray:4 3}",
	".line.c4{stroke-dasharray:9 3 2 3}",
	".key{display:flex;flex-wrap:wrap;gap:2px 18px;margin:.2em 0 0;"
	"padding:0;list-style:none;font-size:.9em}",
	".key svg{display:inline-block;width:28px;height:10px;"
	"margin-right:6px}",
	".wide{overflow-x:auto}",
	"table{border-collapse:collapse;font-size:.85em}",
	"td,th{padding:3px 12px 3px 0;text-align:left;white-space:nowrap;"
	"border-bottom:1px solid var(--grid);font-weight:400}",
	"th{color:var(--soft)}"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}",
	"summary{cursor:pointer}code{font-size:.92em}",
};

/* For lines, and for what is filled. */
static void colours(FILE *out)
{
	static const char *const class[] = { "c0", "c1", "c2",
					     "c3", "c4", "plain" };

	for (unsigned i = 0; i < sizeof(class) / sizeof(*class); i++)
		fprintf(out,
			".line.%s,.range.%s,.stem.%s,.ring.%s"
			"{stroke:var(--%s)}"
			".dot.%s,.band.%s{fill:var(--%s)}\n",
			class[i], class[i], class[i], class[i], class[i],
			class[i], class[i], class[i]);
}

static void head_print(FILE *out)
{
	fputs("<!DOCTYPE html>\n"
	      "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
	      "<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\"/>\n"
	      "<title>libward beside other pools</title>\n<style>\n",
	      out);
	for (unsigned i = 0; i < sizeof(style) / sizeof(*style); i++)
		fprintf(out, "%s\n", style[i]);
	colours(out);
	fputs("</style>\n</head>\n<body>\n", out);
}

/* ---- pieces --------------------------------------------------------------- */

struct page {
	const struct book *book;
	FILE *out;
};

/* One that is asked for; "" of placement: none; NULL: any. */
struct want {
	const char *bench, *metric, *placement;
	unsigned workers, producers; /* 0: any */
};

static bool is_wanted(const struct figure *f, const struct want *w)
{
	return !strcmp(f->bench, w->bench) && !strcmp(f->metric, w->metric) &&
	       (!w->placement || !strcmp(f->placement, w->placement)) &&
	       (!w->workers || f->workers == w->workers) &&
	       (!w->producers || f->producers == w->producers);
}

static const struct figure *figure_of(const struct page *p,
				      const struct want *w, const char *impl)
{
	for (unsigned i = 0; i < p->book->figures; i++)
		if (is_wanted(&p->book->figure[i], w) &&
		    !strcmp(p->book->figure[i].impl, impl))
			return &p->book->figure[i];
	return NULL;
}

static const struct series *series_of(const struct page *p,
				      const struct want *w, const char *impl)
{
	for (unsigned i = 0; i < p->book->all_series; i++)
		if (is_wanted(&p->book->series[i].of, w) &&
		    !strcmp(p->book->series[i].of.impl, impl))
			return &p->book->series[i];
	return NULL;
}

static bool is_ours(const char *impl)
{
	return !strncmp(impl, "ward", 4);
}

/* What is measured as a bound, and is no pool. */
static bool is_plain(const char *impl)
{
	return !strcmp(impl, "floor") || !strcmp(impl, "nothing");
}

static const char *class_of(const char *impl)
{
	return is_ours(impl) ? "c0" : is_plain(impl) ? "plain" : "c1";
}

static const struct figure *best_other(const struct page *p,
				       const struct want *w)
{
	const struct figure *best = NULL;

	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];

		if (!is_wanted(f, w) || is_ours(f->impl) || is_plain(f->impl))
			continue;
		if (!best ||
		    figure_spread(f).median < figure_spread(best).median)
			best = f;
	}
	return best;
}

static void section(const struct page *p, const char *title, const char *text)
{
	fputs("<section>\n<h2>", p->out);
	svg_text(p->out, title);
	fputs("</h2>\n<p>", p->out);
	svg_text(p->out, text);
	fputs("</p>\n", p->out);
}

static void section_end(const struct page *p)
{
	fputs("</section>\n", p->out);
}

static void figure_begin(const struct page *p, const char *title)
{
	fputs("<figure>\n<h3>", p->out);
	svg_text(p->out, title);
	fputs("</h3>\n", p->out);
}

/* What is on the axes, and where it comes from. */
static void figure_end(const struct page *p, const char *axes,
		       const char *bench, unsigned runs)
{
	fputs("<figcaption>", p->out);
	svg_textf(p->out, "%s ", axes);
	fputs("<code>", p->out);
	svg_textf(p->out, "wardbench %s", bench);
	fputs("</code>", p->out);
	svg_textf(p->out, ", %u run%s.", runs, runs == 1 ? "" : "s");
	fputs("</figcaption>\n</figure>\n", p->out);
}

static void cell(const struct page *p, const char *class, const char *text)
{
	fprintf(p->out, "<td%s>", class);
	svg_text(p->out, text);
	fputs("</td>", p->out);
}

static void key_begin(const struct page *p)
{
	fputs("<ul class=\"key\">\n", p->out);
}

static void key_entry(const struct page *p, const char *class, const char *text)
{
	fprintf(p->out,
		"<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\">"
		"<polyline class=\"line %s\" points=\"0,5 28,5\"/></svg>",
		class);
	svg_text(p->out, text);
	fputs("</li>\n", p->out);
}

static void key_end(const struct page *p)
{
	fputs("</ul>\n", p->out);
}

/* ---- tiles ---------------------------------------------------------------- */

static void tile(const struct page *p, const char *what, const char *value,
		 const char *beside)
{
	fputs("<div class=\"tile\"><span>", p->out);
	svg_text(p->out, what);
	fputs("</span><b>", p->out);
	svg_text(p->out, value);
	fputs("</b><span>", p->out);
	svg_text(p->out, beside);
	fputs("</span></div>\n", p->out);
}

/* Ward's figure beside another's, run by run. */
static void tile_beside(const struct page *p, const char *what,
			const struct figure *ward, const struct figure *other,
			const char *name)
{
	struct spread s, ratio;
	char text[160];

	if (!ward)
		return;
	s = figure_spread(ward);
	snprintf(text, sizeof(text), "%s to %s",
		 svg_said(s.min, ward->unit).text,
		 svg_said(s.max, ward->unit).text);
	if (other && figure_ratio(other, ward, &ratio) && !isinf(ratio.median))
		snprintf(text, sizeof(text),
			 "%s takes %.2g times as long (%.2g to %.2g)", name,
			 ratio.median, ratio.min, ratio.max);
	tile(p, what, svg_said(s.median, ward->unit).text, text);
}

static void tile_hang(const struct page *p)
{
	const struct want hung = { .bench = "heal", .metric = "hung_p50" };
	const struct want budget = { .bench = "heal", .metric = "hung_budget" };
	const struct figure *f = figure_of(p, &hung, "ward");
	const struct figure *b = figure_of(p, &budget, "ward");
	char text[160];

	if (!f || !b)
		return;
	snprintf(text, sizeof(text),
		 "%s of it the budget; the other pools never notice",
		 svg_said(figure_spread(b).median, b->unit).text);
	tile(p, "A hang, until another thread works",
	     svg_said(figure_spread(f).median, f->unit).text, text);
}

static void tile_supervision(const struct page *p)
{
	const struct want task = { .bench = "throughput",
				   .metric = "task",
				   .placement = "together",
				   .workers = 1,
				   .producers = 1 };
	const struct figure *ward = figure_of(p, &task, "ward");
	const struct figure *floor = figure_of(p, &task, "floor");
	char value[64], text[160];

	if (!ward || !floor)
		return;
	snprintf(value, sizeof(value), "%s",
		 svg_said(figure_spread(ward).median -
				  figure_spread(floor).median,
			  "ns")
			 .text);
	snprintf(text, sizeof(text),
		 "a task on one core: %s, and %s without it",
		 svg_said(figure_spread(ward).median, "ns").text,
		 svg_said(figure_spread(floor).median, "ns").text);
	tile(p, "Supervision costs", value, text);
}

static void tile_convicted(const struct page *p)
{
	const struct want one = { .bench = "heal",
				  .metric = "healthy_convicted" };
	const struct want two = { .bench = "heal",
				  .metric = "beating_convicted" };
	const struct figure *healthy = figure_of(p, &one, "ward");
	const struct figure *beating = figure_of(p, &two, "ward");
	char value[32];

	if (!healthy || !beating)
		return;
	snprintf(value, sizeof(value), "%.0f",
		 figure_spread(healthy).max + figure_spread(beating).max);
	tile(p, "Healthy, taken for lost", value,
	     "workers, beside 8 processes that spin");
}

static void tiles(const struct page *p)
{
	const struct want death = { .bench = "heal", .metric = "death_p50" };
	struct want task = { .bench = "throughput",
			     .metric = "task",
			     .placement = "across",
			     .workers = 1,
			     .producers = 1 };
	const struct figure *other;

	fputs("<div class=\"tiles\">\n", p->out);
	tile_beside(p, "A death, until another thread works",
		    figure_of(p, &death, "ward"),
		    figure_of(p, &death, "watcher"), "a bare watcher");
	tile_hang(p);
	if (!figure_of(p, &task, "ward"))
		task.placement = "together";
	other = best_other(p, &task);
	tile_beside(p, "An empty task, 1 producer, 1 worker",
		    figure_of(p, &task, "ward"), other,
		    other ? other->impl : "");
	tile_supervision(p);
	tile_convicted(p);
	fputs("</div>\n", p->out);
}

/* ---- losses --------------------------------------------------------------- */

static const struct {
	const char *name, *verb;
} loss[] = { { "death", "die" },
	     { "blocked", "block" },
	     { "livelock", "spin" },
	     { "fault", "fault" },
	     { "all", "die" } };
#define LOSSES (sizeof(loss) / sizeof(*loss))

static double median_of(const struct page *p, const char *bench,
			const char *metric, const char *impl)
{
	const struct want w = { .bench = bench, .metric = metric };
	const struct figure *f = figure_of(p, &w, impl);

	return f ? figure_spread(f).median : 0;
}

static unsigned events_of(const struct page *p, const char *impl,
			  struct event event[LOSSES])
{
	unsigned n = 0;

	for (unsigned i = 0; i < LOSSES; i++) {
		char at[32], lost[32];

		snprintf(at, sizeof(at), "%s_at", loss[i].name);
		snprintf(lost, sizeof(lost), "%s_lost", loss[i].name);
		event[n].at = median_of(p, "losses", at, impl);
		snprintf(event[n].text, sizeof(event[n].text), "%.0f %s",
			 median_of(p, "losses", lost, impl), loss[i].verb);
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
	struct over_time chart = { .series = series_of(p, &w, impl),
				   .class = class_of(impl),
				   .max = most * 1.05,
				   .what = title,
				   .end = "process ended",
				   .event = event };

	if (!chart.series)
		return;
	chart.events = events_of(p, impl, event);
	figure_begin(p, title);
	over_time_print(&chart, p->out);
	figure_end(p, "Answers a second, in steps of 10 ms.", "losses",
		   series_runs(chart.series));
}

static void losses(const struct page *p)
{
	const struct want w = { .bench = "losses", .metric = "answered" };
	const struct series *ward = series_of(p, &w, "ward");
	const struct series *mutex = series_of(p, &w, "mutex");
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
		median_of(p, "losses", "blocked_budget", "ward"),
		median_of(p, "losses", "livelock_budget", "ward"));
	section(p, "What is answered while workers are lost", text);
	fputs("<div class=\"grid\">\n", p->out);
	losses_figure(p, "ward", "libward", most);
	losses_figure(p, "mutex", "A plain pool (mutex)", most);
	fputs("</div>\n", p->out);
	section_end(p);
}

/* ---- healing -------------------------------------------------------------- */

static void shares_key(const struct page *p, const struct shares *shares)
{
	key_begin(p);
	for (unsigned i = 0; i < shares->n; i++)
		key_entry(p, shares->class[i], shares -> label[i]);
	key_end(p);
}

static void shares_figure(const struct page *p, struct shares *shares,
			  const char *title, const char *bench)
{
	if (!shares->n)
		return;
	shares->what = title;
	figure_begin(p, title);
	shares_key(p, shares);
	shares_print(shares, p->out);
	figure_end(p, "Percent that took no longer, by time.", bench,
		   series_runs(shares->series[0]));
}

static void death_figure(const struct page *p)
{
	const struct want death = { .bench = "heal", .metric = "death" };
	const struct want wakeup = { .bench = "heal", .metric = "wakeup" };
	struct shares shares = { .n = 0 };

	shares_add(&shares, "libward", "c0", series_of(p, &death, "ward"));
	shares_add(&shares, "a watcher that joins it and wakes a spare", "c1",
		   series_of(p, &death, "watcher"));
	shares_add(&shares, "one wakeup, for scale", "plain",
		   series_of(p, &wakeup, "nothing"));
	shares_figure(p, &shares, "A death, until another thread works",
		      "heal");
}

static void hung_figure(const struct page *p)
{
	const struct want hung = { .bench = "heal", .metric = "hung" };
	struct shares shares = { .n = 0 };

	shares_add(&shares, "libward", "c0", series_of(p, &hung, "ward"));
	shares.mark = median_of(p, "heal", "hung_budget", "ward");
	shares.marked = "budget";
	shares_figure(p, &shares, "A hang, until another thread works", "heal");
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
		f = figure_of(p, &half, impl);
		runs = f ? f->runs : runs;
		rows_add(&rows, kind[i][1], is_ours(impl) ? "c0" : "plain", f,
			 figure_of(p, &most, impl));
	}
	if (rows.n < 3)
		return;
	figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	figure_end(p, "Dot: half took no longer; ring: 99 % did.", "heal",
		   runs);
}

static void healing(const struct page *p)
{
	const struct want death = { .bench = "heal", .metric = "death" };

	if (!series_of(p, &death, "ward"))
		return;
	section(p, "How long until a healthy thread works in its place",
		"From just before a worker is lost to the first instruction of the task "
		"that waited behind it, on the thread that took its place. The shaded "
		"span is from the quickest run to the slowest.");
	fputs("<div class=\"grid\">\n", p->out);
	death_figure(p);
	hung_figure(p);
	kinds_figure(p);
	fputs("</div>\n", p->out);
	section_end(p);
}

/* ---- rows of implementations ---------------------------------------------- */

struct ranking {
	const char *title, *axes;
	struct want want;
	const char *far; /* a metric; or NULL */
};

static bool ranked(const struct page *p, const struct ranking *r,
		   struct rows *rows)
{
	struct want far = r->want;

	far.metric = r->far;
	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];

		if (is_wanted(f, &r->want))
			rows_add(rows, f->impl, class_of(f->impl), f,
				 r->far ? figure_of(p, &far, f->impl) : NULL);
		if (is_wanted(f, &r->want))
			rows->unit = f->unit;
	}
	rows_sort(rows);
	return rows->n;
}

static void ranking(const struct page *p, const struct ranking *r)
{
	struct rows rows = { .unit = "ns", .what = r->title };
	const struct figure *ward = figure_of(p, &r->want, "ward");

	if (!ranked(p, r, &rows))
		return;
	figure_begin(p, r->title);
	rows_print(&rows, p->out);
	figure_end(p, r->axes, r->want.bench, ward ? ward->runs : 0);
}

#define SPREAD "Dot: median; line: from the least run to the most."

static void alone(const struct page *p)
{
	const struct ranking across = {
		"Across: producer and worker on two cores",
		SPREAD,
		{ "throughput", "task", "across", 1, 1 },
		NULL
	};
	const struct ranking together = { "Together: all threads on one core",
					  SPREAD,
					  { "throughput", "task", "together", 1,
					    1 },
					  NULL };

	if (!figure_of(p, &across.want, "ward") &&
	    !figure_of(p, &together.want, "ward"))
		return;
	section(p, "What an empty task costs, one producer and one worker",
		"Time a task, shorter is better. Floor is libward's own queue without "
		"supervision, nothing the loop itself: neither is a pool.");
	fputs("<div class=\"grid\">\n", p->out);
	ranking(p, &across);
	ranking(p, &together);
	fputs("</div>\n", p->out);
	section_end(p);
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

		if (!is_wanted(f, &w) || strcmp(f->impl, "ward") || n == SIZES)
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

		to[i] = rate(figure_of(p, &w, impl));
	}
}

static void sweep_reach(const struct page *p, struct sweep *sweep)
{
	const struct want w = { "throughput", "task", sweep->placement, 0, 1 };

	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];
		struct spread s = rate(f);

		if (!is_wanted(f, &w) || !strcmp(f->impl, "nothing"))
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
	lines_add(&lines, impl, class_of(impl), other, sweep->n);
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
	const struct figure *ward = figure_of(
		p,
		&(struct want){ "throughput", "task", sweep->placement,
				sweep->size[sweep->n - 1], 1 },
		"ward");

	ranked(p, &order, &rows);
	sweep_reach(p, sweep);
	key_begin(p);
	key_entry(p, "c0", "libward");
	key_entry(p, "c1", "the pool that the title names");
	key_entry(p, "plain", "floor: libward's queue without supervision");
	key_end(p);
	fputs("<div class=\"grid small\">\n", p->out);
	for (unsigned i = 0; i < rows.n; i++)
		if (!is_ours(rows.row[i].label) &&
		    strcmp(rows.row[i].label, "nothing"))
			sweep_panel(p, sweep, rows.row[i].label);
	fputs("</div>\n<figure>", p->out);
	figure_end(
		p,
		"Million empty tasks a second, by the number of workers; the "
		"same axes in each.",
		"throughput", ward->runs);
}

static void by_workers(const struct page *p)
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
		section(p, title, text);
		sweep_panels(p, &sweep);
		section_end(p);
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
		f = figure_of(p, &w, impl);
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
	const struct figure *ward = figure_of(p, &w, "ward");
	struct lines lines = { .tick = flight_tick,
			       .ticks = FLIGHTS,
			       .unit = "ns",
			       .what = title };

	if (!ward)
		return;
	if (!figure_of(p, &few, "ward")) {
		ranking(p, &(struct ranking){ title, SPREAD, w, NULL });
		return;
	}
	for (unsigned i = 0; i < sizeof(impl) / sizeof(*impl); i++) {
		struct spread s[FLIGHTS];

		if (flight_of(p, impl[i][0], placement, s))
			lines_add(&lines, impl[i][2], impl[i][1], s, FLIGHTS);
	}
	figure_begin(p, title);
	key_begin(p);
	for (unsigned i = 0; i < lines.n; i++)
		key_entry(p, lines.line[i].class, lines.line[i].label);
	key_end(p);
	lines_print(&lines, p->out);
	figure_end(p, "Time a task, by the tasks under way.", "inflight",
		   ward->runs);
}

static void in_flight(const struct page *p)
{
	const struct want w = { "inflight", "wall_16", NULL, 1, 1 };
	const struct want few = { "inflight", "wall_1", NULL, 1, 1 };
	bool brief = !figure_of(p, &few, "ward");

	if (!figure_of(p, &w, "ward"))
		return;
	section(p, "Few tasks at a time",
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
	section_end(p);
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
	ranked(p, &order, &rows);
	for (unsigned i = 0; i < rows.n && n < BEST; i++)
		if (!is_ours(rows.row[i].label) && !is_plain(rows.row[i].label))
			shares_add(shares, rows.row[i].label, class[n++],
				   series_of(p, &start, rows.row[i].label));
}

static void latency(const struct page *p)
{
	const struct want start = { "latency", "start", NULL, 0, 0 };
	const struct ranking all = {
		"All of them",
		"Dot: half of the tasks began by then; ring: 99 % did.",
		{ "latency", "start_p50", NULL, 0, 0 },
		"start_p99"
	};
	struct shares shares = { .n = 0 };

	if (!series_of(p, &start, "ward"))
		return;
	section(p, "How long a task waits for an idle pool",
		"From before the submit to the task's first instruction: one task at a "
		"time, 50 \302\265s to 1 ms after the last, on a pool that sleeps. The "
		"shaded span is from libward's quickest run to its slowest.");
	fputs("<div class=\"grid\">\n", p->out);
	shares_add(&shares, "libward", "c0", series_of(p, &start, "ward"));
	latency_best(p, &shares);
	shares_add(&shares, "floor", "plain", series_of(p, &start, "floor"));
	shares_figure(p, &shares, "Beside the three that are best", "latency");
	ranking(p, &all);
	fputs("</div>\n", p->out);
	section_end(p);
}

/* ---- forks ---------------------------------------------------------------- */

static void forks(const struct page *p)
{
	const struct ranking one = { "fib(27) on one worker",
				     SPREAD,
				     { "forkjoin", "fib", NULL, 1, 0 },
				     NULL };
	const struct ranking two = { "fib(27) on two workers",
				     SPREAD,
				     { "forkjoin", "fib", NULL, 2, 0 },
				     NULL };

	if (!figure_of(p, &one.want, "ward") &&
	    !figure_of(p, &two.want, "ward"))
		return;
	section(p, "What a fork and its join cost",
		"With the addition around them; ward_call has joins that name their "
		"function. Shorter is better.");
	fputs("<div class=\"grid\">\n", p->out);
	ranking(p, &one);
	ranking(p, &two);
	fputs("</div>\n", p->out);
	section_end(p);
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
		const struct figure *ward = figure_of(p, &w, "ward");
		char label[48];

		snprintf(label, sizeof(label), "ward, %s", placement[i]);
		rows_add(&rows, label, "c0", ward, NULL);
		snprintf(label, sizeof(label), "floor, %s", placement[i]);
		rows_add(&rows, label, "plain", figure_of(p, &w, "floor"),
			 NULL);
		runs = ward ? ward->runs : runs;
	}
	if (!rows.n)
		return;
	figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	figure_end(p, SPREAD, "throughput", runs);
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
		const struct figure *f = figure_of(p, &w, "ward");

		rows_add(&rows, call[i][1], "c0", f, NULL);
		runs = f ? f->runs : runs;
	}
	if (!rows.n)
		return;
	figure_begin(p, rows.what);
	rows_print(&rows, p->out);
	figure_end(p, SPREAD, "overhead", runs);
}

static void supervision(const struct page *p)
{
	const struct want task = { "throughput", "task", NULL, 1, 1 };
	const struct want beat = { "overhead", "beat", NULL, 0, 0 };

	if (!figure_of(p, &task, "ward") && !figure_of(p, &beat, "ward"))
		return;
	section(p, "What supervision costs",
		"The same queue, batches and parking with supervision (libward) and "
		"without (floor); and what a task pays that says it is alive.");
	fputs("<div class=\"grid\">\n", p->out);
	supervision_tasks(p);
	supervision_calls(p);
	fputs("</div>\n", p->out);
	section_end(p);
}

/* ---- names ---------------------------------------------------------------- */

static void names(const struct page *p, const struct page_head *head)
{
	if (!head->names)
		return;
	section(p, "Who is who", "As the figures name them.");
	fputs("<div class=\"wide\">\n<table>\n<tbody>\n", p->out);
	for (unsigned i = 0; i < head->names; i++) {
		fputs("<tr>", p->out);
		cell(p, "", head->name[i].name);
		cell(p, "", head->name[i].what);
		fputs("</tr>\n", p->out);
	}
	fputs("</tbody>\n</table>\n</div>\n", p->out);
	section_end(p);
}

/* ---- all figures ---------------------------------------------------------- */

static void number(const struct page *p, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", value);
	cell(p, " class=\"n\"", isinf(value) ? "collapsed" : text);
}

static void figure_row(const struct page *p, const struct figure *f)
{
	struct spread s = figure_spread(f);
	char text[32];

	fputs("<tr>", p->out);
	cell(p, "", f->bench);
	cell(p, "", f->impl);
	snprintf(text, sizeof(text), "%ux%u", f->producers, f->workers);
	cell(p, "", text);
	cell(p, "", f->placement);
	cell(p, "", f->metric);
	number(p, s.median);
	number(p, s.min);
	number(p, s.max);
	cell(p, "", f->unit);
	snprintf(text, sizeof(text), "%u", f->runs);
	cell(p, " class=\"n\"", text);
	fputs("</tr>\n", p->out);
}

static void all_figures(const struct page *p)
{
	section(p, "All figures",
		"Of each the median of its runs, the least and the most.");
	fputs("<details>\n<summary>As a table</summary>\n<div class=\"wide\">\n"
	      "<table>\n<thead><tr><th>bench</th><th>of</th>"
	      "<th>producers x workers</th><th>placement</th><th>figure</th>"
	      "<th class=\"n\">median</th><th class=\"n\">least</th>"
	      "<th class=\"n\">most</th><th>unit</th><th class=\"n\">runs</th>"
	      "</tr></thead>\n<tbody>\n",
	      p->out);
	for (unsigned i = 0; i < p->book->figures; i++)
		figure_row(p, &p->book->figure[i]);
	fputs("</tbody>\n</table>\n</div>\n</details>\n", p->out);
	section_end(p);
}

bool page_print(const struct book *book, const struct page_head *head,
		FILE *out)
{
	const struct page p = { book, out };

	head_print(out);
	fputs("<header>\n<h1>libward beside other pools</h1>\n<p class=\"soft\">",
	      out);
	svg_textf(out, "%s. Measured on %s in %u s by ", head->machine,
		  head->day, head->seconds);
	fputs("<code>", out);
	svg_text(out, head->command);
	fputs("</code>. Medians of runs that took turns, each in a process of its "
	      "own, with the least and the most. Ratios within the page count; "
	      "times belong to this machine and this day.</p>\n</header>\n",
	      out);
	tiles(&p);
	losses(&p);
	healing(&p);
	alone(&p);
	by_workers(&p);
	in_flight(&p);
	latency(&p);
	forks(&p);
	supervision(&p);
	names(&p, head);
	all_figures(&p);
	fputs("</body>\n</html>\n", out);
	return fflush(out) == 0 && !ferror(out);
}
