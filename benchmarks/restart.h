/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.h - how long it takes until a ward that died runs again.
 */
#ifndef WARD_BENCH_RESTART_H
#define WARD_BENCH_RESTART_H

#include <stdbool.h>

/*
 * n times in us: from the last instruction of a ward that leaves its thread, by
 * pthread_exit() and by cancellation in turn, to the first of its function on
 * another.
 */
bool restart_samples(double *us, unsigned n);

#endif
