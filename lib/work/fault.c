/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - which faults are caught: those of a task's own code, in a pool that
 * asked for it.
 *
 * Not those inside libward, where a claim may be held that nobody else could give
 * back; not those of callbacks and hooks; not those of a copy in a child process.
 */
#include "work/pool.h"

static struct host_fault *catches(void *self)
{
	struct slot *slot = self;

	if (!slot->pool->catch_faults || slot->within || slot->fault.signo ||
	    !slot_inside(load_relaxed(&slot->word)) ||
	    load_relaxed(&slot->phase) != SLOT_RUN ||
	    load_relaxed(&slot->fence) == FENCE_FORKED)
		return NULL;
	return &slot->fault;
}

static void caught(void *self)
{
	struct slot *slot = self;

	host_escape(&slot->escape, ESCAPE_LEAVE);
}

int fault_install(void)
{
	return host_fault_install(catches, caught);
}
