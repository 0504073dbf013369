/* SPDX-License-Identifier: BSD-2-Clause */
#include "page.h"
#include "piece.h"
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

static const struct figure *page_best_other(const struct page *p,
					    const struct want *w)
{
	const struct figure *best = NULL;

	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];

		if (!page_wants(f, w) || page_is_ours(f->impl) ||
		    page_is_plain(f->impl))
			continue;
		if (!best ||
		    figure_spread(f).median < figure_spread(best).median)
			best = f;
	}
	return best;
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
	const struct figure *f = page_figure(p, &hung, "ward");
	const struct figure *b = page_figure(p, &budget, "ward");
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
	const struct figure *ward = page_figure(p, &task, "ward");
	const struct figure *floor = page_figure(p, &task, "floor");
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
	const struct figure *healthy = page_figure(p, &one, "ward");
	const struct figure *beating = page_figure(p, &two, "ward");
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
		    page_figure(p, &death, "ward"),
		    page_figure(p, &death, "watcher"), "a bare watcher");
	tile_hang(p);
	if (!page_figure(p, &task, "ward"))
		task.placement = "together";
	other = page_best_other(p, &task);
	tile_beside(p, "An empty task, 1 producer, 1 worker",
		    page_figure(p, &task, "ward"), other,
		    other ? other->impl : "");
	tile_supervision(p);
	tile_convicted(p);
	fputs("</div>\n", p->out);
}

/* ---- names ---------------------------------------------------------------- */

static void names(const struct page *p, const struct page_head *head)
{
	if (!head->names)
		return;
	page_section(p, "Who is who", "As the figures name them.");
	fputs("<div class=\"wide\">\n<table>\n<tbody>\n", p->out);
	for (unsigned i = 0; i < head->names; i++) {
		fputs("<tr>", p->out);
		page_cell(p, "", head->name[i].name);
		page_cell(p, "", head->name[i].what);
		fputs("</tr>\n", p->out);
	}
	fputs("</tbody>\n</table>\n</div>\n", p->out);
	page_section_end(p);
}

/* ---- all figures ---------------------------------------------------------- */

static void number(const struct page *p, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", value);
	page_cell(p, " class=\"n\"", isinf(value) ? "collapsed" : text);
}

static void figure_row(const struct page *p, const struct figure *f)
{
	struct spread s = figure_spread(f);
	char text[32];

	fputs("<tr>", p->out);
	page_cell(p, "", f->bench);
	page_cell(p, "", f->impl);
	snprintf(text, sizeof(text), "%ux%u", f->producers, f->workers);
	page_cell(p, "", text);
	page_cell(p, "", f->placement);
	page_cell(p, "", f->metric);
	number(p, s.median);
	number(p, s.min);
	number(p, s.max);
	page_cell(p, "", f->unit);
	snprintf(text, sizeof(text), "%u", f->runs);
	page_cell(p, " class=\"n\"", text);
	fputs("</tr>\n", p->out);
}

static void all_figures(const struct page *p)
{
	page_section(p, "All figures",
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
	page_section_end(p);
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
	page_losses(&p);
	page_healing(&p);
	page_alone(&p);
	page_by_workers(&p);
	page_in_flight(&p);
	page_latency(&p);
	page_forks(&p);
	page_cells(&p);
	page_supervision(&p);
	names(&p, head);
	all_figures(&p);
	fputs("</body>\n</html>\n", out);
	return fflush(out) == 0 && !ferror(out);
}
