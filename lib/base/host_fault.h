/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_fault.h - a thread's own faults, as something that can be survived:
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL, and the SIGABRT of abort().
 *
 * There is one set of handlers for the process.  They ask one hook whether the
 * fault is to be caught; what it does not catch goes to the handler that was there
 * before, as if ours were not.
 */
#ifndef WARD_LIB_BASE_HOST_FAULT_H
#define WARD_LIB_BASE_HOST_FAULT_H

#include "base/host.h"

struct host_fault {
	int signo; /* 0: none */
	void *addr;
	uint32_t n;
	void *frame[HOST_FRAMES]; /* the first: where it was, or who aborted */
};

/*
 * Installs the handlers, once; idempotent.  catches(self) is asked in the handler,
 * on the faulting thread, with its host_self(), which is not NULL: where the fault
 * is to be written down, or NULL if it is not to be caught.  Then caught(self) is
 * called, which does not return: it leaves by host_escape(), and the thread ends
 * soon.  A fault on its way there is told in a line on stderr, and not caught.
 * 0 or -errno.
 */
int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self));

/*
 * Between these two the calling thread holds what nobody else could give back: a
 * fault is not caught.  They nest, and cost about a nanosecond on any thread.
 */
extern __thread uint32_t host_holds __attribute__((tls_model("initial-exec")));

/* The thread's own, also where threads are played by a single one. */
#define host_own_word __attribute__((no_sanitize("thread")))

static inline host_own_word void host_hold(void)
{
	host_holds++;
	atomic_signal_fence(memory_order_seq_cst); /* the handler sees it */
}

static inline host_own_word void host_unhold(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	host_holds--;
}

/*
 * A stack for the handlers of one thread at a time, so that running out of stack
 * can be one of its faults, and a question for its backtrace needs no room on the
 * stack that it has; NULL: no memory.  use() and leave() are called by the
 * thread; after leave(), or the thread's end, another may use it.
 */
void *host_alt_stack_new(void);
void host_alt_stack_free(void *stack); /* NULL: nothing */
void host_alt_stack_use(void *stack);
void host_alt_stack_leave(void);

#endif
