/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include "cells.h"
#include "faults.h"
#include "files.h"
#include "pool.h"
#include "request.h"
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IDLE_S 60 /* a client that says nothing for so long is let go */
#define HEADERS_MOST 16384
#define BODY_MOST 65536
#define METHODS                                                                \
	(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | \
	 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |           \
	 EVHTTP_REQ_PATCH)

static bool is_draining(const struct server *server)
{
	return atomic_load_explicit(&server->draining, memory_order_relaxed);
}

static unsigned living(const struct server *server)
{
	return atomic_load_explicit(&server->live, memory_order_seq_cst);
}

/* ---- answering ------------------------------------------------------------ */

/* The answer to a request that has none of its own. */
static int excuse(struct request *req, struct answer *answer)
{
	switch (req->status) {
	case -ETIME:
	case -EOWNERDEAD:
		req->server->count.lost++;
		if (answer_text(answer, 503,
				"503 the worker of this request %s, "
				"incident %llu",
				req->status == -ETIME ? "stalled" : "died",
				(unsigned long long)req->incident))
			return -ENOMEM;
		return answer_header(answer, "Ward-Incident", "%llu",
				     (unsigned long long)req->incident);
	case -EAGAIN:
		req->server->count.turned_away++;
		if (answer_text(answer, 503, "503 too busy"))
			return -ENOMEM;
		return answer_header(answer, "Retry-After", "1");
	case -ESHUTDOWN:
	case -ECANCELED:
		return answer_text(answer, 503, "503 the server is stopping");
	default:
		return answer_text(answer, 500, "500 %s",
				   strerror(-req->status));
	}
}

static void reply(struct request *req)
{
	struct evhttp_request *http = req->http;
	struct server *server = req->server;
	struct answer instead;

	answer_init(&instead);
	if (req->status < 0 && excuse(req, &instead)) {
		answer_clear(&instead);
		instead.code = 503; /* no memory even for an excuse */
	}
	if (is_draining(server))
		evhttp_add_header(evhttp_request_get_output_headers(http),
				  "Connection", "close");
	server->count.answered++;
	req->replied = true;
	answer_send(req->status < 0 ? &instead : &req->answer, http, req->head);
}

/* The reply has left: the connection may bring another request. */
static void on_sent(struct evhttp_request *http, void *arg)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(http);

	evhttp_connection_set_closecb(conn, NULL, NULL);
	request_drop(arg);
}

/* The client has left.  A worker may still be busy with the request. */
static void on_close(struct evhttp_connection *conn, void *arg)
{
	struct request *req = arg;
	struct evhttp_request *http = req->http;

	(void)conn;
	req->http = NULL;
	if (req->replied) {
		request_drop(req);
		return;
	}
	req->server->count.left++;
	/* If libevent has already let it go, it is ours to free. */
	if (!evhttp_request_get_connection(http))
		evhttp_request_free(http);
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	struct request *req, *next;

	(void)fd;
	(void)what;
	for (req = finished_take(&server->finished); req; req = next) {
		next = req->next;
		if (req->http)
			reply(req);
		else
			request_drop(req);
	}
	if (is_draining(server) && !living(server))
		event_base_loopbreak(server->base);
}

/* ---- asking --------------------------------------------------------------- */

/* Answered right here, without a request of ours. */
static void refuse(struct evhttp_request *http, int code, const char *text,
		   const char *allow)
{
	bool head = evhttp_request_get_command(http) == EVHTTP_REQ_HEAD;
	struct answer answer;

	answer_init(&answer);
	(void)answer_text(&answer, code, "%d %s", code, text);
	if (allow)
		(void)answer_header(&answer, "Allow", "%s", allow);
	answer_send(&answer, http, head);
}

static void submit(struct request *req)
{
	struct server *server = req->server;
	int err;

	request_hold(req); /* the pool's */
	if (server->cells && req->route->in_cell)
		err = cells_submit(server->cells, req);
	else
		err = ward_submit(server->pool, &req->call.task, WARD_NOWAIT);
	if (!err)
		return; /* req->status is done()'s */
	request_drop(req);
	req->status = err;
	reply(req);
}

static void on_request(struct evhttp_request *http, void *arg)
{
	struct server *server = arg;
	enum evhttp_cmd_type method = evhttp_request_get_command(http);
	struct request *req;

	server->count.requests++;
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		refuse(http, 405, "method not allowed", "GET, HEAD");
		return;
	}
	req = request_new(server, http);
	if (!req) {
		refuse(http, 503, "no memory", NULL);
		return;
	}
	atomic_fetch_add_explicit(&server->live, 1, memory_order_relaxed);
	evhttp_connection_set_closecb(evhttp_request_get_connection(http),
				      on_close, req);
	evhttp_request_set_on_complete_cb(http, on_sent, req);
	request_route(req, route_find(req->path, server->options->faults,
					  server->cells));
	if (req->route->on_loop) {
		req->status = req->route->run(req);
		reply(req);
	} else {
		submit(req);
	}
}

/* ---- ending --------------------------------------------------------------- */

void server_gone(struct server *server)
{
	/*
	 * [D] The last one rings, if the loop waits for it: either it sees
	 * 'draining', or the loop, which set that first, sees no one alive.
	 */
	if (atomic_fetch_sub_explicit(&server->live, 1, memory_order_seq_cst) ==
		    1 &&
	    atomic_load_explicit(&server->draining, memory_order_seq_cst))
		finished_ring(&server->finished);
}

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	server->forced = true;
	event_base_loopbreak(server->base);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	uint32_t ms = server->options->drain_ms;
	const struct timeval patience = { ms / 1000, ms % 1000 * 1000 };

	if (is_draining(server)) {
		on_overdue(fd, what, arg);
		return;
	}
	evhttp_del_accept_socket(server->http, server->door);
	server->door = NULL;
	event_add(server->overdue, &patience);
	atomic_store_explicit(&server->draining, true,
			      memory_order_seq_cst); /* [D] */
	if (!living(server))
		event_base_loopbreak(server->base);
}

int server_close(struct server *server)
{
	unsigned live;
	bool sound;
	int out;

	sound = pool_settle(server->pool, !server->forced);
	/* Clients that still wait see their connection close. */
	evhttp_free(server->http);
	if (server->cells)
		ward_cells_destroy(server->cells, ward_in(WARD_MS(500)));
	out = ward_pool_destroy(server->pool, ward_in(WARD_MS(500)));
	on_finished(-1, 0, server);
	live = living(server);
	printf("httpd: %s: %llu requests, %llu lost their worker, "
	       "%llu turned away\n",
	       server->forced ? "forced" : "drained",
	       (unsigned long long)server->count.requests,
	       (unsigned long long)server->count.lost,
	       (unsigned long long)server->count.turned_away);
	if (out)
		printf("httpd: %d threads still inside requests\n", out);
	if (!out && live)
		printf("httpd: %u requests never came back\n", live);
	fflush(stdout);
	if (out)
		return 1; /* they may still push and ring */
	event_free(server->bell);
	event_free(server->term);
	event_free(server->interrupt);
	event_free(server->overdue);
	event_base_free(server->base);
	finished_close(&server->finished);
	close(server->root);
	return !sound || live || server->forced;
}

/* ---- beginning ------------------------------------------------------------ */

static int open_loop(struct server *server)
{
	struct event_config *how = event_config_new();

	if (!how)
		return -ENOMEM;
	/* One thread, and fewer system calls per request. */
	event_config_set_flag(how, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(how, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	server->base = event_base_new_with_config(how);
	event_config_free(how);
	if (!server->base)
		return -ENOMEM;
	server->bell = event_new(server->base, server->finished.bell,
				 EV_READ | EV_PERSIST, on_finished, server);
	server->term = evsignal_new(server->base, SIGTERM, on_term, server);
	server->interrupt = evsignal_new(server->base, SIGINT, on_term, server);
	server->overdue = evtimer_new(server->base, on_overdue, server);
	if (!server->bell || !server->term || !server->interrupt ||
	    !server->overdue || event_add(server->bell, NULL) ||
	    event_add(server->term, NULL) || event_add(server->interrupt, NULL))
		return -ENOMEM;
	return 0;
}

static int open_door(struct server *server)
{
	const struct options *o = server->options;
	int one = 1;

	server->http = evhttp_new(server->base);
	if (!server->http)
		return -ENOMEM;
	evhttp_set_timeout(server->http, IDLE_S);
	evhttp_set_max_headers_size(server->http, HEADERS_MOST);
	evhttp_set_max_body_size(server->http, BODY_MOST);
	evhttp_set_allowed_methods(server->http, METHODS);
	evhttp_set_gencb(server->http, on_request, server);
	errno = 0;
	server->door =
		evhttp_bind_socket_with_handle(server->http, o->bind, o->port);
	if (!server->door)
		return errno ? -errno : -EADDRNOTAVAIL;
	/* Connections inherit it: an answer never waits for a longer one. */
	setsockopt(evhttp_bound_socket_get_fd(server->door), IPPROTO_TCP,
		   TCP_NODELAY, &one, sizeof(one));
	return 0;
}

uint16_t server_port(const struct server *server)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);

	if (getsockname(evhttp_bound_socket_get_fd(server->door),
			(struct sockaddr *)&at, &len))
		return 0;
	return ntohs(at.ss_family == AF_INET6
			     ? ((struct sockaddr_in6 *)&at)->sin6_port
			     : ((struct sockaddr_in *)&at)->sin_port);
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "httpd: %s: %s\n", what, strerror(-err));
	return err;
}

int server_open(struct server *server, const struct options *options)
{
	int err;

	*server = (struct server){ .options = options };
	signal(SIGPIPE, SIG_IGN);
	server->root = files_open_root(options->root);
	if (server->root < 0)
		return complain(options->root, server->root);
	err = finished_open(&server->finished);
	if (err)
		return complain("eventfd", err);
	err = open_loop(server);
	if (err)
		return complain("event loop", err);
	err = open_door(server);
	if (err)
		return complain(options->bind, err);
	err = pool_open(&server->pool, options);
	if (err)
		return complain("pool", err);
	if (options->cells)
		err = cells_open(&server->cells, server->pool, options);
	if (err)
		return complain("cells", err);
	if (options->faults)
		faults_init();
	return 0;
}

void server_run(struct server *server)
{
	event_base_dispatch(server->base);
}
