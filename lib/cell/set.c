/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * set.c - the memory of a set of cells: it stays for its owner, its collector, and each call
 * that is not released.
 */
#include "cell/cell.h"

/* ---- made, and freed ------------------------------------------------------------- */

static void free_cell(struct cell *cell, uint32_t depth)
{
	host_segment_free(&cell->segment);
	host_stat_close(&cell->files);
	host_free(cell->desc, depth * sizeof(*cell->desc));
	host_free(cell->avail, depth * sizeof(*cell->avail));
	host_free(cell->free.next, depth * sizeof(*cell->free.next));
}

static void free_cells(struct ward_cells *cells)
{
	cells->magic = HANDLE_DEAD;
	for_each_cell(cell, cells)
		free_cell(cell, cells->layout.depth);
	if (cells->pool)
		pool_put(cells->pool);
	host_free(cells, sizeof(*cells));
}

void cells_put(struct ward_cells *cells)
{
	if (sub_acq_rel(&cells->refs, 1) == 1)
		free_cells(cells);
}

/* 'next' is one array for both stacks: a number is on one at most. */
static int set_cell(struct ward_cells *cells, struct cell *cell)
{
	uint32_t depth = cells->layout.depth;
	_Atomic uint32_t *next = host_alloc(depth * sizeof(*next));

	cell->cells = cells;
	cell->process.fd = cell->segment.fd = -1;
	cell->files = host_stat_of(0);
	cell->desc = host_alloc(depth * sizeof(*cell->desc));
	cell->avail = host_alloc(depth * sizeof(*cell->avail));
	stack_init(&cell->free, next);
	stack_init(&cell->entered, next);
	store_relaxed(&cell->claim, CLAIM_KEPT);
	cell->mine = STACK_NONE;
	if (!next || !cell->desc || !cell->avail)
		return -ENOMEM;
	for (uint32_t i = depth; i-- > 0;) {
		cell->desc[i].cell = cell;
		cell->desc[i].number = i;
		stack_push(&cell->free, i);
	}
	return 0;
}

int set_make(struct ward_cells *cells)
{
	int err = 0;

	for_each_cell(cell, cells)
		if (!err)
			err = set_cell(cells, cell);
	return err;
}

/* ---- calls ----------------------------------------------------------------------- */

/* The owner may wait for this, or have left. */
static cold void leave_closed(struct ward_cells *cells)
{
	add_acq_rel(&cells->refs, 1);
	stripes_add(&cells->out, 1);
	barrier_seq_cst(); /* [kx] the last | the owner has left? */
	wait_wake(&cells->idle);
	if (load_acquire(&cells->left) && !cells_calls(cells) &&
	    swap_acq_rel(&cells->left, 0))
		cells_put(cells);
	cells_put(cells);
}

void cells_leave(struct ward_cells *cells)
{
	if (unlikely(load_acquire(&cells->closed)))
		leave_closed(cells);
	else
		stripes_add(&cells->out, 1); /* the last step with it */
}

uint64_t set_leave(struct ward_cells *cells)
{
	uint64_t left;

	add_acq_rel(&cells->refs, 1);
	store_release(&cells->left, 1);
	barrier_seq_cst(); /* [kx] the owner leaves | the last */
	left = cells_calls(cells);
	if (!left && swap_acq_rel(&cells->left, 0))
		cells_put(cells);
	return left;
}

