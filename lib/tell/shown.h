/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shown.h - the last reports of a pool, on its page.
 */
#ifndef WARD_LIB_TELL_SHOWN_H
#define WARD_LIB_TELL_SHOWN_H

#include "sync/page_part.h"

enum { SHOWN = 16 };

struct page_reports {
	struct ward_page_reports head;
	struct ward_page_report report[SHOWN]; /* oldest first */
};

/* W: the scribe. */
struct shown {
	struct snapshot *to; /* I: NULL: there is no page */
	struct page_reports *part; /* I */
	uint32_t n;
};

/* By the scribe; the oldest one makes room. */
void shown_put(struct shown *shown, const struct ward_report *report);

#endif
