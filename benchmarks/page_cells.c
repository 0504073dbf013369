/* SPDX-License-Identifier: BSD-2-Clause */
/* page_cells.c - workers that are processes. */
#include "piece.h"

#include <stdio.h>

static void requests(const struct page *p)
{
	static const struct ranking by[] = {
		{ "A request and its answer, one process",
		  SPREAD,
		  { "cells", "request", NULL, 1, 1 },
		  NULL },
		{ "Two processes", SPREAD, { "cells", "request", NULL, 2, 1 }, NULL }
	};

	page_ranking(p, &by[0]);
	page_ranking(p, &by[1]);
}

static void curves(const struct page *p, const char *metric, const char *title,
		   const char *const beside[][3], unsigned n)
{
	const struct want w = { .bench = "cells", .metric = metric };
	struct shares shares = { .n = 0 };

	shares_add(&shares, "libward", "c0", page_series(p, &w, "ward"));
	for (unsigned i = 0; i < n; i++)
		shares_add(&shares, beside[i][1], beside[i][2],
			   page_series(p, &w, beside[i][0]));
	page_shares(p, &shares, title, "cells");
}

void page_cells(const struct page *p)
{
	static const char *const trip[][3] = {
		{ "ward_call", "libward, and the caller waits", "c2" },
		{ "pipes", "pipes", "c1" },
		{ "futex", "two futexes, for scale", "plain" }
	};
	static const char *const death[][3] = {
		{ "respawn", "a parent that forks another", "c1" },
		{ "robust", "a spare on a robust mutex, for scale", "plain" }
	};
	const struct want w = { .bench = "cells", .metric = "request" };

	if (!page_figure(p, &w, "ward"))
		return;
	page_section(
		p, "Workers that are processes",
		"A request is 64 bytes, which a process reads, and its answer 8; 1024 "
		"are under way to each. Ring is shared memory alone, for scale, pool an "
		"empty task of libward's threads.");
	fputs("<div class=\"grid\">\n", p->out);
	requests(p);
	curves(p, "trip", "One request and its answer, all asleep before", trip, 3);
	curves(p, "death",
	       "SIGKILL of a busy process, until the next request runs", death, 2);
	fputs("</div>\n", p->out);
	page_section_end(p);
}
