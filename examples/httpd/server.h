/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - the event loop in front of the pool.
 *
 * One thread, the loop, accepts, reads requests and writes answers, and is the
 * only one to touch libevent's connections.  It never waits for a worker: a
 * request that finds no room in the pool is turned away at once.
 */
#ifndef HTTPD_SERVER_H
#define HTTPD_SERVER_H

#include "finished.h"
#include "options.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <ward/ward.h>

/* L: the loop alone.  I: set by server_open(). */
struct server {
	const struct options *options; /* I */
	struct ward_pool *pool;	       /* I */
	struct ward_cells *cells;      /* I: NULL: none */
	int root;		       /* I: the directory that is served */
	struct finished finished;

	struct event_base *base;	  /* I */
	struct evhttp *http;		  /* I */
	struct evhttp_bound_socket *door; /* L: NULL when closed */
	struct event *bell, *term, *interrupt, *overdue; /* I */

	atomic_uint live;     /* requests in memory */
	atomic_bool draining; /* set by the loop at SIGTERM */
	bool forced;	      /* L: a second SIGTERM, or out of time */

	struct {
		uint64_t requests;    /* that came in */
		uint64_t answered;    /* that were replied to */
		uint64_t lost;	      /* of those: 503, its worker was lost */
		uint64_t turned_away; /* of those: 503, no room */
		uint64_t left;	      /* whose client did not wait */
	} count;		      /* L */
};

/* All in one go; on failure says why and returns a negative errno value. */
int server_open(struct server *server, const struct options *options);
uint16_t server_port(const struct server *server);

/* Serves until a signal ends it. */
void server_run(struct server *server);

/* Ends the pool, audits it and says so.  0: all is in order; 1: it is not. */
int server_close(struct server *server);

/* A request's memory was given back.  Any thread. */
void server_gone(struct server *server);

#endif
