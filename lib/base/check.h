/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - assertions, where the code relies on them.
 *
 *	WARD_CHECK(expr)   cheap; in every build; says whether it holds
 *	WARD_ASSERT(expr)  costly; only where assertions are on
 *
 * One that does not hold is told in one line on stderr.  Where assertions are on
 * (--enable-assertions, sanitizers, the simulator) the process is aborted then.  Where
 * they are not it goes on, for no process is ended that has not asked for that: so a
 * WARD_CHECK is a condition, and its caller leaves undone all that would do harm.
 */
#ifndef WARD_LIB_BASE_CHECK_H
#define WARD_LIB_BASE_CHECK_H

#include "base/atomic.h"

/* Tells it; false, unless it is to abort. */
cold bool check_failed(const char *where, const char *file, int line,
		       const char *what, bool aborts);

#ifdef WARD_ASSERTIONS
#define CHECK_ABORTS true
#define WARD_ASSERT(expr) ((void)WARD_CHECK(expr))
#else
#define CHECK_ABORTS false
#define WARD_ASSERT(expr) ((void)(0 && (expr))) /* read, never run */
#endif
/* Loads a shared word for an assertion: no step in the simulator. */
#ifndef CHECK_LOAD
#define CHECK_LOAD(p) load_relaxed(p)
#endif
#define WARD_CHECK(expr)                                                       \
	(likely(expr) ||                                                       \
	 check_failed(__func__, __FILE__, __LINE__, #expr, CHECK_ABORTS))

/* One reference less: true if it was the last. */
static inline bool ref_drop(_Atomic uint32_t *refs)
{
	uint32_t had = sub_acq_rel(refs, 1);

	return WARD_CHECK(had) && had == 1;
}

#endif
