/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send.c - a call's way into a cell: a descriptor is taken and filled, and its number put.
 *
 * One thread at a time takes from and puts into a cell, by a claim that is only tried.  A
 * thread that has filled a descriptor and does not get it leaves the number to the holder
 * (entered), who looks after it has dropped the claim: so a submitter waits for nobody.
 */
#include "cell/cell.h"
#include <string.h>

enum { QUICK = 1024 }; /* bytes that are copied while the claim is held */

/* ---- the claim ------------------------------------------------------------------- */

static bool claim(struct cell *cell)
{
	uint32_t none = 0;

	return load_relaxed(&cell->claim) == 0 &&
	       cas_acquire(&cell->claim, &none, 1); /* [P] */
}

static void put(struct cell *cell, struct desc *desc)
{
	uint32_t depth = cell->cells->layout.depth;
	uint32_t sent = load_relaxed(&cell->sent);

	desc->at = sent;
	cell->avail[sent & (depth - 1)] = desc->number;
	store_relaxed(cell_avail(cell->shared, depth, sent), desc->number);
	store_release(&desc->state, DESC_SENT); /* [ka] for the collector, */
	store_release(&cell->sent, sent + 1);	/* [ka] which may take it back */
	store_release(&cell->shared->avail, sent + 1); /* [ka] */
}

/* Numbers that others have left.  A cell that takes no more is the collector's. */
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

static void send_ring(struct cell *cell)
{
	if (likely(!load_relaxed(&cell->shared->asleep))) /* [kc] */
		return;
	add_relaxed(&cell->shared->rung, 1);
	host_wake_shared(&cell->shared->rung, 1);
}

/* A waiter that met the claim took it for a cell without room. */
static bool missed_room(const struct cell *cell, bool mine)
{
	return unlikely(load_relaxed(&cell->cells->room.inside)) && /* [kr] */
	       (mine || (uint32_t)load_relaxed(&cell->free.top));
}

/*
 * Drops the claim, and sees to what came meanwhile, to a cell that sleeps, and to those
 * that wait for room.
 */
static void drop(struct cell *cell)
{
	bool mine;

	do {
		mine = cell->mine != STACK_NONE;
		store_release(&cell->claim, 0); /* [P] */
		/* [kc] [kw] published | asleep; [ke] free | entered; [kr] free | waits */
		barrier_seq_cst();
		if (likely(!anybody_entered(cell)) ||
		    cell_state(cell) != CELL_WORKING || !claim(cell))
			break;
		put_entered(cell);
	} while (true);
	send_ring(cell);
	if (missed_room(cell, mine))
		wait_wake(&cell->cells->room);
	if (unlikely(anybody_entered(cell) || load_relaxed(&cell->cells->asleep))) /* [kw] */
		cells_wake(cell->cells);
}

/* ---- descriptors ----------------------------------------------------------------- */

/* By the holder of the claim: those that were given back come to it all at once. */
static struct desc *take_free(struct cell *cell)
{
	uint32_t number = cell->mine;

	if (number == STACK_NONE)
		number = stack_take(&cell->free);
	if (number == STACK_NONE)
		return NULL;
	cell->mine = stack_after(&cell->free, number);
	return &cell->desc[number];
}

static struct desc *take_claimed(struct cell *cell)
{
	struct desc *desc = NULL;

	if (likely(cell_state(cell) == CELL_WORKING)) /* [kf] */
		desc = take_free(cell);
	if (likely(desc))
		store_relaxed(&desc->state, DESC_HELD);
	return desc;
}

static struct desc *take_of(struct cell *cell)
{
	struct desc *desc;

	if (!claim(cell))
		return NULL;
	desc = take_claimed(cell);
	drop(cell);
	return desc;
}

bool send_take_all(struct cell *cell)
{
	uint32_t all = STACK_NONE, n = 0;
	struct desc *desc;

	add_acq_rel(&cell->free.top, 0); /* [kn] it has ended | what is given back? */
	while ((desc = take_free(cell))) {
		store_relaxed(&cell->free.next[desc->number], all + 1);
		all = desc->number;
		n++;
	}
	cell->mine = all;
	return n == cell->cells->layout.depth;
}

void send_drop(struct desc *desc)
{
	struct cell *cell = desc->cell;
	struct ward_cells *cells = cell->cells;

	/* An answered one stays so: its line is the collector's, and the next submitter's. */
	if (unlikely(load_relaxed(&desc->state) == DESC_HELD))
		store_relaxed(&desc->state, DESC_FREE);
	stack_push(&cell->free, desc->number); /* [kn] given back | has it ended? */
	if (unlikely(cell_state(cell) == CELL_DEAD))
		cells_wake(cells); /* it may be buried */
	if (unlikely(wait_anybody(&cells->room)) && /* [kr] */
	    cell_load(cell) <= cells->layout.depth / 2)
		wait_wake(&cells->room);
}

/* ---- which cell ------------------------------------------------------------------ */

static uint32_t mix(uint64_t value)
{
	return (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

/* The less loaded of two that are drawn (Mitzenmacher, 2001). */
static uint32_t draw(struct ward_cells *cells, const struct ward_call *call)
{
	struct cell *any = load_acquire(&cells->working[0]);
	uint32_t drawn = mix((uintptr_t)call + (any ? load_relaxed(&any->sent) : 0));
	uint32_t a = drawn % cells->wanted, b = (drawn >> 12) % cells->wanted;
	struct cell *first = load_acquire(&cells->working[a]);
	struct cell *second = load_acquire(&cells->working[b]);

	if (!first || !second)
		return first ? a : b;
	return cell_load(first) <= cell_load(second) ? a : b;
}

/* The cells at work, from the drawn one on; NULL is passed over. */
#define for_each_working(cell_, cells, call)                                     \
	for (uint32_t at_ = (cells)->wanted > 1 ? draw(cells, call) : 0, i_ = 0; \
	     i_ < (cells)->wanted; i_++, at_ = (at_ + 1) % (cells)->wanted)      \
		for (struct cell *cell_ = load_acquire(&(cells)->working[at_]);  \
		     cell_; cell_ = NULL)

struct desc *send_take(struct ward_cells *cells, const struct ward_call *call,
		       const struct cell *but)
{
	struct desc *desc;

	for_each_working(cell, cells, call)
		if (cell != but && (desc = take_of(cell)))
			return desc;
	return NULL;
}

/* ---- filled and put -------------------------------------------------------------- */

/*
 * Nothing is said about the task that would have its worker look twice: it ends as any
 * task does, in a run() that has its answer.  Others are answered without that, for a
 * token that is fired by then must not take back what was done.
 */
static bool is_plain(const struct ward_call *call)
{
	const struct ward_task *task = &call->task;
	uint64_t word = load_relaxed(&task_priv(task)->word);

	return !task->cancel && !call_is_awaited(call) && task_fresh(word) && !(word & TASK_LANE);
}

/* When the cell is to hear of it by itself; 0: no such time. */
static int64_t deadline(const struct ward_call *call)
{
	ward_ns by = call->task.cancel ? cancel_by(call->task.cancel) :
					 HOST_FOREVER;

	return by == HOST_FOREVER ? 0 : by ? (int64_t)by : 1;
}

/* The request without its bytes: where they go. */
static void *address(struct desc *desc, struct ward_call *call)
{
	const struct cell_layout *layout = &desc->cell->cells->layout;
	struct cell_head *head =
		cell_head(desc->cell->shared, layout, desc->number);
	int64_t by = deadline(call);

	desc->call = call;
	desc->plain = is_plain(call);
	head->in_size = call->in_size;
	head->attempt = task_attempt(load_relaxed(&task_priv(&call->task)->word));
	if (unlikely(by || desc->told))
		store_relaxed(&token_of(&cell_words(head, layout)->token)->state,
			      by);
	desc->told = by != 0;
	desc->told_at = 0;
	return cell_in(head);
}

int send_fill(struct desc *desc, struct ward_call *call)
{
	void *to = address(desc, call);

	if (call->fill)
		return call->fill(call, to);
	if (call->in_size)
		memcpy(to, call->in, call->in_size);
	return 0;
}

void send_post(struct desc *desc)
{
	struct cell *cell = desc->cell;

	/* Not before: a worker that was fenced as it filled has lost the call. */
	call_put_on(desc->call, desc);
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
	} else if (load_relaxed(&cell->claim) == CLAIM_KEPT) {
		cells_wake(cell->cells); /* nobody else is to drop it, and look */
	}
}

static bool put_quick(struct cell *cell, struct ward_call *call)
{
	struct desc *desc;

	if (!claim(cell))
		return false;
	desc = take_claimed(cell);
	if (likely(desc)) {
		send_fill(desc, call);
		call_put_on(call, desc);
		put(cell, desc);
	}
	drop(cell);
	return desc;
}

bool send_quick(struct ward_cells *cells, struct ward_call *call)
{
	if (call->fill || call->in_size > QUICK)
		return false;
	for_each_working(cell, cells, call)
		if (put_quick(cell, call))
			return true;
	return false;
}
