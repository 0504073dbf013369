/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h - what every public header of libward stands on: the version, the
 * visibility of symbols, time, and the way from a member to its owner.
 *
 * Errors.  A call that can fail returns an int: 0 (or a count) is success, a
 * negative errno value says what was refused.  A refused call has changed
 * nothing.  errno itself is never touched on purpose.
 *
 * Handles.  Each handle has a magic word, and a call that is given another pointer says
 * -EINVAL; one that cannot say so writes a line to stderr and does nothing.  The word
 * lies in the handle's own memory.  So a handle that was given back is found as long as
 * that memory is mapped and is no handle of the same kind again; there is no promise
 * beyond that.  A library configured with --enable-assertions
 * aborts where it writes that line, and where one of its own invariants does not hold.
 *
 * Time.  Every call that may wait takes 'until', an absolute point on
 * CLOCK_MONOTONIC in nanoseconds: WARD_NOWAIT never waits, WARD_FOREVER has no
 * end, anything else waits until then and answers -ETIMEDOUT.  A point in the
 * past is one look and -ETIMEDOUT; one before the pool was made is told, once
 * (WARD_R_MISUSE): it was a span, of which ward_in() makes a point.
 */
#ifndef WARD_BASE_H
#define WARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WARD_VERSION_MAJOR 0
#define WARD_VERSION_MINOR 1
#define WARD_VERSION_PATCH 0

#if defined(__GNUC__)
#define WARD_API __attribute__((visibility("default")))
#define WARD_MUST __attribute__((warn_unused_result))
#define WARD_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define WARD_NORETURN __attribute__((noreturn))
#else
#define WARD_API
#define WARD_MUST
#define WARD_PRINTF(text, first)
#define WARD_NORETURN
#endif

/*
 * A configuration struct carries its own size, so that a program built against
 * an older header goes on working with a newer library.  Initialise it with its
 * WARD_..._INIT macro: a constant in C, a value in C++.
 */
#ifdef __cplusplus
namespace ward_cxx_
{
template <class T> static inline T sized()
{
	T t = T();
	t.size = sizeof(T);
	return t;
}
} // namespace ward_cxx_
#define WARD_SIZED_INIT_(type) ward_cxx_::sized<type>()
extern "C" {
#else
#define WARD_SIZED_INIT_(type) { .size = sizeof(type) }
#endif

/* From a pointer to a member back to the struct that embeds it. */
#define ward_entry(ptr, type, member)                                          \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Nanoseconds: a span, or a point on CLOCK_MONOTONIC. */
typedef uint64_t ward_ns;

#define WARD_NOWAIT ((ward_ns)0)
#define WARD_FOREVER UINT64_MAX
#define WARD_US(n) ((ward_ns)(n)*1000u)
#define WARD_MS(n) ((ward_ns)(n)*1000000u)
#define WARD_S(n) ((ward_ns)(n)*1000000000u)

/* CLOCK_MONOTONIC, ns.  Any thread, also a signal handler.  About 20 ns. */
WARD_API ward_ns ward_now(void);

/* The point 'span' from now; WARD_FOREVER if it would lie beyond time. */
static inline ward_ns ward_in(ward_ns span)
{
	ward_ns now = ward_now();

	return span > WARD_FOREVER - now ? WARD_FOREVER : now + span;
}

#ifdef __cplusplus
}
#endif
#endif
