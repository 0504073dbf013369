/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handle.h - the proof that a pointer of the user's is a handle.
 *
 * Each handle that the library makes has a magic word: its kind, by exclusive or with
 * the generation of the process that made it (host.h).  So one comparison at the entry
 * of a public call finds a handle that is in use and belongs to this process.  The word
 * is set before the user gets the handle, and becomes HANDLE_DEAD when the user gives it
 * back, or at the latest when its memory goes.
 *
 * A magic word lies in the memory that it speaks for.  So a stale pointer is found only
 * while that memory is mapped and has not become a handle of the same kind again, and
 * a foreign one only if there is memory where the word would be.
 */
#ifndef WARD_LIB_BASE_HANDLE_H
#define WARD_LIB_BASE_HANDLE_H

#include "base/check.h"
#include "base/host.h"
#include <errno.h>

/* Four letters each, as a dump of memory shows them. */
enum handle_kind {
	HANDLE_POOL = 0x6c6f6f70,
	HANDLE_LANE = 0x656e616c,
	HANDLE_PORT = 0x74726f70,
	HANDLE_BRIDGE = 0x64697262,
	HANDLE_HEDGE = 0x67646568,
	HANDLE_STEWARD = 0x77657473,
	HANDLE_WARD = 0x64726177,
	HANDLE_CELLS = 0x6c6c6563,
	HANDLE_DEAD = 0x64616564
};

static inline uint32_t handle_magic(enum handle_kind kind)
{
	return (uint32_t)kind ^ load_relaxed(&host_generation);
}

/* 0; -EINVAL: not of that kind; -ECHILD: of that kind, but a parent process made it. */
static inline int handle_refuse(uint32_t magic, enum handle_kind kind)
{
	uint32_t ours = load_relaxed(&host_generation);
	uint32_t made = magic ^ (uint32_t)kind;

	if (likely(made == ours))
		return 0;
	return made < ours ? -ECHILD : -EINVAL;
}

/* The same of a pointer to a handle; of NULL -EINVAL. */
#define handle_enter(it, kind)                                                 \
	((it) ? handle_refuse((it)->magic, kind) : -EINVAL)
/* For calls that a child process may make, too. */
#define handle_is(it, kind) (handle_enter(it, kind) != -EINVAL)
/* For calls that cannot refuse: false for NULL, and for all else, which is told. */
#define handle_told(it, kind) ((it) && WARD_CHECK(handle_is(it, kind)))

#endif
