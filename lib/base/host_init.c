/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_init.c - done once per process, and again in the child of a fork.
 */
#include "base/host_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>

_Atomic uint32_t host_generation;

static void (*_Atomic fork_hook)(void *self);

/* The child has one thread, so nothing here races. */
void host_forked(void)
{
	void (*hook)(void *) = load_relaxed(&fork_hook);

	host_barrier_init();
	host_where_forked();
	add_relaxed(&host_generation, 1);
	if (hook)
		hook(host_self());
}

void host_on_fork(void (*hook)(void *self))
{
	store_relaxed(&fork_hook, hook);
}

/* Not in a program that is linked statically: there is nothing to hold. */
extern __typeof__(dlopen) dlopen __attribute__((weak));

/*
 * The code stays, for signal handlers stay, and threads may.  libward.so is linked so
 * that it does; a plugin that contains the archive is held.
 */
static void stay(void)
{
	uint64_t offset;
	const char *name = host_object((const void *)(uintptr_t)stay, &offset);

	if (dlopen && *name && !host_object_is_program(name))
		dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static void init(void)
{
	void *frame[2];

	host_barrier_init();
	host_about_init();
	host_object_init();
	stay();
	host_where_init();
	host_thread_init();
	/* glibc keeps room for the first 48 of these: cannot fail for us. */
	pthread_atfork(NULL, NULL, host_forked);
	/*
	 * Loads the unwinder now: backtrace() in a signal handler must not load
	 * it, and pthread_exit() aborts the process if it cannot.
	 */
	backtrace(frame, 2);
}

/* The clock is read without the kernel on most machines; not on all. */
static int needed(void)
{
	struct timespec now;
	int err = host_futex_works();

	if (!err && clock_gettime(CLOCK_MONOTONIC, &now))
		err = -errno;
	if (!err && host_pid() < 0)
		err = -errno;
	return err;
}

int host_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int saved = errno, err = needed(); /* libc would end the process */

	if (!err)
		pthread_once(&once, init);
	errno = saved;
	return err;
}
