/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * routes.h - which path is answered by what.
 */
#ifndef HTTPD_ROUTES_H
#define HTTPD_ROUTES_H

#include <stdbool.h>

struct request;

struct route {
	const char *path; /* as in the request, not decoded */
	const char *name; /* for reports */
	/*
	 * Fills req->answer.  0, or a negative errno value: the client gets an
	 * error and the answer is thrown away.
	 */
	int (*run)(struct request *req);
	/*
	 * Answered on the loop: routes that must answer also when no worker is free.
	 * Such a route never waits.
	 */
	bool on_loop;
	bool fault;	/* only with --faults */
	bool in_cell;	/* with --cells: there */
	bool only_cell; /* and without, nowhere */
};

/* Never NULL: a path that is nothing else is a file, and "" is refused. */
const struct route *route_find(const char *path, bool faults, bool cells);

#endif
