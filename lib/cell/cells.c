/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells.c - a set of cells: made, counted, drained, ended.
 */
#include "cell/cell.h"
#include "front/front.h"
#include "lane/wait.h"
#include <stdio.h>
#include <string.h>

#define CREATE_WITHIN (BIRTH_WITHIN + UINT64_C(1000000000))

/* ---- configuration --------------------------------------------------------------- */

static bool in_range(uint64_t value, uint64_t low, uint64_t high)
{
	return !value || (value >= low && value <= high);
}

static int check_program(const struct ward_cells_config *c)
{
	const struct ward_cell_program *program = c->program;

	if (!program == !c->path || (c->argv && !c->path))
		return -EINVAL;
	if (program && (program->size != sizeof(*program) || !program->run ||
			program->reserved))
		return -EINVAL;
	return program ? host_zygote_refuse() : 0;
}

static int check(const struct ward_cells_config *c)
{
	if (!c || c->size != sizeof(*c) || c->flags || c->reserved ||
	    !in_range(c->cells, 1, CELLS_MAX) ||
	    !in_range(c->spares, 1, CELLS_SPARE_MAX) ||
	    !in_range(c->depth, 2, DEPTH_MAX) || c->depth & (c->depth - 1) ||
	    c->in_max > 1u << 30 || c->out_max > 1u << 30 || c->signo < 0 ||
	    c->signo > 64 || (c->grace && !c->signo))
		return -EINVAL;
	if (c->name && strnlen(c->name, 12) > 11)
		return -ENAMETOOLONG;
	return check_program(c);
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static void configure(struct ward_cells *cells, const struct ward_cells_config *c)
{
	cells->wanted = (uint32_t)or_default(
		c->cells, lesser(host_cpu_count(), CELLS_MAX));
	cells->spares = (uint32_t)or_default(c->spares, 1);
	cell_lay_out(&cells->layout, (uint32_t)or_default(c->depth, 256),
		     (uint32_t)or_default(c->in_max, 4096),
		     (uint32_t)or_default(c->out_max, 4096));
	if (c->program)
		cells->program = *c->program;
	cells->path = c->path;
	cells->argv = c->argv;
	cells->limits = (struct host_limits){ c->memory, c->cpu_s, c->files };
	cells->recycle_calls = c->recycle_calls;
	cells->recycle_growth = c->recycle_growth;
	cells->grace = c->grace;
	cells->signo = c->signo;
	snprintf(cells->name, sizeof(cells->name), "%s",
		 c->name && *c->name ? c->name : "cell");
}

/* ---- made ------------------------------------------------------------------------ */

static int start_collector(struct ward_cells *cells)
{
	char name[16];
	struct host_spawn how = { .stack = 64 << 10,
				  .name = name,
				  .open = host_trace_open() };
	int err;

	snprintf(name, sizeof(name), "%.9s/cells", cells->pool->name);
	add_acq_rel(&cells->refs, 1);
	err = host_spawn(&cells->collector, &how, collector_run, NULL, cells);
	if (err)
		sub_acq_rel(&cells->refs, 1);
	return err;
}

/* Until the first cell is up, or is not. */
static int wait_first(struct ward_cells *cells)
{
	struct wait_entry entry;
	uint32_t stage = CELL_COMING;
	int why;

	wait_enter(&entry, &cells->idle, host_now() + CREATE_WITHIN, WAIT_BLOCK);
	why = wait_event(&entry, (stage = load_acquire(&cells->first)) !=
					 CELL_COMING);
	if (why)
		return why;
	return stage == CELL_READY ? 0 : load_relaxed(&cells->error);
}

/* ---- counted --------------------------------------------------------------------- */

static void count_cell(const struct cell *cell, struct ward_cells_stats *stats)
{
	enum cell_state state = cell_state(cell);

	stats->sent += load_relaxed(&cell->sent);
	stats->answered += load_relaxed(&cell->answered);
	stats->working += state == CELL_WORKING;
	stats->spares += state == CELL_SPARE;
	stats->leaving += state == CELL_LEAVING || state == CELL_DOOMED ||
			  state == CELL_DEAD;
}

static void count_all(struct ward_cells *cells, struct ward_cells_stats *stats)
{
	const struct counts *counts = &cells->counts;

	*stats = (struct ward_cells_stats)WARD_CELLS_STATS_INIT;
	stats->calls = cells_calls(cells);
	stats->sent = load_relaxed(&counts->sent);
	stats->answered = load_relaxed(&counts->answered);
	stats->lost = load_relaxed(&counts->lost);
	stats->moved = load_relaxed(&counts->moved);
	stats->born = load_relaxed(&counts->born);
	stats->unborn = load_relaxed(&counts->unborn);
	stats->died = load_relaxed(&counts->died);
	stats->killed = load_relaxed(&counts->killed);
	stats->garbled = load_relaxed(&counts->garbled);
	stats->recycled = load_relaxed(&counts->recycled);
	for_each_cell(cell, cells)
		count_cell(cell, stats);
}

int ward_cells_stats(struct ward_cells *cells, struct ward_cells_stats *stats)
{
	int err = stats && stats->size == sizeof(*stats) ?
			  handle_enter(cells, HANDLE_CELLS) :
			  -EINVAL;

	if (err)
		return err;
	count_all(cells, stats);
	return 0;
}

int ward_cells_pid(struct ward_cells *cells, uint32_t cell)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (err)
		return err;
	if (cell >= CELLS_ALL)
		return -EINVAL;
	return load_relaxed(&cells->cell[cell].process.pid);
}

/* ---- ended ----------------------------------------------------------------------- */

static void close_cells(struct ward_cells *cells)
{
	store_release(&cells->closed, 1);
	host_barrier_heavy(); /* [kx] closed | calls on their way */
	wait_wake(&cells->room); /* submitters that wait are refused */
}

#define SLICE UINT64_C(1000000)

/* A call that left as the set was closed may have told nobody: so it is looked for. */
static int wait_released(struct ward_cells *cells, ward_ns until)
{
	uint32_t seen;
	uint64_t now;

	for (;;) {
		seen = load_acquire(&cells->idle.word);
		if (!cells_calls(cells))
			return 0;
		now = host_now();
		if (now >= until)
			return -ETIMEDOUT;
		host_wait(&cells->idle.word, seen, lesser(until, now + SLICE));
	}
}

int ward_cells_drain(struct ward_cells *cells, ward_ns until)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (err)
		return err;
	if (front_own_thread(cells->pool))
		return -EDEADLK;
	pool_until(cells->pool, until);
	close_cells(cells);
	return wait_released(cells, until);
}

/* In a child: the parent's cells are not its own. */
static int forget(struct ward_cells *cells)
{
	cells->magic = HANDLE_DEAD;
	return 0;
}

static void end(struct ward_cells *cells, uint32_t how)
{
	store_release(&cells->ending, how);
	cells_wake(cells);
}

/* No cell is there any more: the kernel is given END_WITHIN for each step of it. */
static int wait_gone(struct ward_cells *cells, ward_ns until)
{
	struct wait_entry entry;

	wait_enter(&entry, &cells->idle, until, 0);
	return wait_event(&entry, load_acquire(&cells->gone));
}

/* How many calls are left. */
static int destroy(struct ward_cells *cells, ward_ns until)
{
	uint64_t left, now;

	close_cells(cells);
	end(cells, 1);
	wait_gone(cells, until);
	end(cells, 2);
	now = host_now();
	if (wait_gone(cells, now + 4 * END_WITHIN))
		host_detach(cells->collector);
	else
		host_join(cells->collector, HOST_FOREVER);
	wait_released(cells, now + END_WITHIN);
	cell_page_leave(cells);
	cells->magic = HANDLE_DEAD;
	left = set_leave(cells);
	cells_put(cells);
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

int ward_cells_destroy(struct ward_cells *cells, ward_ns until)
{
	int err = handle_enter(cells, HANDLE_CELLS);

	if (err)
		return err == -ECHILD ? forget(cells) : err;
	return front_own_thread(cells->pool) ? -EDEADLK : destroy(cells, until);
}

/* ---- begun ----------------------------------------------------------------------- */

int ward_cells_create(struct ward_cells **out, struct ward_pool *handle,
		      const struct ward_cells_config *config)
{
	struct pool *pool = (struct pool *)handle;
	struct ward_cells *cells;
	int err = out ? pool_enter(pool) : -EINVAL;

	if (!err)
		err = check(config);
	if (err)
		return err;
	cells = host_alloc(sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	configure(cells, config);
	cells->magic = handle_magic(HANDLE_CELLS);
	cells->pool = pool;
	store_relaxed(&pool->counted_run, call_run);
	add_acq_rel(&pool->refs, 1);
	store_relaxed(&cells->refs, 1);
	cells->quiet_since = cells->next_scan = host_now();
	err = set_make(cells);
	if (!err)
		err = start_collector(cells);
	if (err) {
		cells_put(cells);
		return err;
	}
	err = wait_first(cells);
	if (err)
		destroy(cells, WARD_NOWAIT);
	else
		*out = cells;
	return err;
}
