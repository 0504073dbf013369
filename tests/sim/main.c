/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - many runs of many scenarios, their sum, and the replay of one.
 *
 * Runs are cut into portions, and a few processes take one portion after the
 * other; so a scenario that breaks the simulator itself is noticed too.
 */
#include "core.h"
#include "lines.h"
#include "litmus.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORTIONS_MAX 65536
#define PORTION 1000   /* runs */
#define DFS_MAX 8000   /* runs of one scenario, model and bound */
#define STOP_STEPS 400 /* of a thread, at most */

static const char *const model_name[] = { "sc", "tso", "weak" };
static const char *const sched_name[] = { "random", "sticky", "pct", "dfs" };
static const char *const end_name[] = { "ok",	   "DEADLOCK", "WRONG",
					"ENDLESS", "RACE",     "FREED" };

extern const struct sim_scenario *const __start_sim_scenarios[];
extern const struct sim_scenario *const __stop_sim_scenarios[];

#define SCENARIOS_MAX 256
static const struct sim_scenario *sorted[SCENARIOS_MAX];
static unsigned nscenarios;

static int by_name(const void *a, const void *b)
{
	const struct sim_scenario *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The linker gathers them, in no order of ours. */
static void gather(void)
{
	const struct sim_scenario *const *s;

	for (s = __start_sim_scenarios; s < __stop_sim_scenarios; s++) {
		if (nscenarios == SCENARIOS_MAX) {
			fprintf(stderr,
				"sim: more scenarios than it has room for\n");
			exit(2);
		}
		sorted[nscenarios++] = *s;
	}
	qsort(sorted, nscenarios, sizeof(sorted[0]), by_name);
}

static const struct sim_scenario *scenario(unsigned i)
{
	return sorted[i];
}

static unsigned scenarios(void)
{
	return nscenarios;
}

enum kind { SEEDS, DFS, STOP, FORK, LITMUS };

struct portion {
	/* what to do */
	enum kind kind;
	unsigned scenario;
	enum sim_model model;
	enum sim_sched sched;
	uint64_t first, n; /* seeds; of dfs the bound; of stop and fork the thread */
	/* what came of it */
	bool done;
	bool whole; /* dfs: tried to the end */
	long runs, steps, points;
	struct result result; /* of the last, if it failed */
	struct run run;
	uint64_t index; /* dfs: which */
};

struct shared {
	unsigned next, n;
	volatile int failed; /* portions */
	struct portion portion[PORTIONS_MAX];
};

static struct shared *shared;
static bool hunting; /* the first failure ends it */

/* ---- one portion --------------------------------------------------------- */

/* False: it failed. */
static bool attempt(struct portion *p, const struct run *how)
{
	struct run with = *how;
	struct result result;

	with.steps = scenario(p->scenario)->steps;
	result = sim_run(&with, scenario(p->scenario)->body);

	p->runs++;
	p->steps += result.steps;
	if (result.end == SIM_OK)
		return true;
	/* Once more, for the names in its last words. */
	p->run = with;
	p->run.named = true;
	p->result = sim_run(&p->run, scenario(p->scenario)->body);
	return false;
}

static void do_seeds(struct portion *p)
{
	struct run how = { .model = p->model,
			   .sched = p->sched,
			   .stop_thread = -1 };

	for (uint64_t i = 0; i < p->n; i++) {
		how.seed = p->first + i;
		if (!attempt(p, &how) || (hunting && shared->failed))
			return;
	}
}

static void do_dfs(struct portion *p)
{
	struct run how = { .model = p->model,
			   .sched = SIM_DFS,
			   .bound = (uint32_t)p->n,
			   .odd = (uint32_t)p->n,
			   .stop_thread = -1 };
	bool more = dfs_next(true);

	for (; more && p->index < DFS_MAX; p->index++, more = dfs_next(false))
		if (!attempt(p, &how) || (hunting && shared->failed))
			return;
	p->whole = !more;
}

/* The thread p->n is stopped, or forks, at each of its steps. */
static void do_stop(struct portion *p)
{
	static const enum sim_sched scheds[] = { SIM_STICKY, SIM_RANDOM,
						 SIM_PCT };
	struct run how = { .model = p->model,
			   .stop_thread = (int)p->n,
			   .forks = p->kind == FORK };
	bool reached = true;

	for (long step = 1; reached && step < STOP_STEPS; step++) {
		reached = false;
		for (uint64_t i = 0; i < p->first; i++) {
			how.stop_step = step;
			how.seed = i + p->first * (uint64_t)step;
			how.sched = scheds[i % 3];
			if (!attempt(p, &how))
				return;
			reached |= sim_stopped() >= 0;
		}
		p->points += reached;
	}
}

/* Of what there is to do one part is done, each day another. */
static long parts = 1, part;

static void do_litmus(struct portion *p)
{
	/* Not fewer: each program that shows something is to do so in a part, too. */
	long few = parts < 5 ? parts : 5;

	if (litmus_try(p->scenario, p->model, few, &p->whole, &p->runs))
		return;
	p->result.end = SIM_WRONG;
}

static void do_portions(void)
{
	for (;;) {
		unsigned i =
			__atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		struct portion *p = &shared->portion[i];

		if (i >= shared->n || (hunting && shared->failed))
			return;
		if (p->kind == SEEDS)
			do_seeds(p);
		else if (p->kind == DFS)
			do_dfs(p);
		else if (p->kind == STOP || p->kind == FORK)
			do_stop(p);
		else
			do_litmus(p);
		if (p->result.end != SIM_OK)
			__atomic_fetch_add(&shared->failed, 1,
					   __ATOMIC_RELAXED);
		p->done = true;
	}
}

static bool do_all(unsigned jobs)
{
	bool well = true;
	int status;

	fflush(stdout);
	for (unsigned i = 0; i < jobs; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("sim: fork");
			return false;
		}
		if (pid == 0) {
			do_portions();
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		well &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return well;
}

/* ---- what is to be done -------------------------------------------------- */

static void add(const struct portion *p)
{
	if (shared->n == PORTIONS_MAX) {
		fprintf(stderr, "sim: too many portions\n");
		exit(2);
	}
	shared->portion[shared->n++] = *p;
}

static void deal(const struct portion *p)
{
	static long dealt;

	if (dealt++ % parts == part)
		add(p);
}

/* In small portions, all models and schedulers by turns. */
static void plan_seeds(unsigned i, long n)
{
	struct portion p = { .kind = SEEDS, .scenario = i };
	long size = hunting ? PORTION / 20 : PORTION;

	for (long k = 0; k < n; k += size) {
		if (k >= 8 * PORTION / 20)
			size = PORTION;
		for (int m = 0; m < SIM_MODELS; m++)
			for (int c = SIM_RANDOM; c < SIM_DFS; c++) {
				p.model = (enum sim_model)m;
				p.sched = (enum sim_sched)c;
				p.first = (uint64_t)(part * n + k);
				p.n = (uint64_t)(n - k < size ? n - k : size);
				add(&p);
			}
	}
}

static void plan(unsigned i, long seeds, long stops)
{
	const struct sim_scenario *s = scenario(i);
	struct portion p = { .scenario = i };

	if (!hunting)
		plan_seeds(i, seeds * (s->share ? s->share : 1) /
				      (s->rare ? s->rare : 1));
	for (int m = 0; m < SIM_MODELS; m++) {
		p.model = (enum sim_model)m;
		p.first = s->few && s->few < stops ? s->few : (uint64_t)stops;
		for (unsigned t = 0; stops && t < SIM_THREADS; t++) {
			p.n = t;
			p.kind = STOP;
			if (s->stop >> t & 1)
				deal(&p);
			p.kind = FORK;
			if (s->forks >> t & 1)
				deal(&p);
		}
		p.kind = DFS;
		for (uint32_t b = 1; !hunting && b <= s->bound; b++) {
			p.n = b;
			deal(&p);
		}
	}
	if (hunting)
		plan_seeds(i, seeds / (s->rare ? s->rare : 1));
}

static void plan_litmus(void)
{
	struct portion p = { .kind = LITMUS };

	for (p.scenario = 0; p.scenario < litmus_count(); p.scenario++)
		for (int m = 0; m < SIM_MODELS; m++) {
			p.model = (enum sim_model)m;
			add(&p);
		}
}

/* ---- telling ------------------------------------------------------------- */

static void tell_failure(const struct portion *p)
{
	const struct run *how = &p->run;

	printf("\n%s: %s after %ld steps: %s\n", scenario(p->scenario)->name,
	       end_name[p->result.end], p->result.steps, p->result.why);
	printf("  replay: sim %s %s %s %llu", scenario(p->scenario)->name,
	       model_name[how->model], sched_name[how->sched],
	       (unsigned long long)(how->sched == SIM_DFS ? p->index
							  : how->seed));
	if (how->sched == SIM_DFS)
		printf(" %u", how->bound);
	if (how->stop_thread >= 0)
		printf(" %s %d %ld", how->forks ? "fork" : "stop",
		       how->stop_thread, how->stop_step);
	printf("\n");
}

/* The shortest in each model. */
static void tell_failures(unsigned i)
{
	for (int m = 0; m < SIM_MODELS; m++) {
		const struct portion *best = NULL;

		for (unsigned k = 0; k < shared->n; k++) {
			const struct portion *p = &shared->portion[k];

			if (p->kind != LITMUS && p->scenario == i &&
			    (int)p->model == m && p->result.end != SIM_OK &&
			    (!best || p->result.steps < best->result.steps))
				best = p;
		}
		if (best)
			tell_failure(best);
	}
}

struct sum {
	long runs[SIM_MODELS], dfs, stops, points, steps;
	unsigned whole, failed, undone;
};

static struct sum sum_up(unsigned i)
{
	struct sum sum = { { 0 }, 0, 0, 0, 0, 0, 0, 0 };

	for (unsigned k = 0; k < shared->n; k++) {
		const struct portion *p = &shared->portion[k];

		if (p->kind == LITMUS || p->scenario != i)
			continue;
		sum.steps += p->steps;
		sum.failed += p->result.end != SIM_OK;
		sum.undone += !p->done;
		if (p->kind == SEEDS)
			sum.runs[p->model] += p->runs;
		if (p->kind == DFS) {
			sum.dfs += p->runs;
			if (p->whole && p->n > sum.whole)
				sum.whole = (unsigned)p->n;
		}
		if (p->kind == STOP || p->kind == FORK) {
			sum.stops += p->runs;
			sum.points += p->points;
		}
	}
	return sum;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* True if each program was seen to do what it should. */
static bool tell_litmus(void)
{
	unsigned n = 0, bad = 0, whole = 0;
	long runs = 0;

	for (unsigned k = 0; k < shared->n; k++) {
		const struct portion *p = &shared->portion[k];

		if (p->kind != LITMUS)
			continue;
		n++;
		whole += p->whole;
		runs += p->runs;
		if (p->done && p->result.end == SIM_OK)
			continue;
		bad++;
		printf("litmus: %s is WRONG in %s\n", litmus_name(p->scenario),
		       model_name[p->model]);
	}
	if (n)
		printf("litmus: %u programs in %d models: %u of %u as they "
		       "should be; %ld runs, %u times all there are\n",
		       n / SIM_MODELS, SIM_MODELS, n - bad, n, runs, whole);
	return !bad;
}

/* True if nothing failed. */
static bool tell_all(double took)
{
	long runs = 0, dfs = 0, stops = 0, points = 0;
	unsigned failed = 0, shown = 0;

	printf("\n%-16s %8s %8s %8s %8s %6s %8s  %s\n", "scenario", "sc", "tso",
	       "weak", "dfs", "stops", "runs", "fear");
	for (unsigned i = 0; i < scenarios(); i++) {
		struct sum s = sum_up(i);
		long all = s.runs[0] + s.runs[1] + s.runs[2];

		if (!all && !s.dfs && !s.undone)
			continue;
		printf("%-16s %8ld %8ld %8ld %8ld %6ld %8ld  %s%s\n",
		       scenario(i)->name, s.runs[0], s.runs[1], s.runs[2],
		       s.dfs, s.points, s.stops, scenario(i)->fear,
		       s.failed	  ? "  FAILED"
		       : s.undone ? "  BROKEN"
				  : "");
		runs += all;
		dfs += s.dfs;
		stops += s.stops;
		points += s.points;
		failed += s.failed + s.undone;
		shown++;
	}
	for (unsigned i = 0; i < scenarios(); i++)
		tell_failures(i);
	printf("\nsim: %u scenarios, %ld schedules by seed, %ld by dfs, %ld "
	       "with a thread stopped (at %ld points): %ld in all, %u failed, "
	       "%.1f s\n",
	       shown, runs, dfs, stops, points, runs + dfs + stops, failed,
	       took);
	return failed == 0;
}

/* For a planted bug: true if it was found. */
static bool tell_hunt(double took)
{
	const struct portion *found = NULL;
	long runs = 0;

	for (unsigned k = 0; k < shared->n; k++) {
		runs += shared->portion[k].runs;
		if (!found && shared->portion[k].result.end != SIM_OK)
			found = &shared->portion[k];
	}
	if (!found) {
		printf("NOT FOUND in %ld schedules, %.1f s\n", runs, took);
		return false;
	}
	printf("%s, %s %s%s, after %ld: %s %.48s\n",
	       scenario(found->scenario)->name, model_name[found->run.model],
	       sched_name[found->run.sched],
	       found->run.stop_thread < 0 ? "" :
	       found->run.forks		  ? " fork" :
					    " stop",
	       runs,
	       end_name[found->result.end], found->result.why);
	return true;
}

/* ---- replay -------------------------------------------------------------- */

static int which(const char *name, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return i;
	fprintf(stderr, "sim: no %s\n", name);
	exit(2);
}

static int find(const char *name)
{
	for (unsigned i = 0; i < scenarios(); i++)
		if (strcmp(scenario(i)->name, name) == 0)
			return (int)i;
	fprintf(stderr, "sim: no scenario %s\n", name);
	exit(2);
}

/* SCENARIO MODEL SCHED SEED [BOUND] [stop|fork THREAD STEP] */
static int replay(int argc, char **argv)
{
	const struct sim_scenario *s = scenario((unsigned)find(argv[0]));
	struct run how = { .stop_thread = -1, .steps = s->steps };
	struct result result;
	uint64_t seed = strtoull(argv[3], NULL, 0);

	how.model = (enum sim_model)which(argv[1], model_name, SIM_MODELS);
	how.sched = (enum sim_sched)which(argv[2], sched_name, SIM_SCHEDS);
	how.forks = argc > 6 && strcmp(argv[4], "fork") == 0;
	if (how.forks || (argc > 6 && strcmp(argv[4], "stop") == 0)) {
		how.stop_thread = atoi(argv[5]);
		how.stop_step = atol(argv[6]);
	}
	if (how.sched == SIM_DFS) {
		how.bound = how.odd = argc > 4 ? (uint32_t)atoi(argv[4]) : 2;
		dfs_next(true);
		for (uint64_t i = 0; i < seed; i++) {
			sim_run(&how, s->body);
			if (!dfs_next(false)) {
				fprintf(stderr, "sim: dfs has no such run\n");
				return 2;
			}
		}
	} else {
		how.seed = seed;
	}
	how.trace = how.named = true;
	result = sim_run(&how, s->body);
	printf("%s after %ld steps: %s\n", end_name[result.end], result.steps,
	       result.why);
	return result.end != SIM_OK;
}

/* ---- */

static int usage(void)
{
	fputs("sim [-n SEEDS] [-f STOPS] [-j JOBS] [SCENARIO...]\n"
	      "sim -x [-n SEEDS] ...       a planted bug: must fail\n"
	      "sim -l                      lists the scenarios\n"
	      "sim -t                      the litmus table only\n"
	      "sim -c                      counts the lines that travel, only\n"
	      "sim SCENARIO MODEL SCHED SEED [BOUND] [stop|fork THREAD STEP]\n"
	      "                            one run, traced\n",
	      stderr);
	return 2;
}

static bool is_replay(int n, char **argv)
{
	if (n < 4)
		return false;
	for (int i = 0; i < SIM_MODELS; i++)
		if (strcmp(argv[1], model_name[i]) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *share = getenv("SIM_PARTS"); /* 3: a third of it all */
	long seeds, stops = 12, jobs = sysconf(_SC_NPROCESSORS_ONLN);
	double start = seconds();
	bool well, only_litmus = false;
	int c;

	if (share && atol(share) > 0)
		parts = atol(share);
	part = time(NULL) / 86400 % parts;
	seeds = 450 / parts;
	gather();
	while ((c = getopt(argc, argv, "n:f:j:xltc")) != -1) {
		switch (c) {
		case 'n':
			seeds = atol(optarg);
			parts = 1;
			part = 0;
			break;
		case 'f':
			stops = atol(optarg);
			break;
		case 'j':
			jobs = atol(optarg);
			break;
		case 'x':
			hunting = true;
			break;
		case 'l':
			for (unsigned i = 0; i < scenarios(); i++)
				printf("%-16s %s\n", scenario(i)->name,
				       scenario(i)->fear);
			return 0;
		case 't':
			only_litmus = true;
			break;
		case 'c':
			return !lines_tell();
		default:
			return usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (is_replay(argc, argv))
		return replay(argc, argv);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("sim: mmap");
		return 2;
	}
	if (!argc)
		plan_litmus();
	if (!argc && !only_litmus)
		for (unsigned i = 0; i < scenarios(); i++)
			plan(i, seeds, stops);
	for (int i = 0; i < argc; i++)
		plan((unsigned)find(argv[i]), seeds, stops);
	well = do_all(jobs > 0 ? (unsigned)jobs : 1);
	if (hunting)
		return !tell_hunt(seconds() - start);
	well &= tell_litmus();
	if (!only_litmus)
		well &= tell_all(seconds() - start);
	if (!argc && !only_litmus)
		well &= lines_tell();
	return !well;
}
