/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hedge.h - replicated requests: the same work tried several times, at once or one
 * after another with a delay; the first result counts, and the other tries are
 * cancelled (after Dean and Barroso, "The tail at scale", 2013).
 *
 * A try wins when it is the first to return 0, or before that, when it is the first
 * whose ward_commit() says 0; to all others that says -ESTALE.  Then the others see
 * -ECANCELED in ward_check(), and those that have not begun never do.  A try that
 * fails does not win while another may: it brings the next one forward.
 */
#ifndef WARD_HEDGE_H
#define WARD_HEDGE_H

#include <ward/base.h>
#include <ward/limit.h>
#include <ward/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_hedge;

#define WARD_TRIES_MAX 64

struct ward_hedge_config {
	uint32_t size;	/* set by WARD_HEDGE_CONFIG_INIT */
	uint32_t tries; /* 1..64 */
	/* One try, on a worker: 0, or a negative errno value.  'n' is which one, from
	 * 0: they may run at the same time, so each has its own place for results. */
	int (*run)(void *arg, unsigned n);
	/* May be NULL.  Once, on a worker (of a pool that takes no more tasks also by
	 * who starts the hedge, or destroys the pool), when it is decided: 'winner'
	 * is the try that won, and status how it ended (0, unless it failed after
	 * its commit); or -1, and how the last one failed. */
	void (*done)(void *arg, int winner, int status);
	/* May be NULL.  Once, at last: no try is under way, and none will begin;
	 * 'cancel', too, is yours again. */
	void (*release)(void *arg);
	void *arg;
	ward_ns delay; /* from the start of a try to the next; 0: all at once;
			  WARD_FOREVER: the next one when one has failed */
	struct ward_limit *budget; /* a token of it for each try but the first; where
				      there is none, no more are started */
	struct ward_cancel *cancel;	  /* NULL: none; cancels all tries */
	const struct ward_policy *policy; /* of each try; NULL: the pool's */
	const char *name;		  /* static string for reports, or NULL */
};
#define WARD_HEDGE_CONFIG_INIT WARD_SIZED_INIT_(struct ward_hedge_config)

/*
 * Starts the first try, or all.  *out is a handle for ward_hedge_wait(), to be put
 * back; NULL: none is wanted.  0; -EINVAL: NULL, wrong size, value out of range, a
 * policy that is not sound; -ENOMEM; -ESHUTDOWN; -ECHILD; the cause, if 'cancel' was
 * fired.  On error nothing is called.  Any thread.
 */
WARD_API WARD_MUST int ward_hedge_start(struct ward_hedge **out,
					struct ward_pool *pool,
					const struct ward_hedge_config *config);

/*
 * Waits until it is decided: the winner, from 0; or if none won, how the last try
 * failed, a negative errno value (positive ones come as -EIO).  -ETIMEDOUT: not by
 * then; or what ward_check() says to the calling task.  -EINVAL.
 */
WARD_API int ward_hedge_wait(struct ward_hedge *hedge, ward_ns until);

/* Gives the handle back; the tries go on.  NULL is nothing. */
WARD_API void ward_hedge_put(struct ward_hedge *hedge);

#ifdef __cplusplus
}
#endif
#endif
