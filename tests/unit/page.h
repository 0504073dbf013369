/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h - which pages are there, and how often a thread waited for one.
 */
#ifndef WARD_TESTS_UNIT_PAGE_H
#define WARD_TESTS_UNIT_PAGE_H

#include "../sanitizers.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Sanitizers write notes on each write: pages as well. */
#define SHADOWED (UNDER_ASAN || UNDER_TSAN)

static inline size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static inline size_t pages_of(size_t size)
{
	return (size + page_size() - 1) / page_size();
}

/* Of those that mem lies on; -1: one of them is not mapped. */
static inline long pages_there(const void *mem, size_t size)
{
	uintptr_t at = (uintptr_t)mem, end = at + size;
	unsigned char there;
	long n = 0;

	for (at -= at % page_size(); at < end; at += page_size()) {
		if (mincore((void *)at, page_size(), &there))
			return -1;
		n += there & 1;
	}
	return n;
}

/* Of the calling thread, without a look at a disk. */
static inline long page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

#endif
