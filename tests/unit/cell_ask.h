/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_ask.h - calls that remember what became of them, and sets of cells.
 */
#ifndef WARD_TESTS_UNIT_CELL_ASK_H
#define WARD_TESTS_UNIT_CELL_ASK_H

#include "cell_serve.h"
#include "lane_job.h"

struct ask {
	struct ward_call call;
	struct request request;
	_Atomic uint32_t dones, releases;
	_Atomic int32_t status;
	_Atomic uint32_t done_at, released_at; /* order of events */
	uint64_t incident;
	bool had_out;
	uint32_t out_size;
	struct answer answer;
};

static inline void ask_done(struct ward_call *call, int status)
{
	struct ask *ask = ward_entry(call, struct ask, call);

	store_relaxed(&ask->status, status);
	ask->incident = ward_incident(&call->task);
	ask->had_out = call->out != NULL;
	ask->out_size = call->out_size;
	if (call->out)
		memcpy(&ask->answer, call->out,
		       lesser(call->out_size, sizeof(ask->answer)));
	store_relaxed(&ask->done_at, add_relaxed(&job_clock, 1));
	add_acq_rel(&ask->dones, 1);
}

static inline void ask_release(struct ward_call *call)
{
	struct ask *ask = ward_entry(call, struct ask, call);

	store_relaxed(&ask->released_at, add_relaxed(&job_clock, 1));
	add_acq_rel(&ask->releases, 1);
}

/* In its place, for it points to itself. */
static inline struct ask *ask_init(struct ask *ask, enum order order, int n)
{
	*ask = (struct ask){ .request = { .order = order, .n = n } };
	ask->call.in = &ask->request;
	ask->call.in_size = sizeof(ask->request);
	ask->call.done = ask_done;
	ask->call.release = ask_release;
	ask->call.task.name = "ask";
	return ask;
}

/* At that gate: from 1 on. */
static inline struct ask *ask_at(struct ask *ask, enum order order, uint32_t gate)
{
	ask_init(ask, order, 0)->request.gate = gate;
	return ask;
}

static inline void asked(struct ward_cells *cells, struct ask *ask)
{
	int err = ward_cells_submit(cells, &ask->call, ward_in(IN_TIME));

	cr_assert_eq(err, 0, "submit: %d", err);
}

/* Accepted, answered and given back: each once, in that order. */
static inline void ask_had(struct ask *ask, int status)
{
	cr_assert(comes_true(load_acquire(&ask->releases) == 1),
		  "order %u: never released", ask->request.order);
	cr_assert_eq(ask->dones, 1, "%u answers", load_relaxed(&ask->dones));
	cr_assert_eq(load_relaxed(&ask->status), status,
		     "order %u: status %d, not %d", ask->request.order,
		     load_relaxed(&ask->status), status);
	cr_assert_lt(load_relaxed(&ask->done_at),
		     load_relaxed(&ask->released_at));
	cr_assert_null(ask->call.out);
}

/* From submit to release. */
static inline void one(struct ward_cells *cells, enum order order, int n, int status)
{
	struct ask ask;

	asked(cells, ask_init(&ask, order, n));
	ask_had(&ask, status);
}

static inline int64_t answer_of(struct ward_cells *cells, enum order order, int n)
{
	struct ask ask;

	asked(cells, ask_init(&ask, order, n));
	ask_had(&ask, 0);
	cr_assert_eq(ask.out_size, sizeof(struct answer));
	return ask.answer.n;
}

/* Nobody has touched it. */
static inline void ask_is_untouched(const struct ask *ask)
{
	cr_assert_eq(ask->dones, 0);
	cr_assert_eq(ask->releases, 0);
}

static inline bool at_gate(uint32_t gate, uint32_t n)
{
	return comes_true(atomic_load(&board->came[gate]) >= n);
}

static inline void open_gate(uint32_t gate)
{
	atomic_store(&board->open[gate], 1);
	syscall(SYS_futex, &board->open[gate], FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* ---- a set ----------------------------------------------------------------- */

static struct ward_cell_program cell_program;

/* Before main(), for Criterion's has threads: CELLS_ARE_THERE at the top of a file. */
static inline void zygote_up(void)
{
	board_up();
	cell_program = program_of();
	if (ward_cell_zygote())
		abort();
}
#define CELLS_ARE_THERE                                                        \
	__attribute__((constructor)) static void before_main(void)             \
	{                                                                      \
		zygote_up();                                                   \
	}                                                                      \
	_Static_assert(1, "")

static inline struct ward_cells_config cells_config(uint32_t n)
{
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;

	config.cells = n;
	config.depth = 8;
	config.in_max = config.out_max = 256;
	config.program = &cell_program;
	return config;
}

static inline const char *program_path(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	cr_assert(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/cell_program");
	return path;
}

static inline struct ward_cells_config path_config(uint32_t n)
{
	struct ward_cells_config config = cells_config(n);

	config.program = NULL;
	config.path = program_path();
	return config;
}

static inline struct ward_cells *cells_with(struct ward_pool *pool,
					    const struct ward_cells_config *config)
{
	struct ward_cells *cells = NULL;
	int err = ward_cells_create(&cells, pool, config);

	cr_assert_eq(err, 0, "create: %d", err);
	return cells;
}

static inline struct ward_cells *cells_of(struct ward_pool *pool, uint32_t n)
{
	struct ward_cells_config config = cells_config(n);

	return cells_with(pool, &config);
}

static inline struct ward_cells_stats counted(struct ward_cells *cells)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;

	cr_assert_eq(ward_cells_stats(cells, &stats), 0);
	return stats;
}

#define count_is(cells, field, n) comes_true(counted(cells).field == (n))

static inline bool no_such_process(int32_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* How many processes this one has made, and not reaped. */
static inline uint32_t children(void)
{
	char path[64], text[4096] = "";
	uint32_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	cr_assert_not_null(file);
	while (fscanf(file, "%63s", text) == 1)
		n++;
	fclose(file);
	return n;
}

/* Nothing of a set that could not be made is left. */
static inline void not_made(struct ward_pool *pool,
			    const struct ward_cells_config *config,
		     int want)
{
	struct ward_cells *const untouched = (void *)&told, *cells = untouched;
	uint32_t had = descriptors(), ran = threads(), kids = children();
	int err = ward_cells_create(&cells, pool, config);

	cr_assert_eq(err, want, "create: %d, not %d", err, want);
	cr_assert_eq(cells, untouched);
	cr_assert(comes_true(threads() == ran));
	cr_assert(comes_true(descriptors() == had), "%u, not %u", descriptors(), had);
	cr_assert_eq(children(), kids);
}

/* Nothing is left of the set; the pool's books are in order. */
static inline void cells_end(struct ward_pool *pool, struct ward_cells *cells)
{
	int32_t pid[64];

	cr_assert_eq(ward_cells_drain(cells, ward_in(IN_TIME)), 0);
	for (uint32_t i = 0; i < 64; i++)
		pid[i] = ward_cells_pid(cells, i);
	cr_assert_eq(ward_cells_destroy(cells, ward_in(IN_TIME)), 0);
	for (uint32_t i = 0; i < 64; i++)
		cr_assert(!pid[i] || no_such_process(pid[i]));
	ended(pool);
}

/* A pool of so many workers, and so many cells; drained, audited and ended. */
#define CELLS_TEST(suite, what, workers, n)                                    \
	static void what(struct ward_pool *pool, struct ward_cells *cells);    \
	Test(suite, what)                                                      \
	{                                                                      \
		struct ward_pool *pool = pool_of(workers);                     \
		struct ward_cells *cells = cells_of(pool, n);                  \
                                                                               \
		what(pool, cells);                                             \
		cells_end(pool, cells);                                        \
	}                                                                      \
	static void what(struct ward_pool *pool __attribute__((unused)),       \
			 struct ward_cells *cells)

#endif
