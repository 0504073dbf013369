/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.c - how long it takes until a lost worker is noticed and another works
 * in its place.
 *
 * All workers but one are held inside tasks of their own, so the task queued
 * behind the fault can only be run by its replacement.  Both tasks are submitted
 * together; the fault notes the time just before it happens, the next task the
 * time of its first instruction.
 *
 * death_*	pthread_exit() and pthread_cancel() in turn: fault to the first
 *		of the user's code on the replacement
 * rawexit_*	the same for a raw SYS_exit, which nothing in the process gets
 *		to see
 * fault_*	a write to nowhere, in a pool that catches faults
 * raise_*	ward_raise(): to the first code of the next task on that seat, which
 *		is queued already; no thread is replaced, and nobody is waited for
 * ward_*	the death of a ward, by pthread_exit() and cancellation in turn: to
 *		the first code of its function, started again (restart.c)
 * load_death_*, load_raise_*
 *		the same beside short tasks that keep all workers busy
 *		(heal_load.c)
 * livelock_*	a spin without a beat; blocked_*: a futex without end
 * hung_*	blocked, with budgets of 10 ms and a look each 2 ms: what stewards
 *		are asked that look at heartbeats
 * wakeup_*	a futex wake to the first instruction of the thread that slept:
 *		what no healer can do without, on this machine
 * K_detect_*	fault to detection (the report's time); for livelock and blocked
 *		that includes the budget
 * K_heal_*	detection to the replacement's first code
 * K_budget	the budget, us
 * healthy_convicted
 *		workers taken for lost although they were well, while spinning
 *		processes fill the machine
 * beating_convicted
 *		the same in 10 s, of workers that work for 1 ms, beat and nap for
 *		1 ms, judged as hung_* is
 *
 * Livelocked and blocked tasks end when their done() has come, so that their
 * threads come home and the next sample finds the pool as it was.
 */
#include "bench.h"
#include "heal.h"
#include "restart.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET_BUSY (20 * MS)
#define BUDGET_BLOCKED (50 * MS)
#define SCAN (10 * MS)

/* ---- the faults --------------------------------------------------------- */

struct fault {
	struct ward_task task;
	enum kind kind;
	int status;
	uint64_t began, told; /* when; 'told': first code elsewhere, or 0 */
	pthread_t teller;
	uint64_t incident;
	_Atomic uint32_t verdict, released; /* futexes */
};

struct next {
	struct ward_task task;
	uint64_t began;
	pthread_t thread;
	_Atomic uint32_t released; /* futex */
};

void heal_leave(enum kind kind)
{
	switch (kind) {
	case EXIT:
		pthread_exit(NULL);
	case CANCEL:
		pthread_cancel(pthread_self());
		pthread_testcancel();
		break;
	default:
		syscall(SYS_exit, 0);
	}
}

static volatile uintptr_t nowhere = 16;

static int run_fault(struct ward_task *task)
{
	struct fault *f = ward_entry(task, struct fault, task);

	f->began = os_now();
	switch (f->kind) {
	case LIVELOCK:
		while (!atomic_load_explicit(&f->verdict, memory_order_acquire))
			os_relax();
		break;
	case BLOCKED:
		os_await(&f->verdict);
		break;
	case FAULT:
		*(volatile uint32_t *)nowhere = 1;
		break;
	case RAISE:
		ward_raise(-EIO, "it cannot be done");
	default:
		heal_leave(f->kind);
	}
	return 0;
}

static void done_fault(struct ward_task *task, int status)
{
	struct fault *f = ward_entry(task, struct fault, task);

	f->told = os_now();
	f->teller = pthread_self();
	f->incident = ward_incident(task);
	f->status = status;
	os_raise(&f->verdict);
}

static void release_fault(struct ward_task *task)
{
	os_raise(&ward_entry(task, struct fault, task)->released);
}

static int run_next(struct ward_task *task)
{
	struct next *n = ward_entry(task, struct next, task);

	n->began = os_now();
	n->thread = pthread_self();
	return 0;
}

static void release_next(struct ward_task *task)
{
	os_raise(&ward_entry(task, struct next, task)->released);
}

/* ---- what was reported -------------------------------------------------- */

#define REPORTS 4096u
static _Atomic uint64_t reported[REPORTS]; /* by id: when it was detected */
static _Atomic uint32_t news;		   /* futex: moves with each */

static void on_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	if (report->kind != WARD_R_DEATH && report->kind != WARD_R_FAULT &&
	    report->kind != WARD_R_LIVELOCK && report->kind != WARD_R_BLOCKED)
		return;
	atomic_store_explicit(&reported[report->id % REPORTS], report->at,
			      memory_order_release);
	atomic_fetch_add_explicit(&news, 1, memory_order_acq_rel);
	os_wake(&news, INT32_MAX);
}

/* When the incident was detected; 0 if nothing was told of it. */
static uint64_t detected(uint64_t id)
{
	_Atomic uint64_t *at = &reported[id % REPORTS];
	uint64_t until = os_now() + 200 * MS, when;

	while (!(when = atomic_load_explicit(at, memory_order_acquire)) &&
	       os_now() < until)
		os_sleep(50 * US);
	atomic_store_explicit(at, 0, memory_order_relaxed);
	return when;
}

/* ---- samples ------------------------------------------------------------ */

bool samples_open(struct samples *s, unsigned n)
{
	s->n = s->nd = 0;
	s->room = n;
	s->all = calloc(n, sizeof(double));
	s->detect = calloc(n, sizeof(double));
	s->heal = calloc(n, sizeof(double));
	return s->all && s->detect && s->heal;
}

void samples_tell(struct samples *s, const char *kind)
{
	char name[40];

	tell_samples(kind, s->all, s->n, false);
	if (s->nd) {
		snprintf(name, sizeof(name), "%s_detect", kind);
		tell_samples(name, s->detect, s->nd, false);
		snprintf(name, sizeof(name), "%s_heal", kind);
		tell_samples(name, s->heal, s->nd, false);
	}
	free(s->all);
	free(s->detect);
	free(s->heal);
}

/* ---- libward ------------------------------------------------------------ */

struct ward_pool *heal_pool;

bool heal_pool_watched(unsigned workers, ward_ns busy, ward_ns blocked,
		       ward_ns scan)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = on_report };

	policy.busy_within = busy;
	policy.blocked_within = blocked;
	config.name = "heal";
	config.flags = WARD_POOL_CATCH_FAULTS | machine_flags();
	config.workers = workers;
	config.spares = 4;
	config.scan = scan;
	config.policy = &policy;
	config.hooks = &hooks;
	return ward_pool_create(&heal_pool, &config) == 0 &&
	       ward_pool_start(heal_pool) == 0;
}

bool heal_pool_up(unsigned workers, ward_ns busy, ward_ns blocked)
{
	return heal_pool_watched(workers, busy, blocked, SCAN);
}

bool heal_pool_down(void)
{
	struct ward_audit audit = WARD_AUDIT_INIT;
	bool ok = ward_pool_drain(heal_pool, ward_in(5 * S)) == 0;

	if (ward_audit(heal_pool, &audit)) {
		fprintf(stderr, "ward: audit: %s\n", audit.first);
		ok = false;
	}
	return ward_pool_destroy(heal_pool, ward_in(5 * S)) == 0 && ok;
}

/* Tasks that keep all workers but one, until they are let go. */
static struct holder {
	struct ward_task task;
	_Atomic uint32_t inside, released; /* futexes */
} * holder;
static unsigned holders;
static _Atomic uint32_t let_go; /* futex */

static int run_holder(struct ward_task *task)
{
	os_raise(&ward_entry(task, struct holder, task)->inside);
	os_await(&let_go);
	return 0;
}

static void release_holder(struct ward_task *task)
{
	os_raise(&ward_entry(task, struct holder, task)->released);
}

static bool hold(unsigned n)
{
	static struct ward_policy policy = WARD_POLICY_INIT;

	policy.blocked_within = WARD_S(3600);
	holder = calloc(n + 1, sizeof(*holder));
	if (!holder)
		return false;
	for (; holders < n; holders++) {
		struct holder *h = &holder[holders];

		h->task.run = run_holder;
		h->task.release = release_holder;
		h->task.policy = &policy;
		if (ward_submit(heal_pool, &h->task, WARD_FOREVER))
			return false;
		os_await(&h->inside);
	}
	return true;
}

static void unhold(void)
{
	os_raise(&let_go);
	for (unsigned i = 0; i < holders; i++)
		os_await(&holder[i].released);
	free(holder);
}

/* Every seat taken, a spare ready, nobody out: as before the first fault. */
static bool pool_is_whole(void)
{
	uint64_t until = os_now() + 5 * S;
	struct ward_stats stats = WARD_STATS_INIT;

	do {
		if (ward_pool_stats(heal_pool, &stats))
			return false;
		if (!stats.vacant && !stats.zombies && stats.spares >= 4 &&
		    stats.running == holders &&
		    stats.idle + holders == stats.workers)
			return true;
		os_sleep(100 * US);
	} while (os_now() < until);
	fprintf(stderr,
		"ward: not whole after 5 s: workers %u, running %u, idle %u, "
		"spares %u, zombies %u, vacant %u\n",
		stats.workers, stats.running, stats.idle, stats.spares,
		stats.zombies, stats.vacant);
	return false;
}

/* Of the replacement: done() of the fault may be the first that it runs. */
static uint64_t first_code(const struct fault *f, const struct next *n)
{
	return pthread_equal(f->teller, n->thread) && f->told < n->began
		       ? f->told
		       : n->began;
}

static bool one_fault(struct samples *s, enum kind kind)
{
	static struct fault f;
	static struct next n;
	struct ward_task *both[] = { &f.task, &n.task };
	int want = kind == FAULT   ? -EFAULT
		   : kind < LIVELOCK ? -EOWNERDEAD
				     : -ETIME;
	uint64_t first, when;

	memset(&f, 0, sizeof(f));
	memset(&n, 0, sizeof(n));
	f.kind = kind;
	f.task.run = run_fault;
	f.task.done = done_fault;
	f.task.release = release_fault;
	n.task.run = run_next;
	n.task.release = release_next;
	if (!pool_is_whole() ||
	    ward_submit_n(heal_pool, both, 2, WARD_FOREVER) != 2)
		return false;
	os_await(&n.released);
	os_await(&f.released);
	if (f.status != want) {
		fprintf(stderr, "ward: answered %d, not %d\n", f.status, want);
		return false;
	}
	first = first_code(&f, &n);
	s->all[s->n++] = us(f.began, first);
	when = detected(f.incident);
	if (when) {
		s->detect[s->nd] = us(f.began, when);
		s->heal[s->nd++] = us(when, first);
	}
	return true;
}

/*
 * Without done() and release(): they would be the first code.  One seat is free,
 * so that both tasks have it, one after the other.
 */
static bool one_raise(struct samples *s)
{
	static struct fault f;
	static struct next n;
	struct ward_task *both[] = { &f.task, &n.task };

	memset(&f, 0, sizeof(f));
	memset(&n, 0, sizeof(n));
	f.kind = RAISE;
	f.task.run = run_fault;
	n.task.run = run_next;
	n.task.release = release_next;
	if (!pool_is_whole() ||
	    ward_submit_n(heal_pool, both, 2, WARD_FOREVER) != 2)
		return false;
	os_await(&n.released);
	if (ward_incident(&f.task) == 0) {
		fprintf(stderr, "ward: a raise was not told\n");
		return false;
	}
	s->all[s->n++] = us(f.began, n.began);
	return true;
}

static enum kind kind_of(const char *name)
{
	return !strcmp(name, "death")	   ? EXIT
	       : !strcmp(name, "rawexit")  ? RAW
	       : !strcmp(name, "fault")	   ? FAULT
	       : !strcmp(name, "raise")	   ? RAISE
	       : !strcmp(name, "livelock") ? LIVELOCK
					   : BLOCKED;
}

static bool pool_up_for(const char *name, unsigned workers)
{
	return !strcmp(name, "hung") ?
		       heal_pool_watched(workers, BUDGET_HUNG, BUDGET_HUNG,
					 SCAN_HUNG) :
		       heal_pool_up(workers, BUDGET_BUSY, BUDGET_BLOCKED);
}

static bool ward_faults(const char *name, unsigned workers, unsigned count)
{
	struct samples s;
	enum kind kind = kind_of(name);

	if (!samples_open(&s, count) || !pool_up_for(name, workers) ||
	    !hold(workers - 1))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (kind == RAISE ? !one_raise(&s) :
				    !one_fault(&s, kind == EXIT && i % 2 ?
							   CANCEL :
							   kind))
			return false;
	samples_tell(&s, name);
	if (kind == LIVELOCK)
		tell("livelock_budget", "us", BUDGET_BUSY / 1e3);
	if (!strcmp(name, "blocked"))
		tell("blocked_budget", "us", BUDGET_BLOCKED / 1e3);
	if (!strcmp(name, "hung"))
		tell("hung_budget", "us", BUDGET_HUNG / 1e3);
	unhold();
	return heal_pool_down();
}

static bool ward_restarts(unsigned count)
{
	struct samples s;

	if (!samples_open(&s, count) || !restart_samples(s.all, count))
		return false;
	s.n = count;
	samples_tell(&s, "ward");
	return true;
}

/* ---- a bare watcher ----------------------------------------------------- */

/*
 * The usual way without a library: a thread joins the worker and, when it is
 * gone, wakes a parked spare.  Only death is seen.
 */
static struct {
	uint64_t began, first;
	_Atomic uint32_t parked, call, there; /* futexes */
	enum kind kind;
} bare;

static void *bare_worker(void *arg)
{
	os_await(&bare.parked);
	os_sleep(200 * US);
	bare.began = os_now();
	heal_leave(bare.kind);
	return arg;
}

/* One wakeup of a parked thread: no healer can do without it. */
static void *bare_waker(void *arg)
{
	os_await(&bare.parked);
	os_sleep(200 * US);
	bare.began = os_now();
	os_raise(&bare.call);
	return arg;
}

static void *bare_spare(void *arg)
{
	os_raise(&bare.parked);
	os_await(&bare.call);
	bare.first = os_now();
	os_raise(&bare.there);
	return arg;
}

static void *bare_watcher(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
	os_raise(&bare.call);
	return NULL;
}

static bool bare_faults(const char *name, unsigned count)
{
	bool raw = !strcmp(name, "rawexit");
	struct samples s;

	if (!samples_open(&s, count))
		return false;
	for (unsigned i = 0; i < count; i++) {
		pthread_t worker, spare, watcher;

		memset(&bare, 0, sizeof(bare));
		bare.kind = raw ? RAW : i % 2 ? CANCEL : EXIT;
		if (pthread_create(&worker, NULL, bare_worker, NULL) ||
		    pthread_create(&watcher, NULL, bare_watcher, &worker) ||
		    pthread_create(&spare, NULL, bare_spare, NULL))
			return false;
		os_await(&bare.there);
		pthread_join(watcher, NULL);
		pthread_join(spare, NULL);
		s.all[s.n++] = us(bare.began, bare.first);
	}
	samples_tell(&s, name);
	return true;
}

static bool bare_wakeups(unsigned count)
{
	struct samples s;

	if (!samples_open(&s, count))
		return false;
	for (unsigned i = 0; i < count; i++) {
		pthread_t waker, spare;

		memset(&bare, 0, sizeof(bare));
		if (pthread_create(&waker, NULL, bare_waker, NULL) ||
		    pthread_create(&spare, NULL, bare_spare, NULL))
			return false;
		os_await(&bare.there);
		pthread_join(waker, NULL);
		pthread_join(spare, NULL);
		s.all[s.n++] = us(bare.began, bare.first);
	}
	samples_tell(&s, "wakeup");
	return true;
}

static bool heal_trial(const struct trial *t)
{
	if (!strcmp(t->mode, "healthy"))
		return heal_healthy(t);
	if (!strcmp(t->mode, "beating"))
		return heal_beating(t);
	if (!strncmp(t->mode, "load_", 5))
		return heal_under_load(t);
	if (!strcmp(t->impl, "watcher"))
		return bare_faults(t->mode, (unsigned)t->tasks);
	if (!strcmp(t->impl, "nothing"))
		return bare_wakeups((unsigned)t->tasks);
	if (!strcmp(t->mode, "ward"))
		return ward_restarts((unsigned)t->tasks);
	return ward_faults(t->mode, t->workers, (unsigned)t->tasks);
}

/* ---- plan and report ---------------------------------------------------- */

static const struct {
	const char *kind;
	unsigned full, quick; /* samples of a run */
	const char *bare;     /* the next to be asked; or NULL */
	bool only_bare;
	bool load; /* as many workers as cores: more would not be busy */
	bool brief;
} plan[] = { { "wakeup", 500, 100, "nothing", true, false, false },
	     { "death", 500, 100, "watcher", false, false, true },
	     { "load_death", 500, 100, "watcher", false, true, false },
	     { "rawexit", 500, 100, "watcher", false, false, false },
	     { "fault", 500, 100, NULL, false, false, false },
	     { "raise", 2000, 500, NULL, false, false, false },
	     { "load_raise", 2000, 500, NULL, false, true, false },
	     { "ward", 500, 100, NULL, false, false, false },
	     { "livelock", 100, 20, NULL, false, false, false },
	     { "blocked", 50, 10, NULL, false, false, false },
	     { "hung", 100, 50, NULL, false, false, true } };
#define PLANS (sizeof(plan) / sizeof(*plan))

static void ask(struct book *book, const char *impl, const char *mode,
		unsigned workers, unsigned samples, uint64_t cap)
{
	struct trial t = { .bench = "heal",
			   .impl = impl,
			   .mode = mode,
			   .producers = 1,
			   .workers = workers,
			   .tasks = samples,
			   .cap = cap,
			   .ring = 256 };

	trial_book(book, &t, 3 * TRIAL_LIMIT_S);
}

/* How large the pools of a plan are, as in size_at(). */
static unsigned workers_at(const struct options *o, unsigned i, unsigned at)
{
	static const unsigned usual[] = { 1, 0 };

	if (plan[i].load)
		return at == 0 ? machine_cpus() : 0;
	return size_at(o, usual, at);
}

static void one_run(const struct options *o, struct book *book)
{
	uint64_t cap = o->quick ? 2 * S : 10 * S;

	for (unsigned i = 0; i < PLANS; i++) {
		unsigned n = o->quick ? plan[i].quick : plan[i].full;

		if (o->brief && !plan[i].brief)
			continue;
		for (unsigned w = 0; workers_at(o, i, w); w++) {
			unsigned workers = workers_at(o, i, w);

			if (!plan[i].only_bare)
				ask(book, "ward", plan[i].kind, workers, n,
				    cap);
			if (plan[i].bare && w == 0)
				ask(book, plan[i].bare, plan[i].kind,
				    plan[i].load ? workers : 1, n, cap);
		}
	}
}

static void heal_run(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++)
		one_run(o, book);
	for (unsigned run = 0; run < (o->brief ? 1 : o->runs) && run < 3;
	     run++) {
		ask(book, "ward", "healthy", 4, 0, o->quick ? 2 * S : 5 * S);
		ask(book, "ward", "beating", 4, 0, o->quick ? 2 * S : 10 * S);
	}
	progress_end();
}

static void heal_rows(const struct book *book, struct table *table,
		      const char *impl, const char *metric, unsigned workers)
{
	static const char *const at[] = { "p50", "p99", "max" };
	char name[40], label[64], size[16] = "";
	unsigned row = 0;

	if (workers > 1)
		snprintf(size, sizeof(size), " x%u", workers);

	for (unsigned c = 0; c < 3; c++) {
		struct key key = { "heal", impl, name, "us", workers, 1, NULL };
		const struct figure *f;

		snprintf(name, sizeof(name), "%s_%s", metric, at[c]);
		f = book_find(book, &key);
		if (c == 0) {
			if (!f)
				return;
			snprintf(label, sizeof(label), "%s %s%s", impl, metric,
				 size);
			row = table_row(table, label);
		}
		table_cell(table, row, c, f);
	}
}

static void heal_report(const struct options *o, const struct book *book)
{
	static const char *const part[] = { "", "_detect", "_heal" };
	struct key key = { "heal", "ward", "healthy_convicted", "", 4, 1, NULL };
	static struct table table;
	unsigned row;

	table_start(&table, "heal: us from the fault to the replacement");
	table_column(&table, "p50");
	table_column(&table, "p99");
	table_column(&table, "max");
	for (unsigned i = 0; i < PLANS; i++) {
		unsigned w;

		for (unsigned at = 0; (w = workers_at(o, i, at)); at++) {
			for (unsigned k = 0; k < 3; k++) {
				char metric[32];

				snprintf(metric, sizeof(metric), "%s%s",
					 plan[i].kind, part[k]);
				heal_rows(book, &table, "ward", metric, w);
			}
			if (plan[i].bare && at == 0)
				heal_rows(book, &table, plan[i].bare,
					  plan[i].kind, plan[i].load ? w : 1);
		}
	}
	table_print(&table, stdout);
	printf("raise: to the next task on the same seat\n"
	       "budgets: livelock %.0f ms of its own CPU, blocked %.0f ms, "
	       "a look each %.0f ms; hung %.0f and %.0f ms\n",
	       BUDGET_BUSY / 1e6, BUDGET_BLOCKED / 1e6, SCAN / 1e6,
	       BUDGET_HUNG / 1e6, SCAN_HUNG / 1e6);
	if (!book_find(book, &key))
		return;
	table_start(&table,
		    "heal: healthy workers beside 8 spinning processes");
	table_column(&table, "convicted");
	table_column(&table, "beating, 10 s");
	row = table_row(&table, "ward");
	table_cell(&table, row, 0, book_find(book, &key));
	key.metric = "beating_convicted";
	table_cell(&table, row, 1, book_find(book, &key));
	table_print(&table, stdout);
}

const struct bench bench_heal = {
	.name = "heal",
	.what = "us from a fault to a healthy worker",
	.run = heal_run,
	.trial = heal_trial,
	.report = heal_report,
};
