/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * front.h - what public calls about the whole pool share.
 */
#ifndef WARD_LIB_FRONT_FRONT_H
#define WARD_LIB_FRONT_FRONT_H

#include "run/run.h"

/* Makes a pool: 0 or -errno. */
int pool_new(struct pool **out, const struct ward_pool_config *config);
/* Is the caller one of the pool's threads? */
bool front_own_thread(const struct pool *pool);

/* ---- submit.c ------------------------------------------------------------------ */

/*
 * Waits until there may be room in 'full', as inbox_put() left it: 0: look again, also
 * where 'cancel' (or NULL) was fired; -ETIMEDOUT; -ESHUTDOWN; -ESTALE: the caller was
 * fenced.
 */
int submit_wait_room(struct inbox *inbox, struct ring *full,
		     const struct ward_cancel *cancel, ward_ns until);
/* ward_submit_at(), after pool_enter(). */
int submit_at(struct pool *pool, struct ward_task *task, uint64_t at,
	      uint64_t period);

#endif
