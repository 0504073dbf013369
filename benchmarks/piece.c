/* SPDX-License-Identifier: BSD-2-Clause */
#include "piece.h"
#include "svg.h"

#include <string.h>

bool page_wants(const struct figure *f, const struct want *w)
{
	return !strcmp(f->bench, w->bench) && !strcmp(f->metric, w->metric) &&
	       (!w->placement || !strcmp(f->placement, w->placement)) &&
	       (!w->workers || f->workers == w->workers) &&
	       (!w->producers || f->producers == w->producers);
}

const struct figure *page_figure(const struct page *p, const struct want *w,
				 const char *impl)
{
	for (unsigned i = 0; i < p->book->figures; i++)
		if (page_wants(&p->book->figure[i], w) &&
		    !strcmp(p->book->figure[i].impl, impl))
			return &p->book->figure[i];
	return NULL;
}

const struct series *page_series(const struct page *p, const struct want *w,
				 const char *impl)
{
	for (unsigned i = 0; i < p->book->all_series; i++)
		if (page_wants(&p->book->series[i].of, w) &&
		    !strcmp(p->book->series[i].of.impl, impl))
			return &p->book->series[i];
	return NULL;
}

bool page_is_ours(const char *impl)
{
	return !strncmp(impl, "ward", 4);
}

/* What is measured as a bound, and is no pool. */
bool page_is_plain(const char *impl)
{
	return !strcmp(impl, "floor") || !strcmp(impl, "nothing") ||
	       !strcmp(impl, "ring");
}

const char *page_class(const char *impl)
{
	return page_is_ours(impl) ? "c0" : page_is_plain(impl) ? "plain" : "c1";
}

void page_section(const struct page *p, const char *title, const char *text)
{
	fputs("<section>\n<h2>", p->out);
	svg_text(p->out, title);
	fputs("</h2>\n<p>", p->out);
	svg_text(p->out, text);
	fputs("</p>\n", p->out);
}

void page_section_end(const struct page *p)
{
	fputs("</section>\n", p->out);
}

void page_figure_begin(const struct page *p, const char *title)
{
	fputs("<figure>\n<h3>", p->out);
	svg_text(p->out, title);
	fputs("</h3>\n", p->out);
}

/* What is on the axes, and where it comes from. */
void page_figure_end(const struct page *p, const char *axes, const char *bench,
		     unsigned runs)
{
	fputs("<figcaption>", p->out);
	svg_textf(p->out, "%s ", axes);
	fputs("<code>", p->out);
	svg_textf(p->out, "wardbench %s", bench);
	fputs("</code>", p->out);
	svg_textf(p->out, ", %u run%s.", runs, runs == 1 ? "" : "s");
	fputs("</figcaption>\n</figure>\n", p->out);
}

void page_cell(const struct page *p, const char *class, const char *text)
{
	fprintf(p->out, "<td%s>", class);
	svg_text(p->out, text);
	fputs("</td>", p->out);
}

void page_key_begin(const struct page *p)
{
	fputs("<ul class=\"key\">\n", p->out);
}

void page_key_entry(const struct page *p, const char *class, const char *text)
{
	fprintf(p->out,
		"<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\">"
		"<polyline class=\"line %s\" points=\"0,5 28,5\"/></svg>",
		class);
	svg_text(p->out, text);
	fputs("</li>\n", p->out);
}

void page_key_end(const struct page *p)
{
	fputs("</ul>\n", p->out);
}

/* ---- plots ---------------------------------------------------------------- */

double page_median(const struct page *p, const char *bench, const char *metric,
		   const char *impl)
{
	const struct want w = { .bench = bench, .metric = metric };
	const struct figure *f = page_figure(p, &w, impl);

	return f ? figure_spread(f).median : 0;
}

static void shares_key(const struct page *p, const struct shares *shares)
{
	page_key_begin(p);
	for (unsigned i = 0; i < shares->n; i++)
		page_key_entry(p, shares->class[i], shares -> label[i]);
	page_key_end(p);
}

void page_shares(const struct page *p, struct shares *shares, const char *title,
		 const char *bench)
{
	if (!shares->n)
		return;
	shares->what = title;
	page_figure_begin(p, title);
	shares_key(p, shares);
	shares_print(shares, p->out);
	page_figure_end(p, "Percent that took no longer, by time.", bench,
			series_runs(shares->series[0]));
}

bool ranking_rows(const struct page *p, const struct ranking *r,
		  struct rows *rows)
{
	struct want far = r->want;

	far.metric = r->far;
	for (unsigned i = 0; i < p->book->figures; i++) {
		const struct figure *f = &p->book->figure[i];

		if (page_wants(f, &r->want))
			rows_add(rows, f->impl, page_class(f->impl), f,
				 r->far ? page_figure(p, &far, f->impl) : NULL);
		if (page_wants(f, &r->want))
			rows->unit = f->unit;
	}
	rows_sort(rows);
	return rows->n;
}

void page_ranking(const struct page *p, const struct ranking *r)
{
	struct rows rows = { .unit = "ns", .what = r->title };
	const struct figure *ward = page_figure(p, &r->want, "ward");

	if (!ranking_rows(p, r, &rows))
		return;
	page_figure_begin(p, r->title);
	rows_print(&rows, p->out);
	page_figure_end(p, r->axes, r->want.bench, ward ? ward->runs : 0);
}
