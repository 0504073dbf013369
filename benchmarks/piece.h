/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * piece.h - what the parts of a page are made of: figures that are looked up, headings,
 * keys, and plots with their captions.
 */
#ifndef BENCH_PIECE_H
#define BENCH_PIECE_H

#include "chart.h"

struct page {
	const struct book *book;
	FILE *out;
};

/* One that is asked for; "" of placement: none; NULL: any. */
struct want {
	const char *bench, *metric, *placement;
	unsigned workers, producers; /* 0: any */
};

bool page_wants(const struct figure *figure, const struct want *want);
/* NULL: never measured. */
const struct figure *page_figure(const struct page *page,
				 const struct want *want, const char *impl);
const struct series *page_series(const struct page *page,
				 const struct want *want, const char *impl);
/* 0 if it was not measured. */
double page_median(const struct page *page, const char *bench,
		   const char *metric, const char *impl);

bool page_is_ours(const char *impl);
/* What is measured as a bound, and is no pool. */
bool page_is_plain(const char *impl);
/* The class of its colour. */
const char *page_class(const char *impl);

void page_section(const struct page *page, const char *title, const char *text);
void page_section_end(const struct page *page);
void page_cell(const struct page *page, const char *attribute,
	       const char *text);

void page_figure_begin(const struct page *page, const char *title);
/* What is on the axes, and where it comes from. */
void page_figure_end(const struct page *page, const char *axes,
		     const char *bench, unsigned runs);
void page_key_begin(const struct page *page);
void page_key_entry(const struct page *page, const char *class,
		    const char *text);
void page_key_end(const struct page *page);

/* Curves by share, with their key. */
void page_shares(const struct page *page, struct shares *shares,
		 const char *title, const char *bench);

/* All implementations by one figure, the least first. */
struct ranking {
	const char *title, *axes;
	struct want want;
	const char *far; /* a metric; or NULL */
};

#define SPREAD "Dot: median; line: from the least run to the most."

bool ranking_rows(const struct page *page, const struct ranking *ranking,
		  struct rows *rows);
void page_ranking(const struct page *page, const struct ranking *ranking);

/* ---- parts; each is nothing if nothing of it was measured ------------------ */

/* page_heal.c */
void page_losses(const struct page *page);
void page_healing(const struct page *page);

/* page_cells.c */
void page_cells(const struct page *page);

/* page_speed.c */
void page_alone(const struct page *page);
void page_by_workers(const struct page *page);
void page_in_flight(const struct page *page);
void page_latency(const struct page *page);
void page_forks(const struct page *page);
void page_supervision(const struct page *page);

#endif
