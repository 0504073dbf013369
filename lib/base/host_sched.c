/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sched.c - a thread that lost its seat runs when nobody else wants to; one that has
 * little to do, soon.
 *
 * The way down is always open.  The way back needs RLIMIT_NICE for the thread's own
 * nice value (RLIMIT_RTPRIO for a priority), or a privilege; without either it is
 * refused.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* As the kernel takes them; not every C library knows how. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice; /* ns */
	uint64_t deadline, period;
};

static bool set_own(const struct attributes *own)
{
	return !host_call(syscall(SYS_sched_setattr, 0, own, 0));
}

static bool get_own(struct attributes *own)
{
	*own = (struct attributes){ .size = sizeof(*own) };
	return !host_call(syscall(SYS_sched_getattr, 0, own, sizeof(*own), 0));
}

static bool has_priority(const struct attributes *own)
{
	return own->policy == SCHED_FIFO || own->policy == SCHED_RR;
}

bool host_step_up(struct host_step *was)
{
	struct attributes own;

	if (!get_own(&own))
		return false;
	*was = (struct host_step){ (int)own.priority, own.slice };
	if (has_priority(&own))
		own.priority++;
	else if (own.policy == SCHED_OTHER)
		own.slice = HOST_SLICE;
	else
		return false;
	return set_own(&own);
}

void host_step_down(const struct host_step *was)
{
	struct attributes own;

	if (!get_own(&own))
		return;
	if (has_priority(&own) && was->priority)
		own.priority = (uint32_t)was->priority;
	else if (own.policy == SCHED_OTHER)
		own.slice = was->slice;
	else
		return;
	set_own(&own);
}
