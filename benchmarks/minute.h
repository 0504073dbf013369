/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * minute.h - the first minute: a few trials of a few benches, and ten lines.
 */
#ifndef BENCH_MINUTE_H
#define BENCH_MINUTE_H

#include "bench.h"

#define MINUTE_PARTS 8u

/* The bench of each part, and with which options. */
const struct bench *minute_bench(unsigned part);
struct options minute_options(const struct options *options, unsigned part);
void minute_report(const struct book *book, unsigned seconds);

#endif
