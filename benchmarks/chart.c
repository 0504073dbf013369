/* SPDX-License-Identifier: BSD-2-Clause */
#include "chart.h"
#include "svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Units of a drawing; on a narrow phone one is about a pixel. */
#define WIDTH 440
#define HEIGHT 250

/* "line" and a class of colour. */
struct class
{
	char text[32];
};

static struct class class_of(const char *what, const char *colour)
{
	struct class class;

	snprintf(class.text, sizeof(class.text), "%s %s", what, colour);
	return class;
}

static bool is_number(double v)
{
	return !isnan(v) && !isinf(v) && v > 0;
}

/* Of a logarithmic axis. */
struct reach {
	double min, max;
};

static void reach_add(struct reach *r, double v)
{
	if (!is_number(v))
		return;
	r->min = r->min > 0 && r->min < v ? r->min : v;
	r->max = r->max > v ? r->max : v;
}

/* Some room on both sides; at least from 1 to 4. */
static struct axis log_axis(struct reach r, const char *unit)
{
	struct axis axis = { .log = true, .unit = unit };

	if (r.min <= 0)
		r.min = r.max = 1;
	axis.min = r.min / 1.25;
	axis.max = r.max * 1.25;
	if (axis.max < axis.min * 4)
		axis.max = axis.min * 4;
	return axis;
}

/* ---- rows ----------------------------------------------------------------- */

void rows_add(struct rows *rows, const char *label, const char *class,
	      const struct figure *f, const struct figure *far)
{
	struct row *row = &rows->row[rows->n];

	if (!f || rows->n == ROWS_MAX)
		return;
	snprintf(row->label, sizeof(row->label), "%s", label);
	row->class = class;
	row->spread = figure_spread(f);
	row->far = far;
	rows->n++;
}

static int by_median(const void *a, const void *b)
{
	double x = ((const struct row *)a)->spread.median;
	double y = ((const struct row *)b)->spread.median;

	return (x > y) - (x < y);
}

void rows_sort(struct rows *rows)
{
	qsort(rows->row, rows->n, sizeof(rows->row[0]), by_median);
}

static void row_print(const struct plot *p, const struct row *row, double y,
		      const char *unit)
{
	const struct spread *s = &row->spread;
	struct label name = { p->x.min, y, -8, 4, "end", "name" };
	struct label value = { p->x.max, y, 8, 4, "start", "value" };
	char text[160];

	if (!strcmp(row->class, "c0"))
		name.class = value.class = "ours";
	plot_label(p, &name, row->label);
	plot_label(p, &value, svg_said(s->median, unit).text);
	if (row->far) {
		struct spread far = figure_spread(row->far);
		const double x[] = { s->median, far.median }, yy[] = { y, y };

		plot_line(p, class_of("stem", row->class).text, 2, x, yy);
		plot_dot(p, class_of("ring", row->class).text, far.median, y,
			 svg_said(far.median, unit).text);
	} else {
		plot_range(p, class_of("range", row->class).text, s->min,
			   s->max, y);
	}
	snprintf(text, sizeof(text), "%s: %s (%s to %s)", row->label,
		 svg_said(s->median, unit).text, svg_said(s->min, unit).text,
		 svg_said(s->max, unit).text);
	plot_dot(p, class_of("dot", row->class).text, s->median, y, text);
}

void rows_print(const struct rows *rows, FILE *out)
{
	struct plot p = { .out = out,
			  .width = WIDTH,
			  .height = 22.0 * rows->n + 34,
			  .left = 120,
			  .right = 76,
			  .top = 6,
			  .bottom = 24 };
	struct reach reach = { 0, 0 };

	for (unsigned i = 0; i < rows->n; i++) {
		const struct row *row = &rows->row[i];

		reach_add(&reach, row->spread.median);
		reach_add(&reach, row->spread.min);
		reach_add(&reach, row->spread.max);
		if (row->far)
			reach_add(&reach, figure_spread(row->far).median);
	}
	p.x = log_axis(reach, rows->unit);
	p.y = (struct axis){ .min = -.5, .max = rows->n - .5 };
	plot_open(&p, rows->what);
	plot_x(&p);
	for (unsigned i = 0; i < rows->n; i++)
		row_print(&p, &rows->row[i], rows->n - 1.0 - i, rows->unit);
	plot_close(&p);
}

/* ---- shares --------------------------------------------------------------- */

void shares_add(struct shares *shares, const char *label, const char *class,
		const struct series *series)
{
	if (!series || shares->n == LINES_MAX)
		return;
	shares->label[shares->n] = label;
	shares->class[shares->n] = class;
	shares->series[shares->n++] = series;
}

/* There and back: from the least run to the most. */
static void share_area(const struct plot *p, const struct series *s,
		       const char *class)
{
	double x[2 * POINTS_MAX], y[2 * POINTS_MAX];

	for (unsigned i = 0; i < s->points; i++) {
		struct spread at = series_spread(s, i);
		unsigned back = 2 * s->points - 1 - i;

		x[i] = at.min;
		x[back] = at.max;
		y[i] = y[back] = 100 * s->step * i;
	}
	plot_area(p, class_of("band", class).text, 2 * s->points, x, y);
}

static void share_line(const struct plot *p, const struct series *s,
		       const char *class)
{
	double x[POINTS_MAX], y[POINTS_MAX];

	for (unsigned i = 0; i < s->points; i++) {
		x[i] = series_spread(s, i).median;
		y[i] = 100 * s->step * i;
	}
	plot_line(p, class_of("line", class).text, s->points, x, y);
}

void shares_print(const struct shares *shares, FILE *out)
{
	struct plot p = { .out = out,
			  .width = WIDTH,
			  .height = HEIGHT,
			  .left = 48,
			  .right = 20,
			  .top = 26,
			  .bottom = 26,
			  .y = { .min = 0, .max = 100, .unit = "%" } };
	struct reach reach = { 0, 0 };

	for (unsigned i = 0; i < shares->n; i++)
		for (unsigned k = 0; k < shares->series[i]->points; k++)
			reach_add(&reach,
				  series_spread(shares->series[i], k).median);
	reach_add(&reach, shares->mark);
	p.x = log_axis(reach, shares->n ? shares->series[0]->of.unit : "us");
	plot_open(&p, shares->what);
	plot_x(&p);
	plot_y(&p);
	if (shares->mark > 0)
		plot_mark(&p, shares->mark, 0, shares->marked);
	/* of many the first alone: they would hide each other */
	for (unsigned i = 0; i < (shares->n > 2 ? 1 : shares->n); i++)
		share_area(&p, shares->series[i], shares->class[i]);
	for (unsigned i = shares->n; i-- > 0;)
		share_line(&p, shares->series[i], shares->class[i]);
	plot_close(&p);
}

/* ---- lines ---------------------------------------------------------------- */

void lines_add(struct lines *lines, const char *label, const char *class,
	       const struct spread *spread, unsigned n)
{
	struct line *line = &lines->line[lines->n];

	if (lines->n == LINES_MAX)
		return;
	line->label = label;
	line->class = class;
	line->n = n;
	for (unsigned i = 0; i < n; i++) {
		line->x[i] = i;
		line->y[i] = spread[i].median;
		line->low[i] = spread[i].min;
		line->high[i] = spread[i].max;
	}
	lines->n++;
}

static void line_print(const struct plot *p, const struct line *line,
		       const struct lines *lines)
{
	double x[2 * LINE_POINTS], y[2 * LINE_POINTS];
	char text[160];

	for (unsigned i = 0; i < line->n; i++) {
		unsigned back = 2 * line->n - 1 - i;

		x[i] = x[back] = line->x[i];
		y[i] = line->low[i];
		y[back] = line->high[i];
	}
	plot_area(p, class_of("band", line->class).text, 2 * line->n, x, y);
	plot_line(p, class_of("line", line->class).text, line->n, line->x,
		  line->y);
	for (unsigned i = 0; i < line->n; i++) {
		snprintf(text, sizeof(text), "%s, %s: %s (%s to %s)",
			 line->label, lines->tick[i],
			 svg_said(line->y[i], lines->unit).text,
			 svg_said(line->low[i], lines->unit).text,
			 svg_said(line->high[i], lines->unit).text);
		plot_dot(p, class_of("dot", line->class).text, line->x[i],
			 line->y[i], text);
	}
}

void lines_print(const struct lines *lines, FILE *out)
{
	struct reach reach = { lines->min, lines->max };
	struct plot p = { .out = out,
			  .width = WIDTH,
			  .height = HEIGHT,
			  .left = 60,
			  .right = 20,
			  .top = 10,
			  .bottom = 26 };

	for (unsigned i = 0; i < lines->n && lines->max <= 0; i++)
		for (unsigned k = 0; k < lines->line[i].n; k++) {
			reach_add(&reach, lines->line[i].low[k]);
			reach_add(&reach, lines->line[i].high[k]);
		}
	p.x = (struct axis){ .min = -.2,
			     .max = lines->ticks - .8,
			     .tick = lines->tick,
			     .ticks = lines->ticks };
	p.y = log_axis(reach, lines->unit);
	plot_open(&p, lines->what);
	plot_x(&p);
	plot_y(&p);
	for (unsigned i = lines->n; i-- > 0;)
		line_print(&p, &lines->line[i], lines);
	plot_close(&p);
}

/* ---- over time ------------------------------------------------------------ */

/* A step is from its beginning to its end. */
static void steps_print(const struct plot *p, const struct over_time *chart)
{
	const struct series *s = chart->series;
	double x[4 * POINTS_MAX], y[4 * POINTS_MAX];
	unsigned n = 2 * s->points;

	for (unsigned i = 0; i < n; i++) {
		struct spread at = series_spread(s, i / 2);
		unsigned back = 2 * n - 1 - i;

		x[i] = x[back] = s->step * ((i + 1) / 2);
		y[i] = at.min;
		y[back] = at.max;
	}
	plot_area(p, class_of("band", chart->class).text, 2 * n, x, y);
	for (unsigned i = 0; i < n; i++)
		y[i] = series_spread(s, i / 2).median;
	plot_line(p, class_of("line", chart->class).text, n, x, y);
}

/* From when on nothing more is done; 0: it is, to the end. */
static double stands_still(const struct series *s)
{
	unsigned n = s->points;

	while (n && series_spread(s, n - 1).max <= 0)
		n--;
	return n < s->points ? s->step * n : 0;
}

void over_time_print(const struct over_time *chart, FILE *out)
{
	const struct series *s = chart->series;
	struct plot p = { .out = out,
			  .width = WIDTH,
			  .height = HEIGHT,
			  .left = 48,
			  .right = 24,
			  .top = 26,
			  .bottom = 26 };
	double still = stands_still(s);

	p.x = (struct axis){ .max = s->step * s->points, .unit = s->by };
	p.y = (struct axis){ .max = chart->max, .unit = "" };
	plot_open(&p, chart->what);
	plot_x(&p);
	plot_y(&p);
	for (unsigned i = 0; i < chart->events; i++)
		if (still <= 0 || chart->event[i].at <= still)
			plot_mark(&p, chart->event[i].at, 0,
				  chart->event[i].text);
	steps_print(&p, chart);
	if (still > 0)
		plot_label(
			&p,
			&(struct label){ still, 0, 10, -10, "start", "said" },
			chart->end);
	plot_close(&p);
}
