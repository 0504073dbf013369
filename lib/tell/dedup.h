/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup.h - which reports tell of the same incident, and how often it came.
 */
#ifndef WARD_LIB_TELL_DEDUP_H
#define WARD_LIB_TELL_DEDUP_H

#include <stdbool.h>
#include <ward/report.h>

/*
 * Marks the functions that call a task's code.  From the innermost of them outwards a
 * backtrace is the library's own, and may differ though the incident is the same.
 */
#define dedup_floor __attribute__((section("ward_floor")))

/* Whether code at 'frame' was called by one of them, or is one. */
bool dedup_is_floor(const void *frame);

/*
 * Of kind, error, and the object and offset of each frame above that floor; where there
 * is none, of kind, error, task and sentence.  Never 0; equal in each run of one build.
 * 'interrupted': the innermost frame is chance, and does not count.
 */
uint64_t dedup_hash(const struct ward_report *report, bool interrupted);

/* Counts one more, and tells how many that makes in this process. */
uint64_t dedup_count(uint64_t hash);

#endif
