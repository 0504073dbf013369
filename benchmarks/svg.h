/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svg.h - one plot, as SVG inside a page: two axes, and lines, bands, dots, bars and marks
 * between them.  Colours are classes (c0, c1, ...) of which the page says what they
 * are, so that they fit light and dark.
 */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* As text, or in an attribute: nothing in it is markup. */
void svg_text(FILE *out, const char *text);
/* The same of a made text. */
void svg_textf(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A value in few digits, with its unit: "us" and "ns" become greater ones. */
struct said {
	char text[32];
};
struct said svg_said(double value, const char *unit);

struct axis {
	double min, max; /* min > 0 of a logarithmic one */
	bool log;
	const char *unit;	 /* of the ticks; "": none */
	const char *const *tick; /* names of 0, 1, ... instead; or NULL */
	unsigned ticks;
};

struct plot {
	FILE *out;
	struct axis x, y;
	double width, height;
	double left, right, top, bottom; /* room beside the axes */
};

/* 'what' is for those who do not see it. */
void plot_open(const struct plot *plot, const char *what);
void plot_x(const struct plot *plot);
void plot_y(const struct plot *plot);
void plot_close(const struct plot *plot);

/* A class of the page's, and n points.  What is no number, or infinite, is a gap. */
void plot_line(const struct plot *plot, const char *class, unsigned n,
	       const double *x, const double *y);
/* The area inside; nothing if a point has no place. */
void plot_area(const struct plot *plot, const char *class, unsigned n,
	       const double *x, const double *y);
/* 'what' is told by a pointer that rests there. */
void plot_dot(const struct plot *plot, const char *class, double x, double y,
	      const char *what);
/* From the least to the most, with small ends. */
void plot_range(const struct plot *plot, const char *class, double from,
		double to, double y);
/* An upright line, and a word or two at its top, 'row' lines down. */
void plot_mark(const struct plot *plot, double x, unsigned row,
	       const char *text);
/* At a point, shifted by so many units; anchor: start, middle, end. */
struct label {
	double x, y, dx, dy;
	const char *anchor, *class;
};
void plot_label(const struct plot *plot, const struct label *label,
		const char *text);

#endif
