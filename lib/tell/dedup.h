/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup.h - which reports tell of the same incident, and how often it came.
 */
#ifndef WARD_LIB_TELL_DEDUP_H
#define WARD_LIB_TELL_DEDUP_H

#include <stdbool.h>
#include <ward/report.h>

/*
 * For the functions that call a task's code.  From the innermost of them outwards a
 * backtrace is the library's own, and may differ though the incident is the same.
 */
#define dedup_floor __attribute__((section("ward_floor")))

/* Whether code at 'frame' was called by one of them, or is one. */
bool dedup_is_floor(const void *frame);

/*
 * Of kind, error, and the object of each frame above that floor and its place in
 * it; of kind, error, task and sentence where there is no such frame.  Never 0.  The
 * same in each run of the same build.  'interrupted': the innermost frame is chance,
 * and does not count.
 */
uint64_t dedup_hash(const struct ward_report *report, bool interrupted);

/* Counts one more, and tells how many that makes in this process. */
uint64_t dedup_count(uint64_t hash);

#endif
