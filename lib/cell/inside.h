/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inside.h - a cell from the inside: what its process has.
 */
#ifndef WARD_LIB_CELL_INSIDE_H
#define WARD_LIB_CELL_INSIDE_H

#include "cell/shared.h"
#include "pool/pool.h"

/* The cell's thread has it alone. */
struct inside {
	struct cell_shared *shared;
	struct cell_layout layout;
	struct ward_cell_program program;
	struct pool *pool; /* without threads */
	struct ward_request request;
	void *local;
	uint32_t seen; /* 'avail', as it was looked at last */
};

/* From its start hook until it is told to leave, by the calling thread. */
void inside_live(struct inside *me);
/* Of that, the calls. */
void inside_serve(struct inside *me);

#endif
