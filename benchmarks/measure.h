/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h - what was measured: figures, their spread, and how they are told,
 * as a table for people and as one JSON object a line for programs.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A figure's identity; the names are those that the output promises. */
struct key {
	const char *bench, *impl, *metric, *unit;
	unsigned workers, producers;
	const char *placement; /* NULL or "": the bench knows none */
};

/* One figure: a value for each run.  A run without a result is INFINITY. */
struct figure {
	char bench[16], impl[16], metric[40], unit[12], placement[12];
	unsigned workers, producers;
	double *value;
	unsigned runs, room;
};

/*
 * Many values of each run at even steps: samples by their share (0 is the least, 1 the
 * most), or what was done by the time.  of.value has all points of the first run, then
 * those of the next.
 */
struct series {
	struct figure of; /* of.runs counts points */
	char by[12];	  /* what the steps are of: "share", or a unit */
	double step;
	unsigned points;
};

#define POINTS_MAX 256u

struct book {
	struct figure *figure;
	unsigned figures, room;
	struct series *series;
	unsigned all_series, series_room;
};

void book_add(struct book *book, const struct key *key, double value);
/* NULL: never measured.  key->unit is not looked at. */
const struct figure *book_find(const struct book *book, const struct key *key);
/* One run of a series; one of another length than the first is left out. */
struct steps {
	const char *by;
	double step;
	unsigned points;
};
void book_add_series(struct book *book, const struct key *key,
		     const struct steps *steps, const double *value);
const struct series *book_find_series(const struct book *book,
				      const struct key *key);
void book_free(struct book *book);

#define RUNS_MAX 101u

struct spread {
	double median, min, max;
};
struct spread figure_spread(const struct figure *figure);
/* Of all runs at one point. */
struct spread series_spread(const struct series *series, unsigned point);
unsigned series_runs(const struct series *series);
/*
 * One by another, run by run: what the machine did during a run falls on both.
 * Returns how many runs there are; those in which the other collapsed are left out.
 */
unsigned figure_ratio(const struct figure *figure, const struct figure *by,
		      struct spread *out);

/* The figures from that one on, in the order in which they came; false: no. */
bool book_json(const struct book *book, unsigned from, FILE *out);
/* The same of series, which are lines without a "metric". */
bool book_json_series(const struct book *book, unsigned from, FILE *out);

/* Sorts the samples; fraction 0.5 is the median, 1 the largest; 0 of none. */
double samples_at(double *sample, unsigned n, double fraction);

/*
 * A table: a title, heads, and rows of cells; a cell tells a median and, below
 * it, the smallest and the largest run.
 */
#define TABLE_COLUMNS 12
#define TABLE_ROWS 64
struct table {
	const char *title;
	char head[TABLE_COLUMNS][16];
	char label[TABLE_ROWS][32];
	char cell[TABLE_ROWS][TABLE_COLUMNS][2][24];
	unsigned columns, rows;
};
void table_start(struct table *table, const char *title);
unsigned table_column(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
unsigned table_row(struct table *table, const char *label);
/* NULL is shown as "-". */
void table_cell(struct table *table, unsigned row, unsigned column,
		const struct figure *figure);
void table_spread(struct table *table, unsigned row, unsigned column,
		  const struct spread *spread, unsigned runs);
void table_text(struct table *table, unsigned row, unsigned column,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void table_print(const struct table *table, FILE *out);

#endif
