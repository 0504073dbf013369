/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_barrier.c - the heavy half of the asymmetric fence.
 *
 * With membarrier the light half orders nothing but the compiler; the heavy
 * half makes the kernel run a full barrier on every CPU where a thread of this
 * process runs just now, and a thread that does not run passed one when it was
 * taken off its CPU.
 *
 * The call that worked at the start may be refused later, by a seccomp filter put in
 * place after it.  Then the light half has to become a fence:
 *	1) host_asymmetric is cleared, so each light half that begins after is one;
 *	2) some may have begun before.  Their stores are in a store buffer, which
 *	   every CPU empties by itself within far less than DRAIN, or at the latest
 *	   when the thread is preempted.  A thread that finds the call refused waits
 *	   that long, until one such wait is known to be over.
 *
 * Edge [g]: the wait is over | another thread's heavy half relies on it.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DRAIN UINT64_C(2000000) /* ns */

bool host_asymmetric;
/* No light half is left that has seen host_asymmetric set. */
static _Atomic bool drained = true;

static bool membarrier(int command)
{
	return host_call(syscall(SYS_membarrier, command, 0, 0)) == 0;
}

/* Also tells the kernel anew in the child of a fork. */
void host_barrier_init(void)
{
	bool asymmetric =
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);

	store_release(&drained, !asymmetric);
	__atomic_store_n(&host_asymmetric, asymmetric, __ATOMIC_RELEASE);
}

static cold void drain(void)
{
	_Atomic uint32_t never = 0;
	uint64_t until = host_now() + DRAIN;

	__atomic_store_n(&host_asymmetric, false, __ATOMIC_RELAXED);
	barrier_seq_cst(); /* the flag and the caller's store, before the wait */
	while (host_wait(&never, 0, until) != -ETIMEDOUT)
		;
	store_release(&drained, true); /* [g] */
}

bool host_barrier_heavy(void)
{
	if (__atomic_load_n(&host_asymmetric, __ATOMIC_RELAXED) &&
	    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return true;
	barrier_seq_cst();
	if (unlikely(!load_acquire(&drained))) /* [g] */
		drain();
	barrier_seq_cst();
	return false;
}
