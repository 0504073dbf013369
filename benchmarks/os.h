/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h - the few words of Linux that the benchmarks speak themselves, so that
 * what measures shares no code with what is measured.
 */
#ifndef BENCH_OS_H
#define BENCH_OS_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

static inline uint64_t os_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

/* The CPU time of the calling thread, ns. */
static inline uint64_t os_own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static inline void os_sleep_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = (time_t)(at / S),
			       .tv_nsec = (long)(at % S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

static inline void os_sleep(uint64_t ns)
{
	os_sleep_until(os_now() + ns);
}

/* Sleeps while *word == seen; may also return for no reason. */
static inline void os_wait(_Atomic uint32_t *word, uint32_t seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static inline void os_wake(_Atomic uint32_t *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* A flag that one thread raises and another sleeps for. */
static inline void os_raise(_Atomic uint32_t *flag)
{
	atomic_store_explicit(flag, 1, memory_order_release);
	os_wake(flag, INT32_MAX);
}

static inline void os_await(_Atomic uint32_t *flag)
{
	while (!atomic_load_explicit(flag, memory_order_acquire))
		os_wait(flag, 0);
}

static inline void os_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* The line is fetched meanwhile, to be written. */
static inline void os_prefetch(const void *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#endif
