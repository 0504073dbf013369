/* SPDX-License-Identifier: BSD-2-Clause */
#include "cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where it is for users whose PATH has no sbin. */
static const char *const programs[] = { "/usr/sbin/nats-server", "/usr/bin/nats-server",
					"/usr/local/sbin/nats-server",
					"/usr/local/bin/nats-server", NULL };

static const char *program(void)
{
	const char *const *p = programs;

	while (*p && access(*p, X_OK))
		p++;
	return *p;
}

bool cluster_can(void)
{
	return program();
}

/* ---- the keeper -------------------------------------------------------------- */

enum { START = 's', KILL = 'k', LIVES = 'l' };

struct order {
	char what;
	unsigned char node;
};

static void config_path(const struct cluster *c, unsigned node, char path[96])
{
	snprintf(path, 96, "%s/%u.conf", c->dir, node);
}

static pid_t serve(const struct cluster *c, unsigned node)
{
	char path[96];
	pid_t keeper = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	config_path(c, node, path);
	if (getppid() == keeper)
		execl(program(), "nats-server", "-c", path, (char *)NULL);
	_exit(127);
}

static void reap(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static int obey(const struct cluster *c, pid_t *pid, char what, unsigned node)
{
	if (what == START)
		return (*pid = serve(c, node)) > 0 ? 0 : -errno;
	if (what == KILL)
		reap(pid);
	else if (*pid <= 0 || waitpid(*pid, NULL, WNOHANG))
		return -ESRCH;
	return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat, (void)type, (void)ftw;
	return remove(path);
}

/* In a session of its own: what ends the test's group leaves it to clean up. */
static _Noreturn void keep(const struct cluster *c, int orders)
{
	pid_t pid[CLUSTER_NODES] = { 0 };
	struct order order;

	setsid();
	while (recv(orders, &order, sizeof(order), 0) == sizeof(order)) {
		int answer = obey(c, &pid[order.node], order.what, order.node);

		if (send(orders, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	for (unsigned i = 0; i < c->nodes; i++)
		reap(&pid[i]);
	nftw(c->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static int ask(const struct cluster *c, char what, unsigned node)
{
	struct order order = { what, (unsigned char)node };
	int answer;

	if (send(c->orders, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order) ||
	    recv(c->orders, &answer, sizeof(answer), 0) != sizeof(answer))
		return -EPIPE;
	return answer;
}

static int keeper_up(struct cluster *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	c->keeper = fork();
	if (!c->keeper) {
		close(pair[0]);
		keep(c, pair[1]);
	}
	close(pair[1]);
	c->orders = pair[0];
	return c->keeper > 0 ? 0 : -errno;
}

/* ---- ports and configuration ------------------------------------------------- */

static int socket_at(uint16_t port, int (*join)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (join(fd, (struct sockaddr *)&at, sizeof(at))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* Below those that the kernel gives to callers: nobody takes it meanwhile. */
static uint16_t free_port(void)
{
	static uint32_t state;

	for (;;) {
		uint16_t port;
		int fd;

		state = (state ? state : (uint32_t)getpid()) * 1664525u + 1013904223u;
		port = (uint16_t)(10000 + (state >> 8) % 20000);
		fd = socket_at(port, bind);
		if (fd < 0)
			continue;
		close(fd);
		return port;
	}
}

static void put_routes(const struct cluster *c, unsigned node, FILE *out)
{
	fprintf(out, "cluster {\n name: ward\n listen: 127.0.0.1:%u\n no_advertise: true\n"
		     " routes: [ ",
		c->node[node].route);
	for (unsigned i = 0; i < c->nodes; i++)
		if (i != node)
			fprintf(out, "\"nats-route://127.0.0.1:%u\", ", c->node[i].route);
	fprintf(out, "]\n}\n");
}

static int write_config(const struct cluster *c, unsigned node)
{
	char path[96];
	FILE *out;

	config_path(c, node, path);
	out = fopen(path, "we");
	if (!out)
		return -errno;
	fprintf(out,
		"server_name: node%u\nlisten: 127.0.0.1:%u\nlog_file: \"%s/%u.log\"\n"
		"jetstream { store_dir: \"%s/%u\", max_mem: 256M, max_file: 4G }\n",
		node, c->node[node].port, c->dir, node, c->dir, node);
	if (c->nodes > 1)
		put_routes(c, node, out);
	return fclose(out) ? -errno : 0;
}

/* ---- nodes ------------------------------------------------------------------- */

/* Until it accepts clients, or has ended: its port was taken meanwhile. */
static int await_node(const struct cluster *c, unsigned node)
{
	for (int i = 0; i < 6000; i++) {
		int fd = socket_at(c->node[node].port, connect);

		if (fd >= 0)
			return close(fd);
		if (ask(c, LIVES, node))
			return -EADDRINUSE;
		poll(NULL, 0, 5);
	}
	return -ETIMEDOUT;
}

int cluster_kill(struct cluster *c, unsigned node)
{
	return ask(c, KILL, node);
}

int cluster_restart(struct cluster *c, unsigned node)
{
	int err = ask(c, START, node);

	return err ? err : await_node(c, node);
}

static int nodes_up(struct cluster *c)
{
	int err = 0;

	for (unsigned i = 0; i < c->nodes; i++) {
		c->node[i].port = free_port();
		c->node[i].route = free_port();
	}
	for (unsigned i = 0; !err && i < c->nodes; i++)
		err = write_config(c, i);
	for (unsigned i = 0; !err && i < c->nodes; i++)
		err = ask(c, START, i);
	for (unsigned i = 0; !err && i < c->nodes; i++)
		err = await_node(c, i);
	return err;
}

static int up_once(struct cluster *c, unsigned nodes)
{
	const char *tmp = getenv("TMPDIR");
	int err;

	*c = (struct cluster){ .nodes = nodes, .orders = -1 };
	snprintf(c->dir, sizeof(c->dir), "%.32s/ward-nats.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(c->dir))
		return -errno;
	err = keeper_up(c);
	if (!err)
		err = nodes_up(c);
	if (err)
		cluster_down(c);
	return err;
}

int cluster_up(struct cluster *c, unsigned nodes)
{
	int err = -EADDRINUSE;

	for (int i = 0; i < 5 && err == -EADDRINUSE; i++)
		err = up_once(c, nodes);
	return err;
}

void cluster_urls(const struct cluster *c, char urls[CLUSTER_URLS])
{
	int n = 0;

	for (unsigned i = 0; i < c->nodes; i++)
		n += snprintf(urls + n, (size_t)(CLUSTER_URLS - n), "%snats://127.0.0.1:%u",
			      i ? "," : "", c->node[i].port);
}

void cluster_down(struct cluster *c)
{
	close(c->orders);
	if (c->keeper > 0)
		waitpid(c->keeper, NULL, 0);
	else
		rmdir(c->dir);
}
