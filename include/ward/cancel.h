/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - asking work to stop.
 *
 * A token is fired once, with a cause, and stays fired.  Tasks that carry it
 * (task->cancel) see it in ward_check(); nothing is interrupted.
 */
#ifndef WARD_CANCEL_H
#define WARD_CANCEL_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Caller-owned, all-zero is live.  Must outlive every task that carries it. */
struct ward_cancel {
	uint64_t priv[2];
};

/* Makes the token live (again).  Not while a task carries it. */
WARD_API void ward_cancel_init(struct ward_cancel *token);

/*
 * Fires the token with 'cause', a negative errno value; 0 or a positive value
 * stands for -ECANCELED.  True for the one call that fired it, false if it was
 * fired before (the first cause stays) or token is NULL.  Any thread, also a
 * signal handler; lock-free.
 */
WARD_API bool ward_cancel_fire(struct ward_cancel *token, int cause);

/* The cause, or 0 while the token is live or NULL.  One load; any context. */
WARD_API int ward_cancel_cause(const struct ward_cancel *token);

#ifdef __cplusplus
}
#endif
#endif
