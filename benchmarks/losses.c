/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * losses.c - what a pool answers while its workers are lost.
 *
 * Eight workers, and tasks that sleep for a millisecond, so that each worker adds as
 * much as any other, however few CPUs there are.  At known times the next tasks that
 * begin end their threads, wait or spin without end, or write to nowhere.
 *
 * answered	tasks answered well, a second, in each 10 ms (a series)
 * before, after
 *		the same until the first loss, and at the end
 * death, blocked, livelock, fault, and all, where every worker dies at once
 *		with _at: when, ms; with _lost: how many workers
 * blocked_budget, livelock_budget
 *		how long a task may be silent, ms
 *
 * The pool runs in a process that this one watches: a fault ends that of a pool
 * which catches none, and what it had answered by then is still known.
 */
#include "bench.h"
#include "heal.h"
#include "objects.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define WORKERS 8u
#define JOBS 256u
#define STEP (10 * MS)
#define STEPS 160u
#define LAST 20u /* steps: before the end, when all is over */
#define BUDGET_BUSY (20 * MS)
#define BUDGET_BLOCKED (50 * MS)
#define SCAN (10 * MS)

static const struct {
	const char *name;
	enum kind kind;
	unsigned at_ms, lost;
} plan[] = { { "death", EXIT, 200, 2 },
	     { "blocked", BLOCKED, 450, 2 },
	     { "livelock", LIVELOCK, 750, 2 },
	     { "fault", FAULT, 1050, 2 },
	     { "all", EXIT, 1300, WORKERS } };
#define PLANS (sizeof(plan) / sizeof(*plan))

/* In memory that outlives the pool's process. */
static struct {
	_Atomic uint32_t answered[STEPS];
} * seen;

static _Atomic uint64_t began = UINT64_MAX; /* when the first step did */
static _Atomic int32_t due[PLANS];	    /* losses that no task has taken */
static _Atomic uint32_t told; /* futex: tasks that were judged hung */
static _Atomic bool over;

/* ---- the tasks ------------------------------------------------------------ */

static volatile uintptr_t nowhere = 16;

/* Waits and spins end when as many were judged as had to be by then. */
static void wait_for(uint32_t judged)
{
	uint32_t seen_told;

	while ((seen_told = atomic_load_explicit(&told, memory_order_acquire)) <
	       judged)
		os_wait(&told, seen_told);
}

static void spin_for(uint32_t judged)
{
	while (atomic_load_explicit(&told, memory_order_acquire) < judged)
		os_relax();
}

static uint32_t hung_by(unsigned i)
{
	uint32_t sum = 0;

	for (unsigned k = 0; k <= i; k++)
		if (plan[k].kind == BLOCKED || plan[k].kind == LIVELOCK)
			sum += plan[k].lost;
	return sum;
}

static void lose(unsigned i)
{
	switch (plan[i].kind) {
	case BLOCKED:
		wait_for(hung_by(i));
		break;
	case LIVELOCK:
		spin_for(hung_by(i));
		break;
	case FAULT:
		*(volatile uint32_t *)nowhere = 1;
		break;
	default:
		heal_leave(plan[i].kind);
	}
}

/* One of those that are due is this thread's. */
static bool takes(unsigned i)
{
	if (atomic_load_explicit(&due[i], memory_order_relaxed) <= 0)
		return false;
	return atomic_fetch_sub_explicit(&due[i], 1, memory_order_relaxed) > 0;
}

static int run_job(struct ward_task *task)
{
	(void)task;
	for (unsigned i = 0; i < PLANS; i++)
		if (takes(i))
			lose(i);
	os_sleep(MS);
	return 0;
}

static void done_job(struct ward_task *task, int status)
{
	uint64_t from = atomic_load_explicit(&began, memory_order_relaxed);
	uint64_t step = (os_now() - from) / STEP;

	(void)task;
	if (status == -ETIME) {
		atomic_fetch_add_explicit(&told, 1, memory_order_release);
		os_wake(&told, INT32_MAX);
	} else if (status == 0 && step < STEPS) {
		atomic_fetch_add_explicit(&seen->answered[step], 1,
					  memory_order_relaxed);
	}
}

/* ---- the pool's process --------------------------------------------------- */

static void submit(struct load *load, struct job *job)
{
	if (load->rival != &rival_ward)
		load->rival->submit(0, job);
	else if (ward_submit(heal_pool, &job->task, WARD_FOREVER))
		_exit(1);
}

/* As many as there are jobs: the workers never lack one. */
static void *producer_main(void *arg)
{
	struct load *load = arg;
	uint32_t at = 0;

	while (!atomic_load_explicit(&over, memory_order_relaxed))
		submit(load, window_next(load, 0, &at));
	return NULL;
}

static bool pool_start(struct load *load)
{
	if (!objects_start(load))
		return false;
	for (unsigned i = 0; i < JOBS; i++)
		load->window[0][i].task.done = done_job;
	return load->rival == &rival_ward
		       ? heal_pool_watched(WORKERS, BUDGET_BUSY, BUDGET_BLOCKED,
					   SCAN)
		       : load->rival->start(&load->setup);
}

static void losses(void)
{
	uint64_t from = os_now();

	atomic_store_explicit(&began, from, memory_order_relaxed);
	for (unsigned i = 0; i < PLANS; i++) {
		os_sleep_until(from + plan[i].at_ms * MS);
		atomic_store_explicit(&due[i], (int32_t)plan[i].lost,
				      memory_order_relaxed);
	}
	os_sleep_until(from + STEPS * STEP);
}

/* A pool that has lost its workers does not come to an end: it is left. */
static bool pool_main(struct load *load)
{
	pthread_t producer;

	if (!pool_start(load) ||
	    pthread_create(&producer, NULL, producer_main, load))
		return false;
	os_sleep(100 * MS);
	losses();
	if (load->rival != &rival_ward)
		return true;
	atomic_store_explicit(&over, true, memory_order_relaxed);
	pthread_join(producer, NULL);
	return heal_pool_down();
}

/* ---- beside it ------------------------------------------------------------ */

static double mean(unsigned from, unsigned to)
{
	double sum = 0;

	for (unsigned i = from; i < to; i++)
		sum += atomic_load_explicit(&seen->answered[i],
					    memory_order_relaxed);
	return sum * (S / STEP) / (to - from);
}

static void tell_plan(void)
{
	char name[40];

	for (unsigned i = 0; i < PLANS; i++) {
		snprintf(name, sizeof(name), "%s_at", plan[i].name);
		tell(name, "ms", plan[i].at_ms);
		snprintf(name, sizeof(name), "%s_lost", plan[i].name);
		tell(name, "count", plan[i].lost);
	}
	tell("blocked_budget", "ms", BUDGET_BLOCKED / 1e6);
	tell("livelock_budget", "ms", BUDGET_BUSY / 1e6);
}

static void tell_seen(void)
{
	struct steps steps = { "ms", STEP / 1e6, STEPS };
	double rate[STEPS];

	for (unsigned i = 0; i < STEPS; i++)
		rate[i] = mean(i, i + 1);
	tell("before", "1/s", mean(0, plan[0].at_ms * MS / STEP));
	tell("after", "1/s", mean(STEPS - LAST, STEPS));
	tell_series("answered", "1/s", &steps, rate);
}

static pid_t pool_fork(struct load *load)
{
	static const struct rlimit none;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	_exit(pool_main(load) ? 0 : 1);
}

static bool losses_trial(const struct trial *t)
{
	struct load load = { .rival = rival_find(t->impl),
			     .setup = { WORKERS, 1, JOBS, JOBS },
			     .run = run_job };
	int status;
	pid_t pid;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || !load.rival || (pid = pool_fork(&load)) < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tell_plan();
	tell_seen();
	/* a fault in a pool that catches none */
	if (load.rival != &rival_ward && WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSEGV;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- plan and report ------------------------------------------------------ */

static const char *const impl[] = { "ward", "mutex" };

static bool asked(const struct options *o, const char *name)
{
	for (unsigned i = 0; i < o->impls; i++)
		if (!strcmp(o->impl[i]->name, name))
			return true;
	return false;
}

/* What a pool without a healer does is the same each time: once is enough. */
static void losses_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++)
		for (unsigned i = 0; i < 2; i++) {
			struct trial t = { .bench = "losses",
					   .impl = impl[i],
					   .mode = "-",
					   .producers = 1,
					   .workers = WORKERS,
					   .ring = JOBS,
					   .window = JOBS };

			if (asked(o, impl[i]) && !(o->brief && run && i))
				trial_book(book, &t, TRIAL_LIMIT_S);
		}
	progress_end();
}

static void losses_report(const struct options *o, const struct book *book)
{
	const struct column column[] = {
		{ "before", "before", 1, WORKERS },
		{ "at the end", "after", 1, WORKERS },
	};

	report_columns(
		o, book, "losses",
		"losses: answers a second, before 16 workers are lost and after",
		column, 2);
}

const struct bench bench_losses = {
	.name = "losses",
	.what = "answers a second while workers are lost",
	.run = losses_run,
	.trial = losses_trial,
	.report = losses_report,
};
