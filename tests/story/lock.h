/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h - a lock whose word names its holder, as a robust mutex does, and that
 * anybody may open.
 */
#ifndef WARD_TESTS_STORY_LOCK_H
#define WARD_TESTS_STORY_LOCK_H

#include "base/host.h"

static inline void lock_take(_Atomic uint32_t *lock)
{
	uint32_t holder = 0;

	while (!cas_acq_rel(lock, &holder, (uint32_t)host_tid())) {
		host_wait(lock, holder, HOST_FOREVER);
		holder = 0;
	}
}

static inline void lock_open(_Atomic uint32_t *lock)
{
	store_release(lock, 0);
	host_wake(lock, INT32_MAX);
}

#endif
