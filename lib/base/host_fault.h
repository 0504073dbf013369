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
	void *frame[HOST_FRAMES];
};

/*
 * Installs the handlers, once; idempotent.  catches(self) is asked in the handler,
 * on the faulting thread, with its host_self(), which is not NULL: where the fault
 * is to be written down, or NULL if it is not to be caught.  Then caught(self) is
 * called, which does not return: it leaves by host_escape().  A fault while a
 * fault is written down is told in a line on stderr, and not caught.  0 or -errno.
 */
int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self));
/*
 * The calling thread handles its faults on a stack of its own from now on, so
 * that running out of stack can be one of them.  0 or -ENOMEM.
 */
int host_fault_stack(void);
/* Before it ends. */
void host_fault_unstack(void);
/* After the escape: the signal is blocked no more. */
void host_fault_over(const struct host_fault *fault);

#endif
