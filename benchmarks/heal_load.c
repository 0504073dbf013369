/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal_load.c - workers that are lost while all others are busy.
 *
 * Short tasks come as fast as they are run, and one after the other is lost among
 * them; from the fault to the first code on the thread that takes its place, which
 * has never run anything before; of a raise, to the next task on the same thread.
 * Beside it the usual way without a library, as many threads as busy.
 */
#include "heal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void submit(unsigned producer, struct job *job)
{
	(void)producer;
	if (ward_submit(heal_pool, &job->task, WARD_FOREVER))
		_exit(1);
}

/* ---- one fault ------------------------------------------------------------ */

static struct {
	_Atomic uint64_t began;	  /* 0: none is out */
	_Atomic uint32_t seen;	  /* futex: 'us' is there */
	_Atomic uint32_t threads; /* that have run something */
	double us;
} fault;

/* Of this thread: it has run something before; its last task raised. */
static __thread bool known, raised;

static void fault_begins(void)
{
	atomic_store_explicit(&fault.began, os_now(), memory_order_release);
}

static __attribute__((noinline)) void fault_ends(void)
{
	uint64_t now = os_now(), began;

	atomic_fetch_add_explicit(&fault.threads, !known, memory_order_acq_rel);
	known = true;
	raised = false;
	began = atomic_exchange_explicit(&fault.began, 0, memory_order_acq_rel);
	if (!began)
		return;
	fault.us = us(began, now);
	os_raise(&fault.seen);
}

/* Every task begins with this. */
static inline void look_for_fault(void)
{
	if (__builtin_expect(!known || raised, 0))
		fault_ends();
}

static void await_threads(unsigned n)
{
	while (atomic_load_explicit(&fault.threads, memory_order_acquire) < n)
		os_sleep(MS);
}

static double await_fault(void)
{
	os_await(&fault.seen);
	atomic_store_explicit(&fault.seen, 0, memory_order_relaxed);
	return fault.us;
}

/* ---- libward -------------------------------------------------------------- */

static struct {
	enum kind kind;
	unsigned workers;
	uint64_t until;
	struct ward_task *task; /* one for each sample */
	struct samples samples;
	_Atomic bool over;
} lost;

/* The first task of each ends when all have one: then only spares are new. */
static int run_short(struct ward_task *task)
{
	bool new = !known;

	look_for_fault();
	if (new)
		await_threads(lost.workers);
	return job_spin_us(task);
}

static int run_lost(struct ward_task *task)
{
	look_for_fault();
	raised = lost.kind == RAISE;
	fault_begins();
	if (raised)
		ward_raise(-EIO, "it cannot be done");
	heal_leave((task - lost.task) % 2 ? CANCEL : EXIT);
	return 0;
}

/* It may be the first that the replacement does. */
static void done_lost(struct ward_task *task, int status)
{
	(void)task;
	(void)status;
	if (lost.kind != RAISE)
		look_for_fault();
}

static bool all_spares_are_there(void)
{
	struct ward_stats stats = WARD_STATS_INIT;

	return ward_pool_stats(heal_pool, &stats) == 0 && !stats.vacant &&
	       !stats.zombies && stats.spares >= 4;
}

/* Beside the load: loses one after the other. */
static void *lost_main(void *arg)
{
	struct samples *s = &lost.samples;

	await_threads(lost.workers);
	while (s->n < s->room && os_now() < lost.until) {
		struct ward_task *task = &lost.task[s->n];

		os_sleep(MS);
		if (!all_spares_are_there())
			continue;
		task->run = run_lost;
		task->done = done_lost;
		if (ward_submit(heal_pool, task, WARD_FOREVER))
			_exit(1);
		s->all[s->n++] = await_fault();
	}
	atomic_store_explicit(&lost.over, true, memory_order_release);
	return arg;
}

static bool loaded_start(const struct setup *setup)
{
	return heal_pool_up(setup->workers, 10 * S, 10 * S);
}

static bool ward_under_load(const struct trial *t)
{
	static const struct rival loaded = { .name = "ward",
					     .start = loaded_start,
					     .submit = submit,
					     .finish = heal_pool_down };
	struct load load = { .rival = &loaded,
			     .setup = { t->workers, 1, 4096, 4096 },
			     .run = run_short };
	pthread_t thread;
	uint64_t wall;
	bool ok;

	lost.kind = strcmp(t->mode, "load_raise") ? EXIT : RAISE;
	lost.workers = t->workers;
	lost.until = os_now() + t->cap;
	lost.task = calloc(t->tasks, sizeof(*lost.task));
	if (!lost.task || !samples_open(&lost.samples, (unsigned)t->tasks) ||
	    !load_start(&load) ||
	    pthread_create(&thread, NULL, lost_main, NULL))
		return false;
	while (!atomic_load_explicit(&lost.over, memory_order_acquire))
		load_run(&load, 20000, S, &wall);
	pthread_join(thread, NULL);
	ok = load_finish(&load);
	free(lost.task);
	samples_tell(&lost.samples, t->mode);
	return ok;
}

/* ---- bare threads --------------------------------------------------------- */

struct bare {
	pthread_t thread;
	enum kind kind;
	_Atomic uint32_t parked, call; /* futexes */
	_Atomic bool leave, stop;
};

static void *bare_main(void *arg)
{
	struct job job = { .task = WARD_TASK_INIT(job_spin_us) };
	struct bare *me = arg;

	os_raise(&me->parked);
	os_await(&me->call);
	while (!atomic_load_explicit(&me->stop, memory_order_acquire)) {
		look_for_fault();
		job_spin_us(&job.task);
		if (!atomic_load_explicit(&me->leave, memory_order_acquire))
			continue;
		fault_begins();
		heal_leave(me->kind);
	}
	return NULL;
}

/* Joins the first and calls the second. */
static void *watcher_main(void *arg)
{
	struct bare **pair = arg;

	os_raise(&pair[0]->parked);
	pthread_join(pair[0]->thread, NULL);
	os_raise(&pair[1]->call);
	return NULL;
}

static bool bare_start(struct bare *b, bool spare)
{
	if (pthread_create(&b->thread, NULL, bare_main, b))
		return false;
	os_await(&b->parked);
	atomic_store_explicit(&b->parked, 0, memory_order_relaxed);
	if (!spare)
		os_raise(&b->call);
	return true;
}

static bool bare_lose(struct bare *victim, struct bare *spare, double *us)
{
	struct bare *pair[] = { victim, spare };
	pthread_t watcher;

	if (!bare_start(spare, true) ||
	    pthread_create(&watcher, NULL, watcher_main, pair))
		return false;
	os_await(&victim->parked);
	os_sleep(MS); /* until it does wait */
	atomic_store_explicit(&victim->leave, true, memory_order_release);
	*us = await_fault();
	pthread_join(watcher, NULL);
	return true;
}

static bool bare_under_load(const struct trial *t)
{
	unsigned count = (unsigned)t->tasks, w = t->workers, n = 0;
	struct bare *b = calloc(w + count, sizeof(*b));
	uint64_t until = os_now() + t->cap;
	struct samples s;

	if (!b || !samples_open(&s, count))
		return false;
	for (unsigned i = 0; i < w; i++)
		if (!bare_start(&b[i], false))
			return false;
	await_threads(w);
	for (; n < count && os_now() < until; n++) {
		b[n].kind = n % 2 ? CANCEL : EXIT;
		if (!bare_lose(&b[n], &b[w + n], &s.all[n]))
			return false;
	}
	for (unsigned i = n; i < n + w; i++) {
		atomic_store_explicit(&b[i].stop, true, memory_order_release);
		pthread_join(b[i].thread, NULL);
	}
	s.n = n;
	samples_tell(&s, t->mode);
	free(b);
	return true;
}

bool heal_under_load(const struct trial *t)
{
	job_spin_calibrate();
	return strcmp(t->impl, "ward") ? bare_under_load(t)
				       : ward_under_load(t);
}
