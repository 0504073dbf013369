/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_inbox.c - the inbox whole: submit, park and wake; room; requeued tasks; close
 * against put.
 *
 * Everything must be done before anybody is told to stop; some tasks wait until
 * all the others are done, so that no busy worker makes up for a sleeper that
 * should have been woken.
 */
#include "base/host.h"
#include "parked.h"
#include "sim.h"
#include "task/task_priv.h"
#include "front/front.h"
#include "queue/inbox.h"
#include <errno.h>
#include <string.h>

#define WORKERS 3
#define TASKS 8

static struct inbox inbox;
static struct local_queue local[WORKERS];
static struct job {
	struct ward_task task;
	uint32_t by; /* plain: written by the submitter, read by the worker */
	bool waits, nests;
	uint32_t holds; /* its worker until others have spun so often */
} job[TASKS];
static uint32_t workers, jobs, plain_jobs;
static uint32_t ran[TASKS], last_of[SIM_THREADS];
static bool in_order, moves;
static _Atomic uint32_t done, plain_done, accepted;
static _Atomic uint64_t given_back; /* by the only worker */

/* As after the first task of each ring, which is never put quickly. */
static void warm_up(uint32_t rings)
{
	for (uint32_t i = 0; i < rings; i++)
		atomic_init(&inbox.ring[i].accepted, 1);
	atomic_init(&inbox.used, ((uint64_t)1 << rings) - 1);
	atomic_init(&given_back, rings);
}

static void set_up(uint32_t nworkers, uint32_t njobs, uint32_t rings,
		   uint32_t size)
{
	workers = nworkers;
	jobs = plain_jobs = njobs;
	in_order = moves = false;
	memset(job, 0, sizeof(job));
	memset(ran, 0, sizeof(ran));
	memset(last_of, 0, sizeof(last_of));
	check(inbox_init(&inbox, rings, size, nworkers, 1 + sim_choose(2), NULL,
			 NULL) == 0);
	inbox.spin = 1;
	for (uint32_t i = 0; i < nworkers; i++) {
		local_init(&local[i], i);
		inbox_add_local(&inbox, i, &local[i]);
	}
	atomic_init(&done, 0);
	atomic_init(&plain_done, 0);
	atomic_init(&accepted, 0);
	atomic_init(&given_back, 0);
	if (sim_choose(2))
		warm_up(rings);
	sim_name((void *)(uintptr_t)&inbox.bell.word, "bell.word");
	sim_name((void *)(uintptr_t)&inbox.bell.closed, "bell.closed");
	sim_name((void *)(uintptr_t)&inbox.used, "used");
	sim_name((void *)(uintptr_t)&inbox.locals_used, "locals_used");
	sim_name((void *)(uintptr_t)&inbox.closed, "closed");
	sim_name((void *)(uintptr_t)&inbox.settled, "settled");
	sim_name((void *)(uintptr_t)&inbox.later.expired_to, "ripe");
	sim_name((void *)(uintptr_t)&done, "done");
	sim_name((void *)(uintptr_t)&plain_done, "plain_done");
	for (uint32_t i = 0; i < rings; i++) {
		struct ring *r = &inbox.ring[i];

		sim_name(r, "ring[%u].c_head", i);
		sim_name(&r->ck.p_tail, "ring[%u].p_tail", i);
		sim_name((void *)(uintptr_t)&r->claim, "ring[%u].claim", i);
		sim_name((void *)(uintptr_t)&r->room.inside, "ring[%u].room.inside", i);
		sim_name((void *)(uintptr_t)&r->room.word, "ring[%u].room", i);
		sim_name(r->cell, "ring[%u].cell", i);
	}
	for (uint32_t i = 0; i < nworkers; i++) {
		sim_name(&inbox.bell.sleeper[i], "sleeper[%u]", i);
		sim_name((void *)(uintptr_t)&local[i].ring.head, "hand[%u].head", i);
		sim_name((void *)(uintptr_t)&local[i].ring.tail, "hand[%u].tail", i);
	}
}

static void some_wait(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct job *j = &job[sim_choose(jobs)];

		plain_jobs -= !j->waits;
		j->waits = true;
	}
}

/* At once, or while a worker goes to sleep, or when all do. */
static void dawdle(void)
{
	uint32_t how = sim_choose(3);

	if (how)
		sim_dawdle(how == 1 ? 1 + sim_choose(16) : 1000);
}

/* As ward_submit(): quickly, if it can be. */
static int put_one(struct local_queue *mine, struct ward_task *task,
		   struct ring **full)
{
	_Atomic uint32_t *rung = inbox_put_quick(&inbox, mine, task);

	if (!rung)
		return inbox_put(&inbox, mine, &task, 1, full);
	inbox_tell(&inbox, rung);
	return 1;
}

/* ---- workers ------------------------------------------------------------- */

static offstage void ran_it(const struct job *j)
{
	uint32_t k = (uint32_t)(j - job);

	check(k < TASKS && !ran[k]);
	ran[k] = 1;
	if (in_order) {
		check(last_of[j->by] <= k);
		last_of[j->by] = k;
	}
}

static void put(struct job *j, struct local_queue *mine)
{
	struct ward_task *task = &j->task;
	struct ring *full;
	int n;

	j->by = sim_me();
	if (!mine)
		dawdle();
	while ((n = put_one(mine, task, &full)) == -EAGAIN)
		if (mine)
			mine = NULL; /* its local queue is full: like anybody */
		else
			check(submit_wait_room(&inbox, full, NULL, HOST_FOREVER) !=
			      -ETIMEDOUT);
	check(n == 1);
}

static void run_job(struct job *j, struct local_queue *mine)
{
	uint32_t seen;

	check(j->by < SIM_THREADS);
	ran_it(j);
	if (j->holds)
		sim_dawdle(j->holds);
	if (j->nests)
		put(j + 1, mine);
	if (j->waits) {
		while ((seen = load_acquire(&plain_done)) < plain_jobs)
			host_wait(&plain_done, seen, HOST_FOREVER);
	} else {
		add_acq_rel(&plain_done, 1);
		host_wake(&plain_done, INT32_MAX);
	}
	add_acq_rel(&done, 1);
	host_wake(&done, 1);
}

static void worker(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	struct ward_task *task;

	do {
		if (moves) /* to another seat, maybe */
			near_sit(inbox.near, &local[i], i, sim_choose(2));
		task = inbox_next(&inbox, &local[i], i);
		if (task)
			run_job((struct job *)task, &local[i]);
	} while (task);
}

static host_thread w[WORKERS];

static void start_workers(void)
{
	for (uint32_t i = 0; i < workers; i++)
		check(!host_spawn(&w[i], NULL, worker, NULL,
				  (void *)(uintptr_t)i));
}

static void stop_workers(void)
{
	if (sim_stopped() < 0)
		check_all_parked(&inbox.bell, workers);
	bell_close(&inbox.bell);
	for (uint32_t i = 0; i < workers; i++)
		host_join(w[i], HOST_FOREVER);
	check(!inbox_anything(&inbox));
}

static void all_done(void)
{
	uint32_t seen;

	while ((seen = load_acquire(&done)) < jobs)
		host_wait(&done, seen, HOST_FOREVER);
}

/* ---- submit, park, wake -------------------------------------------------- */

/* Each ring is near some and far from others; a worker changes seats now and then. */
static void settle(void)
{
	static uint16_t row[] = { 0, 1 };
	static uint8_t distance[] = { 0, 1, 1, 0 };
	static struct host_near two = { .n = 2,
					.farthest = 1,
					.row = 2,
					.in_row = row,
					.distance = distance };

	inbox.near = near_new(&two, inbox.rings, workers);
	check(inbox.near != NULL);
	moves = true;
}

/* The first or the second half of the jobs, also two at once. */
static void submitter(void *arg)
{
	uint32_t first = arg ? jobs / 2 : 0, end = arg ? jobs : jobs / 2;

	while (first < end) {
		struct ward_task *batch[2] = { &job[first].task,
					       &job[first + 1].task };
		uint32_t n = end - first > 1 ? 1 + sim_choose(2) : 1;
		struct ring *full;
		int put_now;

		for (uint32_t i = 0; i < n; i++)
			job[first + i].by = sim_me();
		dawdle();
		put_now = n == 1 ? put_one(NULL, batch[0], &full) :
				   inbox_put(&inbox, NULL, batch, n, &full);
		if (put_now > 0)
			first += (uint32_t)put_now;
		else if (submit_wait_room(&inbox, full, NULL, HOST_FOREVER) < 0)
			check(false);
	}
}

static void submit_all(uint32_t nworkers, uint32_t njobs, uint32_t waiting,
		       uint32_t size, bool near)
{
	host_thread s;

	set_up(nworkers, njobs, 2, size);
	if (near)
		settle();
	some_wait(waiting);
	start_workers();
	check(!host_spawn(&s, NULL, submitter, NULL, NULL));
	submitter((void *)1);
	all_done();
	host_join(s, HOST_FOREVER);
	stop_workers();
}

static void inbox_wake(void)
{
	submit_all(2, 4, 1, 4, false);
}
SCENARIO(inbox_wake, "a worker sleeps, a task waits, another worker is busy",
	 .share = 2);

static void inbox_wake_3(void)
{
	submit_all(3, 4, 2, 4, false);
}
SCENARIO(inbox_wake_3, "the same with three workers and two busy");

static void inbox_near(void)
{
	submit_all(3, 4, 2, 4, true);
}
SCENARIO(inbox_near, "a task is too far from those who could come for it");

/* A task's own tasks go into its worker's local queue; others must be woken. */
static void inbox_nest(void)
{
	struct ward_task *task = &job[0].task;
	struct ring *full;

	set_up(2, 4, 2, 4);
	job[0].nests = job[2].nests = true;
	job[0].waits = sim_choose(2);
	plain_jobs -= job[0].waits;
	start_workers();
	job[0].by = job[2].by = 0;
	check(inbox_put(&inbox, NULL, &task, 1, &full) == 1);
	task = &job[2].task;
	check(inbox_put(&inbox, NULL, &task, 1, &full) == 1);
	all_done();
	stop_workers();
}
SCENARIO(inbox_nest, "nobody wakes up for a task in a busy worker's hand",
	 .share = 2);

/* One worker and one task: the handshake alone. */
static void inbox_1(void)
{
	set_up(1, 1, 1, 2);
	start_workers();
	if (sim_choose(2)) {
		put(&job[0], NULL);
	} else {
		dawdle();
		later_requeue(&inbox, &job[0].task, false);
	}
	all_done();
	stop_workers();
}
SCENARIO(inbox_1, "the only worker sleeps over a task", .bound = 1);

/* Three at once, of which a worker takes two: one to run, one for others. */
static void inbox_batch(void)
{
	struct ward_task *batch[3] = { &job[1].task, &job[2].task,
				       &job[3].task };
	struct ring *full;
	uint32_t seen;

	set_up(2, 4, 1, 4);
	job[0].holds = 1000; /* until the other worker sleeps */
	job[1].waits = true;
	plain_jobs--;
	start_workers();
	put(&job[0], NULL);
	while ((seen = load_acquire(&plain_done)) < 1)
		host_wait(&plain_done, seen, HOST_FOREVER);
	/* Now one worker looks around for a while. */
	check(inbox_put(&inbox, NULL, batch, 3, &full) == 3);
	all_done();
	stop_workers();
}
SCENARIO(inbox_batch, "nobody wakes up for what a busy worker took along",
	 .share = 2);

/* ---- room ---------------------------------------------------------------- */

/* The worker is held until the submitters spin, or have spun, for room. */
static void inbox_room(void)
{
	host_thread s;

	set_up(1, 6, 1, 2u << sim_choose(2));
	in_order = true;
	for (uint32_t i = 0; i < 6; i += 3)
		job[i].holds = sim_choose(2) ? 60 + sim_choose(75) : 0;
	start_workers();
	check(!host_spawn(&s, NULL, submitter, NULL, NULL));
	submitter((void *)1);
	all_done();
	host_join(s, HOST_FOREVER);
	stop_workers();
	check(!inbox_waited_for(&inbox));
}
SCENARIO(inbox_room, "a submitter sleeps although there is room");

/* As before with one that submits, which is over sooner. */
static void inbox_room_1(void)
{
	set_up(1, 3, 1, 2);
	in_order = true;
	job[0].holds = 60 + sim_choose(8);
	start_workers();
	for (uint32_t i = 0; i < 3; i++)
		put(&job[i], NULL);
	all_done();
	stop_workers();
}
SCENARIO(inbox_room_1, "the same, and tasks of one thread change places",
	 .share = 2);

/* ---- requeued ---------------------------------------------------------------- */

static void ower(void *arg)
{
	uint32_t first = (uint32_t)(uintptr_t)arg;

	for (uint32_t k = first; k < first + 2; k++) {
		job[k].by = sim_me();
		dawdle();
		later_requeue(&inbox, &job[k].task, false);
	}
}

static void inbox_owed(void)
{
	host_thread s;

	set_up(2, 4, 1, 4);
	some_wait(1);
	start_workers();
	check(!host_spawn(&s, NULL, ower, NULL, NULL));
	ower((void *)2);
	all_done();
	host_join(s, HOST_FOREVER);
	stop_workers();
	check(load_acquire(&inbox.requeued_in) == 4);
	check(load_acquire(&inbox.requeued_out) == 4);
}
SCENARIO(inbox_owed, "an owed task is lost, or run twice", .share = 2);

/* ---- close against put --------------------------------------------------- */

static void until_refused(void *arg)
{
	uint32_t first = (uint32_t)(uintptr_t)arg;
	struct ring *full;

	for (uint32_t k = first; k < first + 3;) {
		struct ward_task *task = &job[k].task;
		int n;

		job[k].by = sim_me();
		n = put_one(NULL, task, &full);
		if (n == -EAGAIN)
			n = submit_wait_room(&inbox, full, NULL, HOST_FOREVER);
		if (n == -ESHUTDOWN)
			return;
		check(n >= 0);
		if (n) {
			add_acq_rel(&accepted, 1);
			k++;
		}
	}
}

/* Tells nobody but by what the inbox does. */
static void quiet_worker(void *arg)
{
	struct ward_task *task;

	(void)arg;
	while ((task = inbox_next(&inbox, &local[0], 0))) {
		ran_it((struct job *)task);
		count_own(&given_back, 1);
	}
}

/* As ward_pool_drain(). */
static void drain(void)
{
	check(inbox_close(&inbox, HOST_FOREVER) == 0);
	for (;;) {
		uint32_t seen = load_acquire(&inbox.settled);

		host_barrier_heavy(); /* [Q] */
		if (load_relaxed(&given_back) == inbox_accepted(&inbox))
			return;
		host_wait(&inbox.settled, seen, HOST_FOREVER);
	}
}

static void inbox_close_put(void)
{
	host_thread s[2];
	uint64_t n, before;

	set_up(1, 6, sim_choose(2) ? 1 : 2, 2);
	before = inbox_accepted(&inbox);
	check(!host_spawn(&w[0], NULL, quiet_worker, NULL, NULL));
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&s[i], NULL, until_refused, NULL,
				  (void *)(uintptr_t)(i * 3)));
	if (sim_choose(2))
		host_relax();
	drain();
	n = load_acquire(&given_back);
	for (uint32_t i = 0; i < 2; i++)
		host_join(s[i], HOST_FOREVER);
	check(load_acquire(&accepted) == n - before);
	check(inbox_accepted(&inbox) == n);
	stop_workers();
	check(load_acquire(&given_back) == n);
}
SCENARIO(inbox_close_put, "a task is accepted after the drain saw the end",
	 .share = 2);

/* ---- somebody is stopped ------------------------------------------------- */

static void one_more(void *arg)
{
	put(&job[(uint32_t)(uintptr_t)arg], NULL);
}

/*
 * A submitter is stopped anywhere: the other submits, and all that is published
 * is done, when the next one comes.
 */
static void inbox_stop_submitter(void)
{
	host_thread s[2];

	set_up(2, 3, 2, 4);
	start_workers();
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&s[i], NULL, one_more, NULL,
				  (void *)(uintptr_t)i));
	for (uint32_t i = 0; i < 2; i++)
		host_join(s[i], HOST_FOREVER);
	put(&job[2], NULL);
	while (inbox_anything(&inbox))
		host_relax();
	stop_workers();
	check(load_acquire(&done) >= (sim_stopped() < 0 ? 3u : 2u));
}
SCENARIO(inbox_stop_submitter, "a submitter that is stopped stops others",
	 .stop = 0x18);

/*
 * A worker is stopped anywhere: with the steward's rescue the others do all but
 * what it has in its local queues.
 */
static void inbox_stop_worker(void)
{
	set_up(3, 3, 2, 4);
	start_workers();
	for (uint32_t i = 0; i < 3; i++)
		put(&job[i], NULL);
	for (uint32_t looks = 0; looks < 8;) {
		if (load_acquire(&done) == jobs)
			break;
		if (inbox_anything(&inbox))
			bell_rescue(&inbox.bell);
		else if (sim_stopped() >= 0)
			looks++; /* the rest is in its local queues, or on its way */
		host_relax();
	}
	bell_close(&inbox.bell);
	for (uint32_t i = 0; i < workers; i++)
		host_join(w[i], HOST_FOREVER);
	check(!inbox_anything(&inbox));
	check(load_acquire(&done) >= (sim_stopped() < 0 ? 3u : 1u));
}
SCENARIO(inbox_stop_worker, "a worker that is stopped keeps others asleep",
	 .stop = 0x2);
