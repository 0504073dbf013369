/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost.h - what a task costs, from the first submit until every task has been run and
 * released: time, CPU of all threads, context switches.
 */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include "bench.h"

struct cost {
	double wall, cpu; /* ns a task */
	double switches;  /* a task */
};

/*
 * Starts the load, warms it up, puts its threads where the trial has them, measures and
 * ends it.  False: it cannot be, or tasks were lost.
 */
bool cost_of(struct load *load, const struct trial *trial, struct cost *out);

#endif
