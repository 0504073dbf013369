/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * summary.h - ten lines: who is ahead, and by how much.
 */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include "measure.h"

/* For the first line. */
struct summary_head {
	unsigned cpus, seconds;
};

/*
 * Another pool is behind where it took longer in each run, ahead where it took less in
 * each, and level otherwise.  The other one is that with the least median.  What nobody
 * measured has a line that says so.
 */
void summary_print(const struct book *book, const struct summary_head *head,
		   bool colours, FILE *out);

#endif
