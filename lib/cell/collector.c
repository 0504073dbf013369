/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector.c - the thread that looks after a set of cells.
 *
 * The thread sleeps on all of them at once: on the answers of those that have calls, on the
 * ends of all.  While answers come it looks without sleeping, so that no cell has to wake it.
 */
#include "cell/cell.h"

#define CLOSE_SPAN UINT64_C(1000000)

/* ---- one look -------------------------------------------------------------------- */

/* A cell that has ended: its answers first, then what it leaves. */
static void settle(struct cell *cell, uint64_t now)
{
	while (collect_answers(cell) == COLLECTED_SOME)
		;
	if (!collect_entered(cell))
		return; /* a submitter is at it: next time */
	birth_retire(cell, CELL_DEAD, now);
	collect_lost(cell);
}

/* Its last submitter, its last answer, its process: when all are gone, so is it. */
static void bury(struct cell *cell, uint64_t now)
{
	collect_entered(cell);
	watch_reap(cell, now);
	if (cell->reaped && send_take_all(cell))
		birth_bury(cell);
}

static bool collect(struct cell *cell, uint64_t now)
{
	enum collected got = collect_answers(cell);

	if (unlikely(got == COLLECTED_GARBLE))
		watch_garbled(cell, "a cell wrote an answer that cannot be", now);
	return got != COLLECTED_NONE;
}

/* True: there was an answer. */
static bool look_at(struct cell *cell, bool closely, uint64_t now)
{
	bool any = false;

	switch (cell_state(cell)) {
	case CELL_NONE:
		return false;
	case CELL_DEAD:
		bury(cell, now);
		return false;
	case CELL_LEAVING:
	case CELL_DOOMED:
		collect_entered(cell);
		/* fall through */
	case CELL_SPARE: /* it has no calls: any answer cannot be */
	case CELL_WORKING:
		any = collect(cell, now);
		/* fall through */
	default:
		break;
	}
	if (closely && cell_state(cell) != CELL_BORN && watch_end(cell, now))
		settle(cell, now);
	return any;
}

static bool look(struct ward_cells *cells, bool closely, uint64_t now)
{
	bool any = false;

	for_each_cell(cell, cells)
		any |= look_at(cell, closely, now);
	return any;
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
	/* Of one that comes up, or that garbles, nothing is collected. */
	bool deaf = cell_state(cell) == CELL_BORN || cell->garbled;
	uint32_t used = load_relaxed(deaf ? &shared->used : &cell->collected);

	store_relaxed(&shared->listens, 1);
	sleep->word[sleep->words++] = (struct host_waitv){ &shared->used, used };
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
	case CELL_LEAVING: /* its end, in good order, wakes nobody */
		return cell_load(cell) ? scan : now + WARD_MS(1);
	case CELL_WORKING:
		return cell_load(cell) ? scan : HOST_FOREVER;
	default:
		return HOST_FOREVER;
	}
}

static bool moved(const struct ward_cells *cells)
{
	for (uint32_t i = 0; i < CELLS_ALL; i++) {
		const struct cell *cell = &cells->cell[i];
		enum cell_state state = cell_state(cell);

		if (state == CELL_NONE || state == CELL_DEAD || cell->garbled)
			continue;
		if (state != CELL_BORN &&
		    load_acquire(&cell->shared->used) != /* [kd] */
			    load_relaxed(&cell->collected))
			return true;
		if (state == CELL_BORN &&
		    load_acquire(&cell->shared->stage) != CELL_COMING)
			return true;
	}
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

static void sleep_on(struct ward_cells *cells, uint32_t seen, uint64_t until,
		     uint64_t now)
{
	struct sleep sleep = { .until = until };

	if (!may_sleep_long(cells, now))
		sleep.until = lesser(until, cells->next_scan);

	for_each_cell(cell, cells) {
		if (cell_lives(cell))
			listen_to(cell, &sleep);
		sleep.until = lesser(sleep.until,
				     next_look(cell, now, cells->next_scan));
	}
	barrier_seq_cst(); /* [kd] I sleep | answered? */
	if (!moved(cells))
		host_wait_shared_any(&cells->word, seen, sleep.word, sleep.words,
				     sleep.life, sleep.lives, sleep.until);
	store_relaxed(&cells->asleep, 0);
	for_each_cell(cell, cells)
		if (cell_lives(cell))
			store_relaxed(&cell->shared->listens, 0);
}

/* ---- the end --------------------------------------------------------------------- */

/* Destroy: what has not begun is refused; then, when its time is over, all are killed. */
static void end_cells(struct ward_cells *cells, uint64_t now)
{
	uint32_t ending = load_acquire(&cells->ending);

	for_each_cell(cell, cells) {
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
	for_each_cell(cell, cells)
		if (cell_lives(cell) && cell_load(cell))
			told_look(cell, now);
}

static bool work(struct ward_cells *cells, bool closely, uint64_t now, uint64_t *next)
{
	bool any = look(cells, closely, now);

	if (load_relaxed(&cells->told) && swap_acq_rel(&cells->told, 0))
		look_told(cells, now);
	if (now >= cells->next_scan)
		watch_scan(cells, now);
	if (closely)
		*next = birth_round(cells, now);
	if (unlikely(load_acquire(&cells->ending)))
		end_cells(cells, now);
	return any;
}

/* A lone answer has no next one soon, and its worker needs the CPU. */
static bool is_burst(const struct ward_cells *cells, uint64_t slept_at)
{
	return load_relaxed(&cells->counts.answered) - slept_at >= CELL_BURST;
}

static void serve(struct ward_cells *cells)
{
	unsigned idle = CELLS_LOOKS;
	uint64_t next = HOST_FOREVER, close_at = 0, slept_at = 0;

	for (;;) {
		uint32_t seen = load_acquire(&cells->word);
		uint64_t now = host_now();
		bool closely = idle >= CELLS_LOOKS || now >= close_at;

		/* Ends and births are looked for where no answer is, or now and then. */
		if (closely)
			close_at = now + CLOSE_SPAN;
		if (work(cells, closely, now, &next)) {
			idle = is_burst(cells, slept_at) ? 0 : CELLS_LOOKS;
			continue;
		}
		if (unlikely(load_acquire(&cells->ending)) && all_gone(cells))
			return;
		if (++idle <= CELLS_LOOKS) {
			host_yield();
			continue;
		}
		sleep_on(cells, seen, next, now);
		slept_at = load_relaxed(&cells->counts.answered);
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
