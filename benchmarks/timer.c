/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c - tasks that wait for their time.
 *
 * late_p50, late_p99, late_max
 *		from the point in time that was asked for to run(), us, one task at
 *		a time, 1 to 5 ms ahead, on an idle pool
 * put		ns a ward_submit_at() while 10,000 others wait, from one thread
 * whole	ns of CPU, of all threads, for one such task: put, sorted, handed
 *		on, run and released
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { WAITING = 10 * 1000, BURST = 10 * 1000, ROUNDS = 5 };

struct timed {
	struct ward_task task;
	uint64_t began;
	_Atomic uint32_t over;
};

static struct timed *timed_of(struct ward_task *task)
{
	return ward_entry(task, struct timed, task);
}

static int run_late(struct ward_task *task)
{
	timed_of(task)->began = os_now();
	return 0;
}

static void wake(struct ward_task *task)
{
	os_raise(&timed_of(task)->over);
}

/* 1 to 5 ms; the same each time. */
static uint64_t ahead(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return MS + (*seed >> 33) % (4 * MS);
}

static bool late_trial(const struct trial *t)
{
	unsigned n = (unsigned)t->tasks;
	double *late = calloc(n, sizeof(*late));
	uint64_t seed = 1;

	for (unsigned i = 0; late && i < n; i++) {
		struct timed one = { .task = WARD_TASK_INIT(run_late) };
		uint64_t at = os_now() + ahead(&seed);

		one.task.release = wake;
		if (ward_submit_at(bench_pool, &one.task, at, 0))
			return false;
		os_await(&one.over);
		if (one.began < at) {
			fprintf(stderr, "timer: a task ran too early\n");
			return false;
		}
		late[i] = (double)(one.began - at) / 1e3;
	}
	tell_samples("late", late, n, false);
	free(late);
	return true;
}

/* ---- many --------------------------------------------------------------- */

static _Atomic uint32_t ended;

static void count_end(struct ward_task *task)
{
	(void)task;
	if (atomic_fetch_add_explicit(&ended, 1, memory_order_release) ==
	    BURST - 1)
		os_wake(&ended, 1);
}

static uint64_t all_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static bool put_all(struct timed *timed, unsigned n, uint64_t after)
{
	uint64_t seed = 1;

	for (unsigned i = 0; i < n; i++) {
		uint64_t at = os_now() + after + ahead(&seed);

		if (ward_submit_at(bench_pool, &timed[i].task, at, 0))
			return false;
	}
	return true;
}

static struct timed *some(unsigned n, void (*release)(struct ward_task *))
{
	struct timed *timed = calloc(n, sizeof(*timed));

	for (unsigned i = 0; timed && i < n; i++) {
		timed[i].task.run = run_late;
		timed[i].task.release = release;
	}
	return timed;
}

static bool burst(struct timed *timed, double *put, double *whole)
{
	uint64_t cpu = all_cpu(), from = os_now();
	double ns;
	uint32_t n;

	atomic_store_explicit(&ended, 0, memory_order_relaxed);
	if (!put_all(timed, BURST, 0))
		return false;
	ns = (double)(os_now() - from) / BURST;
	*put = ns < *put ? ns : *put;
	while ((n = atomic_load_explicit(&ended, memory_order_acquire)) < BURST)
		os_wait(&ended, n);
	ns = (double)(all_cpu() - cpu) / BURST;
	*whole = ns < *whole ? ns : *whole;
	return true;
}

static bool many_trial(void)
{
	struct timed *far = some(WAITING, NULL), *near = some(BURST, count_end);
	double put = 1e9, whole = 1e9;

	if (!far || !near || !put_all(far, WAITING, 3600 * S))
		return false;
	for (int round = 0; round < ROUNDS; round++)
		if (!burst(near, &put, &whole))
			return false;
	tell("put", "ns", put);
	tell("whole", "ns", whole);
	return !ward_pool_destroy(bench_pool,
				  WARD_FOREVER); /* of the others, too */
}

static bool timer_trial(const struct trial *t)
{
	struct setup setup = { t->workers, 1, t->ring, t->window };

	if (!rival_ward.start(&setup))
		return false;
	if (!strcmp(t->mode, "many"))
		return many_trial();
	return late_trial(t) && rival_ward.finish();
}

/* ---- plan and report ---------------------------------------------------- */

static void timer_run(const struct options *o, struct book *book)
{
	struct options only = *o;
	struct trial like = { .bench = "timer",
			      .mode = "late",
			      .producers = 1,
			      .workers = 2,
			      .tasks = o->quick ? 200 : 1000,
			      .ring = o->ring,
			      .window = o->window };

	only.impl[0] = &rival_ward;
	only.impls = 1;
	trials_in_turn(&only, book, &like, "late_p50", "us", NULL);
	like.mode = "many";
	trials_in_turn(&only, book, &like, "put", "ns", NULL);
}

static void timer_report(const struct options *o, const struct book *book)
{
	static struct table table;

	(void)o;
	table_start(&table, "timer: tasks that wait for their time");
	table_column(&table, "us, ns");
	for (unsigned i = 0; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];

		if (!strcmp(f->bench, "timer"))
			table_cell(&table, table_row(&table, f->metric), 0, f);
	}
	table_print(&table, stdout);
}

const struct bench bench_timer = {
	.name = "timer",
	.what = "how late tasks are that wait for their time",
	.run = timer_run,
	.trial = timer_trial,
	.report = timer_report,
};
