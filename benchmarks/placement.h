/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * placement.h - on which CPUs the threads of a trial run.
 *
 * across	producers on the first half of the CPUs, all other threads on the
 *		other one
 * together	all threads on one CPU
 * unpinned	where the scheduler puts them
 *
 * CPUs of one core lie in the same half where there are two cores.
 */
#ifndef BENCH_PLACEMENT_H
#define BENCH_PLACEMENT_H

#include <stdbool.h>
#include <sys/types.h>

enum placement { NO_PLACEMENT, UNPINNED, ACROSS, TOGETHER, PLACEMENTS };

/* "" of NO_PLACEMENT, which is that of benches that know none. */
const char *placement_name(enum placement placement);
/* NO_PLACEMENT: there is none of that name. */
enum placement placement_find(const char *name);

/*
 * In the process of a trial, before its program begins: who counts the CPUs there
 * counts those that it will have, as with taskset.
 */
void placement_confine(enum placement placement);

/*
 * From now on this trial is placed so: every thread that there is moves to where
 * workers belong.  Who made it does not matter; all have to be there.
 */
void placement_settle(enum placement placement);
/* The caller is a producer, and moves to where those belong. */
void placement_producer(void);
/* Another process is a worker, and moves to where those belong. */
void placement_worker(pid_t pid);

#endif
