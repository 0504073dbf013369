/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finished.h - the way back: from the pool's threads to the event loop.
 *
 * libevent's objects belong to one thread, the loop.  A worker that finished a
 * request pushes it on this list and rings an eventfd; the loop wakes, takes
 * the whole list and answers each client.  Pushing is lock-free and allocates
 * nothing: the link is in the request.
 *
 *              push   take
 *   push        *      *      any number of threads at once
 *   take               1      the loop alone
 */
#ifndef HTTPD_FINISHED_H
#define HTTPD_FINISHED_H

#include <stdatomic.h>

struct request;

struct finished {
	_Atomic(struct request *) newest;
	int bell; /* an eventfd: readable when the list may have something */
};

/* 0 or a negative errno value. */
int finished_open(struct finished *list);
void finished_close(struct finished *list);

/* Any thread.  The request must stay alive until it has been taken. */
void finished_push(struct finished *list, struct request *req);

/* Wakes the loop without a request. */
void finished_ring(struct finished *list);

/* The loop: all that was pushed, the oldest first, linked by ->next. */
struct request *finished_take(struct finished *list);

#endif
