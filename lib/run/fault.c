/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - which faults are caught: those of a task's own code, in a pool that
 * asked for it.
 *
 * Faults of callbacks and hooks are not; nor those of a copy of the thread in a child
 * process, be it by fork() or vfork(); nor those inside libward while it holds what no
 * other thread could give back.  Between host_hold() and host_unhold() are
 *
 *	submit		a ring's claim, tasks marked as the pool's, the count of
 *			waiters: a drain would wait for them for ever
 *	start, destroy	of another pool, that would stay half up or half down
 *	token_fire	the token's sleepers, whom no other thread wakes
 *	fail, wrap, raise  a record of the scribe's
 *	and what takes a lock, wherever it does
 *
 * All other calls hold nothing.  A fault in one is the task's own: a bad pointer was
 * handed in, or the stack is spent.
 */
#include "pool/pool.h"

static struct host_fault *catches(void *self)
{
	struct slot *slot = self;

	if (!slot->pool->catch_faults ||
	    !slot_runs(slot) ||
	    load_relaxed(&slot->thread.tid) != host_tid())
		return NULL;
	return &slot->fail.fault;
}

static void caught(void *self)
{
	struct slot *slot = self;

	if (slot->forked)
		steal_leave(slot, -EFAULT); /* on the handler's stack */
	host_escape(&slot->fail.escape, ESCAPE_LEAVE);
}

int fault_install(void)
{
	return host_fault_install(catches, caught);
}
