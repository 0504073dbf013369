/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_process.c - other processes: started from a program, ended, reaped; and what a
 * process that serves its parent asks of the kernel first.
 */
#include "base/host_inside.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linux 5.3 and 5.1; spelt out, for the headers may be older than the kernel. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define NS UINT64_C(1000000000)

/* The number cannot be another's before the process is reaped, which is ours to do. */
void host_process_open(struct host_process *process, int32_t pid)
{
	store_relaxed(&process->pid, pid);
	process->fd = (int)host_call(syscall(SYS_pidfd_open, pid, 0));
}

static void forget(struct host_process *process)
{
	if (process->fd >= 0)
		host_close(process->fd);
	process->fd = -1;
	store_relaxed(&process->pid, 0);
}

/* ---- a program -------------------------------------------------------------------- */

/* The environment and one more; NULL: no memory. */
static char **with_variable(char *variable)
{
	size_t n = 0;
	char **all;

	while (environ && environ[n])
		n++;
	all = calloc(n + 2, sizeof(*all));
	if (!all)
		return NULL;
	if (n)
		memcpy(all, environ, n * sizeof(*all));
	all[n] = variable;
	return all;
}

static int attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err = posix_spawnattr_init(attr);

	if (err)
		return err;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
}

static int spawn(pid_t *pid, const char *path, char *const *argv, char **env, int fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err = posix_spawn_file_actions_init(&files);

	if (err)
		return err;
	/* To itself: it stays open over the exec. */
	err = posix_spawn_file_actions_adddup2(&files, fd, fd);
	if (!err) {
		err = attributes(&attr);
		if (!err)
			err = posix_spawn(pid, path, &files, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return err;
}

int host_process_exec(const char *path, char *const *argv, const char *variable,
		      int fd, struct host_process *process)
{
	char *alone[] = { (char *)(uintptr_t)path, NULL };
	char text[64];
	char **env;
	pid_t pid;
	int err;

	snprintf(text, sizeof(text), "%s=%d", variable, fd);
	env = with_variable(text);
	if (!env)
		return -ENOMEM;
	err = spawn(&pid, path, argv ? argv : alone, env, fd);
	free(env);
	if (!err)
		host_process_open(process, pid);
	return -err;
}

int host_inherited(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long fd;

	if (!text || !*text)
		return -1;
	fd = strtol(text, &end, 10);
	if (*end || fd < 0 || fd > INT32_MAX ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC))
		fd = -1;
	unsetenv(variable);
	return (int)fd;
}

/* ---- its end ---------------------------------------------------------------------- */

bool host_process_signal(const struct host_process *process, int signo)
{
	int32_t pid = load_relaxed(&process->pid);
	long err;

	if (!pid)
		return false;
	err = process->fd < 0 ? -ENOSYS :
				host_call(syscall(SYS_pidfd_send_signal,
						  process->fd, signo, NULL, 0));
	if (err == -ENOSYS || err == -EPERM)
		err = host_call(kill(pid, signo));
	return !err;
}

bool host_process_kill(const struct host_process *process)
{
	return host_process_signal(process, SIGKILL);
}

static void tell_end(struct host_end *end, int status, const struct rusage *usage)
{
	end->known = true;
	end->signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	end->core = WIFSIGNALED(status) && WCOREDUMP(status);
	end->cpu = ((uint64_t)usage->ru_utime.tv_sec +
		    (uint64_t)usage->ru_stime.tv_sec) * NS +
		   ((uint64_t)usage->ru_utime.tv_usec +
		    (uint64_t)usage->ru_stime.tv_usec) * 1000;
	end->peak = (uint64_t)usage->ru_maxrss << 10;
}

bool host_process_ended(struct host_process *process, struct host_end *end)
{
	int32_t pid = load_relaxed(&process->pid);
	struct rusage usage;
	int status;
	long got;

	*end = (struct host_end){ 0 };
	if (!pid)
		return true;
	got = host_call(wait4(pid, &status, WNOHANG | __WALL, &usage));
	if (got == 0 || got == -EINTR)
		return false;
	if (got > 0)
		tell_end(end, status, &usage);
	else if (host_process_signal(process, 0))
		return false; /* no child of ours, or the call is refused */
	forget(process);
	return true;
}

uint64_t host_process_memory(int32_t pid)
{
	char path[64], buf[128], *at;
	uint64_t pages;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (host_read_path(path, buf, sizeof(buf)) <= 0)
		return 0;
	strtoull(buf, &at, 10);
	pages = strtoull(at, NULL, 10);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- by a process that serves ------------------------------------------------------ */

static int limit(int what, uint64_t most)
{
	struct rlimit to = { .rlim_cur = most, .rlim_max = most };

	return !most || !setrlimit(what, &to) ? 0 : -errno;
}

/* These come to a whole group or service; the parent decides for its cells. */
static void ignore_requests(void)
{
	static const int asked[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP };

	for (unsigned i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		signal(asked[i], SIG_IGN);
}

int host_serve_parent(int32_t parent, const char *name,
		      const struct host_limits *limits)
{
	int err;

	/* First the signal, then the look: the parent may have ended before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	prctl(PR_SET_NAME, name, 0, 0, 0);
	ignore_requests();
	err = limit(RLIMIT_AS, limits->memory);
	if (!err)
		err = limit(RLIMIT_CPU, limits->cpu_s);
	return err ? err : limit(RLIMIT_NOFILE, limits->files);
}

_Noreturn void host_process_exit(int code)
{
	_exit(code);
}
