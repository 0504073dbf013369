/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_cell_edges.c - the edges of one cell, by the library's own steps and no more: its two
 * rings, its claim and the last of it against its end.
 *
 * The cell is a thread, or nobody; the scenario's first thread is its collector.  The set is
 * about to end, so that a call which is taken back is refused, and seen at once.
 */
#include "base/host.h"
#include "cell/cell.h"
#include "cell/inside.h"
#include "front/front.h"
#include "names.h"
#include "sim.h"
#include <errno.h>
#include <string.h>

enum { DEPTH = 2, CALLS = 3, ANSWER = 100 };

static struct pool *pool;
static struct ward_cells *cells;
static struct cell *cell;
static struct inside inside;
static struct job {
	struct ward_call call;
	uint32_t number; /* plain: the request */
	uint32_t runs;	 /* offstage */
} job[CALLS];

static void make_pool(struct pool **to)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = config.max = 1;
	config.spares = config.zombies = config.zombies_asleep = 1;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	check(pool_new(to, &config) == 0);
}

static void name_words(void)
{
	NAME(cell->state);
	NAME(cell->claim);
	NAME(cell->entered);
	NAME(cell->sent);
	NAME(cell->shared->avail);
	NAME(cell->shared->taken);
	NAME(cell->shared->used);
	NAME(cells->word);
}

/* As bear() and employ() leave it. */
static void set_up(void)
{
	memset(job, 0, sizeof(job));
	memset(&inside, 0, sizeof(inside));
	sim_private(&ward_pulse_);
	make_pool(&pool);
	name_pool(pool);
	cells = host_alloc(sizeof(*cells));
	cells->pool = pool;
	cells->wanted = 1;
	cell_lay_out(&cells->layout, DEPTH, sizeof(uint32_t), sizeof(uint32_t));
	check(set_make(cells) == 0);
	cell = &cells->cell[0];
	check(!host_segment_make(&cell->segment, "cell", cells->layout.size));
	cell->shared = cell->segment.mem;
	host_life_init(&cell->shared->life);
	store_relaxed(&cell->state, CELL_WORKING);
	store_relaxed(&cells->working[0], cell);
	store_relaxed(&cells->ending, 1);
	store_relaxed(&cell->claim, 0);
	name_words();
}

static struct desc *filled(uint32_t i)
{
	struct ward_call *call = &job[i].call;
	struct desc *desc = send_take(cells, call, NULL);

	check(desc);
	job[i].number = i;
	call->in = &job[i].number;
	call->in_size = sizeof(job[i].number);
	task_open(task_priv(&call->task));
	check(send_fill(desc, call) == 0);
	return desc;
}

/* How many are the pool's to answer. */
static uint32_t given(void)
{
	return (uint32_t)load_acquire(&pool->inbox.away.returned);
}

/* ---- the claim, and the end of a cell ---------------------------------------------- */

static void posts(void *desc)
{
	send_post(desc);
}

static void two_post(host_thread *t)
{
	struct desc *desc[2];

	set_up();
	desc[0] = filled(0);
	desc[1] = filled(1);
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&t[i], NULL, posts, NULL, desc[i]));
}

static void cells_posted(void)
{
	host_thread t[2];

	two_post(t);
	host_join(t[0], HOST_FOREVER);
	host_join(t[1], HOST_FOREVER);
	check(load_acquire(&cell->shared->avail) == 2);
	sim_enough();
}
SCENARIO(cells_posted, "each of two that post leaves it to the other", .bound = 2,
	 .share = 2);

/*
 * Two have filled their descriptors when the cell ends.  Their calls are given back, or the
 * collector is told to look once more.
 */
static void cells_kept(void)
{
	host_thread t[2];

	two_post(t);
	birth_retire(cell, CELL_DOOMED, 0);
	while (!collect_entered(cell))
		host_relax();
	birth_retire(cell, CELL_DEAD, 0);
	collect_lost(cell);
	host_join(t[0], HOST_FOREVER);
	host_join(t[1], HOST_FOREVER);
	if (given() < 2) {
		check(load_acquire(&cells->word));
		check(collect_entered(cell));
	}
	check(given() == 2);
	sim_enough();
}
SCENARIO(cells_kept, "a call is sent after the last look at a cell that has ended",
	 .bound = 2, .share = 4);

/* ---- the last of a cell that has ended ----------------------------------------------- */

/* A thread that goes before the collector's look is seen by it; a later one wakes it. */
static void ends_beside(void (*goes)(void *arg), void *arg, bool (*all_gone)(struct cell *))
{
	host_thread t;
	bool gone;

	check(!host_spawn(&t, NULL, goes, NULL, arg));
	birth_retire(cell, CELL_DEAD, 0);
	gone = all_gone(cell);
	host_join(t, HOST_FOREVER);
	check(gone || load_acquire(&cells->word));
	check(all_gone(cell));
	sim_enough();
}

static void drops(void *desc)
{
	send_drop(desc);
}

static void cells_given_back(void)
{
	set_up();
	ends_beside(drops, filled(0), send_take_all);
}
SCENARIO(cells_given_back, "nobody tells that the last descriptor is free", .bound = 2);

static bool none; /* offstage */

static offstage void looks_well(void)
{
	check(!none);
}

static void looks(void *arg)
{
	(void)arg;
	if (caller_looks(cell))
		looks_well();
	caller_leaves(cell);
}

static offstage bool nobody_looks(struct cell *of)
{
	return none = caller_is_none(of);
}

static void cells_looked_at(void)
{
	set_up();
	none = false;
	ends_beside(looks, NULL, nobody_looks);
}
SCENARIO(cells_looked_at, "a caller looks at a cell that is buried, or keeps it",
	 .bound = 2);

/* ---- two rings ----------------------------------------------------------------------- */

static offstage void runs(uint32_t number)
{
	check(number < CALLS && !job[number].runs++);
}

static int run(struct ward_request *request)
{
	uint32_t number;

	memcpy(&number, request->in, sizeof(number));
	runs(number);
	number += ANSWER;
	memcpy(request->out, &number, sizeof(number));
	request->out_size = sizeof(number);
	return 0;
}

static void serves(void *arg)
{
	(void)arg;
	inside_live(&inside);
}

static offstage bool has_run(uint32_t i)
{
	return job[i].runs;
}

/* Of a call that was answered, its own answer; of any other, that it never ran. */
static void look_at(uint32_t i)
{
	const struct desc *desc = call_desc(&job[i].call);
	uint32_t number;

	check(has_run(i) == (desc != NULL));
	if (!desc)
		return;
	memcpy(&number, send_answer(desc), sizeof(number));
	check(desc->out_size == sizeof(number) && number == i + ANSWER);
}

/* As the collector sleeps. */
static void await_answers(void)
{
	struct cell_shared *shared = cell->shared;
	uint32_t seen = load_relaxed(&cell->collected);

	store_relaxed(&shared->listens, 1);
	barrier_seq_cst();
	if (load_acquire(&shared->used) == seen)
		host_wait_shared(&shared->listens, 1, HOST_FOREVER);
	store_relaxed(&shared->listens, 0);
}

static void collect_all(void)
{
	while (cell_load(cell)) {
		if (!collect_answers(cell))
			await_answers();
		check(!load_relaxed(&cell->garbled));
	}
}

/*
 * Two calls are put and taken back while the cell takes them; another comes, on a
 * descriptor of theirs.
 */
static void cells_rings(void)
{
	host_thread t;

	set_up();
	make_pool(&inside.pool);
	inside.shared = cell->shared;
	inside.layout = cells->layout;
	inside.program.run = run;
	check(!host_spawn(&t, NULL, serves, NULL, NULL));
	send_post(filled(0));
	send_post(filled(1));
	collect_back(cell, false);
	if (given())
		send_post(filled(2));
	collect_all();
	cell_order(cell, CELL_LEAVE);
	host_join(t, HOST_FOREVER);
	for (uint32_t i = 0; i < CALLS; i++)
		look_at(i);
	sim_enough();
}
SCENARIO(cells_rings, "a call is begun and taken back, or its bytes are another's",
	 .bound = 1, .share = 4);
