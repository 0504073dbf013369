/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of cells on the page of their pool, as another process reads it.
 */
#include "../../tools/find.h"
#include "cell_ask.h"
#include "pool/page.h"

CELLS_ARE_THERE;

static struct found found;

static struct ward_pool *shown_pool(void)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	static struct finds finds;

	setenv("WARD_PUBLISH_DIR", "/nowhere", 1); /* a memfd */
	config.flags = WARD_POOL_PUBLISH;
	pool = started(&config);
	cr_assert_eq(find_pid(&finds, getpid()), 0);
	cr_assert_eq(finds.n, 1);
	found = finds.found[0];
	return pool;
}

static struct ward_cells *named(struct ward_pool *pool, const char *name, uint32_t n)
{
	struct ward_cells_config config = cells_config(n);

	config.name = name;
	return cells_with(pool, &config);
}

static struct model model;

/* Anew at each look. */
static const struct model *page_now(void)
{
	model_free(&model);
	cr_assert_eq(model_read(&model, found.fd), 0);
	return &model;
}

static const struct ward_page_set *set_of(const char *name)
{
	static const struct ward_page_set none;
	const struct model *m = page_now();

	for (uint32_t i = 0; i < m->cells.sets.rows; i++)
		if (!strcmp(m->set[i].name, name))
			return &m->set[i];
	return &none;
}

/* In that state, with so many calls. */
static uint32_t cells_in(const char *name, uint32_t state, uint32_t calls)
{
	const struct ward_page_set *set = set_of(name);
	uint32_t n = 0;

	for (uint32_t i = 0; i < model.cells.cells.rows; i++)
		n += model.cell[i].state == state && model.cell[i].calls == calls &&
		     set == &model.set[model.cell[i].set];
	return n;
}

#define comes_to(name, field, n) cr_assert(comes_true(set_of(name)->field == (n)))

Test(cell_page, cells_that_are_idle_and_what_they_did)
{
	struct ward_pool *pool = shown_pool();
	struct ward_cells *cells = named(pool, "idle", 2);

	cr_assert(comes_true(cells_in("idle", WARD_PAGE_WORKING, 0) == 2));
	cr_assert(comes_true(cells_in("idle", WARD_PAGE_SPARE, 0) == 1));
	for (int i = 0; i < 5; i++)
		one(cells, ASK_ECHO, 0, 0);
	comes_to("idle", answered, 5);
	comes_to("idle", calls, 0);
	comes_to("idle", sent, 5);
	one(cells, ASK_KILL, 0, -EOWNERDEAD);
	comes_to("idle", died, 1);
	comes_to("idle", lost, 1);
	comes_to("idle", born, 4);
	cr_assert_eq(set_of("idle")->wanted, 2);
	cr_assert_eq(set_of("idle")->spares_wanted, 1);
	cr_assert(comes_true(cells_in("idle", WARD_PAGE_WORKING, 0) == 2));
	cells_end(pool, cells);
	cr_assert_eq(page_now()->cells.sets.rows, 0);
	cr_assert_eq(page_now()->cells.cells.rows, 0);
}

/* Its only cell is inside of it, or NULL. */
static const struct ward_page_cell *inside_of(const char *call)
{
	const struct model *m = page_now();

	for (uint32_t i = 0; i < m->cells.cells.rows; i++)
		if (!strcmp(m->cell[i].call, call))
			return &m->cell[i];
	return NULL;
}

Test(cell_page, a_call_that_is_silent_and_its_conviction)
{
	static const struct ward_policy slow = { .size = sizeof(slow),
						 .busy_within = WARD_S(60),
						 .blocked_within = WARD_MS(400) };
	struct ward_pool *pool = shown_pool();
	struct ward_cells *cells = named(pool, "busy", 1);
	const struct ward_page_cell *row = NULL;
	struct ask ask;

	ask_init(&ask, ASK_SLEEP, 0)->call.task.policy = &slow;
	ask.call.task.name = "sleeper";
	asked(cells, &ask);
	cr_assert(comes_true((row = inside_of("sleeper")) && row->silence));
	cr_assert_eq(row->pid, ward_cells_pid(cells, 0));
	cr_assert_eq(row->state, WARD_PAGE_WORKING);
	cr_assert_eq(row->calls, 1);
	cr_assert_eq(row->blocked_within, WARD_MS(400));
	cr_assert_eq(row->busy_within, WARD_S(60));
	cr_assert_gt(row->inside, 0);
	cr_assert_leq(row->ledger.silence, row->silence);
	ask_had(&ask, -ETIME);
	comes_to("busy", killed, 1);
	cr_assert(comes_true(!inside_of("sleeper")));
	cells_end(pool, cells);
}

Test(cell_page, sets_come_and_go)
{
	struct ward_pool *pool = shown_pool();
	struct ward_cells *cells[3] = { named(pool, "one", 1), named(pool, "two", 2),
					named(pool, "three", 1) };

	cr_assert(comes_true(cells_in("two", WARD_PAGE_WORKING, 0) == 2));
	cr_assert(comes_true(cells_in("one", WARD_PAGE_WORKING, 0) == 1));
	cr_assert(comes_true(cells_in("three", WARD_PAGE_WORKING, 0) == 1));
	cr_assert_eq(ward_cells_destroy(cells[1], ward_in(IN_TIME)), 0);
	cr_assert_eq(set_of("two")->wanted, 0);
	cr_assert_eq(page_now()->cells.sets.rows, 2);
	cr_assert(comes_true(cells_in("three", WARD_PAGE_WORKING, 0) == 1));
	cr_assert(comes_true(cells_in("three", WARD_PAGE_SPARE, 0) == 1));
	one(cells[2], ASK_ECHO, 0, 0);
	comes_to("three", answered, 1);
	comes_to("one", answered, 0);
	cr_assert_eq(ward_cells_destroy(cells[0], ward_in(IN_TIME)), 0);
	cells_end(pool, cells[2]);
}

/* More sets than there are rows: the others are shown. */
Test(cell_page, more_sets_than_there_is_room)
{
	struct ward_pool *pool = shown_pool();
	struct ward_cells *cells[PAGE_SETS + 1];

	for (int i = 0; i <= PAGE_SETS; i++)
		cells[i] = cells_of(pool, 1);
	cr_assert(comes_true(page_now()->cells.sets.rows == PAGE_SETS));
	for (int i = 0; i <= PAGE_SETS; i++)
		cr_assert_eq(ward_cells_destroy(cells[i], ward_in(IN_TIME)), 0);
	cr_assert_eq(page_now()->cells.sets.rows, 0);
	ended(pool);
}
