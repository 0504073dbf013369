/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - the process's pool, as libuv knows one: made at the first request, another in
 * a child after fork, ended with the process.
 */
#ifndef UV_WARD_POOL_H
#define UV_WARD_POOL_H

#include <ward/ward.h>

/* False: no pool can be had; that was told.  Any thread. */
bool pool_submit(struct ward_task *task, bool slow);

/* Waits for all that does not hang, and refuses the rest.  By uv_library_shutdown(). */
void pool_end(void);

#endif
