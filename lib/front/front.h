/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * front.h - what the public calls that look at the whole pool share.
 */
#ifndef WARD_LIB_FRONT_FRONT_H
#define WARD_LIB_FRONT_FRONT_H

#include "run/run.h"

/* 0, or -errno; then nothing was made. */
int pool_new(struct pool **out, const struct ward_pool_config *config);
/* Tasks given back to the user so far, by whomever. */
uint64_t front_released(const struct pool *pool);
/* Every accepted task was given back. */
bool front_settled(struct pool *pool);
/* The caller is one of the pool's threads. */
bool front_own_thread(const struct pool *pool);
/* Rings and records are there: no task, nor a thread's first steps, waits for a page. */
void front_prefault(struct pool *pool);

/* ---- submit.c ------------------------------------------------------------------ */

/* ward_submit_at(), for a pool that is ours. */
int submit_at(struct pool *pool, struct ward_task *task, uint64_t at,
	      uint64_t period);

#endif
