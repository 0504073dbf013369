/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - time, the calling thread's own words, and its last ones.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

_Atomic uint32_t host_lacks_;

/* ---- time ---------------------------------------------------------------- */

uint64_t host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void host_utc(int64_t *s, uint32_t *ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*s = now.tv_sec;
	*ns = (uint32_t)now.tv_nsec;
}

uint64_t host_ticket(void)
{
	static _Atomic uint64_t last;
	uint64_t seen = load_relaxed(&last), next, now;
	int64_t s;
	uint32_t ns;

	host_utc(&s, &ns);
	now = (uint64_t)s * NS_PER_S + ns;
	do {
		next = now > seen ? now : seen + 1;
	} while (!cas_acq_rel(&last, &seen, next));
	return next;
}

struct timespec host_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
				  .tv_nsec = (long)(ns % NS_PER_S) };
}

/* ---- the CPU ------------------------------------------------------------- */

void host_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

void host_yield(void)
{
	sched_yield();
}

/* ---- the calling thread's own words --------------------------------------- */

static host_thread_local void *self;
static host_thread_local const void *note;
__thread uint32_t host_home_;
static _Atomic uint32_t homes;

void *host_self(void)
{
	return self;
}

void host_set_self(void *to)
{
	self = to;
}

const void *host_mine(void)
{
	return note;
}

void host_set_mine(const void *to)
{
	note = to;
}

uint32_t host_home_first(void)
{
	/* A signal handler between the two lines wastes a number, no more. */
	host_home_ = add_relaxed(&homes, 1) + 1;
	return host_home_ - 1;
}

/* Steps of n + 1, so that each of them comes first in turn. */
uint32_t host_home_among(uint64_t those, uint32_t n)
{
	uint32_t home = add_relaxed(&homes, n + 1);

	while (!(those >> (home & (n - 1)) & 1))
		home++;
	host_home_ = home + 1;
	return home;
}

/* The C library's: a mutex names its holder. */
static cold int32_t tid_by_libc(void)
{
	int32_t tid = -1;
#ifdef PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP
	pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

	pthread_mutex_lock(&mutex);
	tid = mutex.__data.__owner;
	pthread_mutex_unlock(&mutex);
#endif
	return tid;
}

int32_t host_tid(void)
{
	int32_t tid = (int32_t)host_call(gettid());

	return likely(tid > 0) ? tid : tid_by_libc();
}

/* ---- last words ---------------------------------------------------------- */

void host_write_stderr(const char *line, size_t len)
{
	while (len > 0) {
		long got = host_call(syscall(SYS_write, STDERR_FILENO, line, len));

		if (got == -EINTR)
			continue;
		if (got <= 0)
			break;
		line += got;
		len -= (size_t)got;
	}
}

void host_try_stderr(const char *line, size_t len)
{
	static const struct timespec at_once;
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (host_call(syscall(SYS_ppoll, &fd, 1, &at_once, NULL, 0)) == 1 &&
	    fd.revents & POLLOUT)
		host_write_stderr(line, len);
}

_Noreturn void host_abort(void)
{
	abort();
}
