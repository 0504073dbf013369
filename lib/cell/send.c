/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send.c - a call's way into a cell: a descriptor is taken and filled, and its number put.
 *
 * One thread at a time puts into a cell's ring, by a claim that is only tried.  A thread
 * that does not get it leaves its number to the holder (entered), who looks after it has
 * dropped the claim: so a submitter waits for nobody.
 */
#include "cell/cell.h"
#include <string.h>

/* ---- which cell -------------------------------------------------------------------------- */

static uint32_t one_less_out(struct cell *cell)
{
	uint32_t out = sub_acq_rel(&cell->out, 1) - 1;

	if (!out && cell_state(cell) == CELL_DEAD)
		cells_wake(cell->cells); /* it may be buried */
	return out;
}

/*
 * Once for half of the descriptors, as by a ring; and where no call is left that would
 * bring more.  What else may be missed is told by the next scan.
 */
static void tell_room(struct cell *cell, uint32_t out)
{
	if (out == cell->cells->layout.depth / 2 || !cell_load(cell))
		wait_tell(&cell->cells->room); /* [kr] */
}

/* Counted as out before the look at the cell: so it is not buried meanwhile. */
static struct desc *take_of(struct cell *cell)
{
	uint32_t number;

	add_acq_rel(&cell->out, 1);
	barrier_seq_cst(); /* [kf] out | at work? */
	if (likely(cell_state(cell) == CELL_WORKING) &&
	    (number = stack_pop(&cell->free)) != STACK_NONE) {
		store_relaxed(&cell->desc[number].state, DESC_HELD);
		return &cell->desc[number];
	}
	one_less_out(cell);
	return NULL;
}

static uint32_t mix(uint64_t value)
{
	return (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

/* The less loaded of two that are drawn (Mitzenmacher, 2001). */
static uint32_t draw(struct ward_cells *cells, const struct ward_call *call)
{
	uint32_t drawn = mix((uintptr_t)call + load_relaxed(&cells->calls));
	uint32_t a = drawn % cells->wanted, b = (drawn >> 12) % cells->wanted;
	struct cell *first = load_acquire(&cells->working[a]);
	struct cell *second = load_acquire(&cells->working[b]);

	if (!first || !second)
		return first ? a : b;
	return cell_load(first) <= cell_load(second) ? a : b;
}

struct desc *send_take(struct ward_cells *cells, const struct ward_call *call)
{
	uint32_t at = cells->wanted > 1 ? draw(cells, call) : 0;
	struct desc *desc = NULL;

	for (uint32_t i = 0; i < cells->wanted && !desc; i++) {
		uint32_t k = (at + i) % cells->wanted;
		struct cell *cell = load_acquire(&cells->working[k]);

		if (cell)
			desc = take_of(cell);
	}
	return desc;
}

void send_drop(struct desc *desc)
{
	struct cell *cell = desc->cell;

	desc->call = NULL;
	store_relaxed(&desc->state, DESC_FREE);
	stack_push(&cell->free, desc->number);
	tell_room(cell, one_less_out(cell));
}

/* ---- filled -------------------------------------------------------------------------------- */

/* When the cell is to hear of it by itself; 0: no such time. */
static int64_t deadline(const struct ward_call *call)
{
	ward_ns by = call->task.cancel ? cancel_by(call->task.cancel) :
					 HOST_FOREVER;

	return by == HOST_FOREVER ? 0 : by ? (int64_t)by : 1;
}

int send_fill(struct desc *desc, struct ward_call *call)
{
	const struct cell_layout *layout = &desc->cell->cells->layout;
	struct cell_head *head =
		cell_head(desc->cell->shared, layout, desc->number);
	int64_t by = deadline(call);

	desc->call = call;
	head->in_size = call->in_size;
	head->attempt = task_attempt(load_relaxed(&task_priv(&call->task)->word));
	if (unlikely(by || desc->told))
		store_relaxed(&token_of(&cell_words(head, layout)->token)->state,
			      by);
	desc->told = by != 0;
	if (call->fill)
		return call->fill(call, cell_in(head));
	if (call->in_size)
		memcpy(cell_in(head), call->in, call->in_size);
	return 0;
}

/* ---- put ------------------------------------------------------------------------------------- */

/* The claim is the caller's. */
static void put(struct cell *cell, struct desc *desc)
{
	uint32_t depth = cell->cells->layout.depth;
	uint32_t sent = load_relaxed(&cell->sent);

	desc->at = sent;
	cell->avail[sent & (depth - 1)] = desc->number;
	store_relaxed(cell_avail(cell->shared, depth, sent), desc->number);
	store_release(&desc->state, DESC_SENT);
	store_relaxed(&cell->sent, sent + 1);
	store_release(&cell->shared->avail, sent + 1); /* [ka] */
}

static bool claim(struct cell *cell)
{
	uint32_t none = 0;

	return load_relaxed(&cell->claim) == 0 &&
	       cas_acquire(&cell->claim, &none, 1); /* [P] */
}

/* What others have left meanwhile.  The cell that takes no more is the collector's. */
static void put_entered(struct cell *cell)
{
	uint32_t number;

	while (cell_state(cell) == CELL_WORKING && /* [kf] */
	       (number = stack_pop(&cell->entered)) != STACK_NONE)
		put(cell, &cell->desc[number]);
}

static bool anybody_entered(const struct cell *cell)
{
	return unlikely((uint32_t)load_relaxed(&cell->entered.top) != 0);
}

void send_ring(struct cell *cell)
{
	if (!load_relaxed(&cell->shared->asleep)) /* [kc] */
		return;
	add_relaxed(&cell->shared->rung, 1);
	host_wake_shared(&cell->shared->rung, 1);
}

/* Drops the claim, and sees to what came meanwhile, and to a cell that sleeps. */
static void drop(struct cell *cell)
{
	do {
		store_release(&cell->claim, 0); /* [P] */
		barrier_seq_cst(); /* [kc] [kw] published | asleep; [ke] free | entered */
		if (likely(!anybody_entered(cell)) ||
		    cell_state(cell) != CELL_WORKING || !claim(cell))
			break;
		put_entered(cell);
	} while (true);
	send_ring(cell);
	if (unlikely(anybody_entered(cell) || load_relaxed(&cell->cells->asleep))) /* [kw] */
		cells_wake(cell->cells);
}

void send_post(struct desc *desc)
{
	struct cell *cell = desc->cell;

	if (likely(claim(cell))) {
		if (likely(cell_state(cell) == CELL_WORKING)) { /* [kf] */
			put(cell, desc);
			drop(cell);
			return;
		}
		store_release(&cell->claim, 0); /* [P] */
	}
	stack_push(&cell->entered, desc->number);
	barrier_seq_cst(); /* [ke] entered | the claim is free */
	if (claim(cell)) {
		put_entered(cell);
		drop(cell);
	} else if (cell_state(cell) != CELL_WORKING) {
		cells_wake(cell->cells);
	}
}
