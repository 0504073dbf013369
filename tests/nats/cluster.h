/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cluster.h - NATS servers with JetStream on loopback, for tests and benches.
 *
 * Their data lies in a folder of its own.  A keeper, which is a process of its own, starts
 * and kills them; when the process that made it ends, in whatever way, the keeper ends the
 * servers and removes the folder.
 */
#ifndef WARD_TESTS_NATS_CLUSTER_H
#define WARD_TESTS_NATS_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLUSTER_NODES = 3, CLUSTER_URLS = 128 };

struct cluster {
	char dir[64];
	unsigned nodes;
	struct cluster_node {
		uint16_t port;	/* of clients, on 127.0.0.1 */
		uint16_t route; /* of the other nodes */
	} node[CLUSTER_NODES];
	int orders;   /* to the keeper */
	pid_t keeper;
};

/* Is nats-server there? */
bool cluster_can(void);

/*
 * One node, or three.  Returns 0 when each of them accepts clients; -errno.  To be called
 * before the process has other threads.
 */
int cluster_up(struct cluster *cluster, unsigned nodes);
/* "nats://127.0.0.1:1234,...", of all nodes. */
void cluster_urls(const struct cluster *cluster, char urls[CLUSTER_URLS]);

/* SIGKILL; returns when the process is gone. */
int cluster_kill(struct cluster *cluster, unsigned node);
/* As it was, with its data; returns 0 when it accepts clients. */
int cluster_restart(struct cluster *cluster, unsigned node);

/* Nothing is left: processes, folder. */
void cluster_down(struct cluster *cluster);

#endif
