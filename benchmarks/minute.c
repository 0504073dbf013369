/* SPDX-License-Identifier: BSD-2-Clause */
#include "minute.h"
#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* workers: 0, as many as the bench usually has. */
static const struct part {
	const struct bench *bench;
	unsigned workers, runs;
	uint64_t tasks;
	bool one_placement;
} part[MINUTE_PARTS] = {
	{ &bench_throughput, 1, 5, 2000000, false },
	{ &bench_inflight, 1, 5, 2000000, true },
	{ &bench_latency, 0, 5, 0, false },
	{ &bench_forkjoin, 2, 3, 0, false },
	{ &bench_heal, 1, 5, 0, false },
};

const struct bench *minute_bench(unsigned i)
{
	return part[i].bench;
}

struct options minute_options(const struct options *options, unsigned i)
{
	unsigned cpus = machine_cpus(), workers = part[i].workers;
	struct options o = *options;

	workers = workers < cpus ? workers : cpus;
	o.brief = o.quick = true;
	o.shapes = 1;
	o.shape[0] = (struct shape){ 1, 1 };
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
