/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.h - which reports tell of the same incident, and how often it came.
 */
#ifndef WARD_LIB_TELL_GROUP_H
#define WARD_LIB_TELL_GROUP_H

#include <stdbool.h>
#include <ward/report.h>

/*
 * Of kind, error, and each frame's object and place in it; of kind, error, task and
 * sentence where there are no frames.  Never 0.  The same in each run of the same
 * build.  'interrupted': the innermost frame is chance, and does not count.
 */
uint64_t group_hash(const struct ward_report *report, bool interrupted);

/* Counts one more, and tells how many that makes in this process. */
uint64_t group_count(uint64_t hash);

#endif
