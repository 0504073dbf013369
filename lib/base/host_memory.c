/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_memory.c - memory: had, there, and given back.
 */
#include "base/host_inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Large pieces come from the kernel: they are zero without being touched, and
 * go back at once.  Not under AddressSanitizer, which must see every piece.
 */
#if defined(__SANITIZE_ADDRESS__)
#define LARGE SIZE_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARGE SIZE_MAX
#endif
#endif
#ifndef LARGE
#define LARGE ((size_t)128 << 10)
#endif

void *host_alloc(size_t size)
{
	size_t whole = (size + WARD_LINE - 1) & ~(size_t)(WARD_LINE - 1);
	void *mem;

	if (whole < size || size == 0)
		return NULL;
	if (size >= LARGE) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return mem == MAP_FAILED ? NULL : mem;
	}
	mem = aligned_alloc(WARD_LINE, whole);
	if (mem)
		memset(mem, 0, whole);
	return mem;
}

void host_free(void *mem, size_t size)
{
	if (mem && size >= LARGE)
		munmap(mem, size);
	else
		free(mem);
}

/* ---- there before it is written ------------------------------------------- */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The least of a transparent huge page that is worth a question. */
#define HUGE ((size_t)2 << 20)

/* A write that changes nothing, also beside another thread's. */
static void touch(uintptr_t at)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)at;
	uint32_t seen = load_relaxed(word);

	cas_relaxed(word, &seen, seen);
}

void host_populate(void *mem, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)mem, from = at - at % page, to = at + size;

	if (size >= HUGE)
		host_call(madvise((void *)from, to - from, MADV_HUGEPAGE));
	if (host_call(madvise((void *)from, to - from, MADV_POPULATE_WRITE)))
		for (; at < to; at += page - at % page)
			touch(at);
}
