/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faulty.h - functions that fault, each in a section of its own, whose ends the
 * linker names: so a frame can be told to be of it.
 */
#ifndef WARD_TESTS_STORY_FAULTY_H
#define WARD_TESTS_STORY_FAULTY_H

#include "story.h"

#include <alloca.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAULTY(fn)                                                             \
	extern const char __start_in_##fn[], __stop_in_##fn[];                 \
	static __attribute__((section("in_" #fn), noinline, unused,            \
			      no_sanitize("undefined"),                        \
			      no_sanitize("address"))) void                    \
	fn(void)
#define IN(fn, frame)                                                          \
	((const char *)(frame) >= __start_in_##fn &&                           \
	 (const char *)(frame) < __stop_in_##fn)

#define NOWHERE ((uintptr_t)0x10)
static volatile uintptr_t nowhere = NOWHERE;

FAULTY(writes_nowhere)
{
	*(volatile uint32_t *)nowhere = 1;
}

/* A file that was cut short. */
FAULTY(reads_past_the_end)
{
	int fd = memfd_create("short", 0);
	volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	(void)*page;
}

FAULTY(divides)
{
#if defined(__x86_64__) || defined(__i386__)
	volatile int one = 1, none = 0;

	one = one / none;
#else
	kill(getpid(), 0);
	raise(SIGKILL); /* this machine does not mind; is not asked */
#endif
}

FAULTY(is_no_code)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("ud2");
#elif defined(__aarch64__)
	__asm__ volatile("udf #0");
#else
	__builtin_trap();
#endif
}

static volatile int after; /* so that no call is the last thing done */

FAULTY(aborts)
{
	if (after >= 0)
		abort();
	after++;
}

FAULTY(calls_nowhere)
{
	void (*fn)(void) = (void (*)(void))nowhere;

	fn();
	after++;
}

/* Its own way back is gone, and the caller's, before it faults. */
FAULTY(smashes)
{
	volatile uintptr_t *at = __builtin_frame_address(0);

	for (int i = 0; i < 16; i++)
		at[i] = (uintptr_t)UINT64_C(0x4141414141414141);
	*(volatile uint32_t *)nowhere = 1;
}

static __attribute__((noinline, unused, no_sanitize("address"))) void
smashes_a_frame(void)
{
	volatile char room[512];

	room[0] = 1;
	smashes();
	after += room[0];
}

extern const char __start_in_recurses[], __stop_in_recurses[];
static __attribute__((section("in_recurses"), noinline, unused,
		      no_sanitize("address"))) int
recurses(volatile char *above)
{
	volatile char room[128];

	room[0] = *above;
	if (room[0] != 'x')
		after += recurses(room);
	return room[0];
}

/* A frame so large that it reaches over a page's guard. */
FAULTY(asks_for_much)
{
	volatile char *room = alloca(1000 << 10);

	__asm__ volatile("" : : "r"(room) : "memory"); /* all of it is wanted */
	*room = 1;
}

#endif
