/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_trace.c - a thread's backtrace, by its own hand.
 *
 * Who asks marks the thread's record, sends it a signal, and sleeps on the mark
 * until its deadline.  The handler answers if its thread has a record that is
 * asked; so a stray signal, or one that comes too late, does nothing.
 *
 *	FREE > ASKED > WRITING > ANSWERED > ASKED ...
 *	ASKED > FREE: the asker takes the question back
 *
 * Only the thread itself leaves ASKED for WRITING, and only then writes frames;
 * one that is stopped while it writes keeps the record until it goes on.
 *
 * If the thread blocks the signal, or the application has put its own handler
 * in our place, the answer is not there in time, and that is all.
 *
 * Edge [j]: frames written | read by the asker.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unwind.h>
#include <unistd.h>

enum { FREE, ASKED, ANSWERED, WRITING };

static host_thread_local struct host_trace *here;
static _Atomic int installed; /* the signal */

int host_trace_signal(void)
{
	return load_relaxed(&installed);
}

void host_trace_here(struct host_trace *trace)
{
	here = trace;
	atomic_signal_fence(memory_order_seq_cst); /* the handler sees it */
}

/* ---- the thread that is asked ----------------------------------------------- */

/* Where the signal came, or NULL on a machine that we do not know. */
static void *interrupted(void *context)
{
	ucontext_t *at = context;

#if defined(__x86_64__)
	return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
	return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
	return (void *)(uintptr_t)at->uc_mcontext.pc;
#else
	(void)at;
	return NULL;
#endif
}

/* Frames of the handler and of the kernel's return path come first. */
static void answer(struct host_trace *trace, void *context)
{
	void *frame[HOST_FRAMES + 12], *from = interrupted(context);
	int n = host_backtrace(frame, HOST_FRAMES + 12), first = 0;

	for (int i = 0; i < n && first == 0; i++)
		if (frame[i] == from)
			first = i;
	trace->n = 0;
	for (int i = first; i < n && trace->n < HOST_FRAMES; i++)
		trace->frame[trace->n++] = frame[i];
}

/* What backtrace() is made of; it knows no end but the last frame. */
struct walk {
	void *const *at;
	void **frame;
	unsigned n, room;
	bool (*end)(const void *frame);
	struct host_path *path;
};

/* Where the return address into this frame lies, on most machines. */
static void *const *return_at(struct _Unwind_Context *context)
{
	return (void *const *)_Unwind_GetCFA(context) - 1;
}

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	struct host_path *path = walk->path;
	void *frame = (void *)(uintptr_t)_Unwind_GetIP(context);
	void *const *at = return_at(context);

	if (walk->n == 0 && at < walk->at)
		return _URC_NO_REASON; /* the caller's own, and ours */
	if (!frame || walk->n == walk->room || walk->end(frame))
		return _URC_END_OF_STACK;
	/* What is not known by its place could not be found again. */
	if (at == walk->at && *at == frame)
		path->at = at;
	if (path->at && *at != frame)
		path->at = NULL;
	path->step[walk->n].at = at;
	path->step[walk->n].frame = frame;
	walk->frame[walk->n++] = frame;
	return _URC_NO_REASON;
}

/* The return addresses lie between the guards of a sanitizer. */
__attribute__((no_sanitize("address")))
static bool trodden(const struct host_path *path, void *const *at)
{
	if (path->n == 0 || path->at != at)
		return false;
	for (unsigned i = 0; i < path->n; i++)
		if (*path->step[i].at != path->step[i].frame)
			return false;
	return true;
}

unsigned host_frames(void *const *at, void **frame, unsigned n,
		     bool (*end)(const void *frame), struct host_path *path)
{
	struct walk walk = { at, frame, 0, n, end, path };

	if (trodden(path, at) && path->n <= n) {
		for (unsigned i = 0; i < path->n; i++)
			frame[i] = path->step[i].frame;
		return path->n;
	}
	path->at = NULL;
	path->n = 0;
	_Unwind_Backtrace(step, &walk);
	if (path->at)
		path->n = walk.n;
	return walk.n;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
	struct host_trace *trace = here;
	uint32_t asked = ASKED;
	int saved = errno;

	(void)signo;
	(void)info;
	if (trace && cas_acquire(&trace->state, &asked, WRITING)) {
		answer(trace, context);
		store_release(&trace->state, ANSWERED); /* [j] */
		host_wake(&trace->state, 1);
	}
	errno = saved;
}

/* ---- the signal ------------------------------------------------------------ */

/* Signals that mean a fault of the thread, or that nobody can catch. */
static bool is_ours_to_take(int signo)
{
	static const int never[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
				     SIGILL,  SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (signo == never[i])
			return false;
	return signo > 0 && signo <= SIGRTMAX;
}

static bool has_handler(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static int claim(int signo)
{
	struct sigaction ours = { .sa_sigaction = on_signal,
				  .sa_flags = SA_SIGINFO | SA_RESTART |
					      SA_ONSTACK };

	host_all_but_faults(&ours.sa_mask);
	return sigaction(signo, &ours, NULL) ? -EINVAL : 0;
}

static int claim_named(int signo)
{
	struct sigaction was;

	if (!is_ours_to_take(signo) || sigaction(signo, NULL, &was))
		return -EINVAL;
	return has_handler(&was) ? -EBUSY : claim(signo);
}

/* One that is ignored was chosen by somebody. */
static int claim_free(int *signo)
{
	struct sigaction was;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
		if (sigaction(i, NULL, &was) || has_handler(&was) ||
		    was.sa_handler != SIG_DFL)
			continue;
		*signo = i;
		return claim(i);
	}
	return -EBUSY;
}

int host_trace_install(int signo, int *got)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int err = 0;

	if (signo < 0 || (signo > 0 && !is_ours_to_take(signo)))
		return -EINVAL;
	pthread_mutex_lock(&lock);
	if (load_relaxed(&installed) == 0) {
		err = signo ? claim_named(signo) : claim_free(&signo);
		if (!err)
			store_relaxed(&installed, signo);
	}
	if (!err)
		*got = load_relaxed(&installed);
	pthread_mutex_unlock(&lock);
	return err;
}

/* ---- the thread that asks --------------------------------------------------- */

static bool send(int32_t tid)
{
	int saved = errno;
	bool sent = syscall(SYS_tgkill, getpid(), tid,
			    load_relaxed(&installed)) == 0;

	errno = saved;
	return sent;
}

/* True if the record may be asked; false while a late answer is being written. */
static bool ask(struct host_trace *trace)
{
	uint32_t seen = load_relaxed(&trace->state);

	while (seen != WRITING)
		if (cas_acq_rel(&trace->state, &seen, ASKED))
			return true;
	return false;
}

unsigned host_trace_ask(struct host_trace *trace, int32_t tid, uint64_t until)
{
	uint32_t seen;
	bool waited = false;

	if (load_relaxed(&installed) == 0)
		return 0;
	if (ask(trace) && !send(tid))
		waited = true; /* for nothing: it cannot be asked */
	for (;;) {
		seen = load_acquire(&trace->state); /* [j] */
		if (seen == ANSWERED)
			return trace->n;
		if (seen == ASKED && waited &&
		    cas_acquire(&trace->state, &seen, FREE))
			return 0;
		if (seen == FREE || (seen == WRITING && waited))
			return 0;
		if (!waited)
			waited = host_wait(&trace->state, seen, until) ==
				 -ETIMEDOUT;
	}
}
