/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells.c - workers that are processes, beside what they are made of, and beside other
 * ways to have them.  'workers' is the number of processes.
 *
 * request	ns for each request of 64 bytes, which the process reads, and its answer
 *		of 8; one thread submits, 1024 are under way to each process
 *		(cells_ward.c, cells_ways.c); pool: an empty task of a pool of threads;
 *		python: ProcessPoolExecutor
 * request_cpu	the same, CPU of all processes
 * payload	MB a second, in requests of 64 KiB written where the process reads them,
 *		16 under way; the process looks at both ends
 * payload_read	the same, where it reads all of it
 * start_*, trip_*
 *		one request, 50 us to 1 ms after the last answer: from before its submit
 *		until it runs; until its submitter, asleep meanwhile, has the answer
 * close_*	the same as trip, one after the other (cells_trip.c)
 * death_*	SIGKILL of a process that spins in a request, until the request behind it
 *		runs in another one (cells_lost.c)
 * hung_*, spun_*
 *		a process that sleeps, or spins, in a request: from the end of its budget
 *		of 10 ms until the request behind it runs in another one; a scan is 2 ms
 * healthy_killed
 *		processes that were killed although they were well, beside eight that
 *		spin: requests of 0.1 ms and now and then 50 ms of CPU, a budget of 100 ms
 * idle_switches
 *		context switches of all threads and processes while nobody submits
 */
#include "cells.h"
#include "cost.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- a stream ------------------------------------------------------------ */

enum { WINDOW = 1024, PAYLOADS = 16 };

struct stream cells_stream(const struct trial *t)
{
	bool payload = strcmp(t->mode, "request");

	return (struct stream){ .cells = t->workers,
				.window = payload ? PAYLOADS : WINDOW,
				.size = payload ? PAYLOAD : REQUEST,
				.reading = strcmp(t->mode, "payload") ?
						   READ_ALL :
						   READ_ENDS };
}

void cells_tell(const struct trial *t, uint64_t n, uint64_t wall, uint64_t cpu)
{
	if (strcmp(t->mode, "request")) {
		tell(t->mode, "MB/s",
		     (double)n * PAYLOAD * 1e3 / (double)wall);
		return;
	}
	tell("request", "ns", (double)wall / (double)n);
	tell("request_cpu", "ns", (double)cpu / (double)n);
}

static const struct way *const ways[] = { &way_ring, &way_socketpair, &way_pipes,
					  &way_fork, &way_memcpy };

static const struct way *way_find(const char *name)
{
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i]->name, name))
			return ways[i];
	return NULL;
}

/* From the n-th on; how many, when all are answered, 0: one of them wrongly. */
static uint64_t run_way(const struct way *way, uint64_t from, uint64_t requests,
			uint64_t cap)
{
	uint64_t until = os_now() + cap, n = 0, got = 0, sum = 0, right = 0;
	bool more = true;

	while (more || got < n) {
		while ((more = more && n < requests &&
			       (n % 64 || os_now() < until)) &&
		       way->put(from + n))
			right += cells_expect(from + n++);
		if (got < n)
			got += way->take(&sum);
	}
	return sum == right ? n : 0;
}

static bool way_trial(const struct trial *t, const struct way *way)
{
	struct stream stream = cells_stream(t);
	uint64_t warm, from, cpu, n, wall;

	if (!way->start(&stream))
		return false;
	placement_settle(t->placement);
	for (unsigned i = 0; i < cells_pids; i++)
		placement_worker(cells_pid[i]);
	placement_producer();
	warm = run_way(way, 0, t->tasks / 10, t->cap / 4);
	cpu = cells_cpu();
	from = os_now();
	n = run_way(way, warm, t->tasks, t->cap);
	wall = os_now() - from;
	cells_tell(t, n, wall, cells_cpu() - cpu);
	cells_kill_all();
	return warm && n;
}

/* An empty task, of a pool of threads. */
static bool pool_trial(const struct trial *t)
{
	struct load load = { .rival = &rival_ward };
	struct trial like = *t;
	struct cost cost;

	like.window = 2 * WINDOW * t->workers;
	if (!cost_of(&load, &like, &cost))
		return false;
	tell("request", "ns", cost.wall);
	tell("request_cpu", "ns", cost.cpu);
	return true;
}

/* ---- Python -------------------------------------------------------------- */

static const char python[] =
	"python3 -c '\n"
	"import collections, multiprocessing, time\n"
	"from concurrent.futures import ProcessPoolExecutor\n"
	"def run(request):\n"
	"    return int.from_bytes(request[:8], \"little\") + 1\n"
	"def stream(pool, n):\n"
	"    out = collections.deque()\n"
	"    for i in range(n):\n"
	"        if len(out) == %u * %u:\n"
	"            out.popleft().result()\n"
	"        out.append(pool.submit(run, i.to_bytes(64, \"little\")))\n"
	"    assert [f.result() for f in out][-1] == n\n"
	"with ProcessPoolExecutor(%u, multiprocessing.get_context(\"fork\")) as pool:\n"
	"    stream(pool, %u)\n"
	"    begin = time.monotonic_ns()\n"
	"    stream(pool, %u)\n"
	"    print((time.monotonic_ns() - begin) / %u)\n"
	"'";

static bool python_trial(const struct trial *t)
{
	unsigned n = (unsigned)(t->cap / (300 * US)); /* what one takes, or less */
	char command[2048];
	double ns = 0;
	FILE *out;
	bool read;

	snprintf(command, sizeof(command), python, WINDOW, t->workers, t->workers,
		 n / 10, n, n);
	out = popen(command, "re");
	if (!out)
		return false;
	read = fscanf(out, "%lf", &ns) == 1;
	if (pclose(out) || !read)
		return false;
	tell("request", "ns", ns);
	return true;
}

static bool python_is_there(void)
{
	return system("command -v python3 >/dev/null 2>&1") == 0;
}

/* ---- trials -------------------------------------------------------------- */

static bool stream_trial(const struct trial *t)
{
	const struct way *way = way_find(t->impl);

	if (!strcmp(t->impl, "ward"))
		return cells_ward_stream(t);
	if (!strcmp(t->impl, "pool"))
		return pool_trial(t);
	return way ? way_trial(t, way) : python_trial(t);
}

static const struct mode {
	const char *name, *impl[8];
	bool (*trial)(const struct trial *t);
	unsigned cells[3];   /* ended by 0 */
	unsigned full, quick; /* requests, or samples */
	uint64_t cap, cap_quick;
	unsigned runs; /* at most; 0: as many as are asked for */
} modes[] = {
	{ .name = "request",
	  .impl = { "ward", "ring", "pool", "socketpair", "pipes", "fork", "python" },
	  .trial = stream_trial,
	  .cells = { 1, 2 },
	  .full = 5000000,
	  .quick = 2000000,
	  .cap = S,
	  .cap_quick = 300 * MS },
	{ .name = "payload",
	  .impl = { "ward", "ring", "memcpy", "socketpair" },
	  .trial = stream_trial,
	  .cells = { 1 },
	  .full = 200000,
	  .quick = 50000,
	  .cap = S,
	  .cap_quick = 300 * MS },
	{ .name = "payload_read",
	  .impl = { "ward", "ring", "memcpy", "socketpair" },
	  .trial = stream_trial,
	  .cells = { 1 },
	  .full = 200000,
	  .quick = 50000,
	  .cap = S,
	  .cap_quick = 300 * MS },
	{ .name = "trip",
	  .impl = { "ward", "ward_call", "futex", "pipes" },
	  .trial = cells_trip,
	  .cells = { 1 },
	  .full = 4000,
	  .quick = 1000 },
	{ .name = "death",
	  .impl = { "ward", "robust", "respawn" },
	  .trial = cells_death,
	  .cells = { 1 },
	  .full = 500,
	  .quick = 200 },
	{ .name = "hung",
	  .impl = { "ward" },
	  .trial = cells_hung,
	  .cells = { 1 },
	  .full = 100,
	  .quick = 50 },
	{ .name = "spun",
	  .impl = { "ward" },
	  .trial = cells_hung,
	  .cells = { 1 },
	  .full = 100,
	  .quick = 50 },
	{ .name = "healthy",
	  .impl = { "ward", "watchdog" },
	  .trial = cells_healthy,
	  .cells = { 2 },
	  .cap = 60 * S,
	  .cap_quick = 3 * S,
	  .runs = 1 },
	{ .name = "idle",
	  .impl = { "ward" },
	  .trial = cells_ward_idle,
	  .cells = { 2 },
	  .cap = 3 * S,
	  .cap_quick = S,
	  .runs = 3 },
};
#define MODES (sizeof(modes) / sizeof(*modes))

static const struct mode *mode_find(const char *name)
{
	for (unsigned i = 0; i < MODES; i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	return NULL;
}

static bool cells_trial(const struct trial *t)
{
	const struct mode *mode = mode_find(t->mode);

	return mode && mode->trial(t);
}

/* ---- plan ---------------------------------------------------------------- */

static void ask(const struct options *o, struct book *book, const struct mode *mode,
		const char *impl, unsigned cells)
{
	struct trial t = { .bench = "cells",
			   .impl = impl,
			   .mode = mode->name,
			   .producers = 1,
			   .workers = cells,
			   .tasks = o->quick ? mode->quick : mode->full,
			   .cap = o->quick ? mode->cap_quick : mode->cap,
			   .ring = o->ring };

	if (strcmp(impl, "python") || python_is_there())
		trial_book(book, &t, 6 * TRIAL_LIMIT_S);
}

static unsigned impls_of(const struct mode *mode)
{
	unsigned n = 0;

	while (n < 8 && mode->impl[n])
		n++;
	return n;
}

/* Each run begins with another one. */
static void ask_all(const struct options *o, struct book *book,
		    const struct mode *mode, unsigned run)
{
	unsigned n = impls_of(mode);

	for (unsigned c = 0; mode->cells[c]; c++)
		for (unsigned i = 0; i < n; i++)
			ask(o, book, mode, mode->impl[(i + run) % n],
			    mode->cells[c]);
}

static void cells_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++)
		for (unsigned i = 0; i < MODES; i++)
			if (!modes[i].runs || run < modes[i].runs)
				ask_all(o, book, &modes[i], run);
	progress_end();
}

/* ---- report -------------------------------------------------------------- */

enum { PLACES = 6 };

static const struct sheet {
	const char *title, *of; /* the mode whose implementations are the rows */
	bool ratios;		/* and how many times ward's each is */
	struct place {
		const char *head, *metric;
		unsigned cells;
	} place[PLACES + 1];
} sheets[] = {
	{ "cells: ns a request of 64 bytes; times ward's, run by run",
	  "request",
	  true,
	  { { "1x1", "request", 1 },
	    { "1x2", "request", 2 },
	    { "CPU 1x1", "request_cpu", 1 },
	    { "CPU 1x2", "request_cpu", 2 } } },
	{ "cells: MB/s of requests of 64 KiB; times ward's",
	  "payload",
	  true,
	  { { "carried", "payload", 1 }, { "and read", "payload_read", 1 } } },
	{ "cells: us of one request on idle processes",
	  "trip",
	  false,
	  { { "start p50", "start_p50", 1 },
	    { "p99", "start_p99", 1 },
	    { "trip p50", "trip_p50", 1 },
	    { "p99", "trip_p99", 1 },
	    { "close p50", "close_p50", 1 },
	    { "p99", "close_p99", 1 } } },
	{ "cells: us from SIGKILL to the next request elsewhere; times ward's",
	  "death",
	  true,
	  { { "p50", "death_p50", 1 }, { "p99", "death_p99", 1 } } },
	{ "cells: hung or spinning, us beyond the budget; a scan is 2000",
	  "hung",
	  false,
	  { { "hung p50", "hung_p50", 1 },
	    { "p99", "hung_p99", 1 },
	    { "spun p50", "spun_p50", 1 },
	    { "p99", "spun_p99", 1 } } },
	{ "cells: killed though healthy, beside 8 spinning processes",
	  "healthy",
	  false,
	  { { "killed", "healthy_killed", 2 },
	    { "requests", "healthy_requests", 2 } } },
	{ "cells: without a call",
	  "idle",
	  false,
	  { { "ctx switches", "idle_switches", 2 }, { "CPU ms", "idle_cpu", 2 } } },
};

static const struct figure *find(const struct book *book, const char *impl,
				 const struct place *place)
{
	struct key key = { "cells", impl, place->metric, "", place->cells, 1, NULL };

	return book_find(book, &key);
}

static unsigned places_of(const struct sheet *sheet)
{
	unsigned n = 0;

	while (sheet->place[n].head)
		n++;
	return n;
}

static void sheet_row(struct table *table, const struct book *book,
		      const struct sheet *sheet, const char *impl)
{
	unsigned row = table_row(table, impl), n = places_of(sheet);

	for (unsigned c = 0; c < n; c++) {
		const struct figure *f = find(book, impl, &sheet->place[c]);
		const struct figure *ward = find(book, "ward", &sheet->place[c]);
		struct spread ratio;

		table_cell(table, row, c, f);
		if (sheet->ratios && f && ward && f != ward &&
		    figure_ratio(f, ward, &ratio))
			table_spread(table, row, n + c, &ratio, f->runs);
	}
}

static void sheet_print(const struct book *book, const struct sheet *sheet)
{
	const struct mode *mode = mode_find(sheet->of);
	static struct table table;
	unsigned n = places_of(sheet);

	table_start(&table, sheet->title);
	for (unsigned c = 0; c < n * (1 + sheet->ratios); c++)
		table_column(&table, "%s", c < n ? sheet->place[c].head : "x ward");
	for (unsigned i = 0; i < impls_of(mode); i++)
		sheet_row(&table, book, sheet, mode->impl[i]);
	table_print(&table, stdout);
}

static void cells_report(const struct options *o, const struct book *book)
{
	(void)o;
	for (unsigned i = 0; i < sizeof(sheets) / sizeof(*sheets); i++)
		sheet_print(book, &sheets[i]);
}

const struct bench bench_cells = {
	.name = "cells",
	.what = "workers that are processes: requests, healing",
	.run = cells_run,
	.trial = cells_trial,
	.report = cells_report,
};
