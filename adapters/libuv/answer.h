/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.h - requests that are done, on their way back to their loop.
 */
#ifndef UV_WARD_ANSWER_H
#define UV_WARD_ANSWER_H

#include "uv.h"

/* From now on the request is its loop's; any thread. */
void answer_give(struct uv__work *w);

/* All that were given, the first first, to answer_next() by and by; the loop's thread. */
struct uv__work *answer_take(uv_loop_t *loop);
struct uv__work *answer_next(const struct uv__work *w);

#endif
