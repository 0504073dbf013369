/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * with_nats.c - runs a program beside NATS servers: with_nats NODES PROGRAM ARGUMENT...
 * NATS_URL in its environment says where they are.  Ends as it does; with 77 where there
 * is no nats-server.
 */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int run(char **argv)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		become(argv);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	char urls[CLUSTER_URLS];
	struct cluster cluster;
	int status, err;

	if (argc < 3) {
		fprintf(stderr, "usage: with_nats NODES PROGRAM ARGUMENT...\n");
		return 2;
	}
	if (!cluster_can()) {
		printf("skipped: there is no nats-server\n");
		return 77;
	}
	err = cluster_up(&cluster, (unsigned)atoi(argv[1]));
	if (err) {
		fprintf(stderr, "with_nats: %s\n", strerror(-err));
		return 1;
	}
	cluster_urls(&cluster, urls);
	setenv("NATS_URL", urls, 1);
	status = run(argv + 2);
	cluster_down(&cluster);
	return status;
}
