/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_fault.h - a thread's own faults, as something that can be survived:
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL, and the SIGABRT of abort().
 *
 * There is one set of handlers for the process.  They ask one hook whether the
 * fault is to be caught; if not, the handler that was there before is called, as if
 * ours were not there.
 */
#ifndef WARD_LIB_BASE_HOST_FAULT_H
#define WARD_LIB_BASE_HOST_FAULT_H

#include "base/host.h"

struct host_fault {
	int signo; /* 0: none */
	void *addr;
	uint32_t n;
	void *frame[HOST_FRAMES]; /* the first: the fault's place, or abort()'s caller */
};

/*
 * Installs the handlers, once; idempotent.  0 or -errno.  The handler calls
 * catches(self) on the faulting thread, with its host_self(), which is not NULL: the
 * record for the fault, or NULL if it is not to be caught.  Then it calls caught(self),
 * which does not return: it leaves by host_escape(), and the thread ends soon.  A
 * fault on the way there is told in a line on stderr, and not caught.
 */
int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self));

/*
 * Between these two the calling thread holds a thing that no other could give back, so
 * a fault is not caught.  They nest, and cost about a nanosecond on any thread.
 */
extern __thread uint32_t host_holds __attribute__((tls_model("initial-exec")));

/* The thread's own, also in a simulation, where one thread plays all. */
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
 * A stack for the handlers of one thread at a time, so that a stack overflow can be
 * one of its faults, and a backtrace needs no room on its own stack; NULL: no memory.
 * The thread calls use() and leave(); after leave(), or its end, another may use it.
 */
void *host_alt_stack_new(void);
void host_alt_stack_free(void *stack); /* NULL: nothing */
void host_alt_stack_use(void *stack);
void host_alt_stack_leave(void);

#endif
