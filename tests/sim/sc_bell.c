/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_bell.c - parking, with the smallest worker that keeps to bell.h.
 *
 * A lost wakeup shows as a deadlock, because everything must be done before
 * anybody is told to stop.  So that a busy worker does not hide it by taking
 * what a sleeper should have been woken for, some tasks wait until all others
 * are done: they need the other workers, now.
 */
#include "base/host.h"
#include "parked.h"
#include "sim.h"
#include "sync/bell.h"
#include "sync/ring.h"
#include <string.h>

#define WORKERS 3
#define RINGS 2
#define TASKS 6

static struct bell bell;
static struct bell_sleeper sleeper[WORKERS];
static struct ring ring[RINGS], local[WORKERS];
static ck_ring_buffer_t cell[RINGS][4], hand_cell[WORKERS][4];
static struct task {
	bool waits; /* until the others are done */
} task[TASKS];
static uint32_t workers, tasks, plain_tasks;
static uint32_t ran[TASKS], in_hand[WORKERS];
static _Atomic uint32_t done, plain_done;

/* ---- looking ------------------------------------------------------------- */

static bool anything(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < RINGS; i++)
		if (ring_count(&ring[i]))
			return true;
	for (uint32_t i = 0; i < workers; i++)
		if (ring_count(&local[i]))
			return true;
	return false;
}

static void tell(_Atomic uint32_t *rung)
{
	host_barrier_light();
	if (!bell_quiet(&bell))
		bell_ring_asleep(&bell, rung);
}

static void set_up(uint32_t nworkers, uint32_t ntasks, uint32_t waiting)
{
	workers = nworkers;
	tasks = ntasks;
	plain_tasks = ntasks - waiting;
	memset(cell, 0, sizeof(cell));
	memset(hand_cell, 0, sizeof(hand_cell));
	memset(ran, 0, sizeof(ran));
	memset(in_hand, 0, sizeof(in_hand));
	memset(task, 0, sizeof(task));
	for (uint32_t i = 0; i < RINGS; i++)
		ring_init(&ring[i], cell[i], 4);
	for (uint32_t i = 0; i < WORKERS; i++) {
		ring_init(&local[i], hand_cell[i], 4);
		atomic_init(&local[i].claim, 1); /* its worker's, for good */
	}
	for (uint32_t i = 0; i < waiting; i++)
		task[sim_choose(ntasks)].waits = true;
	for (uint32_t i = 0; i < ntasks; i++)
		plain_tasks += !task[i].waits;
	plain_tasks -= ntasks - waiting;
	bell_init(&bell, sleeper, workers, 1 + sim_choose(2), anything, NULL,
		  NULL);
	atomic_init(&done, 0);
	atomic_init(&plain_done, 0);
	sim_name((void *)(uintptr_t)&bell.word, "bell.word");
	sim_name((void *)(uintptr_t)&bell.closed, "bell.closed");
	sim_name((void *)(uintptr_t)&done, "done");
	sim_name((void *)(uintptr_t)&plain_done, "plain_done");
	for (uint32_t i = 0; i < WORKERS; i++) {
		sim_name(&sleeper[i], "sleeper[%u]", i);
		sim_name(&local[i], "hand[%u].c_head", i);
		sim_name(&local[i].ck.p_tail, "hand[%u].p_tail", i);
	}
	for (uint32_t i = 0; i < RINGS; i++) {
		sim_name(&ring[i], "ring[%u].c_head", i);
		sim_name(&ring[i].ck.p_tail, "ring[%u].p_tail", i);
		sim_name((void *)(uintptr_t)&ring[i].claim, "ring[%u].claim",
			 i);
	}
}

/* ---- workers ------------------------------------------------------------- */

static offstage void took(uint32_t i, int n)
{
	in_hand[i] += (uint32_t)n;
}

static struct task *take_from(struct ring *from, uint32_t i)
{
	void *got[2];
	uint32_t n = ring_take(from, got, from == &local[i] ? 1 : 2,
			       from != &local[i]);

	took(i, (int)n);
	if (n > 1) {
		check(ring_put(&local[i], got + 1, n - 1) == n - 1);
		took(i, -1);
		tell(&local[i].rung);
	}
	return n ? got[0] : NULL;
}

static struct task *sample(uint32_t i)
{
	struct task *t = take_from(&local[i], i);

	for (uint32_t k = 0; !t && k < RINGS; k++)
		t = take_from(&ring[(i + k) % RINGS], i);
	for (uint32_t k = 1; !t && k < workers; k++)
		t = take_from(&local[(i + k) % workers], i);
	return t;
}

static struct task *next(uint32_t i)
{
	struct task *t = sample(i);
	bool searching;

	if (t)
		return t;
	searching = bell_search(&bell);
	for (;;) {
		if (searching && (t = sample(i))) {
			bell_found(&bell);
			return t;
		}
		searching = bell_park(&bell, i, searching);
		if (!searching)
			return NULL;
	}
}

static offstage void ran_it(uint32_t k)
{
	check(!ran[k]);
	ran[k] = 1;
}

/* A task that waits does so until that many others are done. */
static void is_done(bool waits, uint32_t plain)
{
	uint32_t seen;

	if (waits) {
		while ((seen = load_acquire(&plain_done)) < plain)
			host_wait(&plain_done, seen, HOST_FOREVER);
	} else {
		add_acq_rel(&plain_done, 1);
		host_wake(&plain_done, INT32_MAX);
	}
	add_acq_rel(&done, 1);
	host_wake(&done, 1);
}

static void run_it(struct task *t)
{
	ran_it((uint32_t)(t - task));
	is_done(t->waits, plain_tasks);
}

static void worker(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	struct task *t;

	while ((t = next(i))) {
		run_it(t);
		took(i, -1);
	}
}

/* ---- submitters ---------------------------------------------------------- */

/* How many were taken: none if all claims are, or the ring is full. */
static uint32_t try_submit(uint32_t k, uint32_t n)
{
	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *r = &ring[(host_home() + i) % RINGS];
		void *batch[2] = { &task[k], &task[k + 1] };
		uint32_t put;

		if (!ring_claim(r))
			continue;
		put = ring_put(r, batch, n);
		ring_drop(r);
		if (put)
			tell(&r->rung);
		return put;
	}
	return 0;
}

/* At once, or while a worker goes to sleep, or when all do. */
static void submit(uint32_t k, uint32_t n)
{
	uint32_t how = sim_choose(3);

	if (how)
		sim_dawdle(how == 1 ? 1 + sim_choose(4) : 1000);
	while (n) {
		uint32_t put = try_submit(k, n);

		k += put;
		n -= put;
		if (!put)
			host_relax();
	}
}

/* Half of the tasks each, by ones or twos. */
static void submitter(void *arg)
{
	uint32_t first = arg ? tasks / 2 : 0, end = arg ? tasks : tasks / 2;

	while (first < end) {
		uint32_t n = end - first > 1 ? 1 + sim_choose(2) : 1;

		submit(first, n);
		first += n;
	}
}

static void all_done(void)
{
	uint32_t seen;

	while ((seen = load_acquire(&done)) < tasks)
		host_wait(&done, seen, HOST_FOREVER);
}

/* ---- nobody is stopped --------------------------------------------------- */

static void go(uint32_t nworkers, uint32_t nsubmitters, uint32_t ntasks,
	       uint32_t waiting)
{
	host_thread w[WORKERS], s[2];

	set_up(nworkers, ntasks, waiting);
	for (uint32_t i = 0; i < nworkers; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	for (uint32_t i = 0; i < nsubmitters; i++)
		check(!host_spawn(&s[i], NULL, submitter, NULL,
				  (void *)(uintptr_t)i));
	if (nsubmitters == 1)
		submitter((void *)1);
	all_done();
	for (uint32_t i = 0; i < nsubmitters; i++)
		host_join(s[i], HOST_FOREVER);
	check_all_parked(&bell, nworkers);
	bell_close(&bell);
	for (uint32_t i = 0; i < nworkers; i++)
		host_join(w[i], HOST_FOREVER);
	check(!anything(NULL));
}

static void bell_1(void)
{
	go(1, 1, 2, 0);
}
SCENARIO(bell_1, "the only worker sleeps over a task", .bound = 1);

static void bell_2(void)
{
	go(2, 1, 4, 1);
}
SCENARIO(bell_2, "a worker sleeps, a task waits, another worker is busy",
	 .share = 2);

static void bell_2x2(void)
{
	go(2, 2, 4, 1);
}
SCENARIO(bell_2x2, "the same with two submitters", .share = 2);

static void bell_3(void)
{
	go(3, 1, 4, 2);
}
SCENARIO(bell_3, "the same with three workers and two busy", .share = 2);

static void rescuer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		bell_rescue(&bell);
		host_relax();
	}
}

/*
 * A thread is rescued in place of one that is only slow: both search then, and nobody
 * sleeps for ever.
 */
static void bell_rescued(void)
{
	host_thread w[WORKERS], s[2];

	set_up(3, 4, 2);
	for (uint32_t i = 0; i < 3; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	check(!host_spawn(&s[0], NULL, rescuer, NULL, NULL));
	check(!host_spawn(&s[1], NULL, submitter, NULL, NULL));
	submitter((void *)1);
	all_done();
	for (uint32_t i = 0; i < 2; i++)
		host_join(s[i], HOST_FOREVER);
	check_all_parked(&bell, 3);
	bell_close(&bell);
	for (uint32_t i = 0; i < 3; i++)
		host_join(w[i], HOST_FOREVER);
	check(!anything(NULL));
}
SCENARIO(bell_rescued, "a thread is rescued although it was only slow",
	 .share = 2);

/* Closing wakes all, also a thread that parks just then. */
static void bell_closing(void)
{
	host_thread w[WORKERS];

	set_up(3, 1, 0);
	for (uint32_t i = 0; i < 3; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	if (sim_choose(2))
		submit(0, 1);
	bell_close(&bell);
	for (uint32_t i = 0; i < 3; i++)
		host_join(w[i], HOST_FOREVER);
}
SCENARIO(bell_closing, "a sleeper is not woken when the bell is closed",
	 .bound = 1);

/* ---- the bell alone: work is a few flags --------------------------------- */

#define ADDERS 3
#define EACH 2

static _Atomic uint32_t flag[ADDERS][EACH]; /* 1: there is work */
static _Atomic uint32_t note[ADDERS];	    /* each publisher's own */
static _Atomic uint32_t taken;
static uint32_t flags, busy; /* the taker of the first few waits for the rest */

static bool any_work(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < flags; i++)
		if (load_relaxed(&flag[i / EACH][i % EACH]))
			return true;
	return false;
}

static bool take_work(void)
{
	for (uint32_t i = 0; i < flags; i++) {
		uint32_t there = 1;

		if (load_relaxed(&flag[i / EACH][i % EACH]) &&
		    cas_acq_rel(&flag[i / EACH][i % EACH], &there, 0))
			return true;
	}
	return false;
}

static void do_work(void)
{
	is_done(add_relaxed(&taken, 1) < busy, tasks - busy);
}

static void look_for_flags(uint32_t i, bool searching)
{
	for (;;) {
		if (take_work()) {
			if (searching)
				bell_found(&bell);
			searching = false;
			do_work();
			continue;
		}
		if (!searching && bell_search(&bell)) {
			searching = true;
			continue;
		}
		searching = bell_park(&bell, i, searching);
		if (!searching)
			return;
	}
}

static void flagger(void *arg)
{
	look_for_flags((uint32_t)(uintptr_t)arg, false);
}

/* A worker that searches already. */
static void flag_searcher(void *arg)
{
	look_for_flags((uint32_t)(uintptr_t)arg, true);
}

static void add_work(uint32_t i, _Atomic uint32_t *rung)
{
	for (uint32_t k = 0; k < EACH; k++) {
		if (sim_choose(2))
			sim_dawdle(1000);
		store_relaxed(&flag[i][k], 1);
		tell(rung);
	}
}

static void adder(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	add_work(i, &note[i]);
}

static void publish_one(void *arg)
{
	store_relaxed(&flag[(uintptr_t)arg][0], 1);
	tell(NULL);
}

static host_thread worker_thread[WORKERS], adder_thread[ADDERS];

static void set_flags(uint32_t nworkers, uint32_t adders, uint32_t searchers,
		      uint32_t nbusy)
{
	set_up(nworkers, EACH * adders, 0);
	flags = EACH * adders;
	busy = nbusy;
	atomic_init(&taken, 0);
	for (uint32_t i = 0; i < ADDERS; i++) {
		atomic_init(&note[i], 0);
		for (uint32_t k = 0; k < EACH; k++)
			atomic_init(&flag[i][k], 0);
	}
	sim_name((void *)(uintptr_t)flag, "flag");
	sim_name((void *)(uintptr_t)note, "note");
	bell_init(&bell, sleeper, nworkers, searchers, any_work, NULL, NULL);
}

static void start_flaggers(void)
{
	for (uint32_t i = 0; i < workers; i++)
		check(!host_spawn(&worker_thread[i], NULL, flagger, NULL,
				  (void *)(uintptr_t)i));
}

/* Adder 0 is the body's own thread. */
static void go_flags(void (*add)(void *arg), uint32_t adders)
{
	start_flaggers();
	for (uint32_t i = 1; i < adders; i++)
		check(!host_spawn(&adder_thread[i], NULL, add, NULL,
				  (void *)(uintptr_t)i));
	add(NULL);
	all_done();
	for (uint32_t i = 1; i < adders; i++)
		host_join(adder_thread[i], HOST_FOREVER);
	check_all_parked(&bell, workers);
	bell_close(&bell);
	for (uint32_t i = 0; i < workers; i++)
		host_join(worker_thread[i], HOST_FOREVER);
}

static void bell_flag(void)
{
	set_flags(1, 1, 1, 0);
	go_flags(adder, 1);
}
SCENARIO(bell_flag, "a wakeup is lost, the bell alone", .bound = 2);

static void bell_flags_3(void)
{
	set_flags(3, 3, 1 + sim_choose(2), 0);
	go_flags(adder, 3);
}
SCENARIO(bell_flags_3, "sleepers are lost by a stale swap", .share = 2);

/* A searcher leaves work behind: another thread must be woken for it. */
static void bell_flags_busy(void)
{
	uint32_t adders = 1 + sim_choose(2);

	set_flags(2, adders, 1 + sim_choose(2), 1);
	go_flags(adder, adders);
}
SCENARIO(bell_flags_busy, "the last searcher leaves work to a sleeper",
	 .share = 3);

/* As before, with two searchers at once, and a third thread that sleeps. */
static void bell_flags_rush(void)
{
	set_flags(3, 2, 2, 2);
	go_flags(adder, 2);
}
SCENARIO(bell_flags_rush, "one of two searchers leaves work to a sleeper",
	 .share = 3);

/*
 * A rush, two that search, a third that sleeps.  A publisher believes the rush; both
 * searchers leave with other work, and only the first of them leaves a rush: its heavy
 * fence must show it what was published, for the second one fences for itself only.
 */
static void bell_flags_last(void)
{
	set_flags(3, 2, 2, 2);
	tasks = 3;
	check(!host_spawn(&worker_thread[2], NULL, flagger, NULL, (void *)2));
	while (!BELL_TOP(load_relaxed(&bell.word)))
		host_relax();
	check(bell_search(&bell) && bell_search(&bell));
	or_acq_rel(&bell.word, (uint64_t)1 << BELL_RUSH_SHIFT);
	store_relaxed(&flag[0][0], 1);
	store_relaxed(&flag[0][1], 1);
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&worker_thread[i], NULL, flag_searcher, NULL,
				  (void *)(uintptr_t)i));
	publish_one((void *)1);
	all_done();
	check_all_parked(&bell, workers);
	bell_close(&bell);
	for (uint32_t i = 0; i < workers; i++)
		host_join(worker_thread[i], HOST_FOREVER);
}
SCENARIO(bell_flags_last, "the last searcher leaves after a rush was ended",
	 .share = 2);

/*
 * All sleep.  Then at once two publishers, who repeat each wakeup, and a
 * rescue: a sleeper takes back only the last of several shakes, and must know
 * what all of them said.
 */
static void rescue_one(void *arg)
{
	(void)arg;
	bell_rescue(&bell);
}

static void bell_flags_rescued(void)
{
	host_thread s[2];

	set_flags(3, 2, 1, 0);
	tasks = 2;
	start_flaggers();
	sim_dawdle(UINT32_MAX / 2);
	check(!host_spawn(&s[0], NULL, rescue_one, NULL, NULL));
	check(!host_spawn(&s[1], NULL, publish_one, NULL, (void *)1));
	publish_one(NULL);
	for (uint32_t i = 0; i < 2; i++)
		host_join(s[i], HOST_FOREVER);
	all_done();
	check_all_parked(&bell, workers);
	bell_close(&bell);
	for (uint32_t i = 0; i < workers; i++)
		host_join(worker_thread[i], HOST_FOREVER);
}
SCENARIO(bell_flags_rescued, "a sleeper that was dropped is not told so",
	 .share = 3);

/* ---- somebody is stopped ------------------------------------------------- */

static void first_submitter(void *arg)
{
	(void)arg;
	submit(0, 1);
	submit(1, 1);
}

/*
 * A submitter is stopped anywhere, also between taking a sleeper off the stack
 * and the futex call.  The next publication gets things going again, without
 * anybody's help.
 */
static void bell_stop_waker(void)
{
	host_thread s, w[2];

	set_up(2, 4, 0);
	check(!host_spawn(&s, NULL, first_submitter, NULL, NULL));
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	if (sim_choose(2))
		host_join(s, HOST_FOREVER);
	submit(2, 1);
	host_join(s, HOST_FOREVER);
	submit(3, 1);
	while (anything(NULL))
		host_relax();
	bell_close(&bell);
	for (uint32_t i = 0; i < 2; i++)
		host_join(w[i], HOST_FOREVER);
	check(!anything(NULL));
}
SCENARIO(bell_stop_waker, "a waker is stopped before its futex call",
	 .stop = 0x2, .share = 1);

static _Atomic uint32_t asleep, submitted;

static void submits_first(void *arg)
{
	(void)arg;
	while (!load_relaxed(&asleep))
		host_relax();
	check(try_submit(0, 1) == 1);
	store_relaxed(&submitted, 1);
}

/*
 * The stopped one's task is found by a searcher, which then waits for another: that
 * one was published beside the searcher, so nobody was told of it.
 */
static void bell_stop_token(void)
{
	host_thread s, w[2];
	uint32_t seen;

	set_up(2, 2, 0);
	task[0].waits = true;
	plain_tasks = 1;
	atomic_init(&submitted, 0);
	atomic_init(&asleep, 0);
	check(!host_spawn(&s, NULL, submits_first, NULL, NULL));
	check(!host_spawn(&w[0], NULL, worker, NULL, NULL));
	while (!BELL_TOP(load_relaxed(&bell.word)) && sim_stopped() < 0)
		host_relax();
	store_relaxed(&asleep, 1);
	check(!host_spawn(&w[1], NULL, worker, NULL, (void *)1));
	while (!load_relaxed(&submitted) && sim_stopped() < 0)
		host_relax();
	while (sim_choose(4))
		host_relax(); /* until the other one searches, say */
	check(try_submit(1, 1) == 1);
	while (!(seen = load_acquire(&plain_done)))
		host_wait(&plain_done, seen, HOST_FOREVER);
	host_join(s, HOST_FOREVER);
	bell_close(&bell);
	for (uint32_t i = 0; i < 2; i++)
		host_join(w[i], HOST_FOREVER);
}
SCENARIO(bell_stop_token, "a searcher leaves work to one that was never woken",
	 .stop = 0x2, .share = 1);

/* Nobody publishes anything any more: the steward sees to it. */
static void bell_stop_last(void)
{
	host_thread s, w;

	set_up(1, 1, 0);
	atomic_init(&submitted, 0);
	atomic_init(&asleep, sim_choose(2));
	check(!host_spawn(&s, NULL, submits_first, NULL, NULL));
	check(!host_spawn(&w, NULL, worker, NULL, NULL));
	while (!BELL_TOP(load_relaxed(&bell.word)) && sim_stopped() < 0 &&
	       !load_relaxed(&submitted))
		host_relax();
	store_relaxed(&asleep, 1);
	host_join(s, HOST_FOREVER);
	while (anything(NULL)) {
		bell_rescue(&bell);
		host_relax();
	}
	bell_close(&bell);
	host_join(w, HOST_FOREVER);
}
SCENARIO(bell_stop_last, "the only sleeper is never woken, and not rescued",
	 .stop = 0x2, .share = 1);

static offstage uint32_t lost(void)
{
	int i = sim_stopped();

	return i < 0 ? 0 : in_hand[i - 1];
}

/*
 * A worker is stopped anywhere: the steward's rescue and the other two get all
 * done but what is in its local queues.
 */
static void bell_stop_worker(void)
{
	host_thread w[WORKERS];

	set_up(3, 3, 0); /* all fit into one ring */
	for (uint32_t i = 0; i < 3; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
	submit(0, 2);
	submit(2, 1);
	while (load_acquire(&done) + lost() < tasks) {
		if (anything(NULL))
			bell_rescue(&bell);
		host_relax();
	}
	bell_close(&bell);
	for (uint32_t i = 0; i < 3; i++)
		host_join(w[i], HOST_FOREVER);
}
SCENARIO(bell_stop_worker, "a worker is stopped as searcher or half woken",
	 .stop = 0x2, .share = 1);
