/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_thread.c - threads: started, joined, ended.
 */
#include "base/host_fault.h"
#include "base/host_inside.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#endif

struct start {
	void (*fn)(void *arg);
	void (*last)(void *arg);
	void *arg;
	char name[16];
};

static void exit_cleanup(void *memory)
{
	struct start *start = memory;

	if (start->last)
		start->last(start->arg);
}

/* No cancellation point outside fn. */
static void *thread_main(void *memory)
{
	struct start start = *(struct start *)memory;

	free(memory);
	prctl(PR_SET_NAME, start.name, 0, 0, 0);
	pthread_cleanup_push(exit_cleanup, &start);
	start.fn(start.arg);
	pthread_cleanup_pop(0);
	return NULL;
}

static void mask_of(sigset_t *mask, uint64_t open)
{
	host_all_but_faults(mask);
	for (int i = 1; i <= 64; i++)
		if (open >> (i - 1) & 1)
			sigdelset(mask, i);
}

/* ---- stacks ----------------------------------------------------------------- */

/*
 * The C library cuts the thread-local variables of all objects that were loaded with
 * the program out of each stack.  For objects that were loaded later, too much is
 * added: address space costs nothing.
 */
static size_t tls;

static int add_tls(struct dl_phdr_info *info, size_t size, void *sum)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum += info->dlpi_phdr[i].p_memsz +
					  info->dlpi_phdr[i].p_align;
	return 0;
}

void host_thread_init(void)
{
	size_t sum = 0;

	dl_iterate_phdr(add_tls, &sum);
	tls = sum;
}

/*
 * The C library ends the process if a new thread's rseq(2) is refused and the first
 * thread's was not.  For a thread that is registered, the kernel answers EBUSY to a
 * second call, but EINVAL if the size is another: libc's is not to be read anywhere.
 */
#if defined(RSEQ_SIG) && defined(SYS_rseq) && defined(__has_builtin)
#if __has_builtin(__builtin_thread_pointer)
#define HAS_RSEQ 1
#endif
#endif
#ifdef HAS_RSEQ
enum { RSEQ_LEAST = 32, RSEQ_MOST = 512 };

static int rseq_again(uint32_t size)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	int err = -(int)host_call(syscall(SYS_rseq, area, size, 0, RSEQ_SIG));

	return err == EBUSY ? 0 : err;
}

/* 0 or an error number. */
static int rseq_works(void)
{
	static _Atomic uint32_t known = RSEQ_LEAST;
	int err = __rseq_size ? rseq_again(load_relaxed(&known)) : 0;

	for (uint32_t size = RSEQ_LEAST; err == EINVAL && size <= RSEQ_MOST;
	     size += 4) {
		err = rseq_again(size);
		if (!err)
			store_relaxed(&known, size);
	}
	return err;
}
#else
static int rseq_works(void)
{
	return 0;
}
#endif

static int attr_fill(pthread_attr_t *attr, const struct host_spawn *how)
{
	long least = sysconf(_SC_THREAD_STACK_MIN);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t stack = how->stack;
	int err = 0;

	if (least > 0 && stack < (size_t)least)
		stack = (size_t)least;
	if (stack <= SIZE_MAX - tls - page)
		stack = (stack + tls + page - 1) & ~(page - 1);
	err = pthread_attr_setstacksize(attr, stack);
	if (!err && how->guard > page)
		err = pthread_attr_setguardsize(attr, how->guard);
	if (!err && how->cpus)
		err = pthread_attr_setaffinity_np(attr, how->cpus->size,
						  how->cpus->set);
	return err;
}

/* The new thread inherits the mask, so it never runs with another. */
static int spawn(pthread_t *thread, const struct host_spawn *how,
		 struct start *start)
{
	pthread_attr_t attr;
	sigset_t mask, before;
	int err = -host_futex_works(); /* libc's locks end the process without */

	if (!err)
		err = rseq_works();
	if (!err)
		err = pthread_attr_init(&attr);
	if (err)
		return err;
	err = attr_fill(&attr, how);
	if (!err) {
		mask_of(&mask, how->open);
		err = pthread_sigmask(SIG_SETMASK, &mask, &before);
	}
	if (!err) {
		err = pthread_create(thread, &attr, thread_main, start);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	return err;
}

int host_spawn(host_thread *out, const struct host_spawn *how,
	       void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	struct start *start = calloc(1, sizeof(*start));
	pthread_t thread;
	int err;

	_Static_assert(sizeof(pthread_t) == sizeof(host_thread), "a word");
	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->last = last;
	start->arg = arg;
	if (how->name)
		strncpy(start->name, how->name, sizeof(start->name) - 1);
	err = spawn(&thread, how, start);
	if (err) {
		free(start);
		return -err;
	}
	*out = (host_thread)thread;
	return 0;
}

/*
 * The C library ends the process if it is refused a futex there: so the kernel is asked
 * before, and if need be the thread is looked at now and then.
 */
static int join(pthread_t thread, uint64_t until)
{
	struct timespec at = host_timespec(until);
	int err;

	while ((err = pthread_tryjoin_np(thread, NULL)) == EBUSY) {
		if (!host_futex_works())
			return until == HOST_FOREVER ?
				       pthread_join(thread, NULL) :
				       pthread_clockjoin_np(thread, NULL,
							    CLOCK_MONOTONIC,
							    &at);
		if (host_nap(until))
			return ETIMEDOUT;
	}
	return err;
}

/* If the caller were cancelled while it waits, no other would join the thread. */
int host_join(host_thread thread, uint64_t until)
{
	int state, err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	err = join((pthread_t)thread, until);
	pthread_setcancelstate(state, NULL);
	return -err;
}

void host_detach(host_thread thread)
{
	pthread_detach((pthread_t)thread);
}

_Noreturn void host_escape(struct host_escape *escape, int why)
{
	host_holds = 0; /* those calls are left */
	_longjmp(escape->at, why);
}

_Noreturn void host_exit(void)
{
	pthread_exit(NULL);
}
