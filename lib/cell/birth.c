/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * birth.c - cells come and go: as many at work as are wanted, spares ready beside them.
 *
 * One is born at a time.  Where cells do not come up the next one waits, longer each time.
 */
#include "cell/cell.h"
#include <string.h>

#define AGAIN_MIN UINT64_C(10000000)
#define ARRIVE_SPAN UINT64_C(5000000) /* between two looks at one that is on its way */
#define GROW_SPAN UINT64_C(50000000) /* between two looks at a cell's size */
#define AGAIN_MAX UINT64_C(2000000000)

static uint32_t count(const struct ward_cells *cells, enum cell_state state)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CELLS_ALL; i++)
		n += load_relaxed(&cells->cell[i].state) == state;
	return n;
}

static void move(struct cell *cell, enum cell_state state, uint64_t now)
{
	cell->since = now;
	cell->cells->moved = true;
	if (state == CELL_WORKING)
		add_relaxed(&cell->cells->pool->cells.working, 1);
	else if (cell_state(cell) == CELL_WORKING)
		add_relaxed(&cell->cells->pool->cells.working, -(uint64_t)1);
	store_release(&cell->state, state); /* [kf] */
}

/* ---- a segment and its process --------------------------------------------------- */

static void fill_segment(struct cell *cell)
{
	const struct ward_cells *cells = cell->cells;
	struct cell_shared *shared = cell->shared;
	const struct cell_layout *layout = &cells->layout;

	shared->magic = CELL_MAGIC;
	shared->layout = sizeof(*shared);
	shared->size = cell->segment.size;
	shared->parent = host_pid();
	shared->depth = layout->depth;
	shared->in_max = layout->in_max;
	shared->out_max = layout->out_max;
	shared->limits = cells->limits;
	strncpy(shared->name, cells->name, sizeof(shared->name) - 1);
	host_life_init(&shared->life);
}

/* All that the last process of this record has left. */
static void clear(struct cell *cell)
{
	const struct cell_layout *layout = &cell->cells->layout;

	if (!cell->shared)
		cell->shared = cell->segment.mem;
	store_relaxed(&cell->sent, 0);
	store_relaxed(&cell->collected, 0);
	store_relaxed(&cell->given_back, 0);
	memset(&cell->history, 0, sizeof(cell->history));
	memset(cell->avail, 0, layout->depth * sizeof(*cell->avail));
	for (uint32_t i = 0; i < layout->depth; i++)
		cell->desc[i].told = false;
	store_relaxed(&cell->answered, 0);
	store_relaxed(&cell->garbled, GARBLED_NOT);
	cell->kill_at = cell->incident = cell->reap_at = 0;
	cell->seen_used = 0;
	cell->reaped = false;
	cell->why = LOST_DEATH;
	cell->end = (struct host_end){ 0 };
	cell->gen = ++cell->cells->gens;
}

static int start_process(struct cell *cell)
{
	const struct ward_cells *cells = cell->cells;
	char message[HOST_MESSAGE] = "";
	char *const alone[] = { (char *)(uintptr_t)cells->path, NULL };

	if (cells->path)
		return host_process_exec(cells->path,
					 cells->argv ? cells->argv : alone,
					 CELL_VARIABLE, cell->segment.fd,
					 &cell->process);
	memcpy(message, &cells->program, sizeof(cells->program));
	return host_zygote_ask(cell->segment.fd, message, &cell->process);
}

static int bear(struct cell *cell, uint64_t now)
{
	int err = host_segment_make(&cell->segment, cell->cells->name,
				    cell->cells->layout.size);

	if (err)
		return err;
	clear(cell);
	fill_segment(cell);
	err = start_process(cell);
	host_segment_close(&cell->segment);
	if (err) {
		host_segment_empty(&cell->segment);
		return err;
	}
	host_stat_open_process(&cell->files, load_relaxed(&cell->process.pid));
	move(cell, CELL_BORN, now);
	store_release(&cell->claim, 0);
	return 0;
}

void birth_bury(struct cell *cell)
{
	struct counts *counts = &cell->cells->counts;

	count_own(&counts->sent, load_relaxed(&cell->sent));
	store_relaxed(&cell->sent, 0);
	count_own(&counts->answered, load_relaxed(&cell->answered));
	store_relaxed(&cell->answered, 0);
	host_stat_close(&cell->files);
	/* A submitter may be about to look if it sleeps: the addresses stay. */
	host_segment_empty(&cell->segment);
	cell->cells->moved = true;
	store_release(&cell->state, CELL_NONE);
}

/* ---- to work, and away ----------------------------------------------------------- */

static struct cell *_Atomic *vacancy(struct ward_cells *cells)
{
	for (uint32_t i = 0; i < cells->wanted; i++)
		if (!load_relaxed(&cells->working[i]))
			return &cells->working[i];
	return NULL;
}

static bool employ(struct ward_cells *cells, uint64_t now)
{
	struct cell *_Atomic *place = vacancy(cells);

	if (!place || load_relaxed(&cells->ending))
		return false;
	for_each_cell(cell, cells)
		if (cell_state(cell) == CELL_SPARE) {
			move(cell, CELL_WORKING, now);
			store_release(place, cell);
			wait_tell(&cells->room); /* [kr] */
			return true;
		}
	return false;
}

void birth_retire(struct cell *cell, enum cell_state state, uint64_t now)
{
	struct ward_cells *cells = cell->cells;

	for (uint32_t i = 0; i < cells->wanted; i++)
		if (load_relaxed(&cells->working[i]) == cell)
			store_release(&cells->working[i], NULL);
	move(cell, state, now);
	while (employ(cells, now))
		;
}

/* ---- one that is on its way up --------------------------------------------------- */

static void tell_unborn(struct ward_cells *cells, const char *what, int err,
			const struct host_end *end)
{
	struct incident *in;

	cells_count(cells, unborn);
	store_relaxed(&cells->error, err);
	cells->failures++;
	if (cells->told_births)
		return;
	in = incident_open(&cells->pool->tell, WARD_R_NO_THREAD, incident_id());
	if (!in)
		return;
	cells->told_births = true;
	in->report.what = what;
	in->report.err = err;
	if (end)
		cell_ended_how(&in->report, end);
	incident_raise(&cells->pool->tell, in);
}

static void first_is(struct ward_cells *cells, enum cell_stage stage)
{
	if (load_relaxed(&cells->first) != CELL_COMING)
		return;
	store_release(&cells->first, stage);
	wait_wake(&cells->idle);
}

static void ready(struct cell *cell, uint64_t now)
{
	struct ward_cells *cells = cell->cells;

	cells_count(cells, born);
	cells->failures = 0;
	cells->told_births = false;
	cell->memory = host_process_memory(cell->files.tid);
	move(cell, CELL_SPARE, now);
	while (employ(cells, now))
		;
	first_is(cells, CELL_READY);
}

/* True: it is not on its way any more. */
static bool arrive(struct cell *cell, uint64_t now)
{
	struct ward_cells *cells = cell->cells;
	uint32_t stage = load_acquire(&cell->shared->stage);
	bool late = now - cell->since >= BIRTH_WITHIN, ended;

	if (stage == CELL_READY) {
		ready(cell, now);
		return true;
	}
	ended = host_process_ended(&cell->process, &cell->end);
	if (stage == CELL_COMING && !late && !ended)
		return false;
	cell->reaped = ended;
	host_process_kill(&cell->process);
	move(cell, CELL_DOOMED, now);
	tell_unborn(cells,
		    late ? "a cell was not ready in time" :
			   "a cell ended before it was ready",
		    late ? -ETIMEDOUT : -EOWNERDEAD, &cell->end);
	first_is(cells, CELL_FAILED);
	return true;
}

/* ---- one that has had its time --------------------------------------------------- */

static bool is_spent(struct cell *cell, uint64_t now)
{
	const struct ward_cells *cells = cell->cells;

	if (cells->recycle_calls &&
	    load_relaxed(&cell->answered) >= cells->recycle_calls)
		return true;
	if (!cells->recycle_growth || now < cell->grow_at)
		return false;
	cell->grow_at = now + GROW_SPAN;
	return host_process_memory(cell->files.tid) >
	       cell->memory + cells->recycle_growth;
}

/* A spent cell answers what it has, and leaves: where another takes its place at once. */
static void recycle(struct ward_cells *cells, uint64_t now)
{
	for_each_cell(cell, cells) {
		if (cell_state(cell) != CELL_WORKING || !is_spent(cell, now))
			continue;
		if (!count(cells, CELL_SPARE))
			return;
		cells_count(cells, recycled);
		birth_retire(cell, CELL_LEAVING, now);
		cell_order(cell, CELL_LEAVE);
	}
}

/* ---- a round --------------------------------------------------------------------- */

static struct cell *blank(struct ward_cells *cells)
{
	for_each_cell(cell, cells)
		if (cell_state(cell) == CELL_NONE)
			return cell;
	return NULL;
}

static void failed(struct ward_cells *cells, int err)
{
	tell_unborn(cells, "a cell could not be made", err, NULL);
	first_is(cells, CELL_FAILED);
}

static uint64_t next_after(struct ward_cells *cells, uint64_t now)
{
	uint64_t wait = AGAIN_MIN << (cells->failures < 8 ? cells->failures : 8);

	return now + (wait < AGAIN_MAX ? wait : AGAIN_MAX);
}

static void bear_next(struct ward_cells *cells, uint64_t now)
{
	struct cell *cell = blank(cells);
	int err;

	if (!cell)
		return;
	err = bear(cell, now);
	if (err && err != -EBUSY)
		failed(cells, err);
}

uint64_t birth_round(struct ward_cells *cells, uint64_t now)
{
	uint32_t wanted = cells->wanted + cells->spares;
	uint32_t failures = cells->failures;

	if (load_relaxed(&cells->ending))
		return HOST_FOREVER;
	for_each_cell(cell, cells)
		if (cell_state(cell) == CELL_BORN && !arrive(cell, now))
			return now + ARRIVE_SPAN;
	if (cells->failures != failures)
		cells->next_birth = next_after(cells, now);
	if (cells->recycle_calls || cells->recycle_growth)
		recycle(cells, now);
	if (count(cells, CELL_WORKING) + count(cells, CELL_SPARE) >= wanted)
		return HOST_FOREVER;
	if (now < cells->next_birth)
		return cells->next_birth;
	failures = cells->failures;
	bear_next(cells, now);
	if (cells->failures != failures)
		cells->next_birth = next_after(cells, now);
	return count(cells, CELL_BORN) ? now + ARRIVE_SPAN :
					 next_after(cells, now);
}
