/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - errors that travel well.
 *
 * An error code says little to who has to mend it, and a log line says nothing
 * to the user.  So whoever fails says in words what it was doing, and each module
 * says at its edge what that means to its caller:
 *
 *	ward_fail()	the detail, for who mends it		raw
 *	ward_wrap()	at a module's edge, for who uses it	known
 *	ward_raise()	ends the attempt from any depth		raw
 *
 * Each makes a report (report.h), with the place, the time, the backtrace and the
 * report that caused it, and returns the code, so that it can be returned on.  An
 * attempt that ends with a code that nobody has spoken of is told in one more
 * report.  Known errors show their words to the end user.  Raw ones are bugs: the
 * user gets a sentence that is always the same, and the id under which the log has it.
 *
 * They work on worker threads: inside run(), done(), release() and hooks.  On
 * any other thread ward_fail() and ward_wrap() only return the code.  Messages are
 * cut at 255 bytes.
 */
#ifndef WARD_ERROR_H
#define WARD_ERROR_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Tells what failed, in the words of the format, and returns err (0 becomes
 * -EINVAL).  Takes a backtrace: microseconds.  Not in a signal handler.
 */
WARD_API int ward_fail(int err, const char *format, ...) WARD_PRINTF(2, 3);

/*
 * The same at a module's edge: in words fit for an end user, and with the report
 * that led to it (ward_failure(), or 0).
 */
WARD_API int ward_wrap(uint64_t cause, int err, const char *format, ...)
	WARD_PRINTF(3, 4);

/*
 * The id of the last report that the calling attempt has made by one of these; 0:
 * none.
 */
WARD_API uint64_t ward_failure(void);

/*
 * Ends the attempt with 'err' (0 becomes -EINVAL), from any depth below run(): as
 * if run() had returned it, and the worker goes on.  It is a longjmp: what lies
 * between is left as it is.  Locks stay locked, memory stays allocated, C++
 * destructors and handlers of pthread_cleanup_push() do not run; none of the
 * latter may be open.
 *
 * In a callback or a hook it ends the worker's thread, which is replaced.  On a
 * thread that is no worker there is nothing to end: one line on stderr, abort().
 */
WARD_API WARD_NORETURN void ward_raise(int err, const char *format, ...)
	WARD_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
