/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.h - waiting for what must come to be: never a sleep that hopes.
 */
#ifndef WARD_TESTS_UNIT_WAIT_H
#define WARD_TESTS_UNIT_WAIT_H

#include "../sanitizers.h"
#include "base/host.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IN_TIME UINT64_C(20000000000) /* ns; long after anything has failed */

/* Looks again and again until it is so; false if it never is. */
#define comes_true(condition)                                                  \
	({                                                                     \
		uint64_t end_ = host_now() + IN_TIME;                          \
		bool is_;                                                      \
                                                                               \
		while (!(is_ = (condition)) && host_now() < end_)              \
			host_yield();                                          \
		is_;                                                           \
	})

/* Whether the thread sleeps in a futex call just now. */
static inline bool sleeps_in_futex(int32_t tid)
{
	struct host_stat_files files = host_stat_of(tid);
	struct host_sample look;
	uint64_t arg;
	int32_t nr;

	return host_sample(&files, &look) == 0 && look.state == 'S' &&
	       host_syscall(&files, &nr, &arg) == 0 &&
	       (host_is_futex(nr) || nr == 449 /* futex_waitv */);
}

/* The end that no library sees. */
#if !UNDER_ASAN
static inline void raw_exit(void)
{
	syscall(SYS_exit, 0);
}
#else
#define raw_exit() pthread_exit(NULL)
#endif

/* Before a fork among threads whose child does more than to look. */
#define needs_a_whole_child()                                                  \
	do {                                                                   \
		if (UNDER_ASAN || UNDER_TSAN)                                  \
			cr_skip_test("the sanitizer's locks are not whole in " \
				     "a child");                               \
	} while (0)

/* A door: each that comes waits until it is opened. */
struct gate {
	_Atomic uint32_t open;
	_Atomic uint32_t came; /* TID of the last one */
};

static inline void gate_pass(struct gate *gate)
{
	store_release(&gate->came, (uint32_t)host_tid());
	while (load_acquire(&gate->open) == 0)
		host_wait(&gate->open, 0, HOST_FOREVER);
}

static inline int32_t gate_came(struct gate *gate)
{
	comes_true(load_acquire(&gate->came) != 0);
	return (int32_t)load_acquire(&gate->came);
}

static inline void gate_open(struct gate *gate)
{
	store_release(&gate->open, 1);
	host_wake(&gate->open, INT32_MAX);
}

#endif
