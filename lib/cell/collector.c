/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector.c - the thread that looks after a set of cells.
 *
 * The thread sleeps on all of them at once: on the answers of those that have calls, on the
 * ends of all.  While answers come it looks without sleeping, so that no cell has to wake it.
 */
#include "cell/cell.h"

#define CLOSE_SPAN UINT64_C(1000000)

/* After so many wakeups by cells for nothing it is disturbed, up to the next scan. */
enum { FUTILE_MAX = 128 };
#define LOOK_SPAN UINT64_C(1000000) /* between two looks then */

/* ---- one look -------------------------------------------------------------------- */

/* Callers that sleep on its answers have their calls elsewhere: they are to let it go. */
static void send_callers_off(struct cell *cell)
{
	add_acq_rel(&cell->shared->used, 1);
	host_wake_shared(&cell->shared->used, INT32_MAX);
}

/* Its last submitter, answer and caller, its process: when all are gone, so is it. */
static void bury(struct cell *cell, uint64_t now)
{
	collect_entered(cell);
	watch_reap(cell, now);
	if (cell->reaped && send_take_all(cell) && caller_is_none(cell))
		birth_bury(cell);
}

/* A cell that has ended: its answers first, then what it leaves. */
static void settle(struct cell *cell, uint64_t now)
{
	while (collect_answers(cell))
		;
	if (!collect_entered(cell))
		return; /* a submitter is at it: next time */
	birth_retire(cell, CELL_DEAD, now);
	collect_lost(cell);
	send_callers_off(cell);
	bury(cell, now); /* what goes later finds it DEAD, and wakes this thread */
}

static uint32_t collect(struct cell *cell, uint64_t now)
{
	uint32_t n = collect_answers(cell);

	if (unlikely(load_relaxed(&cell->garbled) == GARBLED_SEEN))
		watch_garbled(cell, "a cell wrote an answer that cannot be", now);
	return n;
}

/* How many answers there were. */
static uint32_t look_at(struct cell *cell, bool closely, uint64_t now)
{
	uint32_t n = 0;

	switch (cell_state(cell)) {
	case CELL_NONE:
		return 0;
	case CELL_DEAD:
		bury(cell, now);
		return 0;
	case CELL_LEAVING:
	case CELL_DOOMED:
		collect_entered(cell);
		/* fall through */
	case CELL_SPARE: /* it has no calls: any answer cannot be */
	case CELL_WORKING:
		n = collect(cell, now);
		/* fall through */
	default:
		break;
	}
	if (closely && cell_state(cell) != CELL_BORN && watch_end(cell, now))
		settle(cell, now);
	return n;
}

static bool is_quiet(const struct cell *cell)
{
	enum cell_state state = cell_state(cell);

	return (state == CELL_WORKING || state == CELL_SPARE) &&
	       load_relaxed(&cell->shared->used) == load_relaxed(&cell->collected) &&
	       load_relaxed(&cell->garbled) != GARBLED_SEEN;
}

static uint32_t look(struct ward_cells *cells, bool closely, uint64_t now)
{
	uint32_t n = 0;

	for_each_cell(cell, cells) {
		if (cell_state(cell) == CELL_NONE || (!closely && is_quiet(cell)) ||
		    !collect_claim(cell))
			continue;
		n += look_at(cell, closely, now);
		collect_drop(cell);
	}
	return n;
}

/* ---- asleep ---------------------------------------------------------------------- */

struct sleep {
	struct host_waitv word[CELLS_ALL];
	struct host_life *life[CELLS_ALL];
	unsigned words, lives;
	uint64_t until;
};

static void listen_to(struct cell *cell, struct sleep *sleep)
{
	struct cell_shared *shared = cell->shared;

	store_relaxed(&shared->listens, 1);
	sleep->word[sleep->words++] =
		(struct host_waitv){ .word = &shared->listens, .seen = 1 };
	/* Else a submitter is waited for, which may need this CPU. */
	if (cell_state(cell) != CELL_DOOMED || !host_life_marked(&shared->life))
		sleep->life[sleep->lives++] = &shared->life;
}

/* The time at which the collector looks again by itself. */
static uint64_t next_look(const struct cell *cell, uint64_t now, uint64_t scan)
{
	switch (cell_state(cell)) {
	case CELL_DOOMED:
		return now + WARD_MS(1);
	case CELL_DEAD:
		return cell->reaped ? HOST_FOREVER : now + WARD_MS(1);
	case CELL_LEAVING: /* its end, in good order, wakes nobody; that it has left does */
		return cell_load(cell) &&
				       load_acquire(&cell->shared->stage) != CELL_LEFT ?
			       scan :
			       now + WARD_MS(1);
	case CELL_WORKING:
		return cell_load(cell) ? scan : HOST_FOREVER;
	default:
		return HOST_FOREVER;
	}
}

/* Where a caller collects, it looks again, and wakes this thread for what is not its own. */
static bool has_moved(const struct cell *cell)
{
	if (cell_state(cell) == CELL_BORN)
		return load_acquire(&cell->shared->stage) != CELL_COMING; /* [kd] */
	return cell_lives(cell) &&
	       (collect_due(cell) ||
		(load_relaxed(&cell->garbled) == GARBLED_SEEN &&
		 load_relaxed(&cell->collecting) == COLLECTING_FREE));
}

static bool moved(const struct ward_cells *cells)
{
	for (uint32_t i = 0; i < CELLS_ALL; i++)
		if (has_moved(&cells->cell[i]))
			return true;
	return false;
}

static bool any_calls(const struct ward_cells *cells)
{
	for (uint32_t i = 0; i < CELLS_ALL; i++)
		if (cell_lives(&cells->cell[i]) && cell_load(&cells->cell[i]))
			return true;
	return false;
}

/* Without calls for a while: the next one wakes the collector, for it is to be watched. */
static bool may_sleep_long(struct ward_cells *cells, uint64_t now)
{
	if (any_calls(cells))
		cells->quiet_since = now;
	if (now - cells->quiet_since < WARD_S(1))
		return false;
	store_relaxed(&cells->asleep, 1);
	barrier_seq_cst(); /* [kw] asleep | a call */
	return !any_calls(cells);
}

static void listen_to_all(struct ward_cells *cells, struct sleep *sleep)
{
	for_each_cell(cell, cells)
		/* Where it was refused, the caller that collects wakes it. */
		if (cell_lives(cell) &&
		    load_relaxed(&cell->collecting) != COLLECTING_ASKED)
			listen_to(cell, sleep);
}

static void listen_no_more(struct ward_cells *cells)
{
	for_each_cell(cell, cells)
		if (cell_lives(cell))
			store_relaxed(&cell->shared->listens, 0);
}

/*
 * A cell may move the words of its segment all the time, so that they wake this thread for
 * nothing.  Then it looks from time to time, and at the next scan listens again.
 */
static bool is_disturbed(const struct ward_cells *cells)
{
	return cells->futile > FUTILE_MAX;
}

static void sleep_till(struct ward_cells *cells, uint32_t seen, struct sleep *sleep)
{
	if (is_disturbed(cells))
		host_wait(&cells->word, seen,
			  lesser(sleep->until, host_now() + LOOK_SPAN));
	else if (!moved(cells))
		host_wait_shared_any(&cells->word, seen, sleep->word, sleep->words,
				     sleep->life, sleep->lives, sleep->until);
}

/* True: neither this process nor the time has ended the sleep. */
static bool sleep_on(struct ward_cells *cells, uint32_t seen, uint64_t until,
		     uint64_t now)
{
	struct sleep sleep = { .until = until };

	if (!may_sleep_long(cells, now))
		sleep.until = lesser(until, cells->next_scan);
	if (!is_disturbed(cells))
		listen_to_all(cells, &sleep);
	barrier_seq_cst(); /* [kd] I sleep | answered? left? */
	for_each_cell(cell, cells)
		sleep.until = lesser(sleep.until,
				     next_look(cell, now, cells->next_scan));
	sleep_till(cells, seen, &sleep);
	store_relaxed(&cells->asleep, 0);
	listen_no_more(cells);
	return load_relaxed(&cells->word) == seen && host_now() < sleep.until;
}

/* ---- the end --------------------------------------------------------------------- */

/* Destroy: what has not begun is refused; then, when its time is over, all are killed. */
static void end_cell(struct cell *cell, uint64_t now)
{
	uint32_t ending = load_acquire(&cell->cells->ending);
	enum cell_state state = cell_state(cell);

	if (state == CELL_WORKING || state == CELL_SPARE) {
		birth_retire(cell, CELL_LEAVING, now);
		collect_back(cell, false);
		cell_order(cell, CELL_LEAVE);
	}
	state = cell_state(cell);
	if ((ending > 1 && state == CELL_LEAVING) || state == CELL_BORN)
		watch_doom(cell, LOST_STOP, 0, now);
}

static void end_cells(struct ward_cells *cells, uint64_t now)
{
	for_each_cell(cell, cells)
		if (cell_lives(cell) && collect_claim(cell)) {
			end_cell(cell, now);
			collect_drop(cell);
		}
}

/* Its descriptors are free, or answered: no submitter is about to bring one. */
static bool is_still(const struct cell *cell)
{
	for (uint32_t i = 0; i < cell->cells->layout.depth; i++) {
		uint32_t state = load_acquire(&cell->desc[i].state);

		if (state == DESC_HELD || state == DESC_SENT)
			return false;
	}
	return true;
}

static bool all_gone(struct ward_cells *cells)
{
	for_each_cell(cell, cells) {
		enum cell_state state = cell_state(cell);

		if (state != CELL_NONE &&
		    (state != CELL_DEAD || !cell->reaped || !is_still(cell)))
			return false;
	}
	return true;
}

/* ---- the thread ------------------------------------------------------------------ */

/* Before the next scan. */
static void look_told(struct ward_cells *cells, uint64_t now)
{
	for_each_cell(cell, cells) {
		if (!cell_lives(cell) || !cell_load(cell))
			continue;
		if (collect_claim(cell)) {
			told_look(cell, now);
			collect_drop(cell);
		} else {
			store_relaxed(&cells->told, 1); /* its caller wakes this thread */
		}
	}
}

static uint32_t work(struct ward_cells *cells, bool closely, uint64_t now, uint64_t *next)
{
	uint32_t n = look(cells, closely, now);

	if (load_relaxed(&cells->told) && swap_acq_rel(&cells->told, 0))
		look_told(cells, now);
	if (now >= cells->next_scan) {
		watch_scan(cells, now);
		cells->futile = 0;
	}
	if (closely)
		*next = lesser(birth_round(cells, now), cell_page_round(cells, now));
	if (unlikely(load_acquire(&cells->ending)))
		end_cells(cells, now);
	return n;
}

/* A wakeup with answers makes up for one without, which a cell may give that is late. */
static void weigh(struct ward_cells *cells, bool woken, bool answers)
{
	if (answers)
		cells->futile -= cells->futile != 0;
	else
		cells->futile += woken && !is_disturbed(cells);
}

static void serve(struct ward_cells *cells)
{
	bool woken = false; /* by a cell */
	unsigned idle = CELLS_LOOKS;
	uint64_t next = HOST_FOREVER, close_at = 0;
	uint32_t answers = 0; /* since it slept */

	for (;;) {
		uint32_t seen = load_acquire(&cells->word);
		uint64_t now = host_now();
		bool closely = idle >= CELLS_LOOKS || now >= close_at;
		uint32_t n;

		/* Ends and births are looked for where no answer is, or now and then. */
		if (closely)
			close_at = now + CLOSE_SPAN;
		n = work(cells, closely, now, &next);
		weigh(cells, woken, n);
		woken = false;
		if (n) {
			/* A lone answer has no next one soon, and its worker needs the CPU. */
			answers += n;
			idle = answers >= CELL_BURST ? 0 : CELLS_LOOKS;
			continue;
		}
		if (unlikely(load_acquire(&cells->ending)) && all_gone(cells))
			return;
		if (++idle <= CELLS_LOOKS) {
			host_yield();
			continue;
		}
		woken = sleep_on(cells, seen, next, now);
		answers = 0;
	}
}

void collector_run(void *arg)
{
	struct ward_cells *cells = arg;
	struct host_step was;

	host_step_up(&was); /* above cells that keep their CPU */
	serve(cells);
	store_release(&cells->gone, 1);
	wait_wake(&cells->idle);
	cells_put(cells);
}
