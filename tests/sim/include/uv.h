/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uv.h - in place of libuv's: of a loop and its requests what adapters/libuv touches.
 */
#ifndef SIM_UV_H
#define SIM_UV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define UV_VERSION_HEX 0x012c02

typedef struct {
	_Atomic uint32_t pending, busy;
} uv_async_t;

typedef struct uv_loop_s {
	void *wq[2];
	uv_async_t wq_async;
	_Atomic uint32_t told; /* its descriptor */
} uv_loop_t;

struct uv__work {
	void (*work)(struct uv__work *w);
	void (*done)(struct uv__work *w, int status);
	struct uv_loop_s *loop;
	void *wq[2];
};

int uv_async_send(uv_async_t *handle);

#endif
