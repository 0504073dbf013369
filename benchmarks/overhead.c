/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overhead.c - what being looked after costs.
 *
 * supervision_pinned
 *		ns a task above the floor, one producer and one worker on one
 *		core, where no cache line travels
 * supervision_1x8
 *		the same, 1 producer and 8 workers on all cores
 * task_pinned, task_1x8
 *		what these are differences of
 * catching_pinned
 *		ns a task, of being able to catch faults: a pool that does above
 *		one that does not, both as in task_pinned
 * beat, progress, check
 *		ns a call inside a task, above an empty loop
 * steward_1us, steward_1s
 *		the steward's CPU with 64 busy workers, percent of one core, for
 *		tasks of such lengths
 * helpers_1us, helpers_1s
 *		the same for clerk and scribe
 */
#include "bench.h"
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- one task ----------------------------------------------------------- */

static bool pin(void)
{
	cpu_set_t mine, one;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return false;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mine)) {
			CPU_SET(cpu, &one);
			break;
		}
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}

static bool task_trial(const struct trial *t, bool pinned)
{
	bool catching = !strcmp(t->impl, ward_catching.name);
	struct load load = { .rival = catching ? &ward_catching :
						 rival_find(t->impl),
			     .setup = { t->workers, 1, t->ring, t->window } };
	uint64_t wall, n;

	if (pinned && !pin())
		return false;
	if (!load.rival || !load_start(&load))
		return false;
	load_run(&load, 20000, t->cap / 4, &wall);
	n = load_run(&load, t->tasks, t->cap, &wall);
	tell("task", "ns", (double)wall / (double)n);
	return load_finish(&load);
}

/* ---- one call ----------------------------------------------------------- */

enum { CALLS = 4 * 1000 * 1000 };

/* The best of several rounds of one loop, ns a turn. */
#define LOOP(call)                                                             \
	({                                                                     \
		double best_ = 1e9;                                            \
		for (int round_ = 0; round_ < 7; round_++) {                   \
			uint64_t from_ = os_now();                             \
			double took_;                                          \
			for (int i_ = 0; i_ < CALLS; i_++) {                   \
				call;                                          \
				__asm__ volatile("" ::: "memory");             \
			}                                                      \
			took_ = (double)(os_now() - from_) / CALLS;            \
			best_ = took_ < best_ ? took_ : best_;                 \
		}                                                              \
		best_;                                                         \
	})

static double call_ns[3];

static int run_calls(struct ward_task *task)
{
	double empty = LOOP((void)0);

	ward_beat();
	call_ns[0] = LOOP(ward_beat()) - empty;
	call_ns[1] = LOOP(ward_progress(1)) - empty;
	call_ns[2] = LOOP((void)ward_check()) - empty;
	return job_count(task);
}

static bool calls_trial(const struct trial *t)
{
	struct load load = { .rival = &rival_ward,
			     .setup = { 1, 1, t->ring, 1 },
			     .run = run_calls };
	uint64_t wall;

	if (!load_start(&load))
		return false;
	load_run(&load, 1, S, &wall);
	tell("beat", "ns", call_ns[0]);
	tell("progress", "ns", call_ns[1]);
	tell("check", "ns", call_ns[2]);
	return load_finish(&load);
}

/* ---- the steward -------------------------------------------------------- */

/*
 * A second's work of several kinds, as a server has them: most wait for
 * something and say nothing, some beat as they go, a few are on a CPU.
 */
static int run_second(struct ward_task *task)
{
	uint64_t until = os_now() + S;
	unsigned kind = job_of(task)->index % 32;

	if (kind < 16)
		os_sleep_until(until);
	else if (kind < 31)
		while (os_now() < until) {
			os_sleep(20 * MS);
			ward_beat();
		}
	else
		while (os_now() < until)
			os_relax();
	return job_count(task);
}

/* Percent of one core, of the threads whose names begin with each of these. */
static double percent(const char *const *prefix, const uint64_t *before,
		      unsigned n, uint64_t wall)
{
	uint64_t cpu = 0;

	for (unsigned i = 0; i < n; i++)
		cpu += threads_sum(prefix[i]).cpu - before[i];
	return 100 * (double)cpu / (double)wall;
}

struct watch {
	uint64_t length, steward, helpers;
	bool seen; /* the steward's thread was found */
	double steward_percent, helpers_percent;
};

static const char *const steward_name[] = { "bench/st" };
static const char *const helper_name[] = { "bench/cl", "bench/sc" };

/* Beside the load: looks at the threads over the middle of it. */
static void *watch_main(void *arg)
{
	struct watch *w = arg;
	uint64_t steward[1], helpers[2], from;
	struct threads_sum sum;

	os_sleep(S / 2);
	from = os_now();
	sum = threads_sum(steward_name[0]);
	w->seen = sum.threads == 1;
	steward[0] = sum.cpu;
	for (unsigned i = 0; i < 2; i++)
		helpers[i] = threads_sum(helper_name[i]).cpu;
	os_sleep(w->length);
	w->steward_percent = percent(steward_name, steward, 1, os_now() - from);
	w->helpers_percent = percent(helper_name, helpers, 2, os_now() - from);
	return NULL;
}

static bool steward_trial(const struct trial *t, bool second)
{
	/* a second of CPU time is the default budget */
	static struct ward_policy patient = WARD_POLICY_INIT;
	struct load load = { .rival = &rival_ward,
			     .setup = { t->workers, 1, t->ring,
					second ? 2 * t->workers : t->window },
			     .run = second ? run_second : job_spin_us };
	struct watch watch = { .length = t->cap };
	pthread_t watcher;
	uint64_t wall;

	patient.busy_within = 3 * S;
	if (!second)
		job_spin_calibrate();
	if (!load_start(&load) ||
	    pthread_create(&watcher, NULL, watch_main, &watch))
		return false;
	for (uint32_t i = 0; second && i < load.setup.window; i++)
		load.window[0][i].task.policy = &patient;
	load_run(&load, UINT64_MAX, t->cap + S, &wall);
	pthread_join(watcher, NULL);
	if (!watch.seen) {
		fprintf(stderr, "ward: no thread named %s...\n",
			steward_name[0]);
		return false;
	}
	tell(second ? "steward_1s" : "steward_1us", "%", watch.steward_percent);
	tell(second ? "helpers_1s" : "helpers_1us", "%", watch.helpers_percent);
	return load_finish(&load);
}

static bool overhead_trial(const struct trial *t)
{
	if (!strcmp(t->mode, "pinned") || !strcmp(t->mode, "spread"))
		return task_trial(t, t->mode[0] == 'p');
	if (!strcmp(t->mode, "calls"))
		return calls_trial(t);
	return steward_trial(t, !strcmp(t->mode, "1s"));
}

/* ---- plan and report ---------------------------------------------------- */

static void book_one(struct book *book, const char *impl, const char *metric,
		     const char *unit, unsigned workers, double value)
{
	struct key key = { "overhead", impl, metric, unit, workers, 1 };

	book_add(book, &key, value);
}

static bool ask(struct trial *t, const char *impl, struct results *r)
{
	t->impl = impl;
	progress("overhead  %s  %s", t->mode, impl);
	trial_run(t, TRIAL_LIMIT_S, r);
	return !r->failed && !r->collapsed;
}

/* Two, one after the other; each pair gives one difference. */
struct pair {
	const char *mode;
	unsigned workers;
	const char *first, *second;
	const char *task;	/* of each, as it is told; */
	const char *difference; /* of the first above the second */
};

static const struct pair
	supervision_pinned = { "pinned", 1, "ward", "floor", "task_pinned",
			       "supervision_pinned" },
	supervision_spread = { "spread", 8, "ward", "floor", "task_1x8",
			       "supervision_1x8" },
	catching_pinned = { "pinned", 1, "catching", "ward", NULL,
			    "catching_pinned" };

static void pair(const struct options *o, struct book *book, unsigned run,
		 const struct pair *p)
{
	const char *const impl[] = { p->first, p->second };
	struct trial t = { .bench = "overhead",
			   .mode = p->mode,
			   .producers = 1,
			   .workers = p->workers,
			   .tasks = o->tasks,
			   .cap = S,
			   .ring = o->ring,
			   .window = o->window };
	double ns[2];

	for (unsigned k = 0; k < 2; k++) {
		unsigned i = (run + k) % 2;
		struct results r;

		if (!ask(&t, impl[i], &r))
			return;
		ns[i] = results_find(&r, "task");
		if (p->task)
			book_one(book, impl[i], p->task, "ns", t.workers,
				 ns[i]);
	}
	book_one(book, "ward", p->difference, "ns", t.workers, ns[0] - ns[1]);
}

static void figures(const struct options *o, struct book *book,
		    const char *mode, unsigned workers)
{
	struct trial t = { .bench = "overhead",
			   .mode = mode,
			   .producers = 1,
			   .workers = workers,
			   .cap = o->quick ? 2 * S : 5 * S,
			   .ring = o->ring,
			   .window = o->window };
	struct results r;

	if (!ask(&t, "ward", &r))
		return;
	for (unsigned i = 0; i < r.n; i++)
		book_one(book, "ward", r.result[i].metric, r.result[i].unit,
			 workers, r.result[i].value);
}

static void overhead_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++) {
		pair(o, book, run, &supervision_pinned);
		pair(o, book, run, &supervision_spread);
		pair(o, book, run, &catching_pinned);
		figures(o, book, "calls", 1);
	}
	for (unsigned run = 0; run < o->runs && run < 3; run++) {
		figures(o, book, "1us", 64);
		figures(o, book, "1s", 64);
	}
	progress_end();
}

static void overhead_report(const struct options *o, const struct book *book)
{
	static struct table table;

	(void)o;
	table_start(&table, "overhead: what being looked after costs");
	table_column(&table, "cost");
	table_column(&table, "unit");
	for (unsigned i = 0; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];
		char label[64];
		unsigned row;

		if (strcmp(f->bench, "overhead"))
			continue;
		snprintf(label, sizeof(label), "%s%s%s",
			 strcmp(f->impl, "ward") ? f->impl : "",
			 strcmp(f->impl, "ward") ? " " : "", f->metric);
		row = table_row(&table, label);
		table_cell(&table, row, 0, f);
		table_text(&table, row, 1, "%s", f->unit);
	}
	table_print(&table, stdout);
}

const struct bench bench_overhead = {
	.name = "overhead",
	.what = "what supervision costs",
	.run = overhead_run,
	.trial = overhead_trial,
	.report = overhead_report,
};
