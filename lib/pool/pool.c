/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c - for any part of a pool: its references, its helpers' bells, workers that
 * wait, misuse.
 */
#include "pool/pool.h"

void steward_ring(void *arg)
{
	struct pool *pool = arg;

	add_acq_rel(&pool->steward_word, 1);
	host_wake(&pool->steward_word, INT32_MAX); /* an old one may sleep there */
}

void steward_wake(void *arg)
{
	struct pool *pool = arg;

	barrier_seq_cst(); /* [Z] left the park | asleep? */
	if (likely(!load_relaxed(&pool->steward_asleep)))
		return;
	if (swap_acq_rel(&pool->steward_asleep, 0))
		steward_ring(pool);
}

void clerk_wake(struct pool *pool)
{
	add_acq_rel(&pool->clerk_word, 1);
	host_wake(&pool->clerk_word, 1);
	steward_wake(pool); /* it watches that the clerk comes */
}

bool pool_needs_workers(const struct pool *pool)
{
	return bell_deserted(&pool->inbox.bell) && inbox_anything(&pool->inbox);
}

void pool_worker_waits(struct pool *pool)
{
	if (unlikely(pool_needs_workers(pool)) &&
	    !swap_acq_rel(&pool->relief, 1)) /* [rl] a wait declared | who waits? */
		steward_ring(pool);
}

void pool_put(struct pool *pool)
{
	if (ref_drop(&pool->refs))
		pool->free(pool);
}

void pool_left(struct pool *pool)
{
	clerk_wake(pool);
	sub_acq_rel(&pool->alive, 1);
	host_wake(&pool->alive, INT32_MAX);
	pool_put(pool);
}

void pool_tell_span(struct pool *pool)
{
	struct incident *in;

	if (load_relaxed(&pool->misused) || swap_acq_rel(&pool->misused, 1))
		return;
	in = incident_open(&pool->tell, WARD_R_MISUSE, incident_id());
	if (!in)
		return;
	in->report.worker = UINT32_MAX;
	in->report.tid = host_tid();
	in->report.what = "a call was to wait until before its pool was made: "
			  "a span is no point in time (ward_in)";
	incident_raise(&pool->tell, in);
}

const struct ward_policy policy_once = { .size = sizeof(policy_once), .runs = 1 };

bool policy_is_sound(const struct ward_policy *policy)
{
	return policy->size == sizeof(*policy) &&
	       !(policy->flags & ~WARD_POLICY_QUIET) && !policy->reserved &&
	       (!policy->backoff_max ||
		policy->backoff_min <= policy->backoff_max);
}
