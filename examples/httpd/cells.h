/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells.h - with --cells: requests that run in processes of their own.
 *
 * A cell is a copy of this program as it was at its start.  It is sent a request's path and
 * query, answers with a code and a text, and may die of it: that is 503 for this request,
 * and nothing for the others.
 */
#ifndef HTTPD_CELLS_H
#define HTTPD_CELLS_H

#include "options.h"

#include <ward/ward.h>

struct request;

/* 0 or a negative errno value. */
int cells_open(struct ward_cells **cells, struct ward_pool *pool,
	       const struct options *options);
/* As ward_submit(). */
int cells_submit(struct ward_cells *cells, struct request *req);
/* In done(0) of a request's call: its answer.  0 or a negative errno value. */
int cells_answer(struct request *req);

#endif
