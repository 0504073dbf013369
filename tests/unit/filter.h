/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - a kernel that refuses system calls from now on, for the calling thread and
 * those that it makes; for all threads with SECCOMP_FILTER_FLAG_TSYNC.
 */
#ifndef WARD_TESTS_UNIT_FILTER_H
#define WARD_TESTS_UNIT_FILTER_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline bool set_filter(struct sock_filter *code, size_t n, unsigned flags)
{
	struct sock_fprog program = { (unsigned short)n, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
		       &program) == 0;
}

static inline bool refuse_with(unsigned nr, unsigned err, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return set_filter(code, sizeof(code) / sizeof(code[0]), flags);
}

static inline bool refuse_call(unsigned nr, unsigned err)
{
	return refuse_with(nr, err, 0);
}

#endif
