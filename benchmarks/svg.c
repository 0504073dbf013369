/* SPDX-License-Identifier: BSD-2-Clause */
#include "svg.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- text ----------------------------------------------------------------- */

void svg_text(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			/* XML has no other control characters */
			if ((unsigned char)*text >= ' ' || *text == '\n' ||
			    *text == '\t')
				fputc(*text, out);
		}
}

void svg_textf(FILE *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	svg_text(out, text);
}

static void digits(char *to, size_t len, double value)
{
	double size = fabs(value);

	/* Three digits, none of them a zero at the end. */
	if (size >= 1000)
		snprintf(to, len, "%.0f", value);
	else if (size < 1e-9)
		snprintf(to, len, "0"); /* nor less than it */
	else
		snprintf(to, len, "%.3g", value);
}

struct said svg_said(double value, const char *unit)
{
	static const char *const times[] = { "ns", "\302\265s", "ms", "s" };
	unsigned at = !strcmp(unit, "ns") ? 0 : !strcmp(unit, "us") ? 1 : 2;
	bool time = at < 2 || !strcmp(unit, "ms");
	struct said said;
	char number[24];

	if (isinf(value) || isnan(value)) {
		snprintf(said.text, sizeof(said.text), "collapsed");
		return said;
	}
	while (time && at < 3 && fabs(value) >= 999.5) {
		value /= 1000;
		at++;
	}
	digits(number, sizeof(number), value);
	snprintf(said.text, sizeof(said.text), "%s%s%s", number,
		 *unit && strcmp(unit, "%") ? "\302\240" : "",
		 time ? times[at] : unit);
	return said;
}

/* ---- places --------------------------------------------------------------- */

static double share(const struct axis *a, double v)
{
	if (!a->log)
		return (v - a->min) / (a->max - a->min);
	return log(v / a->min) / log(a->max / a->min);
}

static double clamped(double v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static double at_x(const struct plot *p, double x)
{
	return p->left +
	       clamped(share(&p->x, x)) * (p->width - p->left - p->right);
}

static double at_y(const struct plot *p, double y)
{
	return p->height - p->bottom -
	       clamped(share(&p->y, y)) * (p->height - p->top - p->bottom);
}

static bool can_be(const struct axis *a, double v)
{
	return !isnan(v) && !isinf(v) && (!a->log || v > 0);
}

/* ---- axes ----------------------------------------------------------------- */

static void attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	svg_text(out, value);
	fputc('"', out);
}

void plot_open(const struct plot *p, const char *what)
{
	fprintf(p->out, "<svg viewBox=\"0 0 %g %g\" role=\"img\"", p->width,
		p->height);
	attribute(p->out, "aria-label", what);
	fputs(">\n", p->out);
}

void plot_close(const struct plot *p)
{
	fputs("</svg>\n", p->out);
}

static void segment(const struct plot *p, const char *class, double x0,
		    double y0, double x1, double y1)
{
	fputs("<line", p->out);
	attribute(p->out, "class", class);
	fprintf(p->out, " x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		x0, y0, x1, y1);
}

static void word(const struct plot *p, const char *class, const char *anchor,
		 double x, double y, const char *text)
{
	fputs("<text", p->out);
	attribute(p->out, "class", class);
	fprintf(p->out, " x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
		anchor);
	svg_text(p->out, text);
	fputs("</text>\n", p->out);
}

static void tick_x(const struct plot *p, double x, const char *text)
{
	double foot = p->height - p->bottom;

	segment(p, "grid", at_x(p, x), p->top, at_x(p, x), foot);
	word(p, "tick", "middle", at_x(p, x), foot + 16, text);
}

static void tick_y(const struct plot *p, double y, const char *text)
{
	segment(p, "grid", p->left, at_y(p, y), p->width - p->right,
		at_y(p, y));
	word(p, "tick", "end", p->left - 6, at_y(p, y) + 4, text);
}

typedef void tick_fn(const struct plot *p, double at, const char *text);

/* 1, 2 or 5 times a power of ten, so that some five fit. */
static double step_of(double span)
{
	double rough = span / 5, ten = pow(10, floor(log10(rough)));

	return ten * (rough / ten > 5	? 10
		      : rough / ten > 2 ? 5
		      : rough / ten > 1 ? 2
					: 1);
}

static void linear_ticks(const struct plot *p, const struct axis *a,
			 tick_fn *tick)
{
	double step = step_of(a->max - a->min);
	double first = ceil(a->min / step - 1e-9);

	for (double k = first; k * step <= a->max + step / 1e6; k++)
		tick(p, k * step, svg_said(k * step, a->unit).text);
}

/* Powers of ten, and what is between them, as many as have room. */
static void log_ticks(const struct plot *p, const struct axis *a, tick_fn *tick,
		      double room)
{
	static const double part[][3] = { { 1 }, { 1, 3 }, { 1, 2, 5 } };
	double tens = log10(a->max / a->min);
	unsigned parts = tens * 3 <= room ? 3 : tens * 2 <= room ? 2 : 1;
	int by = (int)ceil(tens / room);

	for (int e = (int)floor(log10(a->min)); e <= ceil(log10(a->max)); e++)
		for (unsigned k = 0; k < parts; k++) {
			double v = part[parts - 1][k] * pow(10, e);

			if (e % by || v < a->min * .999 || v > a->max * 1.001)
				continue;
			tick(p, v, svg_said(v, a->unit).text);
		}
}

static void ticks(const struct plot *p, const struct axis *a, tick_fn *tick,
		  double room)
{
	if (a->tick)
		for (unsigned i = 0; i < a->ticks; i++)
			tick(p, i, a->tick[i]);
	else if (a->log)
		log_ticks(p, a, tick, room);
	else
		linear_ticks(p, a, tick);
}

void plot_x(const struct plot *p)
{
	double foot = p->height - p->bottom;

	ticks(p, &p->x, tick_x, (p->width - p->left - p->right) / 60);
	segment(p, "axis", p->left, foot, p->width - p->right, foot);
}

void plot_y(const struct plot *p)
{
	ticks(p, &p->y, tick_y, (p->height - p->top - p->bottom) / 24);
}

/* ---- between them --------------------------------------------------------- */

static void points(const struct plot *p, unsigned n, const double *x,
		   const double *y)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(p->out, "%s%.1f,%.1f", i ? " " : "", at_x(p, x[i]),
			at_y(p, y[i]));
}

/* How many from there on have a place. */
static unsigned stretch(const struct plot *p, unsigned n, const double *x,
			const double *y)
{
	unsigned i = 0;

	while (i < n && can_be(&p->x, x[i]) && can_be(&p->y, y[i]))
		i++;
	return i;
}

void plot_line(const struct plot *p, const char *class, unsigned n,
	       const double *x, const double *y)
{
	for (unsigned i = 0, len; i < n; i += len ? len : 1) {
		len = stretch(p, n - i, x + i, y + i);
		if (!len)
			continue;
		fputs("<polyline", p->out);
		attribute(p->out, "class", class);
		fputs(" points=\"", p->out);
		points(p, len, x + i, y + i);
		fputs("\"/>\n", p->out);
	}
}

void plot_area(const struct plot *p, const char *class, unsigned n,
	       const double *x, const double *y)
{
	if (stretch(p, n, x, y) < n)
		return;
	fputs("<polygon", p->out);
	attribute(p->out, "class", class);
	fputs(" points=\"", p->out);
	points(p, n, x, y);
	fputs("\"/>\n", p->out);
}

void plot_dot(const struct plot *p, const char *class, double x, double y,
	      const char *what)
{
	if (!can_be(&p->x, x) || !can_be(&p->y, y))
		return;
	fputs("<circle", p->out);
	attribute(p->out, "class", class);
	fprintf(p->out, " cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>",
		at_x(p, x), at_y(p, y));
	svg_text(p->out, what);
	fputs("</title></circle>\n", p->out);
}

void plot_range(const struct plot *p, const char *class, double from, double to,
		double y)
{
	double high = at_y(p, y);

	if (!can_be(&p->x, from))
		return;
	to = can_be(&p->x, to) ? to : p->x.max;
	segment(p, class, at_x(p, from), high, at_x(p, to), high);
	segment(p, class, at_x(p, from), high - 3, at_x(p, from), high + 3);
	segment(p, class, at_x(p, to), high - 3, at_x(p, to), high + 3);
}

void plot_mark(const struct plot *p, double x, unsigned row, const char *text)
{
	double at = at_x(p, x), top = p->top - 6 - 13.0 * row;

	segment(p, "mark", at, top + 3, at, p->height - p->bottom);
	word(p, "marked", "middle", at, top, text);
}

void plot_label(const struct plot *p, const struct label *l, const char *text)
{
	word(p, l->class, l->anchor, at_x(p, l->x) + l->dx,
	     at_y(p, l->y) + l->dy, text);
}
