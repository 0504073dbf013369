/* SPDX-License-Identifier: BSD-2-Clause */
#include "request.h"

#include "cells.h"
#include "routes.h"
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- life ----------------------------------------------------------------- */

void request_hold(struct request *req)
{
	atomic_fetch_add_explicit(&req->holds, 1, memory_order_relaxed);
}

void request_drop(struct request *req)
{
	struct server *server = req->server;

	/* [H] whatever either holder did comes before the freeing. */
	if (atomic_fetch_sub_explicit(&req->holds, 1, memory_order_acq_rel) > 1)
		return;
	answer_clear(&req->answer);
	if (req->file >= 0)
		close(req->file);
	free(req);
	server_gone(server);
}

/* ---- what the pool calls -------------------------------------------------- */

static int request_run(struct ward_task *task)
{
	struct request *req = ward_entry(task, struct request, call.task);

	return req->route->run(req);
}

static void finish(struct request *req, int status)
{
	req->status = status;
	if (status < 0) {
		req->incident = ward_incident(&req->call.task);
		atomic_store_explicit(&req->revoked, true,
				      memory_order_relaxed);
	}
	finished_push(&req->server->finished, req);
}

static void request_done(struct ward_task *task, int status)
{
	finish(ward_entry(task, struct request, call.task), status);
}

static void request_release(struct ward_task *task)
{
	request_drop(ward_entry(task, struct request, call.task));
}

/* The same of a request that ran in a cell. */
static void request_called(struct ward_call *call, int status)
{
	struct request *req = ward_entry(call, struct request, call);

	finish(req, status ? status : cells_answer(req));
}

static void request_left(struct ward_call *call)
{
	request_drop(ward_entry(call, struct request, call));
}

/* ---- what the client said ------------------------------------------------- */

/*
 * Cuts the target into path and query.  libevent's parser would take the first
 * part of "//name/file" for a host, which it is not in a request.
 */
static void split(struct request *req, char *target)
{
	char *query = target + strcspn(target, "?");
	char *path = target;

	if (*query)
		*query++ = '\0';
	req->query = query;
	if (*path != '/') { /* http://host/path, as proxies are asked */
		path = strstr(path, "://");
		path = path ? strchr(path + 3, '/') : NULL;
	}
	req->path = path ? path : "";
}

static time_t parse_date(const char *text)
{
	struct tm utc = { 0 };
	const char *end;

	if (!text)
		return 0;
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	return end && !*end ? timegm(&utc) : 0;
}

struct request *request_new(struct server *server, struct evhttp_request *http)
{
	const struct evkeyvalq *in = evhttp_request_get_input_headers(http);
	const char *target = evhttp_request_get_uri(http);
	const char *range = evhttp_find_header(in, "Range");
	size_t target_size = strlen(target) + 1, range_size;
	struct request *req;

	/* A condition on the range would need an entity tag: send it whole. */
	if (evhttp_find_header(in, "If-Range"))
		range = NULL;
	range_size = range ? strlen(range) + 1 : 0;
	req = calloc(1, sizeof(*req) + target_size + range_size);
	if (!req)
		return NULL;
	split(req, memcpy(req->text, target, target_size));
	if (range)
		req->range = memcpy(req->text + target_size, range, range_size);
	req->since = parse_date(evhttp_find_header(in, "If-Modified-Since"));
	req->head = evhttp_request_get_command(http) == EVHTTP_REQ_HEAD;

	req->server = server;
	req->http = http;
	req->file = -1;
	answer_init(&req->answer);
	atomic_init(&req->holds, 1);
	atomic_init(&req->revoked, false);
	req->call.task.run = request_run;
	req->call.task.done = request_done;
	req->call.task.release = request_release;
	req->call.done = request_called;
	req->call.release = request_left;
	return req;
}

void request_route(struct request *req, const struct route *route)
{
	req->route = route;
	req->call.task.name = route->name;
}

/* ---- the query ------------------------------------------------------------ */

/* The value after "name=", up to '&' or the end; NULL if there is none. */
static const char *find(const char *query, const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (; *query; query += *query == '&') {
		size_t part = strcspn(query, "&");

		if (part > n && !memcmp(query, name, n) && query[n] == '=') {
			*len = part - n - 1;
			return query + n + 1;
		}
		query += part;
	}
	return NULL;
}

bool request_says(const struct request *req, const char *name,
		  const char *value)
{
	size_t len;
	const char *text = find(req->query, name, &len);

	return text && len == strlen(value) && !memcmp(text, value, len);
}

int request_number(const struct request *req, const char *name, uint64_t other,
		   uint64_t least, uint64_t most, uint64_t *value)
{
	uint64_t n = 0;
	size_t len;
	const char *text = find(req->query, name, &len);

	if (!text) {
		*value = other;
		return 0;
	}
	if (!len || len > 18 || strspn(text, "0123456789") < len)
		return -EINVAL;
	while (len--)
		n = n * 10 + (uint64_t)(*text++ - '0');
	if (n < least || n > most)
		return -EINVAL;
	*value = n;
	return 0;
}
