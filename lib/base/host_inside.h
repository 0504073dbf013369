/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_inside.h - shared by the files behind host.h and their unit tests alone.
 */
#ifndef WARD_LIB_BASE_HOST_INSIDE_H
#define WARD_LIB_BASE_HOST_INSIDE_H

#include "base/host.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

/*
 * Thread-local words are read in signal handlers and on hot paths: this model
 * costs one load and never allocates.
 */
#define host_thread_local __thread __attribute__((tls_model("initial-exec")))

/* What a call returns, or -errno; errno stays as it was. */
#define host_call(call)                                                        \
	({                                                                     \
		int saved_ = errno;                                            \
		long got_ = (call);                                            \
                                                                               \
		if (got_ < 0)                                                  \
			got_ = -errno;                                         \
		errno = saved_;                                                \
		got_;                                                          \
	})

/* All signals but those that a thread raises by its own fault. */
void host_all_but_faults(sigset_t *mask);

/* Sets the handler of the signal for backtraces. */
void host_on_signal(void (*hook)(void *context));
/* Sends it, once it is claimed; false: refused, or a handler of others is there. */
bool host_signal_send(int32_t tid);

/* A point in time as the kernel takes it. */
struct timespec host_timespec(uint64_t ns);

/*
 * The futex call itself: what the kernel answered, or -errno.  errno is kept,
 * and it is no cancellation point.
 */
long host_futex(const void *word, int op, uint32_t value,
		const struct timespec *until);

/* Learns how much of each stack the thread-local variables take. */
void host_thread_init(void);

/*
 * Does the kernel let threads sleep on futexes?  0 or -errno, by a sleep until a
 * point in time that is long past: after an error that may have another cause.
 */
int host_futex_works(void);
/* Sleeps for a millisecond, or until then: -ETIMEDOUT.  Else 0. */
int host_nap(uint64_t until);
/*
 * Interrupts all sleeping threads of the process but those that block the signal for
 * backtraces: as they cannot be woken, they are to look for themselves.
 */
void host_wake_all(void);

/* In a process that was forked, or cloned, from one that called host_init(). */
void host_forked(void);
/* A child of this process, or of a zygote's making, by its number. */
void host_process_open(struct host_process *process, int32_t pid);

/* Prepares host_barrier_heavy(); again in the child of a fork. */
void host_barrier_init(void);

/* Learns the process's number, in the child of a fork anew, and the machine's names. */
void host_where_forked(void);
void host_where_init(void);

/* May host_about() be believed? */
void host_about_init(void);

/* Learns the program's own name. */
void host_object_init(void);
bool host_object_is_program(const char *name);
/* Where the object lies that 'code' is of; false: unknown. */
struct host_range {
	const char *name;
	uint64_t offset; /* of 'code' in the file */
	uintptr_t start, end;
};
bool host_object_range(const void *code, struct host_range *range);

/*
 * Files without cancellation points: a cancelled worker must not leave in the middle
 * of the library.  All return -errno and keep errno.
 */
int host_open(const char *path);
void host_close(int fd);
/* From the start of the file, at most len - 1 bytes, ended by NUL. */
ssize_t host_read(int fd, char *buf, size_t len);
ssize_t host_read_path(const char *path, char *buf, size_t len);
ssize_t host_read_in(const char *dir, const char *file, char *buf, size_t len);
/* The number behind 'key' of that descriptor's fdinfo: 1; 0: it has none; -1: unread. */
int host_fd_says(const char *fd, const char *key, int base, uint64_t *number);
/* The number that a file begins with; -1: there is none. */
long long host_read_number(const char *dir, const char *file);

/* Notes the file of 'fd' (or -1); is 'fd' still that file; closes it if so. */
struct host_file host_file_of(int fd);
bool host_file_own(const struct host_file *file);
void host_file_close(const struct host_file *file);

/*
 * backtrace(), which a smashed stack only ends where the handlers of faults are
 * installed.  The first frames are its own, and their number is unknown.
 */
int host_backtrace(void **frame, int n);
/*
 * In a signal's handler: up to HOST_FRAMES of it, from the interrupted instruction on; 0:
 * that is not to be found there.
 */
int host_interrupted(void **frame, const void *context);

struct host_cpus {
	size_t size; /* bytes of the set */
	cpu_set_t set[];
};

/* Those that the calling thread may run on; NULL: no memory. */
struct host_cpus *host_cpus_mine(void);
/* Those that are listed in a file; NULL: none, or no memory. */
struct host_cpus *host_cpus_read(const char *dir, const char *file);
bool host_cpus_has(const struct host_cpus *cpus, size_t cpu);

/*
 * How many CPUs the cgroups named in 'membership' (/proc/self/cgroup) and all
 * above them allow below 'root' (/sys/fs/cgroup), rounded up; UINT_MAX: any.
 */
unsigned host_cgroup_cpus(const char *membership, const char *root);

/* As host_near_find(), of the machine described below 'root'. */
struct host_near;
struct host_near *host_near_of(const struct host_cpus *cpus, const char *root);

#endif
