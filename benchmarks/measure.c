/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *mem, unsigned n, unsigned *room, size_t size)
{
	if (n < *room)
		return mem;
	*room = *room ? 2 * *room : 16;
	mem = realloc(mem, *room * size);
	if (!mem) {
		fprintf(stderr, "wardbench: out of memory\n");
		exit(1);
	}
	return mem;
}

/* ---- figures ------------------------------------------------------------ */

static const char *placement_of(const struct key *key)
{
	return key->placement ? key->placement : "";
}

static bool figure_is(const struct figure *f, const struct key *key)
{
	return f->workers == key->workers && f->producers == key->producers &&
	       !strcmp(f->bench, key->bench) && !strcmp(f->impl, key->impl) &&
	       !strcmp(f->metric, key->metric) &&
	       !strcmp(f->placement, placement_of(key));
}

const struct figure *book_find(const struct book *book, const struct key *key)
{
	for (unsigned i = 0; i < book->figures; i++)
		if (figure_is(&book->figure[i], key))
			return &book->figure[i];
	return NULL;
}

static void figure_init(struct figure *f, const struct key *key)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->bench, sizeof(f->bench), "%s", key->bench);
	snprintf(f->impl, sizeof(f->impl), "%s", key->impl);
	snprintf(f->metric, sizeof(f->metric), "%s", key->metric);
	snprintf(f->unit, sizeof(f->unit), "%s", key->unit);
	snprintf(f->placement, sizeof(f->placement), "%s", placement_of(key));
	f->workers = key->workers;
	f->producers = key->producers;
}

static struct figure *book_new(struct book *book, const struct key *key)
{
	struct figure *f;

	book->figure = grown(book->figure, book->figures, &book->room,
			     sizeof(*book->figure));
	f = &book->figure[book->figures++];
	figure_init(f, key);
	return f;
}

static void figure_add(struct figure *f, double value)
{
	f->value = grown(f->value, f->runs, &f->room, sizeof(*f->value));
	f->value[f->runs++] = value;
}

void book_add(struct book *book, const struct key *key, double value)
{
	struct figure *f = (struct figure *)book_find(book, key);

	if (!f)
		f = book_new(book, key);
	figure_add(f, value);
}

const struct series *book_find_series(const struct book *book,
				      const struct key *key)
{
	for (unsigned i = 0; i < book->all_series; i++)
		if (figure_is(&book->series[i].of, key))
			return &book->series[i];
	return NULL;
}

static struct series *series_new(struct book *book, const struct key *key,
				 const struct steps *steps)
{
	struct series *s;

	book->series = grown(book->series, book->all_series, &book->series_room,
			     sizeof(*book->series));
	s = &book->series[book->all_series++];
	figure_init(&s->of, key);
	snprintf(s->by, sizeof(s->by), "%s", steps->by);
	s->step = steps->step;
	s->points = steps->points;
	return s;
}

void book_add_series(struct book *book, const struct key *key,
		     const struct steps *steps, const double *value)
{
	struct series *s = (struct series *)book_find_series(book, key);

	if (!s)
		s = series_new(book, key, steps);
	if (s->points != steps->points)
		return;
	for (unsigned i = 0; i < steps->points; i++)
		figure_add(&s->of, value[i]);
}

void book_free(struct book *book)
{
	for (unsigned i = 0; i < book->figures; i++)
		free(book->figure[i].value);
	for (unsigned i = 0; i < book->all_series; i++)
		free(book->series[i].of.value);
	free(book->series);
	free(book->figure);
	memset(book, 0, sizeof(*book));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_at(double *sample, unsigned n, double fraction)
{
	double at = ceil(fraction * n);

	if (n == 0)
		return 0;
	qsort(sample, n, sizeof(*sample), by_size);
	return sample[at < 1 ? 0 : (unsigned)at - 1];
}

static struct spread spread_of(double *value, unsigned n)
{
	unsigned half = n / 2;

	if (n == 0)
		return (struct spread){ 0, 0, 0 };
	qsort(value, n, sizeof(*value), by_size);
	return (struct spread){ .median = n % 2 ? value[half] :
						  (value[half - 1] +
						   value[half]) / 2,
				.min = value[0],
				.max = value[n - 1] };
}

struct spread figure_spread(const struct figure *f)
{
	unsigned n = f->runs < RUNS_MAX ? f->runs : RUNS_MAX;
	double value[RUNS_MAX];

	if (n)
		memcpy(value, f->value, n * sizeof(*value));
	return spread_of(value, n);
}

unsigned series_runs(const struct series *s)
{
	return s->points ? s->of.runs / s->points : 0;
}

struct spread series_spread(const struct series *s, unsigned point)
{
	double value[RUNS_MAX];
	unsigned n = 0;

	for (unsigned run = 0; run < series_runs(s) && n < RUNS_MAX; run++)
		value[n++] = s->of.value[run * s->points + point];
	return spread_of(value, n);
}

unsigned figure_ratio(const struct figure *f, const struct figure *by,
		      struct spread *out)
{
	unsigned runs = f->runs < by->runs ? f->runs : by->runs, n = 0;
	double value[RUNS_MAX];

	for (unsigned i = 0; i < runs && n < RUNS_MAX; i++)
		if (by->value[i] > 0 && !isinf(by->value[i]))
			value[n++] = f->value[i] / by->value[i];
	*out = spread_of(value, n);
	return n;
}

/* ---- for programs ------------------------------------------------------- */

/* JSON has no infinity; a number beyond every double reads back as one. */
static void json_number(FILE *out, const char *name, double value)
{
	if (isinf(value))
		fprintf(out, ", \"%s\": 1e999", name);
	else
		fprintf(out, ", \"%s\": %.6g", name, value);
}

/* Run by run: so it is known which figures of one run belong together. */
static void json_values(FILE *out, const struct figure *f)
{
	fprintf(out, ", \"values\": [");
	for (unsigned i = 0; i < f->runs; i++)
		fprintf(out, isinf(f->value[i]) ? "%s1e999" : "%s%.6g",
			i ? ", " : "", f->value[i]);
	fprintf(out, "]");
}

static void json_key(FILE *out, const struct figure *f)
{
	fprintf(out,
		"{\"bench\": \"%s\", \"impl\": \"%s\", \"workers\": %u, "
		"\"producers\": %u, ",
		f->bench, f->impl, f->workers, f->producers);
	if (f->placement[0])
		fprintf(out, "\"placement\": \"%s\", ", f->placement);
}

bool book_json(const struct book *book, unsigned from, FILE *out)
{
	for (unsigned i = from; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];
		struct spread s = figure_spread(f);

		json_key(out, f);
		fprintf(out, "\"metric\": \"%s\", \"unit\": \"%s\"",
			f->metric, f->unit);
		json_number(out, "median", s.median);
		json_number(out, "min", s.min);
		json_number(out, "max", s.max);
		fprintf(out, ", \"runs\": %u", f->runs);
		json_values(out, f);
		fprintf(out, "}\n");
	}
	return fflush(out) == 0 && !ferror(out);
}

static void json_points(FILE *out, const struct series *s)
{
	static const char *const name[] = { "median", "min", "max" };

	for (unsigned k = 0; k < 3; k++) {
		fprintf(out, ", \"%s\": [", name[k]);
		for (unsigned i = 0; i < s->points; i++) {
			struct spread at = series_spread(s, i);

			fprintf(out, "%s%.6g", i ? ", " : "",
				k == 0	 ? at.median
				: k == 1 ? at.min
					 : at.max);
		}
		fputc(']', out);
	}
}

bool book_json_series(const struct book *book, unsigned from, FILE *out)
{
	for (unsigned i = from; i < book->all_series; i++) {
		const struct series *s = &book->series[i];

		json_key(out, &s->of);
		fprintf(out,
			"\"series\": \"%s\", \"unit\": \"%s\", \"by\": \"%s\", "
			"\"step\": %.6g, \"points\": %u, \"runs\": %u",
			s->of.metric, s->of.unit, s->by, s->step, s->points,
			series_runs(s));
		json_points(out, s);
		fprintf(out, "}\n");
	}
	return fflush(out) == 0 && !ferror(out);
}

/* ---- for people --------------------------------------------------------- */

void table_start(struct table *t, const char *title)
{
	memset(t, 0, sizeof(*t));
	t->title = title;
}

unsigned table_column(struct table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->columns == TABLE_COLUMNS)
		return TABLE_COLUMNS - 1;
	va_start(ap, fmt);
	vsnprintf(t->head[t->columns], sizeof(t->head[0]), fmt, ap);
	va_end(ap);
	return t->columns++;
}

unsigned table_row(struct table *t, const char *label)
{
	if (t->rows == TABLE_ROWS)
		return TABLE_ROWS - 1;
	snprintf(t->label[t->rows], sizeof(t->label[0]), "%s", label);
	return t->rows++;
}

static int number(char *to, size_t len, double value)
{
	if (isinf(value))
		return snprintf(to, len, "collapsed");
	if (value == 0 || fabs(value) >= 100)
		return snprintf(to, len, "%.0f", value);
	if (fabs(value) >= 10)
		return snprintf(to, len, "%.1f", value);
	return snprintf(to, len, fabs(value) < 0.1 ? "%.4f" : "%.2f", value);
}

void table_spread(struct table *t, unsigned row, unsigned column,
		  const struct spread *s, unsigned runs)
{
	char min[24], max[24];

	number(t->cell[row][column][0], sizeof(t->cell[0][0][0]), s->median);
	if (runs < 2)
		return;
	number(min, sizeof(min), s->min);
	number(max, sizeof(max), isinf(s->max) ? 0 : s->max);
	snprintf(t->cell[row][column][1], sizeof(t->cell[0][0][1]), "%.9s-%.9s",
		 isinf(s->min) ? "" : min, isinf(s->max) ? "oo" : max);
}

void table_cell(struct table *t, unsigned row, unsigned column,
		const struct figure *f)
{
	struct spread s;

	if (!f)
		return;
	s = figure_spread(f);
	table_spread(t, row, column, &s, f->runs);
}

void table_text(struct table *t, unsigned row, unsigned column, const char *fmt,
		...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->cell[row][column][0], sizeof(t->cell[0][0][0]), fmt, ap);
	va_end(ap);
}

static int wider(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width ? len : width;
}

static bool spread_in(const struct table *t, unsigned row)
{
	for (unsigned c = 0; c < t->columns; c++)
		if (t->cell[row][c][1][0])
			return true;
	return false;
}

void table_print(const struct table *t, FILE *out)
{
	int left = 0, width[TABLE_COLUMNS] = { 0 };

	for (unsigned r = 0; r < t->rows; r++)
		left = wider(left, t->label[r]);
	for (unsigned c = 0; c < t->columns; c++) {
		width[c] = wider(6, t->head[c]);
		for (unsigned r = 0; r < t->rows; r++)
			for (unsigned l = 0; l < 2; l++)
				width[c] = wider(width[c], t->cell[r][c][l]);
	}
	fprintf(out, "\n%s\n%-*s", t->title, left, "");
	for (unsigned c = 0; c < t->columns; c++)
		fprintf(out, "  %*s", width[c], t->head[c]);
	fputc('\n', out);
	for (unsigned r = 0; r < t->rows; r++) {
		for (unsigned l = 0; l < 1u + spread_in(t, r); l++) {
			fprintf(out, "%-*s", left, l ? "" : t->label[r]);
			for (unsigned c = 0; c < t->columns; c++)
				fprintf(out, "  %*s", width[c],
					l || t->cell[r][c][0][0]
						? t->cell[r][c][l]
						: "-");
			fputc('\n', out);
		}
	}
	fflush(out);
}
