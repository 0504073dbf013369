/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h - all that was measured as one page of HTML, which asks for nothing else: no
 * file, no network, no script.  It is well-formed XML, too.
 */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include "measure.h"

struct page_name {
	const char *name, *what;
};

struct page_head {
	const char *machine; /* a line about it */
	const char *command; /* what was asked for */
	const char *day;
	unsigned seconds;	      /* how long it took */
	const struct page_name *name; /* of implementations */
	unsigned names;
};

/* What nobody measured has no part in it.  False: not all was written. */
bool page_print(const struct book *book, const struct page_head *head,
		FILE *out);

#endif
