/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uv-common.h - in place of libuv's: its memory is the simulated host's.
 */
#ifndef SIM_UV_COMMON_H
#define SIM_UV_COMMON_H

#include "uv.h"

void *uv__malloc(size_t size);
void uv__free(void *memory);

#endif
