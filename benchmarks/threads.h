/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads.h - the threads of a process as the kernel counts them.
 */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include <stdint.h>
#include <sys/types.h>

struct threads_sum {
	unsigned threads;
	uint64_t switches; /* voluntary and not */
	uint64_t cpu;	   /* ns */
};

/*
 * Over all threads but the caller whose name begins with 'prefix' ("": all). Threads
 * that have ended are not in it.
 */
struct threads_sum threads_sum(const char *prefix);
/* Over all of another process. */
struct threads_sum threads_sum_of(pid_t pid);

/* KiB of a line of /proc/self/smaps_rollup, as "Rss" or "Private_Dirty". */
uint64_t memory_kib(const char *what);

#endif
