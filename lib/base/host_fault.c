/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_fault.c - see host_fault.h.
 *
 * The handlers block nothing (SA_NODEFER): a second fault comes to them, too,
 * instead of ending the process without a word.  There are two kinds of it:
 *
 *	while the unwinder reads the stack that the fault left: it may be smashed.
 *	The way back was marked (survives()), and the backtrace ends there.
 *	on the way from the catch to the thread's end: told, and not caught.
 *
 * A fault that is not caught goes to the handler that was there before, with the mask,
 * and the once-only, that it was installed with.  Where that is the default, the signal
 * is queued again with all that it said, blocked, and the default restored: it ends
 * the process as the handler returns, at the very instruction, so that the core
 * shows the fault and not the handler.
 *
 * An application that installs its handler after us may call ours as the one that
 * was there before; then the same holds, but for the signal being blocked.
 */
#include "base/host_fault.h"
#include "base/host_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Room for the handlers that were there before, too: crash reporters. */
#define STACK_SIZE (64u << 10)

static struct past {
	int signo;
	struct sigaction action;
	_Atomic uint32_t calls; /* of one that is for one call only */
} past[] = { { .signo = SIGSEGV },
	     { .signo = SIGBUS },
	     { .signo = SIGFPE },
	     { .signo = SIGILL },
	     { .signo = SIGABRT } };
#define PAST (sizeof(past) / sizeof(past[0]))

static struct host_fault *(*ask)(void *self);
static void (*leave)(void *self);
static uintptr_t abort_from, abort_to; /* abort()'s code; both 0: not known */

__thread uint32_t host_holds __attribute__((tls_model("initial-exec")));
static host_thread_local bool fallen; /* its fault was caught; it is to end */
static host_thread_local struct host_escape *retreat; /* of survives() */
static host_thread_local stack_t former; /* the thread's stack before ours */

static void mask_one(int how, int signo)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, signo);
	pthread_sigmask(how, &mask, NULL);
}

/* ---- where it happened ------------------------------------------------------ */

/* Calls fn(arg): false if that faulted. */
static bool survives(void (*fn)(void *arg), void *arg)
{
	struct host_escape here, *outer = retreat;
	bool done = false;

	if (!host_mark(&here)) {
		retreat = &here;
		atomic_signal_fence(memory_order_seq_cst); /* the handler's */
		fn(arg);
		done = true;
	}
	atomic_signal_fence(memory_order_seq_cst);
	retreat = outer;
	return done;
}

struct backtrace {
	void **frame;
	int n;
};

static void take(void *arg)
{
	struct backtrace *all = arg;

	all->n = backtrace(all->frame, all->n);
}

int host_backtrace(void **frame, int n)
{
	struct backtrace all = { frame, n };

	memset(frame, 0, (size_t)n * sizeof(*frame));
	if (survives(take, &all))
		return all.n;
	while (n > 0 && !frame[n - 1])
		n--;
	return n;
}

struct place {
	void *at;
	void **top;   /* of its stack, or NULL */
	void *caller; /* if it had just been called */
};

static struct place place_of(const void *context)
{
	const ucontext_t *is = context;
	struct place place = { .at = NULL };

#if defined(__x86_64__)
	place.at = (void *)(uintptr_t)is->uc_mcontext.gregs[REG_RIP];
	place.top = (void **)(uintptr_t)is->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	place.at = (void *)(uintptr_t)is->uc_mcontext.pc;
	place.caller = (void *)(uintptr_t)is->uc_mcontext.regs[30];
#else
	(void)is;
#endif
	return place;
}

static void look_up(void *arg)
{
	struct place *place = arg;

	place->caller = *place->top;
}

/* Frames of the handler and of the kernel's return path come first. */
int host_interrupted(void **frame, const void *context)
{
	void *all[HOST_FRAMES + 12], *at = place_of(context).at;
	int n = host_backtrace(all, HOST_FRAMES + 12), first = 0, kept = 0;

	while (first < n && all[first] != at)
		first++;
	while (first < n && kept < HOST_FRAMES)
		frame[kept++] = all[first++];
	return kept;
}

static void trace(struct host_fault *fault, const void *context)
{
	struct place place = place_of(context);

	fault->n = (uint32_t)host_interrupted(fault->frame, context);
	if (fault->n)
		return;
	/* A jump to nowhere: no code to unwind from.  It was called, likely. */
	fault->frame[fault->n++] = place.at;
	if (place.top)
		survives(look_up, &place);
	if (place.caller)
		fault->frame[fault->n++] = place.caller;
}

/*
 * The sender of a signal is a process, so only its place among the callers tells abort()
 * from another thread's pthread_kill().  Frames below it are left out, and its caller's
 * place is the call, not the return address: that may be another function's.
 */
static bool aborted(struct host_fault *fault)
{
	uint32_t at = 0;

	while (at < fault->n && !((uintptr_t)fault->frame[at] > abort_from &&
				  (uintptr_t)fault->frame[at] <= abort_to))
		at++;
	if (at == fault->n)
		return false;
	fault->n -= ++at;
	memmove(fault->frame, fault->frame + at,
		fault->n * sizeof(*fault->frame));
	if (fault->n)
		fault->frame[0] = (char *)fault->frame[0] - 1;
	return true;
}

static void find_abort(void)
{
	void *code = dlsym(RTLD_NEXT, "abort"), *found = NULL;
	const ElfW(Sym) * symbol;
	Dl_info info;

	if (!code || !dladdr1(code, &info, &found, RTLD_DL_SYMENT) || !found)
		return;
	symbol = found;
	abort_from = (uintptr_t)code;
	abort_to = abort_from + symbol->st_size;
}

/* ---- not caught ---------------------------------------------------------------- */

/* On return, as if there had never been a handler. */
static void die(int signo, siginfo_t *info)
{
	struct sigaction none = { .sa_handler = SIG_DFL };

	mask_one(SIG_BLOCK, signo);
	sigaction(signo, &none, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signo, info))
		syscall(SYS_tgkill, getpid(), gettid(), signo);
}

static void call(const struct sigaction *was, int signo, siginfo_t *info,
		 void *context)
{
	sigset_t mask = was->sa_mask, before;

	if (!(was->sa_flags & SA_NODEFER))
		sigaddset(&mask, signo);
	pthread_sigmask(SIG_BLOCK, &mask, &before);
	if (was->sa_flags & SA_SIGINFO)
		was->sa_sigaction(signo, info, context);
	else
		was->sa_handler(signo);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* As if the handler that was there before had been called by the kernel. */
static void chain(int signo, siginfo_t *info, void *context)
{
	struct past *was = past;
	const struct sigaction *action;

	while (was->signo != signo)
		was++;
	action = &was->action;
	if (action->sa_handler == SIG_IGN && info->si_code <= 0)
		return; /* sent by a process, and ignored */
	if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
	    ((action->sa_flags & (int)SA_RESETHAND) &&
	     add_relaxed(&was->calls, 1)))
		die(signo, info);
	else
		call(action, signo, info, context);
}

static void complain(int signo, const siginfo_t *info)
{
	char line[160];
	int n = snprintf(line, sizeof(line),
			 "ward: signal %d at %p while a fault was being "
			 "handled\n",
			 signo, info->si_addr);

	host_write_stderr(line, (size_t)n);
}

/* ---- the handler ------------------------------------------------------------------ */

/* Neither sent, by kill(2) or raise(3), nor of a broken page that was not touched. */
static bool own_doing(int signo, const siginfo_t *info)
{
	if (signo == SIGABRT)
		return info->si_code == SI_TKILL && info->si_pid == getpid();
	if (signo == SIGBUS && info->si_code == BUS_MCEERR_AO)
		return false;
	return info->si_code > 0;
}

static void catch(int signo, const siginfo_t *info, const void *context)
{
	void *self = host_self();
	struct host_fault *fault = ask(self);

	if (!fault)
		return;
	fallen = true;
	mask_one(SIG_UNBLOCK, signo); /* we may have been called by another */
	trace(fault, context);
	if (signo == SIGABRT && !aborted(fault)) {
		fallen = false;
		return;
	}
	fault->addr = signo == SIGABRT ? NULL : info->si_addr;
	fault->signo = signo;
	leave(self);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (retreat && info->si_code > 0) {
		mask_one(SIG_UNBLOCK, signo);
		errno = saved;
		_longjmp(retreat->at, 1);
	}
	if (own_doing(signo, info)) {
		if (fallen)
			complain(signo, info);
		else if (host_self() && !host_holds)
			catch(signo, info, context);
	}
	chain(signo, info, context);
	errno = saved;
}

/* ---- up and down ------------------------------------------------------------------ */

/* With SA_RESTART, if the signal was ignored before. */
static int install(struct past *was)
{
	struct sigaction ours = { .sa_sigaction = on_fault };

	sigemptyset(&ours.sa_mask);
	if (sigaction(was->signo, NULL, &was->action))
		return -errno;
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	if (was->action.sa_handler == SIG_IGN)
		ours.sa_flags |= SA_RESTART;
	else
		ours.sa_flags |= was->action.sa_flags & SA_RESTART;
	return sigaction(was->signo, &ours, NULL) ? -errno : 0;
}

int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self))
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static size_t installed; /* of the signals, in order */
	int err = 0;

	pthread_mutex_lock(&lock);
	if (installed == 0) {
		ask = catches;
		leave = caught;
		find_abort();
	}
	while (installed < PAST && !err) {
		err = install(&past[installed]);
		installed += !err;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The size of a signal's frame depends on the processor. */
static size_t stack_size(void)
{
	long least = sysconf(_SC_MINSIGSTKSZ);
	size_t size = (least > 0 ? (size_t)least : 0) + STACK_SIZE;

	return (size + page_size() - 1) & ~(page_size() - 1);
}

/* The first page stays as it is: it ends the stack. */
void *host_alt_stack_new(void)
{
	size_t size = page_size() + stack_size();
	char *stack = mmap(NULL, size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return NULL;
	if (mprotect(stack + page_size(), stack_size(),
		     PROT_READ | PROT_WRITE)) {
		munmap(stack, size);
		return NULL;
	}
	return stack;
}

void host_alt_stack_free(void *stack)
{
	if (stack)
		munmap(stack, page_size() + stack_size());
}

void host_alt_stack_use(void *stack)
{
	stack_t ours = { .ss_sp = (char *)stack + page_size(),
			 .ss_size = stack_size() };

	if (sigaltstack(&ours, &former))
		host_lack(HOST_NO_ALTSTACK);
}

void host_alt_stack_leave(void)
{
	if (former.ss_flags & SS_DISABLE || former.ss_size)
		sigaltstack(&former, NULL);
	former = (stack_t){ .ss_flags = 0 };
}
