/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_futex.c - sleeping and waking, also where the kernel refuses either.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

long host_futex(const void *word, int op, uint32_t value,
		const struct timespec *until)
{
	return host_call(syscall(SYS_futex, word, op, value, until, NULL,
				 FUTEX_BITSET_MATCH_ANY));
}

#define WAIT (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG)

enum { TRIES = 8 }; /* a signal may come into one */

int host_futex_works(void)
{
	static const struct timespec past = { .tv_nsec = 1 };
	_Atomic uint32_t word = 0;
	long got = -EINTR;

	for (int i = 0; i < TRIES; i++) {
		got = host_futex(&word, WAIT, 0, &past);
		if (got == 0 || got == -ETIMEDOUT)
			return 0;
	}
	return (int)got;
}

#define MS UINT64_C(1000000)

int host_nap(uint64_t until)
{
	uint64_t now = host_now();
	struct timespec at;

	if (now >= until)
		return -ETIMEDOUT;
	at = host_timespec(until - now < MS ? until : now + MS);
	if (host_call(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC,
			      TIMER_ABSTIME, &at, NULL)))
		sched_yield();
	return 0;
}

/* Refused, or woken for no reason; if refused, it must not be tried all the time. */
static cold int wait_without(uint64_t until)
{
	if (!host_futex_works())
		return 0;
	host_lack(HOST_NO_SLEEP);
	return host_nap(until);
}

static int wait_on(_Atomic uint32_t *word, int how, uint32_t seen, uint64_t until)
{
	struct timespec at = host_timespec(until);
	long got = host_futex(word, how, seen,
			      until == HOST_FOREVER ? NULL : &at);

	if (likely(got == 0) || got == -ETIMEDOUT)
		return (int)got;
	if (got == -EFAULT || (got == -EAGAIN && load_relaxed(word) != seen))
		return 0;
	return wait_without(until);
}

int host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	return wait_on(word, WAIT, seen, until);
}

int host_wait_shared(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	return wait_on(word, FUTEX_WAIT_BITSET, seen, until);
}

/* A process that it does not reach looks for itself, now and then. */
void host_wake_shared(_Atomic uint32_t *word, int n)
{
	if (host_futex(word, FUTEX_WAKE, (uint32_t)n, NULL) < 0)
		host_lack(HOST_NO_SLEEP);
}

void host_wake(_Atomic uint32_t *word, int n)
{
	long got = host_futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
			      (uint32_t)n, NULL);

	if (likely(got >= 0) || got == -EFAULT)
		return;
	/* Later sleepers look by themselves; earlier ones must be interrupted. */
	host_lack(HOST_NO_SLEEP);
	host_wake_all();
}
