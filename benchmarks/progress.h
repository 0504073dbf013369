/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress.h - one changing line on stderr, if that is a terminal: what is running,
 * how far, and the time left.
 *
 * The benches are asked for their trials twice.  The first time is a rehearsal, in which
 * nothing runs and all are counted.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

void progress_rehearse(bool on);
bool progress_rehearses(void);
/* Each trial of a bench: true if it is only counted. */
bool progress_counts(const char *bench);
/* A trial of that bench has ended, after so many ns. */
void progress_ran(const char *bench, uint64_t ns);

/* What is running. */
void progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

#endif
