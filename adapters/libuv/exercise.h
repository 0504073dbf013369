/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exercise.h - for libuv's own tests: some requests sleep beyond their budget, so that
 * healthy ones are convicted, and answered when they come home.
 *
 * They sleep when their work is done: tests in which four requests wait, so that nothing
 * else begins, have gone on by then.
 */
#ifndef UV_WARD_EXERCISE_H
#define UV_WARD_EXERCISE_H

void exercise(void);

#endif
