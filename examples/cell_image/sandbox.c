/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.c - what a decoder may ask of the kernel: memory, and what a cell needs to
 * serve calls.  Anything else is its end.
 *
 * The library has seen to it before that the cell gains no privileges by an exec, which is
 * what the kernel wants for a filter, and that it has the limits of its set.
 */
#include "image.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define END(how) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##how)
#define ALLOW(name) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), END(ALLOW)

/* No core: it may be a stranger's.  1, for where cores go to a program 0 is not heeded. */
static const struct rlimit no_core = { 1, 1 };

int sandbox(void *arg, void **local)
{
	(void)arg;
	(void)local;
#ifdef MACHINE
	static struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
		END(KILL_PROCESS),
		LOAD(nr),
		/* of the cell */
		ALLOW(futex), ALLOW(sched_yield), ALLOW(clock_gettime),
		ALLOW(exit_group),
		/* of malloc() */
		ALLOW(brk), ALLOW(mmap), ALLOW(munmap), ALLOW(mremap),
		ALLOW(madvise),
		END(KILL_PROCESS),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (setrlimit(RLIMIT_CORE, &no_core) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
#else
	return -ENOSYS;
#endif
}
