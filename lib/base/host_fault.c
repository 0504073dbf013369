/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_fault.c - see host_fault.h.
 */
#include "base/host_fault.h"
#include "base/host_inside.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[SIGNALS];
static struct host_fault *(*ask)(void *self);
static void (*leave)(void *self);

static host_thread_local bool writing; /* a fault is being written down */
static host_thread_local char *stack;  /* of this thread's handlers */

static size_t stack_size(void)
{
	long page = sysconf(_SC_PAGESIZE), least = sysconf(_SC_MINSIGSTKSZ);
	size_t size = (least > 0 ? (size_t)least : 0) + (32u << 10);

	return (size + (size_t)page - 1) & ~((size_t)page - 1);
}

/* ---- where it happened ------------------------------------------------------ */

static void *place(const void *context, void **top)
{
	const ucontext_t *at = context;

#if defined(__x86_64__)
	*top = (void *)(uintptr_t)at->uc_mcontext.gregs[REG_RSP];
	return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
	*top = (void *)(uintptr_t)at->uc_mcontext.gregs[REG_ESP];
	return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
	*top = (void *)(uintptr_t)at->uc_mcontext.sp;
	return (void *)(uintptr_t)at->uc_mcontext.pc;
#else
	(void)at;
	*top = NULL;
	return NULL;
#endif
}

/* Reads our own memory without another fault. */
static bool peek(const void *from, void *to, size_t len)
{
	struct iovec here = { .iov_base = to, .iov_len = len };
	struct iovec there = { .iov_base = (void *)(uintptr_t)from,
			       .iov_len = len };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) ==
	       (ssize_t)len;
}

/*
 * The unwinder reads the code where the fault was: a jump to nowhere would make
 * it fault, too.  Then the caller, on top of the stack, is all that there is.
 */
static void trace(struct host_fault *fault, const void *context)
{
	void *frame[HOST_FRAMES + 8], *top, *at = place(context, &top);
	int n, first = 0;
	char code;

	fault->n = 0;
	if (!peek(at, &code, 1)) {
		fault->frame[fault->n++] = at;
		if (peek(top, &fault->frame[1], sizeof(void *)))
			fault->n++;
		return;
	}
	n = backtrace(frame, HOST_FRAMES + 8);
	for (int i = 0; i < n && !first; i++)
		if (frame[i] == at)
			first = i;
	for (int i = first; i < n && fault->n < HOST_FRAMES; i++)
		fault->frame[fault->n++] = frame[i];
}

/* ---- what is not ours ---------------------------------------------------------- */

/* As if the handler that was there before had been called by the kernel. */
static void chain(int signo, siginfo_t *info, void *context)
{
	const struct sigaction *was = NULL;
	struct sigaction none = { .sa_handler = SIG_DFL };

	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == signo)
			was = &before[i];
	if (was->sa_flags & SA_SIGINFO) {
		was->sa_sigaction(signo, info, context);
	} else if (was->sa_handler != SIG_DFL && was->sa_handler != SIG_IGN) {
		was->sa_handler(signo);
	} else if (was->sa_handler == SIG_IGN && info->si_code <= 0) {
		/* Sent by somebody, and not minded. */
	} else {
		/* Its own doing: it happens again when we return, or is sent
		 * again, and then there is no handler. */
		sigaction(signo, &none, NULL);
		if (info->si_code <= 0)
			syscall(SYS_tgkill, getpid(), gettid(), signo);
	}
}

static void complain(int signo, const siginfo_t *info)
{
	char line[160];
	int n = snprintf(line, sizeof(line),
			 "ward: signal %d at %p while a fault was being "
			 "handled\n",
			 signo, info->si_addr);

	host_complain(line, (size_t)n);
}

/* Sent from outside, as by kill(2), it is no fault of this thread. */
static bool own_doing(int signo, const siginfo_t *info)
{
	if (signo == SIGABRT) /* raise() is how abort() does it */
		return info->si_code == SI_TKILL && info->si_pid == getpid();
	return info->si_code > 0;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	int saved = errno;
	void *self = host_self();
	struct host_fault *fault = NULL;

	if (writing)
		complain(signo, info);
	else if (self && own_doing(signo, info))
		fault = ask(self);
	if (fault) {
		writing = true;
		fault->addr = signo == SIGABRT ? NULL : info->si_addr;
		trace(fault, context);
		fault->signo = signo;
		writing = false;
		leave(self);
	}
	chain(signo, info, context);
	errno = saved;
}

/* ---- up and down ------------------------------------------------------------------ */

int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self))
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool installed;
	struct sigaction ours = { .sa_sigaction = on_fault,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK };
	int err = 0;

	sigemptyset(&ours.sa_mask);
	pthread_mutex_lock(&lock);
	if (!installed) {
		ask = catches;
		leave = caught;
		for (size_t i = 0; i < SIGNALS && !err; i++)
			err = sigaction(signals[i], NULL, &before[i]) ||
			      sigaction(signals[i], &ours, NULL) ?
				      -EINVAL :
				      0;
		installed = !err;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

int host_fault_stack(void)
{
	size_t size = stack_size(), page = (size_t)sysconf(_SC_PAGESIZE);
	stack_t ours = { .ss_size = size };
	char *mem = mmap(NULL, page + size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	/* The first page stays as it is: it ends the stack. */
	ours.ss_sp = mem + page;
	if (mprotect(ours.ss_sp, size, PROT_READ | PROT_WRITE) ||
	    sigaltstack(&ours, NULL)) {
		munmap(mem, page + size);
		return -ENOMEM;
	}
	stack = mem;
	return 0;
}

void host_fault_unstack(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	if (!stack)
		return;
	sigaltstack(&none, NULL);
	munmap(stack, stack_size() + (size_t)sysconf(_SC_PAGESIZE));
	stack = NULL;
}

void host_fault_over(const struct host_fault *fault)
{
	sigset_t mask;

	if (!fault->signo)
		return;
	sigemptyset(&mask);
	sigaddset(&mask, fault->signo);
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}
