/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recent.h - the last reports of the process, by id.
 */
#ifndef WARD_LIB_TELL_RECENT_H
#define WARD_LIB_TELL_RECENT_H

#include <ward/report.h>

enum { RECENT = 256 };

/* Keeps a copy, in place of the oldest one. */
void recent_put(const struct ward_report *report);

#endif
