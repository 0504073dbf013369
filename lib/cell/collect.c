/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collect.c - answers, from the cells to the pool; and calls whose cell has ended, or does
 * not come to them.
 *
 * All that is read in the segment is read once, and checked: a number, a size and a state
 * that cannot be are the cell's end (GARBLED_SEEN).
 */
#include "cell/cell.h"
#include "lane/stop.h"
#include <string.h>

enum { BATCH = 32, AHEAD = 4 };

/* ---- to the pool ----------------------------------------------------------------- */

/* With others in a ring; where there is no room, or the pool is closed, one by one. */
static void hand_over(struct pool *pool, struct ward_task *const *tasks, uint32_t n)
{
	struct ring *full;

	while (n) {
		int put = inbox_put(&pool->inbox, NULL, tasks, n, &full);

		if (put <= 0) {
			inbox_pass(&pool->inbox, NULL, *tasks, 0);
			put = 1;
		}
		tasks += put;
		n -= (uint32_t)put;
	}
}

/* The workers answer them. */
static void give(struct ward_cells *cells, struct ward_task *const *tasks, uint32_t n)
{
	struct pool *pool = cells->pool;

	transition_begin(pool);
	hand_over(pool, tasks, n);
	add_acq_rel(&pool->inbox.away.returned, n); /* after the rings count them */
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
}

/* Its caller gives the answer: the pool counts the call among those that are owed. */
static void hand_back(struct ward_cells *cells, struct ward_call *call)
{
	struct pool *pool = cells->pool;

	transition_begin(pool);
	add_relaxed(&pool->inbox.requeued_in, 1);
	add_acq_rel(&pool->inbox.away.requeued, 1);
	transition_end(pool);
	call_tell(call, CALL_ANSWERED);
}

static void lose(struct ward_cells *cells, struct ward_task *task,
		 enum lost_why why, int status, uint64_t incident)
{
	struct pool *pool = cells->pool;

	transition_begin(pool);
	lost_away(pool, task, why, status, incident);
	add_acq_rel(&pool->inbox.away.requeued, 1);
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
}

/* The call has no descriptor any more. */
static struct ward_call *part(struct desc *desc)
{
	struct ward_call *call = desc->call;

	call_put_on(call, NULL);
	send_drop(desc);
	return call;
}

/* ---- answered -------------------------------------------------------------------- */

/* The cell's words on its failure, or none. */
static uint64_t tell_error(struct cell *cell, const struct ward_call *call,
			   struct cell_head *head, uint32_t said, int status)
{
	struct pool *pool = cell->cells->pool;
	const struct cell_words *words = cell_words(head, &cell->cells->layout);
	uint64_t id = incident_id();
	struct incident *in = incident_open(&pool->tell, WARD_R_ERROR, id);

	if (!in)
		return id;
	in->report.err = status;
	in->report.task = call->task.name ? call->task.name : "";
	in->report.attempt = head->attempt;
	in->report.tid = cell->files.tid;
	in->report.worker = UINT32_MAX;
	in->report.what = said ? "a call failed in its cell" :
				 "a call in a cell returned an error that nobody "
				 "has spoken of";
	if (said && said <= CELL_SAID) {
		memcpy(in->text, words->text, said);
		in->text[said] = '\0';
		in->report.message = in->text;
		in->report.known = words->known;
	}
	in->heard = call->done || pool->hooks.dead;
	incident_raise(&pool->tell, in);
	return id;
}

/* The call's attempt failed: it is made again, or answered, by the ways of a task. */
static void failed(struct cell *cell, struct desc *desc, struct cell_head *head,
		   uint32_t said, int status)
{
	uint64_t id = tell_error(cell, desc->call, head, said, status);

	lose(cell->cells, &part(desc)->task, LOST_ERROR, status, id);
}

/* False: it failed, and is seen to. */
static bool answered(struct cell *cell, struct desc *desc, struct cell_head *head,
		     uint32_t said, int status)
{
	struct pool *pool = cell->cells->pool;
	struct ward_task *task = &desc->call->task;

	if (likely(!status && desc->plain))
		return true;
	if (status && stop_failed(pool, NULL, task, status)) {
		failed(cell, desc, head, said, status);
		return false;
	}
	add_relaxed(&pool->away_started, 1);
	add_relaxed(&pool->away_ended, 1);
	task_priv(task)->status = status;
	task_move(task_priv(task), TASK_LOST, 0); /* a canceller comes too late */
	return true;
}

/* A lane, and a failure that is none, are for a worker. */
static bool is_callers(const struct ward_call *call, int status)
{
	return !status && call_is_awaited(call) &&
	       !(load_relaxed(&task_priv(&call->task)->word) & TASK_LANE);
}

/* The task to be handed over, or NULL; false: what is written there cannot be. */
static bool take_answer(struct cell *cell, uint32_t number, struct ward_task **task)
{
	const struct cell_layout *layout = &cell->cells->layout;
	struct desc *desc = &cell->desc[number];
	struct cell_head *head;
	struct cell_tail *tail;
	uint32_t said;
	int32_t status;

	if (load_acquire(&desc->state) != DESC_SENT)
		return false;
	head = cell_head(cell->shared, layout, number);
	tail = cell_tail(head, layout);
	status = __atomic_load_n(&tail->status, __ATOMIC_RELAXED);
	said = __atomic_load_n(&tail->said, __ATOMIC_RELAXED);
	desc->out_size = __atomic_load_n(&tail->out_size, __ATOMIC_RELAXED);
	if (desc->out_size > layout->out_max || said > CELL_SAID)
		return false;
	/* The cell saw that it is convicted: its answer is not how the call ends. */
	if (status == -ESTALE && cell_state(cell) == CELL_DOOMED)
		return true;
	store_relaxed(&desc->state, DESC_ANSWERED);
	count_own(&cell->answered, 1);
	if (!answered(cell, desc, head, said, status))
		return true;
	/* The call may be gone once it is handed over. */
	if (unlikely(is_callers(desc->call, status)))
		hand_back(cell->cells, desc->call);
	else
		*task = &desc->call->task;
	return true;
}

/* The lines of an answer further on are on their way meanwhile. */
static void fetch(struct cell *cell, uint32_t at)
{
	const struct cell_layout *layout = &cell->cells->layout;
	uint32_t number = load_relaxed(cell_used(cell->shared, layout->depth, at));

	if (number >= layout->depth)
		return;
	prefetch_own(&cell->desc[number]);
	__builtin_prefetch(
		cell_tail(cell_head(cell->shared, layout, number), layout));
}

uint32_t collect_answers(struct cell *cell)
{
	struct ward_cells *cells = cell->cells;
	uint32_t depth = cells->layout.depth;
	uint32_t used = load_acquire(&cell->shared->used); /* [kb] */
	uint32_t from = load_relaxed(&cell->collected), at = from, left = used - at;
	struct ward_task *tasks[BATCH];
	uint32_t n = 0;
	bool sound = left <= depth;

	if (!left || load_relaxed(&cell->garbled))
		return 0;
	for (; sound && left; left--, at++) {
		uint32_t number = load_relaxed(cell_used(cell->shared, depth, at));

		if (left > AHEAD)
			fetch(cell, at + AHEAD);
		tasks[n] = NULL;
		sound = number < depth && take_answer(cell, number, &tasks[n]);
		n += tasks[n] != NULL;
		if (n == BATCH) {
			give(cells, tasks, n);
			n = 0;
		}
	}
	store_relaxed(&cell->collected, at);
	if (!sound)
		store_relaxed(&cell->garbled, GARBLED_SEEN);
	if (n)
		give(cells, tasks, n);
	return at - from;
}

/* ---- who collects ---------------------------------------------------------------- */

bool collect_claim(struct cell *cell)
{
	uint32_t was = COLLECTING_FREE;

	while (!cas_acquire(&cell->collecting, &was, COLLECTING_HELD)) { /* [P] */
		if (was == COLLECTING_ASKED)
			return false;
		if (was == COLLECTING_HELD &&
		    cas_acquire(&cell->collecting, &was, COLLECTING_ASKED))
			return false;
		was = COLLECTING_FREE;
	}
	return true;
}

void collect_drop(struct cell *cell)
{
	if (unlikely(swap_acq_rel(&cell->collecting, COLLECTING_FREE) == /* [P] */
		     COLLECTING_ASKED))
		cells_wake(cell->cells);
}

static bool any_answers(const struct cell *cell)
{
	enum cell_state state = cell_state(cell);

	return state != CELL_NONE && state != CELL_BORN && state != CELL_DEAD &&
	       !load_relaxed(&cell->garbled) &&
	       load_acquire(&cell->shared->used) != load_relaxed(&cell->collected);
}

bool collect_due(const struct cell *cell)
{
	if (!any_answers(cell))
		return false;
	barrier_seq_cst(); /* [kg] answered | nobody collects */
	return load_relaxed(&cell->collecting) == COLLECTING_FREE;
}

void collect_for_all(struct cell *cell, unsigned rounds)
{
	while (collect_due(cell)) {
		uint32_t none = COLLECTING_FREE;

		if (!rounds--) { /* answers may come for ever */
			cells_wake(cell->cells);
			break;
		}
		if (!cas_acquire(&cell->collecting, &none, COLLECTING_HELD)) /* [P] */
			return;
		if (any_answers(cell)) /* else it has ended since */
			collect_answers(cell);
		if (load_relaxed(&cell->garbled) == GARBLED_SEEN)
			cells_wake(cell->cells);
		collect_drop(cell);
		barrier_seq_cst(); /* [kg] nobody collects | answered */
	}
}

/* ---- to another cell ------------------------------------------------------------- */

void collect_later(struct ward_cells *cells, struct ward_task *task, uint64_t at)
{
	struct pool *pool = cells->pool;

	transition_begin(pool);
	task_move(task_priv(task), TASK_RERUN, 0);
	if (at)
		later_put(&pool->inbox, task, at, false);
	else
		later_requeue(&pool->inbox, task, false);
	add_acq_rel(&pool->inbox.away.requeued, 1);
	transition_end(pool);
	inbox_settle(&pool->inbox);
	orphaned_answer(pool);
}

/* Not begun, and the set ends: as what is queued in a pool that is destroyed. */
static void refuse(struct ward_cells *cells, struct ward_task *task)
{
	task_priv(task)->status =
		task_skip(task_priv(task), TASK_LOST, 0, -ECANCELED);
	give(cells, &task, 1);
}

/* A HELD or SENT call that was not begun: no attempt is spent. */
static void move(struct cell *cell, struct desc *desc, bool by_worker)
{
	struct ward_cells *cells = cell->cells;
	struct ward_call *call = part(desc);
	struct desc *other;

	if (load_relaxed(&cells->ending)) {
		refuse(cells, &call->task);
		return;
	}
	cells_count(cells, moved);
	/* The collector runs no code of the user's. */
	other = by_worker || call->fill ? NULL : send_take(cells, call, cell);
	if (!other) {
		collect_later(cells, &call->task, 0);
		return;
	}
	send_fill(other, call);
	send_post(other);
}

static bool take_back(struct cell *cell, struct desc **desc)
{
	uint32_t taken = load_acquire(&cell->shared->taken); /* [ka] */
	uint32_t depth = cell->cells->layout.depth;
	uint32_t sent = load_acquire(&cell->sent); /* [ka] */

	for (int i = 0; i < 8; i++) { /* a cell may move it all the time */
		if (sent - taken == 0 || sent - taken > depth)
			return false;
		*desc = &cell->desc[cell->avail[taken & (depth - 1)]];
		if (cas_acq_rel(&cell->shared->taken, &taken, taken + 1)) /* [ka] */
			return true;
	}
	return false;
}

void collect_back(struct cell *cell, bool by_workers)
{
	uint32_t n = cell->cells->layout.depth;
	struct desc *desc;

	while (n-- && take_back(cell, &desc)) {
		/* Else the cell has answered what it had not taken. */
		if (load_acquire(&desc->state) != DESC_SENT)
			continue;
		store_relaxed(&desc->state, DESC_HELD);
		count_own(&cell->given_back, 1);
		move(cell, desc, by_workers);
	}
}

/* ---- the cell has ended ---------------------------------------------------------- */

bool collect_begun(const struct cell *cell, const struct desc *desc, uint32_t taken)
{
	uint32_t sent = load_relaxed(&cell->sent);

	/* A word that cannot be: all may have been begun. */
	if (sent - taken > cell->cells->layout.depth)
		return true;
	return (int32_t)(taken - desc->at) > 0;
}

/* The attempt committed before the cell ended: it must not be made again. */
static void note_commit(struct cell *cell, const struct desc *desc)
{
	const struct cell_shared *shared = cell->shared;
	struct task_priv *priv = task_priv(&desc->call->task);

	if (load_relaxed(&shared->inside) == desc->number + 1 &&
	    load_relaxed(&task_priv(&shared->task)->word) & TASK_COMMITTED)
		task_commit(priv, task_attempt(load_relaxed(&priv->word)));
}

static void lose_call(struct cell *cell, struct desc *desc)
{
	struct ward_cells *cells = cell->cells;
	enum lost_why why = load_relaxed(&cells->ending) ? LOST_STOP : cell->why;

	note_commit(cell, desc);
	cells_count(cells, lost);
	lose(cells, &part(desc)->task, why, lost_status(why), cell->incident);
}

/* Calls that entered, and found the cell at work no more. */
static void take_entered(struct cell *cell)
{
	uint32_t number;

	while ((number = stack_pop(&cell->entered)) != STACK_NONE)
		move(cell, &cell->desc[number], false);
}

/* The cell is at work no more: the claim, once it is free, is the collector's to keep. */
bool collect_entered(struct cell *cell)
{
	uint32_t none = 0;

	if (load_relaxed(&cell->claim) != CLAIM_KEPT &&
	    !cas_acquire(&cell->claim, &none, CLAIM_KEPT)) /* [P] */
		return false;
	take_entered(cell);
	return true;
}

/* However long ago: what was sent after it may have been taken back, many times. */
static void lose_begun(struct cell *cell, uint32_t taken)
{
	for (uint32_t i = 0; i < cell->cells->layout.depth; i++) {
		struct desc *desc = &cell->desc[i];

		if (load_acquire(&desc->state) != DESC_SENT ||
		    !collect_begun(cell, desc, taken))
			continue;
		store_relaxed(&desc->state, DESC_HELD);
		lose_call(cell, desc);
	}
}

/* In the order in which they came: 'avail' has it, the descriptors have not. */
static void move_rest(struct cell *cell, uint32_t taken)
{
	uint32_t depth = cell->cells->layout.depth;
	uint32_t sent = load_acquire(&cell->sent);

	for (uint32_t at = sent - depth; at != sent; at++) {
		struct desc *desc = &cell->desc[cell->avail[at & (depth - 1)]];

		if (load_acquire(&desc->state) != DESC_SENT || desc->at != at ||
		    collect_begun(cell, desc, taken))
			continue;
		store_relaxed(&desc->state, DESC_HELD);
		move(cell, desc, false);
	}
}

void collect_lost(struct cell *cell)
{
	uint32_t taken = load_acquire(&cell->shared->taken);

	move_rest(cell, taken); /* first: another cell can begin them */
	lose_begun(cell, taken);
}
