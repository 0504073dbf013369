/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caller.c - a caller that waits for its answer: woken by the cell itself, with neither the
 * collector nor a worker on the way.
 *
 * A caller sleeps on the answers of the cell that has its call, and collects them, its own
 * and others'; so that cell wakes no collector meanwhile.  An end that is no plain answer comes
 * as ever, by the collector and a worker, and the call's release wakes the caller.
 *
 * Edges: [kd] I sleep on 'used' | answered; [kg] answered | nobody collects; [kh] handed back
 * | its caller; [kn] I look, or not | has it ended?
 */
#include "cell/cell.h"
#include "lane/wait.h"
#include "run/run.h"

#ifndef CALLER_ROUNDS
#define CALLER_ROUNDS 16u
#endif
enum { SLEEPS_MAX = 256 }; /* on one cell, which may wake its callers for ever */

static bool is_turn(struct ward_call *call)
{
	return load_acquire(call_word(call)) > CALL_ASLEEP; /* [kh] */
}

static bool go_to_sleep(struct ward_call *call)
{
	uint32_t on = CALL_ON;

	return cas_acquire(call_word(call), &on, CALL_ASLEEP); /* [kh] */
}

static void get_up(struct ward_call *call)
{
	uint32_t asleep = CALL_ASLEEP;

	cas_acquire(call_word(call), &asleep, CALL_ON);
}

/* ---- which answers --------------------------------------------------------------- */

bool caller_looks(struct cell *cell)
{
	enum cell_state state;

	add_acq_rel(&cell->callers, 1); /* [kn] I look | has it ended? */
	state = cell_state(cell);
	return state != CELL_NONE && state != CELL_BORN && state != CELL_DEAD;
}

void caller_leaves(struct cell *cell)
{
	sub_acq_rel(&cell->callers, 1); /* [kn] I look no more | has it ended? */
	if (unlikely(cell_state(cell) == CELL_DEAD))
		cells_wake(cell->cells); /* it may be buried */
}

bool caller_is_none(struct cell *cell)
{
	return !add_acq_rel(&cell->callers, 0); /* [kn] it has ended | who looks? */
}

/* The cell wakes its callers from here on, unless it has ended. */
static bool listen_to(struct cell *cell)
{
	if (!caller_looks(cell)) {
		caller_leaves(cell);
		return false;
	}
	add_relaxed(&cell->shared->waits, 1);
	barrier_seq_cst(); /* [kd] I sleep on 'used' | answered */
	return true;
}

/* A wakeup may have come to this caller that was another's. */
static void listen_no_more(struct cell *cell, unsigned rounds)
{
	sub_acq_rel(&cell->shared->waits, 1);
	barrier_seq_cst(); /* [kd] I sleep no more | answered */
	collect_for_all(cell, rounds);
	caller_leaves(cell);
}

/*
 * How often it collects before it leaves the rest to the collector, which others wait for
 * meanwhile: not at all where its thread was fenced, for that may have a low priority.
 */
static unsigned rounds_of(const struct wait_entry *entry)
{
	return entry->slot && slot_taken(entry->slot) ? 0 : CALLER_ROUNDS;
}

static struct cell *cell_of(const struct ward_call *call)
{
	const struct desc *desc = call_desc(call);

	return desc ? desc->cell : NULL;
}

/* The entry's last word is that cell's. */
static void attend(struct wait_entry *entry, struct cell **on, struct cell *cell)
{
	if (cell == *on)
		return;
	if (*on) {
		entry->words--;
		listen_no_more(*on, rounds_of(entry));
	}
	*on = NULL;
	if (!cell || !listen_to(cell))
		return;
	*on = cell;
	entry->waitv[entry->words++] =
		(struct host_waitv){ .word = &cell->shared->used, .shared = true };
}

/* ---- the wait -------------------------------------------------------------------- */

static int sleep_once(struct wait_entry *entry, struct ward_call *call,
		      const struct cell *on)
{
	int why = 0;

	if (!go_to_sleep(call))
		return 0;
	wait_look(entry);
	if (!is_turn(call) && !(on && (collect_due(on) || cell_of(call) != on)))
		why = wait_sleep(entry);
	get_up(call);
	return why;
}

/* 0: it is the caller's turn; else why the calling task is to stop. */
static int wait_turn(struct ward_call *call, unsigned how)
{
	struct wait_entry entry;
	struct cell *on = NULL;
	unsigned sleeps = SLEEPS_MAX;
	int why = 0;

	wait_prepare(&entry, call_word(call), HOST_FOREVER, how);
	while (!why) {
		attend(&entry, &on,
		       sleeps && rounds_of(&entry) ? cell_of(call) : NULL);
		if (on)
			collect_for_all(on, CALLER_ROUNDS);
		if (is_turn(call))
			break;
		why = sleep_once(&entry, call, on);
		sleeps -= on != NULL;
	}
	attend(&entry, &on, NULL);
	wait_finish(&entry);
	return why;
}

/* The call does not go on without its task: it is told to stop, too. */
static void wait_for(struct ward_cells *cells, struct ward_call *call)
{
	int why = wait_turn(call, WAIT_BLOCK);

	if (!why)
		return;
	ward_cells_cancel(cells, call, why);
	wait_turn(call, WAIT_RELIEVED | WAIT_DECLARED);
}

/* done(), which is the user's code and may be left; then the call is settled. */
static void answer(struct ward_cells *cells, struct ward_call *call)
{
	struct pool *pool = cells->pool;

	store_relaxed(call_word(call), CALL_ON);
	transition_begin(pool);
	add_relaxed(&pool->inbox.requeued_out, 1);
	host_unhold();
	worker_settle(pool, NULL, &call->task);
	host_hold();
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
}

static void come_back(struct ward_cells *cells, struct ward_call *call)
{
	host_hold();
	wait_for(cells, call);
	while (load_relaxed(call_word(call)) != CALL_BACK) {
		answer(cells, call);
		wait_for(cells, call); /* it may be held by others */
	}
	store_relaxed(call_word(call), CALL_ALONE);
	host_unhold();
}

int ward_cells_call(struct ward_cells *cells, struct ward_call *call, ward_ns until,
		    int *status)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (!err && (!call || call->release))
		err = -EINVAL;
	if (err)
		return err;
	add_acq_rel(&cells->refs, 1); /* the set may be destroyed meanwhile */
	err = call_submit(cells, call, until, CALL_ON);
	if (!err)
		come_back(cells, call);
	if (!err && status)
		*status = task_priv(&call->task)->status;
	cells_put(cells);
	return err;
}
