/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.c - what looking after busy workers costs, by their number.
 *
 * For tasks of 1 us and of 1 s:
 *
 * slot_*	ns of the steward's own CPU time for each worker in each scan
 * steward_*	its CPU time in percent of one core
 * bare_*	the same of a thread beside it that wakes up every 10 ms and does nothing:
 *		what is below it no steward can have that scans so often
 * helpers_*	the same of clerk and scribe
 * busy_*	how many workers were inside a task, on average
 * scans_*	scans a second
 * looks_*	looks into the kernel a second, at those that say nothing
 *
 * With tasks of 1 us few workers are needed, and the steward passes the others; with
 * tasks of 1 s all are busy, and most say nothing.
 */
#include "bench.h"
#include "threads.h"

#include <pthread.h>
#include <string.h>

/* ---- the work ----------------------------------------------------------- */

static unsigned workers;

/*
 * A second's work of several kinds, as a server has them: half of them wait for
 * something and say nothing, the others beat as they go, and two or four are on a
 * CPU.  However many they are, they beat 1500 times a second, all together.
 */
static int run_second(struct ward_task *task)
{
	uint64_t until = os_now() + S;
	unsigned index = job_of(task)->index;

	if (index % (workers / 2) == 31)
		while (os_now() < until)
			os_relax();
	else if (index % 32 < 16)
		os_sleep_until(until);
	else
		while (os_now() < until) {
			os_sleep(20 * MS * workers / 64);
			ward_beat();
		}
	return job_count(task);
}

/* ---- another thread looks at the steward -------------------------------- */

static const char *const thread_name[] = { "bench/st", "bench/cl", "bench/sc" };

struct look {
	uint64_t at, cpu[3], scans, looks;
};

static bool look(struct look *l)
{
	struct ward_stats stats = WARD_STATS_INIT;
	bool seen = ward_pool_stats(bench_pool, &stats) == 0;

	l->at = os_now();
	l->scans = stats.scans;
	l->looks = stats.looks;
	for (unsigned i = 0; i < 3; i++) {
		struct threads_sum sum = threads_sum(thread_name[i]);

		l->cpu[i] = sum.cpu;
		seen = seen && (i || sum.threads == 1);
	}
	return seen;
}

struct watch {
	uint64_t length;
	bool seen; /* the steward's thread was found */
	struct look from, to;
	double busy;
};

/* The cost of a steward that looks at nobody. */
struct sleeper {
	_Atomic uint32_t over;
	uint64_t wall, cpu;
};

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	uint64_t from = os_now();

	while (!atomic_load_explicit(&s->over, memory_order_relaxed))
		os_sleep(10 * MS);
	s->wall = os_now() - from;
	s->cpu = os_own_cpu();
	return NULL;
}

/* Over the middle of the load. */
static void *watch_main(void *arg)
{
	struct ward_stats stats = WARD_STATS_INIT;
	struct watch *w = arg;
	unsigned n = 0;

	os_sleep(S / 2);
	w->seen = look(&w->from);
	while (os_now() < w->from.at + w->length) {
		os_sleep(50 * MS);
		if (ward_pool_stats(bench_pool, &stats) == 0) {
			w->busy += stats.running;
			n++;
		}
	}
	w->busy /= n ? n : 1;
	w->seen = look(&w->to) && w->seen;
	return NULL;
}

static void tell_of(const char *what, const char *length, const char *unit,
		    double value)
{
	char metric[40];

	snprintf(metric, sizeof(metric), "%s_%s", what, length);
	tell(metric, unit, value);
}

static void tell_watch(const struct watch *w, unsigned n, const char *length)
{
	const struct look *from = &w->from, *to = &w->to;
	double ns = (double)(to->at - from->at);
	double steward = (double)(to->cpu[0] - from->cpu[0]);
	double helpers =
		(double)(to->cpu[1] - from->cpu[1] + to->cpu[2] - from->cpu[2]);
	double scans = (double)(to->scans - from->scans);

	if (scans > 0)
		tell_of("slot", length, "ns", steward / scans / n);
	tell_of("steward", length, "%", 100 * steward / ns);
	tell_of("helpers", length, "%", 100 * helpers / ns);
	tell_of("busy", length, "count", w->busy);
	tell_of("scans", length, "1/s", scans * 1e9 / ns);
	tell_of("looks", length, "1/s",
		(double)(to->looks - from->looks) * 1e9 / ns);
}

/* ---- a trial ------------------------------------------------------------- */

static bool steward_trial(const struct trial *t)
{
	/* a second of CPU time is the default budget */
	static struct ward_policy patient = WARD_POLICY_INIT;
	bool second = !strcmp(t->mode, "1s");
	struct load load = { .rival = &rival_ward,
			     .setup = { t->workers, 1, t->ring,
					second ? 2 * t->workers : t->window },
			     .run = second ? run_second : job_spin_us };
	struct watch watch = { .length = t->cap };
	struct sleeper bare = { .over = 0 };
	pthread_t watcher, sleeper;
	uint64_t wall;

	workers = t->workers < 64 ? 64 : t->workers;
	patient.busy_within = 3 * S;
	if (!second)
		job_spin_calibrate();
	if (!load_start(&load) ||
	    pthread_create(&watcher, NULL, watch_main, &watch) ||
	    pthread_create(&sleeper, NULL, sleeper_main, &bare))
		return false;
	for (uint32_t i = 0; second && i < load.setup.window; i++)
		load.window[0][i].task.policy = &patient;
	load_run(&load, UINT64_MAX, t->cap + S, &wall);
	pthread_join(watcher, NULL);
	atomic_store_explicit(&bare.over, 1, memory_order_relaxed);
	pthread_join(sleeper, NULL);
	if (!watch.seen) {
		fprintf(stderr, "ward: no thread named %s...\n",
			thread_name[0]);
		return false;
	}
	tell_watch(&watch, t->workers, t->mode);
	tell_of("bare", t->mode, "%", 100 * (double)bare.cpu / bare.wall);
	return load_finish(&load);
}

/* ---- plan and report ---------------------------------------------------- */

static const unsigned usual[] = { 64, 512, 4096, 0 };
static const char *const length[] = { "1us", "1s" };

static void steward_run(const struct options *o, struct book *book)
{
	struct trial t = { .bench = "steward",
			   .impl = "ward",
			   .producers = 1,
			   .cap = o->quick ? 2 * S : 5 * S,
			   .ring = o->ring,
			   .window = o->window };

	/* seconds for each, and nothing that a crowd of runs would show */
	for (unsigned run = 0; run < o->runs && run < 3; run++)
		for (unsigned i = 0; (t.workers = size_at(o, usual, i)); i++)
			for (unsigned k = 0; k < 2; k++) {
				t.mode = length[k];
				trial_book(book, &t, 2 * TRIAL_LIMIT_S);
			}
	progress_end();
}

static void steward_report(const struct options *o, const struct book *book)
{
	static const char *const what[] = { "slot", "steward", "bare", "helpers",
					    "busy", "scans",   "looks" };
	static const char *const head[] = { "ns a slot", "steward %", "bare %",
					    "helpers %", "busy",      "scans/s",
					    "looks/s" };
	enum { COLUMNS = sizeof(what) / sizeof(what[0]) };
	static struct table table;
	unsigned w;

	table_start(&table, "steward: its CPU time for busy workers");
	for (unsigned c = 0; c < COLUMNS; c++)
		table_column(&table, "%s", head[c]);
	for (unsigned i = 0; (w = size_at(o, usual, i / 2)); i++) {
		char name[40];
		unsigned row;

		snprintf(name, sizeof(name), "%u, tasks of %s", w,
			 length[i % 2]);
		row = table_row(&table, name);
		for (unsigned c = 0; c < COLUMNS; c++) {
			struct key key = { "steward", "ward", name, "", w, 1, NULL };

			snprintf(name, sizeof(name), "%s_%s", what[c],
				 length[i % 2]);
			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_steward = {
	.name = "steward",
	.what = "what looking after busy workers costs",
	.run = steward_run,
	.trial = steward_trial,
	.report = steward_report,
};
