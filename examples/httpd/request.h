/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.h - one request: a task of the pool and a client that waits.  With --cells it
 * may be a call of a cell; the pool's task then, too.
 *
 * Its way:
 *
 *	loop    request_new() -> ward_submit()
 *	worker                    request_run() fills ->answer
 *	pool                      request_done() says how it ended -> finished
 *	loop                      answers the client, drops its hold
 *	pool                      request_release() drops the pool's hold
 *
 * Two hold a request, and their endings come in either order: the loop holds it
 * until the client was answered or has left, the pool until no thread is inside
 * request_run() any more.  The last one frees it.
 *
 * When a worker is lost, done() comes while its thread may still be running in
 * here.  From then on ->answer belongs to that lost attempt: the loop does not
 * look at it and tells the client of the incident instead.
 */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include "answer.h"

#include <stdatomic.h>
#include <ward/ward.h>

struct route;
struct server;

/*
 * I: set before it is submitted.  L: the loop alone.  R: the thread inside
 * request_run(); after done(0), the loop.  D: written by done(), then read by
 * the loop.
 */
struct request {
	struct ward_call call;	   /* and in it the task */
	struct request *next;	   /* D: the list of finished requests */
	struct server *server;	   /* I */
	const struct route *route; /* I */
	atomic_uint holds;	   /* the loop's and the pool's */
	atomic_bool revoked;	   /* set by done(): run()'s answer is void */

	struct evhttp_request *http; /* L: NULL when the client has left */
	bool replied;		     /* L */

	bool head;		  /* I: HEAD, not GET */
	const char *path, *query; /* I: not decoded; "" if there is none */
	const char *range;	  /* I: the Range header, or NULL */
	time_t since;		  /* I: If-Modified-Since, or 0 */

	struct answer answer; /* R */
	int file;	      /* R: an open descriptor, or -1 */

	int status;	   /* D: what done() was told */
	uint64_t incident; /* D: the report's id if it was lost */

	char text[]; /* the target and the range, copied */
};

/*
 * The loop holds it.  NULL: no memory.  Its path is "" if the client did not
 * name one, and its route is still to be set.
 */
struct request *request_new(struct server *server, struct evhttp_request *http);
void request_route(struct request *req, const struct route *route);
void request_hold(struct request *req);
void request_drop(struct request *req);

/* True once this attempt has lost the right to answer. */
static inline bool request_revoked(struct request *req)
{
	return atomic_load_explicit(&req->revoked, memory_order_relaxed);
}

/*
 * The number that the query gives for 'name', or 'other' where it says nothing.
 * -EINVAL: no number, or not within least..most.
 */
int request_number(const struct request *req, const char *name, uint64_t other,
		   uint64_t least, uint64_t most, uint64_t *value);
/* Whether the query says name=value. */
bool request_says(const struct request *req, const char *name,
		  const char *value);

#endif
