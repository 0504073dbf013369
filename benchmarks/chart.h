/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chart.h - what was measured, as plots: svg.h draws them.  Class c0 is ward, c1 the
 * first of the others, and so on; "plain" is what is no pool.
 */
#ifndef BENCH_CHART_H
#define BENCH_CHART_H

#include "measure.h"

/* A dot at the median, a line from the least to the most, the median as text. */
struct row {
	char label[48];
	const char *class;
	struct spread spread;
	const struct figure *far; /* a ring beyond: another figure; or NULL */
};
#define ROWS_MAX 40u
struct rows {
	struct row row[ROWS_MAX];
	unsigned n;
	const char *unit, *what;
};
/* Another row; NULL: none. */
void rows_add(struct rows *rows, const char *label, const char *class,
	      const struct figure *figure, const struct figure *far);
/* The least median first. */
void rows_sort(struct rows *rows);
void rows_print(const struct rows *rows, FILE *out);

/* Lines, each of a series or of figures. */
#define LINES_MAX 6u
#define LINE_POINTS POINTS_MAX
struct line {
	const char *label, *class;
	unsigned n;
	double x[LINE_POINTS], y[LINE_POINTS];
	double low[LINE_POINTS], high[LINE_POINTS];
};

/* How many of the samples took so long, and no longer. */
struct shares {
	const struct series *series[LINES_MAX];
	const char *label[LINES_MAX], *class[LINES_MAX];
	unsigned n;
	const char *what;
	double mark; /* a time that has a name; 0: none */
	const char *marked;
};
void shares_add(struct shares *shares, const char *label, const char *class,
		const struct series *series);
void shares_print(const struct shares *shares, FILE *out);

/* Beside each other: lines over names, on a logarithmic axis. */
struct lines {
	struct line line[LINES_MAX];
	unsigned n;
	const char *const *tick;
	unsigned ticks;
	double min, max; /* of the axis */
	const char *unit, *what;
};
/* Spreads at 0, 1, ...; a median of 0 is a gap. */
void lines_add(struct lines *lines, const char *label, const char *class,
	       const struct spread *spread, unsigned n);
void lines_print(const struct lines *lines, FILE *out);

/* What was done by the time, and what happened. */
struct event {
	double at;
	char text[24];
};
struct over_time {
	const struct series *series;
	const char *class, *what, *end; /* end: said where nothing is done */
	double max;			/* of the axis */
	const struct event *event;
	unsigned events;
};
void over_time_print(const struct over_time *chart, FILE *out);

#endif
