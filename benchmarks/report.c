/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c - tables of implementations, a row each.
 */
#include "bench.h"

static const struct figure *cell(const struct book *book,
				 const struct grid *grid, const char *impl,
				 unsigned column)
{
	const struct column *c = &grid->column[column];
	struct key key = { .bench = grid->bench,
			   .impl = impl,
			   .metric = c->metric,
			   .workers = c->workers,
			   .producers = c->producers,
			   .placement = placement_name(grid->placement) };

	return book_find(book, &key);
}

static struct table *table_of(const struct grid *grid, const char *more)
{
	const char *placement = placement_name(grid->placement);
	static struct table table;
	static char title[160];

	snprintf(title, sizeof(title), "%s%s%s%s", grid->title,
		 *placement ? ", " : "", placement, more);
	table_start(&table, title);
	for (unsigned c = 0; c < grid->columns; c++)
		table_column(&table, "%s", grid->column[c].head);
	return &table;
}

static bool asked(const struct book *book, const struct grid *grid,
		  const struct rival *rival)
{
	if (rival != &rival_nothing)
		return true;
	for (unsigned c = 0; c < grid->columns; c++)
		if (cell(book, grid, rival->name, c))
			return true;
	return false;
}

void grid_figures(const struct options *o, const struct book *book,
		  const struct grid *grid)
{
	struct table *table = table_of(grid, "");

	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row;

		if (!asked(book, grid, o->impl[i]))
			continue;
		row = table_row(table, o->impl[i]->name);
		for (unsigned c = 0; c < table->columns; c++)
			table_cell(table, row, c,
				   cell(book, grid, o->impl[i]->name, c));
	}
	table_print(table, stdout);
}

static void ratio_cell(struct table *table, unsigned row, unsigned column,
		       const struct figure *f, const struct figure *by)
{
	struct spread ratio;
	unsigned runs;

	if (f && by && (runs = figure_ratio(f, by, &ratio)))
		table_spread(table, row, column, &ratio, runs);
}

void grid_ratios(const struct options *o, const struct book *book,
		 const struct grid *grid)
{
	struct table *table = table_of(grid, ": times ward's, run by run");

	for (unsigned i = 0; i < o->impls; i++) {
		const char *name = o->impl[i]->name;
		unsigned row;

		if (o->impl[i] == &rival_ward || !asked(book, grid, o->impl[i]))
			continue;
		row = table_row(table, name);
		for (unsigned c = 0; c < table->columns; c++)
			ratio_cell(table, row, c, cell(book, grid, name, c),
				   cell(book, grid, "ward", c));
	}
	table_print(table, stdout);
}

void report_columns(const struct options *o, const struct book *book,
		    const char *bench, const char *title,
		    const struct column *column, unsigned columns)
{
	struct grid grid = { .bench = bench,
			     .title = title,
			     .column = column,
			     .columns = columns };

	grid_figures(o, book, &grid);
}
