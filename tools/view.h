/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - a model as lines of text, for the screen and for wardtop --once.
 */
#ifndef WARD_TOOLS_VIEW_H
#define WARD_TOOLS_VIEW_H

#include "find.h"

enum section {
	SECTION_ALL,
	SECTION_WORKERS,
	SECTION_ZOMBIES,
	SECTION_LANES,
	SECTION_LIMITS,
	SECTION_WARDS,
	SECTION_CELLS,
	SECTION_REPORTS,
	SECTIONS
};

enum sort { SORT_SEAT, SORT_SILENCE, SORT_INSIDE, SORT_TASK, SORTS };

enum look { LOOK_PLAIN, LOOK_TITLE, LOOK_GOOD, LOOK_BAD, LOOK_DIM };

/* The longest that is shown; a line is cut off at the width. */
enum { LINE_MAX_ = 256 };

struct line {
	enum look look;
	char text[LINE_MAX_];
};

struct lines {
	struct line *line;
	size_t n;
};

struct view {
	unsigned width;
	enum section section;
	enum sort sort;
};

extern const char *const section_name[SECTIONS];
extern const char *const sort_name[SORTS];

/*
 * All lines of 'now'; 'before', of the same page and earlier, or NULL, is what rates are
 * told from.  False: no memory.
 */
bool view_lines(struct lines *lines, const struct view *view, const struct model *now,
		const struct model *before, enum fate fate);
void lines_free(struct lines *lines);

/* ---- what lines are made of ---- */

/* One line more, of printable characters, cut off at the width. */
void view_put(struct lines *lines, const struct view *view, enum look look,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

struct word {
	char text[24];
};
/* 0, 950us, 3.2ms, 12s, 5m10s, 3h: two digits or three. */
struct word view_span(ward_ns ns);
/* 950, 12.3k, 4.56M. */
struct word view_amount(double x);

#endif
