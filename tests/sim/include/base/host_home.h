/* SPDX-License-Identifier: BSD-2-Clause */
/* host_home.h - in place of lib/base/host_home.h: the threads are played by one. */
#ifndef WARD_LIB_BASE_HOST_HOME_H
#define WARD_LIB_BASE_HOST_HOME_H

#include <stdint.h>

uint32_t host_home(void);
/* Never called: each has its number. */
uint32_t host_home_first(void);
uint32_t host_home_among(uint64_t those, uint32_t n);

static inline uint32_t host_home_seen(void)
{
	return host_home() + 1;
}

#endif
