/* SPDX-License-Identifier: BSD-2-Clause */
#include "cells.h"

#include "faults.h"
#include "request.h"
#include "routes.h"

#include <errno.h>
#include <string.h>

#define ASKED_MOST 16384 /* as many as the headers of a request may have */
#define TEXT_MOST 4096

struct reply {
	int32_t code;
	char text[TEXT_MOST];
};

/* ---- in a cell ------------------------------------------------------------ */

static int reply_with(struct ward_request *request, struct answer *answer)
{
	struct reply *reply = request->out;
	int len = evbuffer_remove(answer->body, reply->text, TEXT_MOST);

	if (len < 0)
		return -ENOMEM;
	reply->code = answer->code;
	request->out_size = (uint32_t)(offsetof(struct reply, text) + (size_t)len);
	return 0;
}

/* The route runs as on a worker: it does not know where it is. */
static int run(struct ward_request *request)
{
	const char *path = request->in;
	struct request req = { .path = path,
			       .query = path + strlen(path) + 1,
			       .file = -1 };
	int err;

	answer_init(&req.answer);
	err = route_find(req.path, true, true)->run(&req);
	if (!err)
		err = reply_with(request, &req.answer);
	answer_clear(&req.answer);
	return err;
}

static int start(void *arg, void **local)
{
	(void)arg;
	(void)local;
	faults_init(); /* a gate of its own, closed for good */
	return 0;
}

/* ---- in the server -------------------------------------------------------- */

int cells_open(struct ward_cells **cells, struct ward_pool *pool,
	       const struct options *options)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;

	program.run = run;
	program.start = start;
	config.program = &program;
	config.cells = options->cells;
	config.depth = 64;
	config.in_max = ASKED_MOST;
	config.out_max = sizeof(struct reply);
	config.name = "httpd";
	return ward_cells_create(cells, pool, &config);
}

static int fill(struct ward_call *call, void *to)
{
	struct request *req = ward_entry(call, struct request, call);

	strcpy(stpcpy(to, req->path) + 1, req->query);
	return 0;
}

int cells_submit(struct ward_cells *cells, struct request *req)
{
	req->call.fill = fill;
	req->call.in_size = (uint32_t)(strlen(req->path) + strlen(req->query) + 2);
	return ward_cells_submit(cells, &req->call, WARD_NOWAIT);
}

/* A cell may be mad: its answer is copied, then looked at. */
int cells_answer(struct request *req)
{
	size_t size = req->call.out_size, head = offsetof(struct reply, text);
	struct reply reply;

	if (size <= head || size > sizeof(reply))
		return -EPROTO;
	memcpy(&reply, req->call.out, size);
	if (reply.code < 200 || reply.code > 599)
		return -EPROTO;
	/* The newline at its end is put there again. */
	return answer_text(&req->answer, reply.code, "%.*s", (int)(size - head - 1),
			   reply.text);
}
