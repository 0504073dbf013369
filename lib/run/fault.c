/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - which faults are caught: those of a task's own code, in a pool that
 * asked for it.
 *
 * Not those of callbacks and hooks; not those of a copy of the thread in a child
 * process, be it by fork() or vfork(); and not those inside libward while it holds
 * what nobody else could give back.  Between host_hold() and host_unhold() are
 *
 *	submit		a ring's claim, tasks marked as the pool's, the count of
 *			those who wait: a drain would wait for them for ever
 *	start, destroy	of another pool, that would stay half up or half down
 *	token_fire	of those who sleep on the token, nobody else wakes them
 *	fail, wrap, raise  a record of the scribe's
 *	and what takes a lock, wherever it does
 *
 * All other calls hold nothing.  If they fault they were handed a bad pointer, or
 * the stack is spent: that is the task's own.
 */
#include "pool/pool.h"
#include <errno.h>

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
		steal_leave(slot, -EFAULT); /* on a stack of its own */
	host_escape(&slot->fail.escape, ESCAPE_LEAVE);
}

int fault_install(void)
{
	return host_fault_install(catches, caught);
}
