/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_zygote.c - a small process that forks others.
 *
 * The zygote is made before this process has threads or much memory, and sleeps on a socket.
 * A message with a descriptor makes it fork; the answer is the new process's number.  Both
 * are made by clone3, for what fork() cannot say: the new process is a child of this one,
 * not of the zygote (CLONE_PARENT), so that it outlives the zygote, ends with this process
 * and is reaped here; and its end raises no SIGCHLD, so that a program which waits for its
 * own children does not meet it.
 *
 * The rest of libc's fork(), in a child without other threads, is done here: the
 * thread's number goes where libc keeps it, and the list of robust mutexes is made known
 * to the kernel again.
 */
#include "base/host_inside.h"

#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

#define PATIENCE 2000 /* ms, for an answer that takes 70 us */

/* One for the process, as long as it lives. */
static struct {
	_Atomic uint32_t claim; /* X: only tried */
	_Atomic int32_t pid;	/* P; 0: none */
	int socket;		/* P */
	/* I: by start() */
	uint32_t generation; /* of its parent, who alone may ask */
	void (*born)(int fd, const void *message);
	void *tid;	       /* where libc has the thread's number */
	void *robust;	       /* the thread's list of robust mutexes */
	size_t robust_len;
} zygote = { .socket = -1 };

/* ---- a copy of this process --------------------------------------------------------- */

static void settle_in(void)
{
	syscall(SYS_set_robust_list, zygote.robust, zygote.robust_len);
	host_forked();
}

/* As fork(), with these flags; the caller is the only thread. */
static int32_t copy(uint64_t flags)
{
	struct clone_args how = {
		.flags = flags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)zygote.tid,
	};
	long pid = host_call(syscall(SYS_clone3, &how, sizeof(how)));

	if (!pid)
		settle_in();
	return (int32_t)pid;
}

/* ---- in the zygote ------------------------------------------------------------------- */

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* A message and its descriptor; -1: the parent has ended, or sends nonsense. */
static int receive(int from, char *message)
{
	union control control;
	struct iovec part = { .iov_base = message, .iov_len = HOST_MESSAGE };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.room,
			       .msg_controllen = sizeof(control.room) };
	struct cmsghdr *has;
	ssize_t got;
	int fd;

	do {
		got = recvmsg(from, &head, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	has = CMSG_FIRSTHDR(&head);
	if (got != HOST_MESSAGE || !has || has->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(has), sizeof(fd));
	return fd;
}

static _Noreturn void serve(int from)
{
	static const struct host_limits none;
	char message[HOST_MESSAGE];
	int32_t pid;
	int fd;

	setpgid(0, 0); /* the terminal's signals are not for it and its like */
	if (host_serve_parent(getppid(), "ward-zygote", &none))
		_exit(1);
	while ((fd = receive(from, message)) >= 0) {
		pid = copy(CLONE_PARENT);
		if (!pid) {
			close(from);
			zygote.born(fd, message);
			_exit(0);
		}
		close(fd);
		if (send(from, &pid, sizeof(pid), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* ---- in its parent -------------------------------------------------------------------- */

/* The kernel is asked for the places which only libc knows. */
static int learn(void)
{
	if (prctl(PR_GET_TID_ADDRESS, &zygote.tid, 0, 0, 0) ||
	    syscall(SYS_get_robust_list, 0, &zygote.robust, &zygote.robust_len))
		return -errno;
	return zygote.tid && zygote.robust ? 0 : -ENOSYS;
}

static bool has_threads(void)
{
	char text[512];
	const char *at;

	/* The 20th field of its state; the third is after the name. */
	if (host_read_path("/proc/self/stat", text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 20; field++)
		at = strchr(at + 1, ' ');
	return at && strncmp(at, " 1 ", 3) != 0;
}

static int start(void)
{
	int pair[2], err = learn();
	int32_t pid;

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = copy(0);
	if (!pid) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	zygote.socket = pair[0];
	store_release(&zygote.pid, pid);
	return 0;
}

int host_zygote_start(void (*born)(int fd, const void *message))
{
	int saved = errno, err;

	if (!host_zygote_refuse())
		return -EALREADY;
	if (has_threads())
		return -EBUSY;
	zygote.born = born;
	zygote.generation = load_relaxed(&host_generation);
	err = start();
	errno = saved;
	return err;
}

int host_zygote_refuse(void)
{
	if (load_acquire(&zygote.pid) <= 0)
		return -ENOTCONN;
	return zygote.generation == load_relaxed(&host_generation) ? 0 : -ECHILD;
}

static int send_to(int to, int fd, const void *message)
{
	union control control = { .head = { .cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS,
					    .cmsg_len = CMSG_LEN(sizeof(fd)) } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)message,
			      .iov_len = HOST_MESSAGE };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.room,
			       .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return host_call(sendmsg(to, &head, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 ?
		       -EPIPE :
		       0;
}

/* Its answer; -EPIPE: it has ended, or does not answer. */
static int32_t answer(int from)
{
	struct pollfd look = { .fd = from, .events = POLLIN };
	int32_t pid = -EPIPE;

	if (host_call(poll(&look, 1, PATIENCE)) <= 0 ||
	    host_call(recv(from, &pid, sizeof(pid), MSG_DONTWAIT)) !=
		    (long)sizeof(pid))
		return -EPIPE;
	return pid;
}

/* The zygote can be waited for some moments after its socket is shut. */
static void reap(int32_t pid)
{
	struct host_process it;
	struct host_end end;
	struct pollfd look;

	host_process_open(&it, pid);
	look = (struct pollfd){ .fd = it.fd, .events = POLLIN };
	host_process_kill(&it);
	host_call(poll(&look, 1, PATIENCE));
	if (!host_process_ended(&it, &end) && it.fd >= 0)
		host_close(it.fd);
}

/* A late answer would be taken for that to the next message: it is asked no more. */
static void give_up(void)
{
	reap(load_relaxed(&zygote.pid));
	host_close(zygote.socket);
	zygote.socket = -1;
	store_release(&zygote.pid, 0);
}

static int32_t ask(int fd, const void *message)
{
	int32_t got;

	if (zygote.socket < 0)
		return -EPIPE;
	got = send_to(zygote.socket, fd, message);
	if (!got)
		got = answer(zygote.socket);
	if (got == -EPIPE)
		give_up();
	return got;
}

int host_zygote_ask(int fd, const void *message, struct host_process *process)
{
	int32_t pid;

	if (host_zygote_refuse())
		return -EPIPE;
	if (swap_acq_rel(&zygote.claim, 1)) /* [P] */
		return -EBUSY;
	pid = ask(fd, message);
	store_release(&zygote.claim, 0); /* [P] */
	if (pid <= 0)
		return pid < 0 ? pid : -EPIPE;
	host_process_open(process, pid);
	return 0;
}
