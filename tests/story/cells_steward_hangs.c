/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_steward_hangs.c - the pool's steward is held while calls are in cells.
 *
 * Expected: calls go on being supervised, before another steward takes over and after:
 * one that is silent is convicted, one whose cell is killed is answered or runs again,
 * after its backoff too, and honest ones have their answers.  The old steward, let go,
 * touches nothing: the books are right.
 */
#include "cells.h"
#include "office.h"

enum order { ANSWER, SPIN, KILL_ONCE };

static int serves(struct ward_request *r)
{
	const uint32_t *in = r->in;

	if (in[0] == SPIN)
		for (;;)
			host_relax();
	if (in[0] == KILL_ONCE && r->attempt == 1)
		kill(getpid(), SIGKILL);
	memcpy(r->out, &r->attempt, sizeof(r->attempt));
	r->out_size = sizeof(r->attempt);
	return 0;
}

static const struct ward_policy again = { .size = sizeof(again),
					  .deaths = 1,
					  .busy_within = WARD_S(60),
					  .blocked_within = WARD_S(60) };
static const struct ward_policy later = { .size = sizeof(later),
					  .deaths = 1,
					  .backoff_min = 20 * MS,
					  .backoff_max = 20 * MS,
					  .busy_within = WARD_S(60),
					  .blocked_within = WARD_S(60) };
static const struct ward_policy patient = { .size = sizeof(patient),
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60) };

static struct visit visit[5];

/* Those that are honest are beside those that are not; all at once. */
static void supervised(struct ward_cells *cells)
{
	static const struct {
		enum order order;
		const struct ward_policy *policy; /* NULL: the pool's, which is hasty */
		int status;
		uint32_t attempt;
	} row[] = { { ANSWER, &patient, 0, 1 },
		    { SPIN, NULL, -ETIME, 0 },
		    { KILL_ONCE, &patient, -EOWNERDEAD, 0 },
		    { KILL_ONCE, &again, 0, 2 },
		    { KILL_ONCE, &later, 0, 2 } };

	for (int i = 0; i < 5; i++) {
		memset(&visit[i], 0, sizeof(visit[i]));
		visit[i].in[0] = row[i].order;
		visit[i].call.task.policy = row[i].policy;
		visit_send(cells, &visit[i]);
	}
	for (int i = 0; i < 5; i++) {
		wait_until(visit_is_home(&visit[i]));
		expect_equal(visit[i].status, row[i].status);
		if (row[i].attempt)
			expect_equal(visit[i].out[0], row[i].attempt);
	}
}

int main(void)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_pool_config config = story_config();
	struct ward_cells *cells;
	struct ward_pool *pool;
	struct steward *old;
	struct item busy;
	struct hold it;

	program.run = serves;
	expect_equal(ward_cell_zygote(), 0);
	config.workers = 2;
	pool = pool_up(&config);
	cells = cells_up(pool, 2, &program);
	old = in_office(pool);
	item_start(pool, &busy, beats_until_marked, NULL, "busy"); /* nobody sleeps */
	item_runs(&busy, 1);
	wait_until(load_relaxed(&old->tid));
	if (!hold(&it, load_relaxed(&old->tid))) {
		store_release(&busy.mark, 1);
		story_skip("no right to trace");
	}
	supervised(cells);
	told(WARD_R_STEWARD, 0);
	expect(in_office(pool) != old);
	supervised(cells);
	dismissed(&it);
	wait_until(load_relaxed(&old->tid) == 0);
	supervised(cells);
	cells_healed(cells, 2);
	expect_equal(cells_stats(cells).killed, 3);
	expect_equal(cells_stats(cells).died, 9);
	store_release(&busy.mark, 1);
	item_ends(&busy, 0);
	cells_down(cells);
	pool_down(pool);
	return 0;
}
