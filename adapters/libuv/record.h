/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.h - a task of the pool's for each request of libuv's.
 *
 * A request has no room for a task, and is its owner's again before the task is.
 * Records stay for the life of the process: whoever has an old one may still ask for
 * which request it stands.
 */
#ifndef UV_WARD_RECORD_H
#define UV_WARD_RECORD_H

#include "base/atomic.h"
#include <ward/ward.h>

struct uv__work;

struct record {
	line_aligned struct ward_task task;
	/* X: the request that waits for its turn; a worker or uv_cancel() swaps it
	 * for NULL, and has it. */
	struct uv__work *_Atomic waits;
	struct uv__work *inside; /* O: by 'waits': in a worker's hands */
	uint32_t index;		 /* I */
	_Atomic uint32_t below;  /* O: by the stack of those that are free */
};

/* One that stands for no request, its task zero or as it was; NULL: no memory. */
struct record *record_get(void);
void record_put(struct record *record);

#endif
