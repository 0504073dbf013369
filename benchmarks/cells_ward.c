/* SPDX-License-Identifier: BSD-2-Clause */
/* cells_ward.c - the same stream, by libward's cells; one request at a time; none. */
#include "cells.h"
#include "threads.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- a set of cells ------------------------------------------------------ */

struct ward_cells *cells_set;

static bool complain(const char *what, int err)
{
	if (err)
		fprintf(stderr, "ward: %s: %d\n", what, err);
	return err == 0;
}

static bool all_up(unsigned wanted)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;

	do {
		os_sleep(MS);
		if (ward_cells_stats(cells_set, &stats))
			return false;
	} while (stats.working < wanted || !stats.spares);
	return true;
}

static void note_pids(void)
{
	int pid;

	for (unsigned i = 0; (pid = ward_cells_pid(cells_set, i)) >= 0; i++)
		if (pid && cells_pids < CELLS_AT_MOST)
			cells_pid[cells_pids++] = pid;
}

bool cells_up(struct ward_pool *pool, int (*run)(struct ward_request *request),
	      unsigned cells, const struct stream *stream)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;

	program.run = run;
	config.program = &program;
	config.cells = cells;
	config.depth = stream->window;
	config.in_max = stream->size;
	config.out_max = REQUEST;
	if (!complain("cells", ward_cells_create(&cells_set, pool, &config)) ||
	    !all_up(cells))
		return false;
	note_pids();
	return true;
}

bool cells_down(void)
{
	bool ok = complain("drain",
			   ward_cells_drain(cells_set, ward_in(5 * S)));

	return complain("destroy",
			ward_cells_destroy(cells_set, ward_in(5 * S))) &&
	       ok;
}

static bool up(int (*run)(struct ward_request *request), unsigned cells,
	       const struct stream *stream)
{
	static const struct setup setup = { 1, 1, 4096, 0 };

	return complain("zygote", ward_cell_zygote()) &&
	       rival_ward.start(&setup) &&
	       cells_up(bench_pool, run, cells, stream);
}

static bool down(void)
{
	return cells_down() && rival_ward.finish();
}

/* ---- a stream ------------------------------------------------------------ */

static struct stream stream;

/* Twice as many as can be under way, taken in turn. */
static struct request {
	_Alignas(64) _Atomic uint32_t out; /* it is the library's */
	bool used;
	int status;
	uint64_t n, answer;
	struct ward_call call;
	uint64_t word[REQUEST / sizeof(uint64_t)];
} *request;

static struct request *request_of(struct ward_call *call)
{
	return ward_entry(call, struct request, call);
}

static int give_answer(struct ward_request *r, uint64_t answer)
{
	memcpy(r->out, &answer, sizeof(answer));
	r->out_size = sizeof(answer);
	return 0;
}

static int run_all(struct ward_request *r)
{
	return give_answer(r, cells_answer(r->in, r->in_size, READ_ALL));
}

static int run_ends(struct ward_request *r)
{
	return give_answer(r, cells_answer(r->in, r->in_size, READ_ENDS));
}

static int fill(struct ward_call *call, void *to)
{
	cells_fill(to, call->in_size, request_of(call)->n);
	return 0;
}

static void done(struct ward_call *call, int status)
{
	struct request *r = request_of(call);

	r->status = status;
	if (call->out_size == sizeof(r->answer))
		memcpy(&r->answer, call->out, sizeof(r->answer));
}

static void release(struct ward_call *call)
{
	atomic_store_explicit(&request_of(call)->out, 0, memory_order_release);
}

/* The last answer of it is looked at, and it is free. */
static bool take_back(struct request *r)
{
	unsigned waits = 0;
	bool right;

	while (atomic_load_explicit(&r->out, memory_order_acquire))
		if (++waits % 16)
			sched_yield();
		else
			os_sleep(20 * US);
	right = !r->used || (!r->status && r->answer == cells_expect(r->n));
	r->used = false;
	return right;
}

static bool put(uint64_t n)
{
	struct request *r = &request[n % (2 * stream.window * stream.cells)];

	if (!take_back(r))
		return false;
	r->n = n;
	r->used = true;
	r->call.in_size = stream.size;
	r->call.done = done;
	r->call.release = release;
	if (stream.size == REQUEST) {
		cells_fill(r->word, REQUEST, n);
		r->call.in = r->word;
	} else {
		r->call.fill = fill;
	}
	atomic_store_explicit(&r->out, 1, memory_order_relaxed);
	return !ward_cells_submit(cells_set, &r->call, WARD_FOREVER);
}

/* How many were put and answered until then; 0: one of them wrongly. */
static uint64_t run_stream(uint64_t requests, uint64_t cap)
{
	uint64_t until = os_now() + cap, n = 0;

	while (n < requests && (n % 256 || os_now() < until))
		if (!put(n++))
			return 0;
	for (uint32_t i = 0; i < 2 * stream.window * stream.cells; i++)
		if (!take_back(&request[i]))
			return 0;
	return n;
}

bool cells_ward_stream(const struct trial *t)
{
	uint64_t from, cpu, n, wall;

	stream = cells_stream(t);
	request = aligned_alloc(64, 2 * stream.window * stream.cells *
					    sizeof(*request));
	if (!request)
		return false;
	memset(request, 0,
	       2 * stream.window * stream.cells * sizeof(*request));
	if (!up(stream.reading == READ_ALL ? run_all : run_ends, stream.cells,
		&stream))
		return false;
	placement_settle(t->placement);
	for (unsigned i = 0; i < cells_pids; i++)
		placement_worker(cells_pid[i]);
	placement_producer();
	run_stream(t->tasks / 10, t->cap / 4);
	cpu = cells_cpu();
	from = os_now();
	n = run_stream(t->tasks, t->cap);
	wall = os_now() - from;
	cells_tell(t, n, wall, cells_cpu() - cpu);
	return n && down();
}

/* ---- one at a time ------------------------------------------------------- */

static _Atomic uint32_t back; /* futex */

static int run_stamp(struct ward_request *r)
{
	return give_answer(r, os_now());
}

static void release_wake(struct ward_call *call)
{
	(void)call;
	os_raise(&back);
}

static struct request one;

static struct ward_call *stamped(void (*after)(struct ward_call *))
{
	one.call.in = one.word;
	one.call.in_size = REQUEST;
	one.call.done = done;
	one.call.release = after;
	return &one.call;
}

static uint64_t submit_once(void)
{
	struct ward_call *call = stamped(release_wake);

	atomic_store_explicit(&back, 0, memory_order_relaxed);
	if (ward_cells_submit(cells_set, call, WARD_FOREVER))
		return 0;
	os_await(&back);
	return one.status ? 0 : one.answer;
}

static uint64_t call_once(void)
{
	int status, err = ward_cells_call(cells_set, stamped(NULL), WARD_FOREVER, &status);

	return err || status ? 0 : one.answer;
}

bool cells_ward_trip(const struct trial *t)
{
	static const struct stream shape = { 1, 64, REQUEST, READ_ALL };
	bool waits = !strcmp(t->impl, "ward_call");

	return up(run_stamp, 1, &shape) &&
	       cells_trips(waits ? call_once : submit_once, (unsigned)t->tasks) &&
	       down();
}

/* ---- none ---------------------------------------------------------------- */

#define SETTLE (2 * S) /* the steward and the collector linger 1 s */

static uint64_t all_switches(void)
{
	uint64_t n = threads_sum("").switches;

	for (unsigned i = 0; i < cells_pids; i++)
		n += threads_sum_of(cells_pid[i]).switches;
	return n;
}

bool cells_ward_idle(const struct trial *t)
{
	static const struct stream some = { 2, 64, REQUEST, READ_ALL };
	uint64_t before, cpu;

	if (!up(run_stamp, t->workers, &some))
		return false;
	for (unsigned i = 0; i < 100; i++)
		if (!submit_once())
			return false;
	os_sleep(SETTLE);
	before = all_switches();
	cpu = cells_cpu();
	os_sleep(t->cap);
	tell("idle_switches", "count", (double)(all_switches() - before));
	tell("idle_cpu", "ms", (double)(cells_cpu() - cpu) / 1e6);
	return down();
}
