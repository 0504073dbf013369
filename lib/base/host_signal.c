/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_signal.c - the signals that a thread takes, and the library's own signal, which
 * is sent for a backtrace, and to interrupt threads that cannot be woken.
 */
#include "base/host_inside.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void host_all_but_faults(sigset_t *mask)
{
	static const int own[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				   SIGABRT, SIGTRAP, SIGSYS };

	sigfillset(mask);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(mask, own[i]);
}

/*
 * A program that a thread starts inherits its mask, and must be ended and stopped as
 * any other.  A profiler's signals come to the thread that runs.  Signals of events
 * (SIGALRM, SIGCHLD, SIGIO, SIGUSR1...) would have handlers interrupt tasks, and
 * SIGPIPE would end the process for an error that write() returns as well.
 */
uint64_t host_signals(void)
{
	static const int taken[] = { SIGHUP,  SIGINT,	 SIGQUIT, SIGTERM,
				     SIGTSTP, SIGTTIN,	 SIGTTOU, SIGCONT,
				     SIGPROF, SIGVTALRM, SIGXCPU };
	uint64_t open = 0;
	sigset_t mask;

	if (pthread_sigmask(SIG_SETMASK, NULL, &mask))
		return 0;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!sigismember(&mask, taken[i]))
			open |= UINT64_C(1) << (taken[i] - 1);
	return open;
}

/* ---- the library's own ------------------------------------------------------ */

static host_thread_local void (*answer)(void *context);
static _Atomic int installed; /* the signal */

void host_on_signal(void (*hook)(void *context))
{
	answer = hook;
	atomic_signal_fence(memory_order_seq_cst); /* the handler sees it */
}

static void handler(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signo;
	(void)info;
	if (answer)
		answer(context);
	errno = saved;
}

uint64_t host_trace_open(void)
{
	int signo = load_relaxed(&installed);

	return signo ? UINT64_C(1) << (signo - 1) : 0;
}

/* Not a signal of the thread's fault, and one that can be caught. */
static bool is_ours_to_take(int signo)
{
	sigset_t mask;

	host_all_but_faults(&mask);
	return signo > 0 && signo <= SIGRTMAX && signo != SIGKILL &&
	       signo != SIGSTOP && sigismember(&mask, signo);
}

static bool has_handler(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static int claim(int signo)
{
	struct sigaction ours = { .sa_sigaction = handler,
				  .sa_flags = SA_SIGINFO | SA_RESTART |
					      SA_ONSTACK };

	host_all_but_faults(&ours.sa_mask);
	return sigaction(signo, &ours, NULL) ? -errno : 0;
}

static int claim_named(int signo)
{
	struct sigaction was;

	if (!is_ours_to_take(signo))
		return -EINVAL;
	if (sigaction(signo, NULL, &was))
		return -errno;
	return has_handler(&was) ? -EBUSY : claim(signo);
}

/* "sigmask:	0000000000000200": what a signalfd waits for. */
static uint64_t waited_for(const char *fd)
{
	uint64_t mask;

	return host_fd_says(fd, "sigmask:", 16, &mask) > 0 ? mask : 0;
}

enum { DESCRIPTORS = 4096 }; /* that are looked at: more take long */

static uint64_t waited_for_by_any(void)
{
	DIR *all = opendir("/proc/thread-self/fdinfo");
	struct dirent *one;
	uint64_t waited = 0;

	for (int n = 0; all && n < DESCRIPTORS && (one = readdir(all)); n++)
		if (*one->d_name != '.')
			waited |= waited_for(one->d_name);
	if (all)
		closedir(all);
	return waited;
}

/*
 * An ignored signal is in use by the program; a blocked one is waited for, now or later.
 * From the last one down, for applications count from the first up.
 */
static int claim_free(int *signo)
{
	uint64_t waited = waited_for_by_any();
	struct sigaction was;
	sigset_t blocked;

	if (pthread_sigmask(SIG_SETMASK, NULL, &blocked))
		sigemptyset(&blocked);
	for (int i = SIGRTMAX; i >= SIGRTMIN; i--) {
		if (sigaction(i, NULL, &was))
			return -errno;
		if (has_handler(&was) || was.sa_handler != SIG_DFL ||
		    sigismember(&blocked, i) || waited >> (i - 1) & 1)
			continue;
		*signo = i;
		return claim(i);
	}
	return -EBUSY;
}

int host_trace_install(int signo, int *got)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int err = 0, saved = errno, cancel;

	if (signo < 0 || (signo > 0 && !is_ours_to_take(signo)))
		return -EINVAL;
	/* Reading a folder is a cancellation point. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&lock);
	if (load_relaxed(&installed) == 0) {
		err = signo ? claim_named(signo) : claim_free(&signo);
		if (!err)
			store_relaxed(&installed, signo);
	}
	if (!err)
		*got = load_relaxed(&installed);
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

/* ---- sent ------------------------------------------------------------------- */

static bool is_ours(int signo)
{
	struct sigaction now;

	if (host_call(sigaction(signo, NULL, &now))) {
		host_lack(HOST_NO_TRACE);
		return false;
	}
	return (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler;
}

bool host_signal_send(int32_t tid)
{
	int signo = load_relaxed(&installed);
	long err;

	if (!is_ours(signo))
		return false;
	err = host_call(syscall(SYS_tgkill, host_pid(), tid, signo));
	if (err && err != -ESRCH)
		host_lack(HOST_NO_TRACE);
	return !err;
}

struct entry { /* as the kernel writes it: struct linux_dirent64 */
	uint64_t number, next;
	uint16_t len;
	uint8_t type;
	char name[];
};

static void wake_waiter(const char *buf, long len)
{
	const struct entry *entry;

	for (long at = 0; at < len; at += entry->len) {
		entry = (const struct entry *)(const void *)(buf + at);
		if (*entry->name > '0' && *entry->name <= '9')
			host_call(syscall(SYS_tgkill, host_pid(),
					  atoi(entry->name),
					  load_relaxed(&installed)));
	}
}

cold void host_wake_all(void)
{
	_Alignas(struct entry) char buf[2048];
	int fd;
	long len;

	if (load_relaxed(&installed) == 0 || !is_ours(load_relaxed(&installed)))
		return;
	fd = host_open("/proc/self/task");
	if (fd < 0)
		return;
	while ((len = host_call(syscall(SYS_getdents64, fd, buf,
					sizeof(buf)))) > 0)
		wake_waiter(buf, len);
	host_close(fd);
}
