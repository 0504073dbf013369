/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells.h - calls whose ends are kept, over and over, for the stories of cells.
 */
#ifndef WARD_TESTS_STORY_CELLS_H
#define WARD_TESTS_STORY_CELLS_H

#include "story.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 128 }; /* bytes of a request, an answer */

struct visit {
	struct ward_call call;
	uint32_t in[4], out[ROOM / 4];
	uint32_t out_size;
	int status;
	_Atomic uint32_t done, released;
	bool sent;
};

static inline void visit_done(struct ward_call *call, int status)
{
	struct visit *visit = ward_entry(call, struct visit, call);

	visit->status = status;
	visit->out_size = call->out_size;
	expect(call->out_size <= ROOM);
	if (call->out)
		memcpy(visit->out, call->out, call->out_size);
	if (add_acq_rel(&visit->done, 1))
		story_fail(__FILE__, __LINE__, "done twice");
}

static inline void visit_release(struct ward_call *call)
{
	struct visit *visit = ward_entry(call, struct visit, call);

	expect_equal(load_acquire(&visit->done), 1);
	if (add_acq_rel(&visit->released, 1))
		story_fail(__FILE__, __LINE__, "released twice");
}

static inline void visit_send(struct ward_cells *cells, struct visit *visit)
{
	visit->call.in = visit->in;
	visit->call.in_size = sizeof(visit->in);
	visit->call.done = visit_done;
	visit->call.release = visit_release;
	visit->call.task.name = "visit";
	visit->sent = true;
	visit->out_size = 0;
	store_relaxed(&visit->done, 0);
	store_release(&visit->released, 0);
	expect_equal(ward_cells_submit(cells, &visit->call, ward_in(IN_TIME)), 0);
}

/* The caller's: it was never sent, or has come back. */
static inline bool visit_is_home(struct visit *visit)
{
	return !visit->sent || load_acquire(&visit->released);
}

static inline uint64_t draw(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return (*state ^ *state >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 16;
}

static inline struct ward_cells_stats cells_stats(struct ward_cells *cells)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;

	expect_equal(ward_cells_stats(cells, &stats), 0);
	return stats;
}

static inline struct ward_cells *cells_up(struct ward_pool *pool, uint32_t n,
					  const struct ward_cell_program *program)
{
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;
	struct ward_cells *cells;

	config.cells = n;
	config.depth = 16;
	config.in_max = config.out_max = ROOM;
	config.program = program;
	expect_equal(ward_cells_create(&cells, pool, &config), 0);
	return cells;
}

/* All at work again, whatever has become of them; nothing is left in them. */
static inline void cells_healed(struct ward_cells *cells, uint32_t n)
{
	wait_until(cells_stats(cells).working == n &&
		   cells_stats(cells).spares == 1 &&
		   cells_stats(cells).leaving == 0);
	wait_until(cells_stats(cells).calls == 0);
}

static inline void cells_down(struct ward_cells *cells)
{
	expect_equal(ward_cells_drain(cells, ward_in(IN_TIME)), 0);
	expect_equal(ward_cells_destroy(cells, ward_in(IN_TIME)), 0);
}

/* How many processes this one has made and not reaped. */
static inline unsigned children_now(void)
{
	char path[64], text[64];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	expect(file != NULL);
	while (fscanf(file, "%63s", text) == 1)
		n++;
	fclose(file);
	return n;
}

#endif
