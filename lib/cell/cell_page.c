/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_page.c - a set's rows on its pool's page (pool/page.h).
 *
 * The part is one for all sets of the pool.  A collector that has the claim of it puts its
 * own rows there anew, and writes the whole; one that does not get it comes again.
 */
#include "cell/cell.h"
#include <string.h>

enum { EVERY_MS = 100, AGAIN_MS = 10, LEAVE_TRIES = 1000 };

/* ---- rows ------------------------------------------------------------------------ */

static void put_set(struct ward_page_set *row, const struct ward_cells *cells)
{
	const struct counts *counts = &cells->counts;

	*row = (struct ward_page_set){
		.wanted = cells->wanted,
		.spares_wanted = cells->spares,
		.calls = cells_calls(cells),
		.sent = load_relaxed(&counts->sent),
		.answered = load_relaxed(&counts->answered),
		.lost = load_relaxed(&counts->lost),
		.moved = load_relaxed(&counts->moved),
		.born = load_relaxed(&counts->born),
		.unborn = load_relaxed(&counts->unborn),
		.died = load_relaxed(&counts->died),
		.killed = load_relaxed(&counts->killed),
		.garbled = load_relaxed(&counts->garbled),
		.recycled = load_relaxed(&counts->recycled),
	};
	memcpy(row->name, cells->name, sizeof(cells->name));
}

/* Of a silence that is judged, up to now. */
static void put_silence(struct ward_page_cell *row, const struct cell *cell, uint64_t now)
{
	const struct history *history = &cell->history;

	if (history->last.gen != cell->gen || !history->sampled_at || history->stirred)
		return;
	row->ledger = history->silence;
	row->silence = history->silence.silence + now - history->sampled_at;
}

/* The call is there as long as nobody else collects. */
static void put_call(struct ward_page_cell *row, struct cell *cell, uint64_t now)
{
	const struct ward_call *call = watch_inside(cell);
	struct budgets budgets = watch_budgets(cell);

	if (cell->history.last.gen == cell->gen)
		row->inside = now - cell->epoch_at;
	row->busy_within = budgets.busy;
	row->blocked_within = budgets.blocked;
	row->progress_within = budgets.progress;
	put_silence(row, cell, now);
	if (call)
		page_text(row->call, sizeof(row->call), call->task.name);
}

static const uint8_t state_shown[] = {
	[CELL_BORN] = WARD_PAGE_BORN,	    [CELL_SPARE] = WARD_PAGE_SPARE,
	[CELL_WORKING] = WARD_PAGE_WORKING, [CELL_LEAVING] = WARD_PAGE_LEAVING,
	[CELL_DOOMED] = WARD_PAGE_DOOMED,   [CELL_DEAD] = WARD_PAGE_GONE,
};

static void put_cell(struct ward_page_cell *row, uint32_t set, struct cell *cell,
		     uint64_t now)
{
	enum cell_state state = cell_state(cell);

	*row = (struct ward_page_cell){
		.set = set,
		.pid = load_relaxed(&cell->process.pid),
		.state = state_shown[state],
		.answered = load_relaxed(&cell->answered),
		.since = cell->since,
	};
	if (state != CELL_WORKING && state != CELL_LEAVING)
		return;
	row->calls = cell_load(cell);
	if (row->calls && collect_claim(cell)) {
		put_call(row, cell, now);
		collect_drop(cell);
	}
}

/* ---- the part -------------------------------------------------------------------- */

static uint32_t row_of(const struct page *page, const struct ward_cells *cells)
{
	uint32_t i = 0;

	while (i < page->cells.sets && page->cells.set[i] != cells)
		i++;
	return i;
}

/* Its rows go, and the others close up. */
static void take_out(struct page *page, const struct ward_cells *cells)
{
	struct page_cells *part = page->cells.part;
	uint32_t own = row_of(page, cells), n = 0;

	if (own == page->cells.sets)
		return;
	for (uint32_t i = own + 1; i < page->cells.sets; i++) {
		page->cells.set[i - 1] = page->cells.set[i];
		part->set[i - 1] = part->set[i];
	}
	page->cells.sets--;
	for (uint32_t i = 0; i < page->cells.rows; i++) {
		if (part->cell[i].set == own)
			continue;
		part->cell[n] = part->cell[i];
		part->cell[n++].set -= part->cell[i].set > own;
	}
	page->cells.rows = n;
}

/* How many cells found no room. */
static uint32_t put_in(struct page *page, struct ward_cells *cells, uint64_t now)
{
	struct page_cells *part = page->cells.part;
	uint32_t own = page->cells.sets, more = 0;

	if (own == PAGE_SETS)
		return 0;
	page->cells.sets++;
	page->cells.set[own] = cells;
	put_set(&part->set[own], cells);
	for_each_cell(cell, cells) {
		if (cell_state(cell) == CELL_NONE)
			continue;
		if (page->cells.rows < PAGE_CELLS)
			put_cell(&part->cell[page->cells.rows++], own, cell, now);
		else
			more++;
		part->set[own].sent += load_relaxed(&cell->sent);
		part->set[own].answered += load_relaxed(&cell->answered);
	}
	return more;
}

static void publish(struct page *page, uint32_t more, uint64_t now)
{
	struct page_cells *part = page->cells.part;
	struct snapshot *to = &page->part[WARD_PAGE_CELLS];

	page_head(&part->head.head, sizeof(part->head), sizeof(*part), now);
	part->head.sets = page_table(part, part->set, PAGE_SETS, page->cells.sets);
	part->head.cells = page_table(part, part->cell, PAGE_CELLS, page->cells.rows);
	part->head.cells.more = more;
	snapshot_put(to, snapshot_begin(to), (const uint64_t *)(const void *)part,
		     sizeof(*part));
}

static bool claim(struct page *page)
{
	uint32_t none = 0;

	if (!cas_acquire(&page->cells.claim, &none, 1)) /* [P] */
		return false;
	if (!page->cells.part)
		page->cells.part = host_alloc(sizeof(*page->cells.part));
	if (page->cells.part)
		return true;
	store_release(&page->cells.claim, 0); /* [P] */
	return false;
}

static uint64_t answers(const struct ward_cells *cells)
{
	uint64_t n = load_relaxed(&cells->counts.answered);

	for (uint32_t i = 0; i < CELLS_ALL; i++)
		n += load_relaxed(&cells->cell[i].answered);
	return n;
}

static void show(struct ward_cells *cells, uint64_t now)
{
	struct page *page = &cells->pool->page;

	cells->show_at = now + WARD_MS(AGAIN_MS);
	if (!claim(page))
		return;
	cells->shown = answers(cells);
	cells->moved = false;
	cells->show_at = now + WARD_MS(EVERY_MS);
	take_out(page, cells);
	publish(page, put_in(page, cells, now), now);
	store_release(&page->cells.claim, 0); /* [P] */
}

/* The page says less than there is; a call that goes on is silent for longer. */
static bool is_old(const struct ward_cells *cells)
{
	return cells->moved || answers(cells) != cells->shown || cells_calls(cells);
}

uint64_t cell_page_round(struct ward_cells *cells, uint64_t now)
{
	if (likely(!page_is_made(&cells->pool->page)) || !is_old(cells))
		return HOST_FOREVER;
	if (now >= cells->show_at)
		show(cells, now);
	return is_old(cells) ? cells->show_at : HOST_FOREVER;
}

/* By the owner: it waits for no collector that was stopped amid its turn. */
void cell_page_leave(struct ward_cells *cells)
{
	struct page *page = &cells->pool->page;

	if (!page_is_made(page))
		return;
	for (int i = 0; i < LEAVE_TRIES; i++) {
		if (claim(page)) {
			take_out(page, cells);
			publish(page, 0, host_now());
			store_release(&page->cells.claim, 0); /* [P] */
			return;
		}
		host_yield();
	}
}
