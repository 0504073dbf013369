/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sched.c - a thread that lost its seat runs when nobody else wants to.
 *
 * The way down is always open.  The way back needs RLIMIT_NICE for the thread's own
 * nice value (RLIMIT_RTPRIO for a priority), or a privilege; without either it is
 * refused.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <sched.h>

/* Without the flag, which is read and set together with the policy. */
#define POLICY(all) ((all) & ~SCHED_RESET_ON_FORK)

static bool get(int32_t tid, struct host_sched *is)
{
	struct sched_param param = { .sched_priority = 0 };
	long err = is->policy = (int)host_call(sched_getscheduler(tid));

	if (err >= 0)
		err = host_call(sched_getparam(tid, &param));
	if (err < 0 && err != -ESRCH)
		host_lack(HOST_NO_LOWER);
	is->priority = err < 0 ? 0 : param.sched_priority;
	return err >= 0;
}

static bool set(int32_t tid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	long err = host_call(sched_setscheduler(tid, policy, &param));

	if (err && POLICY(policy) == SCHED_IDLE && err != -ESRCH)
		host_lack(HOST_NO_LOWER);
	return !err;
}

/* Whether these calls can bring it back to where it is. */
static bool can_return(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH ||
	       policy == SCHED_FIFO || policy == SCHED_RR;
}

bool host_lower(int32_t tid, struct host_sched *was)
{
	return get(tid, was) && can_return(POLICY(was->policy)) &&
	       set(tid, SCHED_IDLE | (was->policy & SCHED_RESET_ON_FORK), 0);
}

bool host_raise(int32_t tid, const struct host_sched *was)
{
	struct host_sched is;

	if (get(tid, &is) && POLICY(is.policy) != SCHED_IDLE)
		return true;
	return set(tid, was->policy, was->priority);
}

void host_step_up(void)
{
	struct host_sched is;

	if (get(0, &is) && is.priority > 0)
		set(0, is.policy, is.priority + 1);
}
