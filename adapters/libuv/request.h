/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.h - a request of libuv's as a task of the pool's.
 */
#ifndef UV_WARD_REQUEST_H
#define UV_WARD_REQUEST_H

#include "uv.h"
#include <stdbool.h>

/*
 * The request's work is done by the pool, and then it is given back (answer.h).  False:
 * no memory or no pool, and nothing has happened.  The loop's thread, as below.
 */
bool request_submit(struct uv__work *w, const char *name, bool slow);

/* True: its work has not begun, and never will; it is given back, if it was not. */
bool request_cancel(struct uv__work *w);

/* Of a request that was given back, once, before its user has it: was it cancelled? */
bool request_end(struct uv__work *w);

#endif
