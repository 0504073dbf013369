/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_home.h - a small number of each thread's own, given on its first call.
 *
 * Each submit asks for it, so it is inline.
 */
#ifndef WARD_LIB_BASE_HOST_HOME_H
#define WARD_LIB_BASE_HOST_HOME_H

#include "base/atomic.h"

extern __attribute__((visibility("hidden"))) __thread uint32_t host_home_
	__attribute__((tls_model("initial-exec"))); /* plus one; 0: none yet */
uint32_t host_home_first(void);
/* The same: a number that modulo n, a power of two, is one of 'those' bits, not 0. */
uint32_t host_home_among(uint64_t those, uint32_t n);

/* The number plus one; 0: none yet. */
static inline uint32_t host_home_seen(void)
{
	return host_home_;
}

static inline uint32_t host_home(void)
{
	uint32_t home = host_home_seen();

	return likely(home) ? home - 1 : host_home_first();
}

#endif
