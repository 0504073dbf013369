/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keepalive_process - the ward is a process: whatever becomes of it, another takes
 * its place.
 *
 * A thread that is lost leaves its locks and its memory behind; a process leaves
 * nothing.  So where work cannot be trusted, a ward keeps a worker process: it
 * starts it, sleeps on its pidfd, and fails when it ends.  The rest (to start it
 * again, not too often, and to give up) is its steward's.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/ward.h>

extern char **environ;
static sem_t up;
static _Atomic pid_t worker;

/* The worker process: it works until somebody kills it. */
static int work(pid_t parent)
{
	/* It goes with the thread that keeps it, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	return 0;
}

/* Sleeps until it has ended: 0; or until the ward is to stop. */
static int watch(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int err;

	do {
		if (poll(&end, 1, 10) == 1)
			return 0;
		err = ward_check();
	} while (!err);
	return err;
}

static int bury(int pidfd)
{
	siginfo_t how;

	if (waitid(P_PIDFD, (id_t)pidfd, &how, WEXITED))
		return -errno;
	close(pidfd);
	if (how.si_code == CLD_EXITED)
		return ward_fail(-ECHILD, "it ended with %d", how.si_status);
	return ward_fail(-EINTR, "it was killed by signal %d", how.si_status);
}

static int keep(void *arg)
{
	char parent[16];
	char *args[] = { arg, parent, NULL };
	pid_t pid;
	int err, pidfd;

	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	err = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, environ);
	if (err)
		return ward_fail(-err, "no process can be made");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	worker = pid;
	sem_post(&up);
	err = watch(pidfd);
	if (!err)
		return bury(pidfd);
	kill(pid, SIGKILL); /* not reaped yet: it is still that one */
	bury(pidfd);
	return err;
}

static void ended(void *arg, int status)
{
	(void)arg;
	dprintf(STDOUT_FILENO, "the worker ended: %s\n", strerror(-status));
}

static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	struct ward *ward;

	if (argc > 1)
		return work((pid_t)strtol(argv[1], NULL, 10));
	sem_init(&up, 0, 0);
	pool.hooks = &hooks;
	config.pool = &pool;
	spec.name = "keeper";
	spec.run = keep;
	spec.ended = ended;
	spec.arg = argv[0];
	if (ward_steward_create(&steward, &config) ||
	    ward_start(&ward, steward, &spec))
		return 1;
	for (int i = 1; i <= 3; i++) {
		sem_wait(&up);
		printf("worker %d is up\n", i);
		fflush(stdout);
		kill(worker, SIGKILL);
	}
	sem_wait(&up);
	printf("worker 4 is up\n");
	fflush(stdout);
	ward_put(ward);
	return ward_steward_destroy(steward, ward_in(WARD_S(10)));
}
