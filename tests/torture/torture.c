/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * torture.c - pools under many producers and planted faults, cycle after cycle.
 *
 *	torture [--seconds N] [--cycles N] [--seed S] [--from C]
 *
 * Ends with one line: the verdict, the seed and the sums.  The seed decides the
 * workload (the shape of each pool, each producer's tasks and how they end), not
 * how the machine interleaves it; --seed S --from C --cycles 1 is cycle C of a
 * run alone.  Without --seconds and --cycles: $TORTURE_SECONDS, or 20.
 *
 * Left out under sanitizers: the raw exit system call (both keep a record of
 * each thread that its end must clear), and faults, which are theirs.
 */
#include "torture.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tally tally;

void fault(const char *format, ...)
{
	char line[512];
	va_list args;

	if (add_relaxed(&tally.faults, 1) >= 20)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "torture: fault: %s\n", line);
}

#define N(x) load_relaxed(&(x))

static void verdict(uint64_t seed, uint64_t cycles, uint64_t ns)
{
	uint64_t faults = load_relaxed(&tally.faults);

	printf("torture: %s: seed %" PRIu64 " cycles %" PRIu64
	       " seconds %" PRIu64 ".%" PRIu64 " faults %" PRIu64 "\n",
	       faults ? "FAILED" : "ok", seed, cycles, ns / SECOND,
	       ns / (100 * MS) % 10, faults);
	printf("torture: submissions %" PRIu64 " accepted %" PRIu64
	       " refused %" PRIu64 " batches %" PRIu64 " nested %" PRIu64
	       " commits %" PRIu64 " stale %" PRIu64 "\n",
	       N(tally.submitted), N(tally.accepted), N(tally.refused),
	       N(tally.batches), N(tally.nested), N(tally.commits),
	       N(tally.stale));
	printf("torture: deaths %" PRIu64 " of %" PRIu64 " stalls %" PRIu64
	       " of %" PRIu64 " heals %" PRIu64 " reruns %" PRIu64
	       " late %" PRIu64 " acquitted %" PRIu64 " degraded %" PRIu64
	       " left %" PRIu64 " threads %" PRIu64 " sizes %" PRIu64 "\n",
	       tally.deaths, N(tally.planted_deaths), tally.stalls,
	       N(tally.planted_stalls), tally.heals, tally.reruns, tally.late,
	       tally.acquitted, tally.degraded, tally.left, tally.threads,
	       N(tally.resizes));
	printf("torture: errors %" PRIu64 " of %" PRIu64 " faults caught %" PRIu64
	       " of %" PRIu64 " dead letters %" PRIu64 " regrets %" PRIu64
	       " fence numbers %" PRIu64 "\n",
	       tally.failed, N(tally.planted_errors), tally.faulted,
	       N(tally.planted_faults), N(tally.letters), tally.regrets,
	       N(tally.numbers));
	printf("torture: reports %" PRIu64 " + %" PRIu64 " scans %" PRIu64
	       " looks %" PRIu64 " audits %" PRIu64 " (%" PRIu64
	       " whole) rescues %" PRIu64 " overruns %" PRIu64 " of %" PRIu64
	       " (worst %" PRIu64 " us)\n",
	       tally.told, tally.suppressed, tally.scans, tally.looks,
	       N(tally.audits), N(tally.whole_audits), tally.rescues,
	       N(tally.overruns), N(tally.timed),
	       N(tally.worst_overrun) / 1000);
}

struct options {
	uint64_t seconds, cycles, seed, from;
};

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "torture: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "cycles", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'S' },
		{ "from", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	const char *env = getenv("TORTURE_SECONDS");
	int c;

	o->seconds = env && *env ? number(env) : 20;
	o->cycles = UINT64_MAX;
	o->seed = host_now() / 1000 % 1000000000;
	o->from = 0;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			o->seconds = number(optarg);
		else if (c == 'c')
			o->cycles = number(optarg), o->seconds = 1000000;
		else if (c == 'S')
			o->seed = number(optarg);
		else if (c == 'f')
			o->from = number(optarg);
		else
			exit(2);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

/* A sanitizer may start a thread of its own with the first of ours. */
static void first_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL))
		abort();
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	struct options o;
	struct house before;
	uint64_t start, end, n = 0;

	read_options(&o, argc, argv);
	printf("torture: seed %" PRIu64 "\n", o.seed);
	fflush(stdout);
	perturb_seed(o.seed);
	first_thread();
	/* Memory that is made once, and stays, is made by the first cycle. */
	cycle_run(o.seed, UINT64_MAX);
	before = house_look();
	start = ward_now();
	end = start + o.seconds * SECOND;
	while (n < o.cycles && ward_now() < end &&
	       load_relaxed(&tally.faults) == 0)
		cycle_run(o.seed, o.from + n++);
	house_compare(&before);
	verdict(o.seed, n, ward_now() - start);
	return load_relaxed(&tally.faults) ? 1 : 0;
}
