/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - what is told of the pool: a line each, of text or JSON.
 */
#ifndef ADAPTERS_LOG_H
#define ADAPTERS_LOG_H

#include "settings.h"
#include <ward/report.h>

/* A file that cannot be opened is told on stderr, which takes its place. */
void log_open(const struct settings *settings);
/* The pool's report hook; and how many that it was told of had hung. */
void log_report(void *arg, const struct ward_report *report);
uint64_t log_convictions(void);

#endif
