/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exercise.h - for other projects' own tests: some requests sleep beyond their budget, so
 * that healthy ones are convicted, and come home.
 *
 * They sleep when their work is done: tests in which all threads wait, so that nothing
 * else begins, have gone on by then.
 */
#ifndef ADAPTERS_EXERCISE_H
#define ADAPTERS_EXERCISE_H

void exercise(void);

#endif
