/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - a bench has two halves.  run() is the plan: it asks for trials, in
 * turn over the implementations so that a noisy minute hurts all alike, and
 * tells the results.  trial() is one measurement: it runs in a process of its
 * own, which is wardbench again with hidden arguments.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "job.h"
#include "measure.h"
#include "placement.h"
#include "progress.h"

#define LIST_MAX 64u

struct shape {
	unsigned producers, workers;
};

struct options {
	struct shape shape[LIST_MAX];
	unsigned shapes;
	unsigned workers[LIST_MAX], nworkers; /* none: the bench's own */
	const struct rival *impl[LIST_MAX];   /* nothing, floor, ward, rivals */
	unsigned impls;
	enum placement placement[PLACEMENTS]; /* of benches that know them */
	unsigned placements;
	uint64_t tasks;
	unsigned runs;
	uint32_t ring, window;
	bool quick;
	bool brief; /* only what the first minute tells */
};

/* ---- one trial ---------------------------------------------------------- */

struct trial {
	const char *bench, *impl, *mode;
	unsigned producers, workers;
	uint64_t tasks; /* or samples, as the bench says */
	uint64_t cap;	/* ns: fewer tasks rather than longer */
	uint32_t ring, window;
	enum placement placement;
};

struct result {
	char metric[40], unit[12];
	double value;
};
#define RESULTS_MAX 64u

struct result_series {
	char name[40], unit[12], by[12];
	double step, value[POINTS_MAX];
	unsigned points;
};
#define SERIES_MAX 8u

struct results {
	struct result result[RESULTS_MAX];
	unsigned n;
	struct result_series series[SERIES_MAX];
	unsigned all_series;
	bool collapsed; /* no result within the limit */
	bool failed;	/* it crashed, or found something wrong */
};

#define TRIAL_LIMIT_S 20u

/* Runs the trial in a process of its own, at most 'limit' seconds. */
void trial_run(const struct trial *trial, unsigned limit_s,
	       struct results *out);
/* 0 if there is no such metric. */
double results_find(const struct results *results, const char *metric);
/* Did any trial fail so far? */
bool trials_failed(void);

/*
 * In the trial's process: a result for the other side.  "b/m" is a metric m that
 * is booked under the name of bench b.
 */
void tell(const char *metric, const char *unit, double value);
/* Values of one run at even steps; at most POINTS_MAX. */
void tell_series(const char *name, const char *unit, const struct steps *steps,
		 const double *value);
/*
 * p50, p99 and, if asked for, p99.9; then the largest.  And as a series by share, in
 * steps of a hundredth.
 */
void tell_samples(const char *prefix, double *sample_us, unsigned n, bool tail);
/*
 * Starts what the trial asks for: its implementation, unless load->rival is one
 * already, with its sizes.  False: it cannot be.
 */
bool trial_load(struct load *load, const struct trial *trial);
/* Takes the trial's arguments; does not return. */
_Noreturn void trial_main(int argc, char **argv);

/* ---- benches ------------------------------------------------------------ */

struct bench {
	const char *name;
	const char *what;
	void (*run)(const struct options *options, struct book *book);
	/* false: something is wrong, and stderr says what */
	bool (*trial)(const struct trial *trial);
	void (*report)(const struct options *options, const struct book *book);
};

extern const struct bench bench_throughput, bench_inflight, bench_latency,
	bench_overhead, bench_heal, bench_idle, bench_memory, bench_limit,
	bench_cancel, bench_forkjoin, bench_lanes, bench_port, bench_timer,
	bench_recall, bench_work1us, bench_burst, bench_steward, bench_losses,
	bench_cells, bench_nats;
extern const struct bench *const benches[];

/*
 * Asks each implementation for trials like 'like', in turn and options->runs times, and
 * books all results.  'first' is what a collapse is booked as; an implementation that
 * collapsed is not asked again.  'skip' may leave implementations out.
 */
void trials_in_turn(const struct options *options, struct book *book,
		    const struct trial *like, const char *first,
		    const char *unit, bool (*skip)(const struct rival *rival));
bool skip_nothing(const struct rival *rival);
/*
 * The sizes of pools that were asked for by --workers, one by one, or else the
 * usual ones of the bench, whose list ends with 0; 0: no more.
 */
unsigned size_at(const struct options *options, const unsigned *usual,
		 unsigned at);
/* Asks for one trial and books what it says; false: it gave no result. */
bool trial_book(struct book *book, const struct trial *trial, unsigned limit_s);

/* A table of implementations, with one metric of one shape in each column. */
struct column {
	const char *head, *metric;
	unsigned producers, workers;
};
void report_columns(const struct options *options, const struct book *book,
		    const char *bench, const char *title,
		    const struct column *column, unsigned columns);
/* The same in one placement; and how many times ward's the others' are. */
struct grid {
	const char *bench, *title;
	enum placement placement;
	const struct column *column;
	unsigned columns;
};
void grid_figures(const struct options *options, const struct book *book,
		  const struct grid *grid);
void grid_ratios(const struct options *options, const struct book *book,
		 const struct grid *grid);

/* ---- implementations ---------------------------------------------------- */

/* libward as it catches faults, too; for 'overhead' alone, no rival. */
extern const struct rival ward_catching;
/* Either's pool, for what a rival cannot say, while it is started. */
extern struct ward_pool *bench_pool;
/* All that were built, ended by NULL: ours first. */
extern const struct rival *const rivals[];
const struct rival *rival_find(const char *name);
/* nothing, floor and ward are no rivals: they are always measured. */
bool rival_is_ours(const struct rival *rival);
/* Room for so many tasks as one ring of each producer, a power of two. */
uint32_t rival_room(const struct setup *setup);

/* How many workers may search at once, as the library has it. */
#define SEARCHERS 1u

/* CPUs that this process may use. */
unsigned machine_cpus(void);
/* From now on only the first so many of them; false: there are fewer. */
bool machine_use(unsigned cpus);
/* From now on ward's pools are placed; trials inherit it, as they do the CPUs. */
void machine_place(void);
void machine_publish(void); /* ward's pools publish a page */
/* WARD_POOL_NEAR, or 0. */
uint32_t machine_flags(void);
/* Its name, and what the library was built with. */
void machine_line(FILE *out);
void machine_print(FILE *out);

#endif
