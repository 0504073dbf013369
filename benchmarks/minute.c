/* SPDX-License-Identifier: BSD-2-Clause */
#include "minute.h"
#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* workers: 0, as many as the bench usually has; no more than there are CPUs. */
static const struct part {
	const struct bench *bench;
	unsigned workers, runs;
	uint64_t tasks;
	bool one_placement;
	unsigned sweep; /* and twice as many, up to this; or 0 */
} part[MINUTE_PARTS] = {
	{ &bench_throughput, 1, 5, 2000000, false, 0 },
	{ &bench_throughput, 2, 3, 300000, true, 8 }, /* for the report */
	{ &bench_inflight, 1, 5, 2000000, true, 0 },
	{ &bench_latency, 0, 5, 0, false, 0 },
	{ &bench_forkjoin, 2, 3, 0, false, 0 },
	{ &bench_heal, 1, 5, 0, false, 0 },
	{ &bench_overhead, 0, 3, 0, false, 0 }, /* and these */
	{ &bench_losses, 0, 3, 0, false, 0 },
};

const struct bench *minute_bench(unsigned i)
{
	return part[i].bench;
}

static void sweep(struct options *o, unsigned workers, unsigned most)
{
	for (o->shapes = 0; workers <= most; workers *= 2)
		o->shape[o->shapes++] = (struct shape){ 1, workers };
}

struct options minute_options(const struct options *options, unsigned i)
{
	unsigned cpus = machine_cpus(), workers = part[i].workers;
	struct options o = *options;

	workers = workers < cpus ? workers : cpus;
	o.brief = o.quick = true;
	o.shapes = 1;
	o.shape[0] = (struct shape){ 1, 1 };
	if (part[i].sweep)
		sweep(&o, part[i].workers, part[i].sweep);
	o.workers[0] = workers;
	o.nworkers = workers != 0;
	o.runs = part[i].runs;
	if (part[i].tasks)
		o.tasks = part[i].tasks;
	if (part[i].one_placement)
		o.placements = 1;
	return o;
}

/* https://no-color.org */
static bool colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no || !*no) &&
	       (!term || strcmp(term, "dumb"));
}

void minute_report(const struct book *book, unsigned seconds)
{
	struct summary_head head = { machine_cpus(), seconds };

	summary_print(book, &head, colours(), stdout);
}
