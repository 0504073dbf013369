/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sched.c - a thread that lost its seat runs when nobody else wants to.
 *
 * The way down is always open.  The way back needs RLIMIT_NICE for the thread's
 * own nice value, or a privilege; without either it is refused.
 */
#include "base/host.h"

#include <errno.h>
#include <sched.h>

static bool set_policy(int32_t tid, int policy)
{
	static const struct sched_param none;
	int saved = errno;
	bool done = sched_setscheduler(tid, policy, &none) == 0;

	errno = saved;
	return done;
}

void host_lower(int32_t tid)
{
	set_policy(tid, SCHED_IDLE);
}

bool host_raise(int32_t tid)
{
	return set_policy(tid, SCHED_OTHER);
}
