/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_sample.c - a thread as the kernel shows it, without the thread's help.
 *
 *	its CPU clock			CPU time, to the nanosecond
 *	/proc/self/task/TID/schedstat	waiting for a CPU, times it was given one
 *	/proc/self/task/TID/stat	the state letter
 *	/proc/self/task/TID/syscall	the system call it sleeps in
 *
 * A kept descriptor belongs to the thread and not to its number: it answers
 * ESRCH after the thread's end, also when a new thread has got the number, and
 * it stays readable when the process gives up privileges.  If the program has closed
 * it, and its number is another file's, the file is opened anew at each look.  The CPU
 * clock knows the number only; so the kept file is read after it, and if that says that
 * the thread is gone, or another by the time when it began, the clock's answer is thrown
 * away.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* ---- kept descriptors ---------------------------------------------------- */

/*
 * At most a quarter of the descriptors that the process may have: the rest is
 * the application's.
 */
static _Atomic uint32_t kept;

static bool may_keep(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return false;
	return add_relaxed(&kept, 1) < limit.rlim_cur / 4;
}

static void path_of(char *path, size_t len, const struct host_stat_files *files,
		    const char *file)
{
	if (files->pid)
		snprintf(path, len, "/proc/%d/%s", (int)files->pid, file);
	else
		snprintf(path, len, "/proc/self/task/%d/%s", (int)files->tid,
			 file);
}

static struct host_file keep(const struct host_stat_files *files,
			     const char *file)
{
	char path[64];
	int fd = -1;

	if (may_keep()) {
		path_of(path, sizeof(path), files, file);
		fd = host_open(path);
	}
	if (fd < 0)
		add_relaxed(&kept, -1u);
	return host_file_of(fd);
}

static void drop(struct host_file *file)
{
	if (file->fd < 0)
		return;
	host_file_close(file);
	add_relaxed(&kept, -1u);
	file->fd = -1;
}

void host_stat_close(struct host_stat_files *files)
{
	drop(&files->stat);
	drop(&files->schedstat);
	drop(&files->syscall);
}

/* ---- reading --------------------------------------------------------------- */

/* 0: a thread of that process has that number; -ESRCH: none has; or another error. */
static int look_in(int32_t pid, int64_t tid)
{
	if (tid <= 0 || tid > INT32_MAX)
		return -ESRCH;
	return (int)host_call(syscall(SYS_tgkill, pid, (int)tid, 0));
}

static int look_again(const struct host_stat_files *files)
{
	return look_in(files->pid ? files->pid : host_pid(), files->tid);
}

/*
 * Bytes read, -ESRCH, or -ENODATA.  No file and no thread either is a thread
 * that has ended; no file alone is a /proc that is not there.
 */
static ssize_t read_file(const struct host_stat_files *files,
			 const struct host_file *kept_file, const char *file,
			 char *buf, size_t len)
{
	char path[64];
	ssize_t got;

	if (host_file_own(kept_file)) {
		got = host_read(kept_file->fd, buf, len);
	} else {
		path_of(path, sizeof(path), files, file);
		got = host_read_path(path, buf, len);
	}
	if (got > 0)
		return got;
	if (got == -ESRCH || (got == -ENOENT && look_again(files) == -ESRCH))
		return -ESRCH;
	return -ENODATA;
}

/*
 * The clock of a thread by number, as the kernel encodes it (three bits of
 * kind below the inverted number: scheduler's time, of one thread).  No thread
 * has a number that would not fit: the kernel ends at 2^22.
 */
#define TID_END (1 << 28)

/* Of another process: the clock of all its threads, for one has none here. */
static int read_clock(const struct host_stat_files *files,
		      struct host_sample *sample)
{
	uint32_t kind = files->pid ? 2 : 6;
	clockid_t clock = (clockid_t)((~(uint32_t)files->tid << 3) | kind);
	struct timespec cpu;

	if (files->tid <= 0 || files->tid >= TID_END)
		return -ESRCH;
	if (host_call(clock_gettime(clock, &cpu)))
		return look_again(files) == -ESRCH ? -ESRCH : -ENODATA;
	sample->cpu = (uint64_t)cpu.tv_sec * UINT64_C(1000000000) +
		    (uint64_t)cpu.tv_nsec;
	sample->cpu_known = true;
	return 0;
}

static int read_switches(const struct host_stat_files *files,
			 struct host_sample *sample)
{
	char buf[128], *at = buf;
	uint64_t cpu;
	ssize_t got = read_file(files, &files->schedstat, "schedstat", buf,
				sizeof(buf));

	if (got < 0)
		return (int)got;
	cpu = strtoull(at, &at, 10); /* as of the last tick */
	if (!sample->cpu_known)
		sample->cpu = cpu;
	sample->run_delay = strtoull(at, &at, 10);
	sample->slices = strtoull(at, &at, 10);
	/* A kernel that does not count says 0; a thread that ran had one. */
	sample->switches_known = sample->slices > 0;
	sample->cpu_known |= sample->switches_known;
	return sample->switches_known ? 0 : -ENODATA;
}

/*
 * "TID (name) S ...": the name may contain anything, also ") R".  From the state on;
 * NULL: it is not that.
 */
static char *after_name(char *stat)
{
	char *at = strrchr(stat, ')');

	return at && at[1] == ' ' ? at + 2 : NULL;
}

/* The 22nd field; the state is the third. */
static uint64_t born_of(const char *state)
{
	for (int i = 3; state && i < 22; i++) {
		state = strchr(state, ' ');
		state += state != NULL;
	}
	return state ? strtoull(state, NULL, 10) : 0;
}

static uint64_t born(const struct host_stat_files *files)
{
	char buf[512];
	ssize_t got =
		read_file(files, &files->stat, "stat", buf, sizeof(buf));

	return got > 0 ? born_of(after_name(buf)) : 0;
}

uint64_t host_born(int32_t tid)
{
	struct host_stat_files files = host_stat_of(tid);

	return born(&files);
}

static void open_files(struct host_stat_files *files)
{
	files->stat = keep(files, "stat");
	files->schedstat = keep(files, "schedstat");
	files->syscall = keep(files, "syscall");
	files->born = born(files);
}

void host_stat_open(struct host_stat_files *files, int32_t tid)
{
	files->tid = tid;
	files->pid = 0;
	open_files(files);
}

void host_stat_open_process(struct host_stat_files *files, int32_t pid)
{
	files->tid = files->pid = pid;
	open_files(files);
}

/* Another thread with the same number began later. */
static int read_state(const struct host_stat_files *files,
		      struct host_sample *sample)
{
	char buf[512], *at;
	ssize_t got =
		read_file(files, &files->stat, "stat", buf, sizeof(buf));

	if (got < 0)
		return (int)got;
	at = after_name(buf);
	if (!at)
		return -ENODATA;
	if (files->born && born_of(at) != files->born)
		return -ESRCH;
	sample->state = *at;
	sample->state_known = true;
	return 0;
}

static int is_gone(struct host_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	return -ESRCH;
}

int host_sample_cpu(const struct host_stat_files *files,
		    struct host_sample *sample)
{
	int clock = 0, switches = 0;

	memset(sample, 0, sizeof(*sample));
	if (files->pid) /* its first thread's time, to the tick, is the better one */
		switches = read_switches(files, sample);
	if (!sample->cpu_known)
		clock = read_clock(files, sample);
	if (!files->pid)
		switches = read_switches(files, sample);
	if (clock == -ESRCH || switches == -ESRCH)
		return is_gone(sample);
	return clock && switches ? -ENODATA : 0;
}

int host_sample(const struct host_stat_files *files, struct host_sample *sample)
{
	int err = host_sample_cpu(files, sample), state;

	if (err == -ESRCH)
		return err;
	state = read_state(files, sample);
	if (state == -ESRCH)
		return is_gone(sample);
	return err && state ? -ENODATA : 0;
}

/* The kernel's ticks are of the clock that runs while the machine sleeps, too. */
bool host_is_younger(int32_t tid, uint64_t than)
{
	struct host_stat_files files = host_stat_of(tid);
	long ticks = sysconf(_SC_CLK_TCK);
	uint64_t at = born(&files), now = host_now();
	struct timespec boot;

	if (!at || ticks <= 0 || than > now ||
	    clock_gettime(CLOCK_BOOTTIME, &boot))
		return false;
	now = (uint64_t)boot.tv_sec * UINT64_C(1000000000) +
	      (uint64_t)boot.tv_nsec - (now - than);
	/* It is cut to a tick, so it began at that or a little later. */
	return at > now / (UINT64_C(1000000000) / (uint64_t)ticks);
}

/* "running", or "-1 SP PC", or "NR 0xARG ... SP PC". */
int host_syscall(const struct host_stat_files *files, int32_t *nr,
		 uint64_t *arg)
{
	char buf[256], *at = buf;
	ssize_t got = read_file(files, &files->syscall, "syscall", buf,
				sizeof(buf));
	long number;

	*nr = -1;
	*arg = 0;
	if (got < 0)
		return (int)got;
	number = strtol(buf, &at, 10);
	if (at == buf || number < 0)
		return 0;
	*nr = (int32_t)number;
	*arg = strtoull(at, NULL, 16);
	return 0;
}

/* ---- a futex's holder ------------------------------------------------------- */

/* futex_waitv's first argument is no futex but a list of them. */
bool host_is_futex(int32_t nr)
{
	return nr == SYS_futex;
}

/* Reads our own memory without risk: the address may be gone. */
bool host_peek(const void *at, void *to, size_t len)
{
	struct iovec here = { .iov_base = to, .iov_len = len };
	struct iovec there = { .iov_base = (void *)(uintptr_t)at,
			       .iov_len = len };
	/* The caller's number, for the process's first thread may have ended. */
	ssize_t got = host_call(
		process_vm_readv(host_tid(), &here, 1, &there, 1, 0));

	if (got < 0 && got != -EFAULT)
		host_lack(HOST_NO_HOLDER);
	return got == (ssize_t)len;
}

/*
 * A glibc mutex is { lock, count, owner, ... }; the lock word is 1 or 2 when it
 * is held, and the owner's TID if it is robust or inherits priority.  Other
 * futexes that know their holder have its TID in the word itself, as the one
 * that pthread_join() sleeps on.  1 and 2 are states there, not threads.
 */
int32_t host_futex_holder(uint64_t address)
{
	const void *at = (const void *)(uintptr_t)address;
	uint32_t mutex[3] = { 0, 0, 0 };
	uint32_t in_word, owner;

	if (!host_peek(at, mutex, sizeof(mutex)) &&
	    !host_peek(at, mutex, sizeof(mutex[0])))
		return 0;
	in_word = mutex[0] & FUTEX_TID_MASK;
	owner = mutex[2];
	if ((in_word == 1 || in_word == 2 || in_word == owner) &&
	    !look_in(host_pid(), owner))
		return (int32_t)owner;
	if (in_word > 2 && !look_in(host_pid(), in_word))
		return (int32_t)in_word;
	return 0;
}
