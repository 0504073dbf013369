/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_list.c - the pools of the process, where a debugger finds them (ward-gdb.py).
 *
 * Each change is one store, so the list is whole at any instant: where a debugger stops
 * the process, where it dumps its core, and in the child of a fork.
 */
#include "base/host_inside.h"
#include "base/host_lock.h"

static struct host_lock lock;
static struct host_listed *listed; /* L, lock: the youngest first */

void host_list(struct host_listed *it)
{
	host_lock_take(&lock);
	it->next = listed;
	atomic_signal_fence(memory_order_release);
	listed = it;
	host_lock_give(&lock);
}

void host_unlist(const struct host_listed *it)
{
	struct host_listed **at = &listed;

	host_lock_take(&lock);
	while (*at && *at != it)
		at = &(*at)->next;
	if (*at)
		*at = it->next;
	host_lock_give(&lock);
}
