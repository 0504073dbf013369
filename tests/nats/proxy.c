/* SPDX-License-Identifier: BSD-2-Clause */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS = 64, BUFFER = 1 << 16 };

/* One direction of a connection: bytes that were read, and are to be written. */
struct pipe_way {
	char buffer[BUFFER];
	size_t from, to;
};

struct link {
	int fd[2]; /* the client, the server; -1: no connection */
	struct pipe_way way[2];
};

struct proxy {
	int listener, bell;
	uint16_t port, to;
	pthread_t thread;
	pthread_mutex_t lock; /* of the fields below */
	bool hold, end;
	struct link link[LINKS];
};

/* ---- links ------------------------------------------------------------------- */

/* Reset, not closed: bytes that were not read are lost, as where a machine goes. */
static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void link_cut(struct link *link)
{
	reset(link->fd[0]);
	reset(link->fd[1]);
	link->fd[0] = -1;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in at = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct link *link_free(struct proxy *p)
{
	for (unsigned i = 0; i < LINKS; i++)
		if (p->link[i].fd[0] < 0)
			return &p->link[i];
	return NULL;
}

/* A server that is gone refuses the client at once. */
static void link_make(struct proxy *p)
{
	int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct link *link = link_free(p);
	int server;

	if (client < 0)
		return;
	server = link ? connect_to(p->to) : -1;
	if (server < 0) {
		reset(client);
		return;
	}
	fcntl(server, F_SETFL, O_NONBLOCK);
	link->way[0].from = link->way[0].to = 0;
	link->way[1].from = link->way[1].to = 0;
	link->fd[1] = server;
	link->fd[0] = client;
}

/* ---- bytes ------------------------------------------------------------------- */

static bool failed(ssize_t n)
{
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* False: the connection is over. */
static bool way_move(struct pipe_way *way, int from, int to)
{
	ssize_t n;

	if (way->from == way->to) {
		n = read(from, way->buffer, BUFFER);
		if (failed(n))
			return false;
		way->from = 0;
		way->to = n > 0 ? (size_t)n : 0;
	}
	if (way->from == way->to)
		return true;
	n = send(to, way->buffer + way->from, way->to - way->from, MSG_NOSIGNAL);
	if (failed(n))
		return false;
	way->from += n > 0 ? (size_t)n : 0;
	return true;
}

static void link_move(struct link *link)
{
	if (!way_move(&link->way[0], link->fd[0], link->fd[1]) ||
	    !way_move(&link->way[1], link->fd[1], link->fd[0]))
		link_cut(link);
}

/* The events that the end i is polled for. */
static short link_wants(const struct link *link, int i)
{
	const struct pipe_way *in = &link->way[i], *out = &link->way[!i];

	return (short)((in->from == in->to ? POLLIN : 0) |
		       (out->from != out->to ? POLLOUT : 0));
}

/* ---- the thread -------------------------------------------------------------- */

static nfds_t gather(struct proxy *p, struct pollfd *polled)
{
	nfds_t n = 0;

	polled[n++] = (struct pollfd){ .fd = p->bell, .events = POLLIN };
	if (p->hold)
		return n;
	polled[n++] = (struct pollfd){ .fd = p->listener, .events = POLLIN };
	for (unsigned i = 0; i < LINKS; i++)
		for (int k = 0; k < 2 && p->link[i].fd[0] >= 0; k++)
			polled[n++] = (struct pollfd){ .fd = p->link[i].fd[k],
						       .events = link_wants(&p->link[i],
									    k) };
	return n;
}

/* An end that has nothing to move is asked in vain. */
static void serve(struct proxy *p)
{
	for (unsigned i = 0; i < LINKS; i++)
		if (p->link[i].fd[0] >= 0)
			link_move(&p->link[i]);
	link_make(p);
}

static void *run(void *arg)
{
	struct pollfd polled[2 + 2 * LINKS];
	struct proxy *p = arg;
	eventfd_t rung;

	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		nfds_t n = gather(p, polled);

		pthread_mutex_unlock(&p->lock);
		poll(polled, n, -1);
		eventfd_read(p->bell, &rung);
		pthread_mutex_lock(&p->lock);
		if (!p->hold)
			serve(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void ring(struct proxy *p)
{
	eventfd_write(p->bell, 1);
}

/* ---- calls ------------------------------------------------------------------- */

static int listen_on(struct proxy *p)
{
	struct sockaddr_in at = loopback(0);
	socklen_t size = sizeof(at);

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, size) ||
	    listen(p->listener, LINKS) ||
	    getsockname(p->listener, (struct sockaddr *)&at, &size))
		return -1;
	p->port = ntohs(at.sin_port);
	return 0;
}

struct proxy *proxy_up(uint16_t port)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->to = port;
	pthread_mutex_init(&p->lock, NULL);
	for (unsigned i = 0; i < LINKS; i++)
		p->link[i].fd[0] = -1;
	p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->bell >= 0 && !listen_on(p) && !pthread_create(&p->thread, NULL, run, p))
		return p;
	close(p->listener);
	close(p->bell);
	free(p);
	return NULL;
}

uint16_t proxy_port(const struct proxy *p)
{
	return p->port;
}

unsigned proxy_links(struct proxy *p)
{
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < LINKS; i++)
		n += p->link[i].fd[0] >= 0;
	pthread_mutex_unlock(&p->lock);
	return n;
}

unsigned proxy_cut(struct proxy *p)
{
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < LINKS; i++)
		if (p->link[i].fd[0] >= 0) {
			link_cut(&p->link[i]);
			n++;
		}
	pthread_mutex_unlock(&p->lock);
	ring(p);
	return n;
}

static void tell(struct proxy *p, bool *word, bool value)
{
	pthread_mutex_lock(&p->lock);
	*word = value;
	pthread_mutex_unlock(&p->lock);
	ring(p);
}

void proxy_hold(struct proxy *p, bool hold)
{
	tell(p, &p->hold, hold);
}

void proxy_down(struct proxy *p)
{
	tell(p, &p->end, true);
	pthread_join(p->thread, NULL);
	proxy_cut(p);
	close(p->listener);
	close(p->bell);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
