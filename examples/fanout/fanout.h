/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanout.h - functions that are called elsewhere, a few at a time.
 *
 * For what a request leaves behind: to write a cache, to send a mail.  So many of
 * them run at once and so many wait; one more is refused at once, for whoever asks
 * must not be held up by that.  It takes to copy into your own program.
 */
#ifndef FANOUT_H
#define FANOUT_H

#include <ward/ward.h>

struct fanout;

/*
 * 'ctx' is the caller's, and more: it fires with the caller's token, and has its
 * deadline.  ward_check() tells the same.
 */
typedef int fanout_fn(struct ward_cancel *ctx, void *arg);

/* A function that failed, or panicked: 'id' is the report that has its stack. */
typedef void fanout_failed(const char *name, int error, uint64_t id);

/*
 * On the workers of 'pool'.  name NULL or "": "anonymous"; else up to 15 bytes.
 * failed may be NULL.
 *	-EINVAL		out or pool is NULL
 *	-ERANGE		no worker, or no buffer
 *	what ward_lane_create() says
 */
int fanout_open(struct fanout **out, struct ward_pool *pool, const char *name,
		unsigned workers, unsigned buffer, fanout_failed *failed);

/*
 * fn(ctx, arg) will be called; or, if 'caller' (NULL: none) fires first, not.  The
 * token must live until then.
 *	-EINVAL		fn is NULL
 *	-EAGAIN		as many as there is room for are waiting
 *	-ESHUTDOWN	it is closed
 *	-ENOMEM
 *	the cause	the caller's token was fired before
 */
int fanout_do(struct fanout *f, struct ward_cancel *caller, fanout_fn *fn,
	      void *arg);

const char *fanout_name(const struct fanout *f);

/* No more; returns when all that was taken is done.  -EALREADY: it was closed. */
int fanout_close(struct fanout *f);

/* Of a closed one. */
void fanout_free(struct fanout *f);

#endif
