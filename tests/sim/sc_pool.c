/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_pool.c - the pool whole, by its public calls: workers, spares, steward,
 * clerk and scribe, with tasks that end, hang, sleep, leave and vanish.
 *
 * Time is virtual and passes by jerks, so the steward may convict whoever is
 * inside a task just then.  What must hold anyway: every accepted task is done
 * once and released once, after that, when no thread is inside its run(); and
 * in the end nothing is left.
 */
#include "base/host.h"
#include "heal/zombie.h"
#include "names.h"
#include "run/run.h"
#include "sim.h"
#include <errno.h>
#include <string.h>
#include <ward/ward.h>

#define ERRANDS 4

enum kind {
	FINE,	 /* ends by itself */
	SLOW,	 /* the same, but just about when it is convicted */
	SPINS,	 /* until it was answered for */
	SLEEPS,	 /* the same, asleep */
	LEAVES,	 /* by pthread_exit */
	VANISHES, /* by a raw exit */
	NOTICES	  /* spins until it sees that it was fenced */
};
#define FAILED 7 /* what those end with that end */

static struct errand {
	struct ward_task task;
	bool again; /* an attempt after the first ran */
	enum kind kind;
	_Atomic uint32_t gate; /* opened by done() */
	uint32_t scratch;      /* plain: run() writes it, release() too */
	/* offstage */
	uint32_t runs, inside, done, released, commits, letters;
	int status;
	bool asks, told; /* whether it is to stop; it was */
	bool raises; /* and does not return */
	bool deadly; /* its dead letter's hook does not return either */
} errand[ERRANDS];
static struct ward_pool *pool;
static _Atomic uint32_t bed; /* nobody rings here */

static struct errand *deferred_of(struct ward_task *task)
{
	return (struct errand *)task;
}

static offstage void enter_run(struct errand *e)
{
	uint32_t attempt = ward_self()->attempt;

	e->again |= attempt > 1;
	check(!e->released);
	e->runs++;
	e->inside++;
}

static offstage void leave_run(struct errand *e)
{
	e->inside--;
}

static offstage void committed(struct errand *e)
{
	check(!e->commits++);
}

static offstage void heard(struct errand *e, int cause)
{
	e->told |= cause == -ECANCELED;
}

static void open_gate(struct errand *e)
{
	store_release(&e->gate, 1);
	host_wake(&e->gate, INT32_MAX);
}

/* Scans are often or rare; the rest follows. */
static uint64_t scan;

static uint64_t ms(uint32_t n)
{
	return n * scan;
}

static int run(struct ward_task *task)
{
	struct errand *e = deferred_of(task);

	enter_run(e);
	if (ward_self()->attempt == 1)
		e->scratch++;
	else
		open_gate(e); /* the first attempt ends beside this one */
	if (sim_choose(2) && ward_commit() == 0)
		committed(e);
	if (e->kind == SLOW)
		host_wait(&e->gate, 0, host_now() + ms(1 + sim_choose(8)));
	while (e->kind == SPINS && !load_acquire(&e->gate))
		host_relax();
	while (e->kind == NOTICES && !slot_taken(slot_here()))
		host_relax();
	while (e->kind == SLEEPS && !load_acquire(&e->gate))
		host_wait(&e->gate, 0, HOST_FOREVER);
	if (e->asks)
		heard(e, ward_check());
	leave_run(e);
	if (e->kind == LEAVES)
		host_exit();
	if (e->kind == VANISHES)
		sim_vanish();
	if (e->raises)
		ward_raise(FAILED, "%s", "as it shall");
	return FAILED;
}

static offstage void is_done(struct errand *e, int status)
{
	check(!e->done++);
	check(!e->released);
	check(e->letters == (status != -ECANCELED));
	e->status = status;
	switch (e->kind) {
	case FINE:
	case SLOW:
		check(status == FAILED || status == -ETIME || status == -ECANCELED);
		break;
	case SPINS:
	case SLEEPS:
	case NOTICES:
		/* The first may be held between its beginning and run(). */
		if (e->again && status == FAILED)
			break;
		check(status == -ETIME || status == -ECANCELED);
		break;
	default:
		check(status == -EOWNERDEAD || status == -ETIME ||
		      status == -ECANCELED);
	}
}

static void done(struct ward_task *task, int status)
{
	struct errand *e = deferred_of(task);

	is_done(e, status);
	open_gate(e);
}

static offstage void is_released(struct errand *e)
{
	check(e->done == 1);
	check(!e->inside);
	check(!e->released++);
}

static void release(struct ward_task *task)
{
	is_released(deferred_of(task));
	deferred_of(task)->scratch = 0;
}

static offstage bool is_dead(struct errand *e, const struct ward_report *r)
{
	check(!e->letters++);
	check(!e->done);
	check(r->err && r->err != -ECANCELED);
	return e->deadly;
}

static void dead(void *arg, struct ward_task *task, const struct ward_report *r)
{
	(void)arg;
	if (is_dead(deferred_of(task), r) && host_self())
		host_exit();
}

static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	sim_note("report: %s", ward_kind_name(r->kind));
}

/* ---- up and down --------------------------------------------------------- */

/* How often a failed task may try again, and after what wait at most, in scans. */
static uint32_t errors, backoff;
static uint32_t patience = 2; /* the budgets, in scans */

static void set_up(uint32_t workers, uint32_t runs, uint32_t zombies)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = report, .dead = dead };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.runs = runs;
	policy.stalls = policy.deaths = runs - 1;
	scan = sim_choose(2) ? WARD_MS(1) : WARD_MS(1000);
	policy.busy_within = policy.blocked_within = ms(patience);
	policy.errors = errors;
	policy.backoff_min = policy.backoff_max = ms(backoff);
	config.workers = workers;
	config.spares = 1;
	config.zombies = zombies;
	config.zombies_asleep = 1;
	config.ring = 4;
	config.scan = scan;
	config.stack = 64 << 10;
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	config.hooks = &hooks;
	memset(errand, 0, sizeof(errand));
	atomic_init(&bed, 0);
	sim_private(&ward_pulse_);
	check(ward_pool_create(&pool, &config) == 0);
	name_pool((struct pool *)pool);
	for (unsigned i = 0; i < ERRANDS; i++)
		sim_name(&errand[i], "errand[%u]", i);
	errors = backoff = 0; /* the next run's are its own */
	check(ward_pool_start(pool) == 0);
}

/* So that the steward may be going to sleep, or all may be asleep. */
static void rest(void)
{
	uint32_t how = sim_choose(4);

	if (how)
		host_wait(&bed, 0, host_now() + ms(how * how));
}

static struct ward_task *made(uint32_t i, enum kind kind,
			      void (*given_back)(struct ward_task *))
{
	struct errand *e = &errand[i];

	e->kind = kind;
	e->task.run = run;
	e->task.done = done;
	e->task.release = given_back;
	return &e->task;
}

static void send(uint32_t i, enum kind kind)
{
	rest();
	check(ward_submit(pool, made(i, kind, release), WARD_FOREVER) == 0);
}

static struct ward_lane *lane_of(struct ward_lane_config config)
{
	struct ward_lane *lane = NULL;

	config.size = sizeof(config);
	check(ward_lane_create(&lane, pool, &config) == 0);
	return lane;
}

static offstage void all_answered(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check(errand[i].done == 1);
		check(errand[i].released == 1);
		check(!errand[i].inside);
	}
}

static void audit(void)
{
	struct ward_audit a = WARD_AUDIT_INIT;

	/* A10 is a wakeup by the steward's watch: time is too jerky for it. */
	if (ward_audit(pool, &a) && a.broken != 1u << 10)
		sim_fail(SIM_WRONG, "audit: %s", a.first);
}

static void drain_and_destroy(uint32_t n)
{
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	all_answered(n);
	audit();
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}

/* ---- scenarios ----------------------------------------------------------- */

static void pool_fine(void)
{
	set_up(1, 1, 1);
	send(0, FINE);
	send(1, FINE);
	drain_and_destroy(2);
}
SCENARIO(pool_fine, "a pool that only works does not", .steps = 200000,
	 .rare = 8);

static void pool_stuck(void)
{
	set_up(1, 1, 1);
	send(0, (enum kind)(SLOW + sim_choose(3)));
	send(1, sim_choose(2) ? FINE : SLOW);
	drain_and_destroy(2);
}
SCENARIO(pool_stuck, "a stuck task is not answered for, or twice",
	 .steps = 200000, .rare = 8);

/* An unseated thread is a spare again before long, and not only at the pool's end. */
static void pool_notices(void)
{
	struct pool *inside;

	set_up(1, 1, 1);
	inside = (struct pool *)pool;
	send(0, NOTICES);
	send(1, FINE);
	while (!load_acquire(&errand[0].gate))
		host_wait(&errand[0].gate, 0, HOST_FOREVER);
	for (int n = 0; n < 3 || load_acquire(&inside->zombies_out); n++) {
		check(n < 300);
		host_wait(&bed, 0, host_now() + ms(1));
	}
	drain_and_destroy(2);
}
SCENARIO(pool_notices, "who comes home at once is in two seats, or in none",
	 .steps = 200000, .rare = 8);

static void recalls(void *arg)
{
	*(int *)arg = ward_task_cancel((struct ward_pool *)pool,
				       &errand[0].task, 0);
}

/* The answer is what has happened.  A zombie may have been held before run(). */
static offstage void was_true(int said, const struct errand *e)
{
	check(said == 0 || said == -EINPROGRESS || said == -ENOENT);
	check(!e->told || said == -EINPROGRESS);
	if (said == 0) {
		check(e->runs == 0);
		check(e->status == -ECANCELED);
	} else {
		check(e->runs == 1 || e->status == -ETIME);
		check(e->status != -ECANCELED);
	}
}

/* Called back while a worker may begin it, run it, end it, or sleep. */
static void pool_recalled(void)
{
	static int said;
	host_thread t;

	set_up(1, 1, 1);
	errand[0].asks = true;
	send(0, sim_choose(2) ? FINE : SLOW);
	check(!host_spawn(&t, NULL, recalls, NULL, &said));
	send(1, FINE);
	host_join(t, HOST_FOREVER);
	drain_and_destroy(2);
	was_true(said, &errand[0]);
}
SCENARIO(pool_recalled, "a task runs of which it was said that it never will",
	 .steps = 200000, .rare = 8);

static _Atomic uint32_t gone;

static void release_and_say(struct ward_task *task)
{
	release(task);
	store_release(&gone, 1);
}

/* The holder cancels it, whatever has become of it, and the answer is exact. */
static void pool_held(void)
{
	static int said;
	host_thread t;

	set_up(1, 1, 1);
	store_relaxed(&gone, 0);
	check(ward_task_hold(pool, &errand[0].task) == 0);
	made(0, sim_choose(2) ? FINE : SLOW, release_and_say);
	check(ward_submit(pool, &errand[0].task, WARD_FOREVER) == 0);
	check(!host_spawn(&t, NULL, recalls, NULL, &said));
	send(1, FINE);
	host_join(t, HOST_FOREVER);
	check(ward_task_wait(pool, &errand[0].task, WARD_FOREVER, NULL) == 0);
	check(errand[0].done == 1 && !load_acquire(&gone));
	check(ward_task_drop(pool, &errand[0].task) == 0);
	drain_and_destroy(2);
	check(load_acquire(&gone));
	was_true(said, &errand[0]);
}
SCENARIO(pool_held, "a task that is held is released, or never is",
	 .steps = 200000, .rare = 8);

static void drops(void *arg)
{
	(void)arg;
	rest();
	check(ward_task_drop(pool, &errand[0].task) == 0);
}

/* Before, beside, or after the end of the pool and of its last thread. */
static void pool_held_destroyed(void)
{
	host_thread t;

	set_up(1, 1 + sim_choose(2), 1);
	check(ward_task_hold(pool, &errand[0].task) == 0);
	store_relaxed(&gone, 0);
	made(0, (enum kind)sim_choose(NOTICES + 1), release_and_say);
	check(ward_submit(pool, &errand[0].task, WARD_FOREVER) == 0);
	check(!host_spawn(&t, NULL, drops, NULL, NULL));
	rest();
	ward_pool_destroy(pool, host_now() + ms(sim_choose(6)));
	host_join(t, HOST_FOREVER);
	while (sim_unfreed() || !load_acquire(&gone))
		host_yield();
	all_answered(1);
}
SCENARIO(pool_held_destroyed, "who holds a task beside the end of its pool keeps it",
	 .steps = 200000, .rare = 8);

/* The steward is late, and its deputy takes over, and so on, and it all ends. */
static void pool_taken_over(void)
{
	enum kind kind = (enum kind)sim_choose(NOTICES + 1);

	sim_looks = 1;
	set_up(1, 1 + sim_choose(2), 1);
	send(0, kind);
	send(1, FINE);
	rest();
	ward_pool_destroy(pool, host_now() + ms(sim_choose(6)));
	while (sim_unfreed())
		host_yield();
	all_answered(2);
}
SCENARIO(pool_taken_over, "two stewards answer for one task, or neither does",
	 .steps = 200000, .rare = 8);

static offstage void anew(struct errand *e)
{
	e->runs = e->done = e->released = e->commits = e->letters = 0;
	e->again = false;
}

static void release_and_wake(struct ward_task *task)
{
	release_and_say(task);
	host_wake(&gone, 1);
}

/* Without a lane release() tells that it may be submitted again, else the lane. */
static void send_to(struct ward_lane *lane)
{
	made(0, FINE, lane ? NULL : release_and_wake);
	check((lane ? ward_lane_submit(lane, &errand[0].task, WARD_FOREVER) :
		      ward_submit(pool, &errand[0].task, WARD_FOREVER)) == 0);
}

static void comes_back(struct ward_lane *lane)
{
	if (lane)
		ward_lane_join(lane, WARD_FOREVER);
	while (!lane && !load_acquire(&gone))
		host_wait(&gone, 0, HOST_FOREVER);
}

/* Its lane does not wait for the zombie. */
static offstage bool is_lost(const struct errand *e)
{
	return e->status == -ETIME;
}

/* A task that was just given back is submitted again, and cancelled. */
static void pool_recalled_again(void)
{
	struct ward_lane *lane = NULL;
	int said;

	patience = 1000;
	set_up(2, 1, 1);
	patience = 2;
	if (sim_choose(2))
		lane = lane_of((struct ward_lane_config){ .active = 1 });
	for (uint32_t n = 0; n < 2 && !is_lost(&errand[0]); n++) {
		anew(&errand[0]);
		store_relaxed(&gone, 0);
		send_to(lane);
		/* A cancelled task may be given back after it left its lane. */
		said = !lane || n ? ward_task_cancel(pool, &errand[0].task, 0) :
				    -ENOENT;
		comes_back(lane);
		was_true(said, &errand[0]);
	}
	if (lane)
		check(ward_lane_destroy(lane) == 0);
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}
SCENARIO(pool_recalled_again,
	 "a worker that gave a task back seems to have it still",
	 .steps = 200000, .rare = 8);

static offstage void not_begun(const struct errand *e)
{
	check(!e->runs && !e->done && !e->released);
}

/* Two that wait for their time, then for their turn; one of them, or all, not. */
static void pool_lane_timed(void)
{
	struct ward_lane *lane;
	uint32_t how = sim_choose(4);
	int said = 0;

	set_up(1, 1, 1);
	lane = lane_of((struct ward_lane_config){ .active = 1 });
	for (uint32_t i = 0; i < 2; i++) {
		made(i, FINE, release);
		check(ward_task_hold(pool, &errand[i].task) == 0);
		check(ward_lane_submit_at(lane, &errand[i].task,
					  host_now() + ms(sim_choose(3))) == 0);
	}
	if (how == 1)
		said = ward_task_cancel(pool, &errand[0].task, 0);
	if (how == 2)
		ward_lane_cancel(lane, 0);
	if (how == 3)
		said = ward_task_recall(pool, &errand[0].task, 0);
	if (said == WARD_RECALLED) {
		not_begun(&errand[0]);
		check(ward_lane_submit(lane, &errand[0].task, WARD_FOREVER) == 0);
		said = -ENOENT;
	}
	ward_lane_join(lane, WARD_FOREVER);
	check(ward_lane_count(lane) == 0);
	if (how == 1 || how == 3)
		was_true(said, &errand[0]);
	for (uint32_t i = 0; i < 2; i++)
		check(ward_task_drop(pool, &errand[i].task) == 0);
	check(ward_lane_destroy(lane) == 0);
	drain_and_destroy(2);
}
SCENARIO(pool_lane_timed, "who waits for his time does not come to his turn",
	 .steps = 200000, .rare = 8);

/* A task that comes to wait for its time beside the cancel of its lane does not wait. */
static void cancels_lane(void *arg)
{
	ward_lane_cancel(arg, 0);
}

static void pool_lane_timed_cancelled(void)
{
	struct ward_lane *lane;
	host_thread t;
	int err;

	set_up(1, 1, 1);
	lane = lane_of((struct ward_lane_config){ 0 });
	check(!host_spawn(&t, NULL, cancels_lane, NULL, lane));
	err = ward_lane_submit_at(lane, made(0, FINE, release),
				  HOST_FOREVER / 2);
	check(!err || err == -ECANCELED);
	ward_lane_join(lane, WARD_FOREVER);
	check(ward_lane_count(lane) == 0);
	host_join(t, HOST_FOREVER);
	check(ward_lane_destroy(lane) == 0);
	drain_and_destroy(!err);
}
SCENARIO(pool_lane_timed_cancelled,
	 "who waits for his time does not hear that his lane is cancelled",
	 .steps = 200000, .rare = 8);

static void pool_dies(void)
{
	set_up(1, 1, 1);
	send(0, sim_choose(2) ? LEAVES : VANISHES);
	send(1, FINE);
	drain_and_destroy(2);
}
SCENARIO(pool_dies, "a dead worker's task is lost, or its seat", .steps = 200000,
	 .rare = 8);

static void pool_two_die(void)
{
	set_up(2, 1, 1);
	send(0, sim_choose(2) ? LEAVES : VANISHES);
	send(1, sim_choose(2) ? LEAVES : VANISHES);
	send(2, FINE);
	drain_and_destroy(3);
}
SCENARIO(pool_two_die, "the same with two workers and one spare",
	 .steps = 400000, .rare = 8);

static void pool_rerun(void)
{
	set_up(1 + sim_choose(2), 2, 3);
	send(0, (enum kind)(SLOW + sim_choose(5)));
	send(1, sim_choose(2) ? SLOW : SPINS);
	send(2, FINE);
	drain_and_destroy(3);
}
/* The longest of 10000 takes half of these steps. */
SCENARIO(pool_rerun, "a task runs again while its zombie comes home",
	 .steps = 60000, .rare = 8);

/*
 * With time enough or not: threads that are still inside come home later, or
 * vanish, and the last one frees it all.
 */
static void destroy_hastily(uint32_t n)
{
	if (ward_pool_destroy(pool, host_now() + WARD_MS(sim_choose(6))) > 0)
		while (sim_unfreed())
			host_yield();
	all_answered(n);
	check(sim_unfreed() == 0);
}

/* Destroyed while tasks are queued, run, hang and leave. */
static void pool_destroyed(void)
{
	set_up(1, 1 + sim_choose(2), 1);
	for (uint32_t i = 0; i < 3; i++)
		send(i, (enum kind)sim_choose(VANISHES + 1));
	destroy_hastily(3);
}
SCENARIO(pool_destroyed, "destroy loses a task, or leaves something behind",
	 .steps = 200000, .rare = 8);

/* As before with deaths of both kinds, and all the time it takes. */
static void pool_destroyed_dying(void)
{
	static const enum kind kinds[] = { FINE, LEAVES, VANISHES };

	set_up(1, 1 + sim_choose(2), 1);
	for (uint32_t i = 0; i < 3; i++)
		send(i, kinds[sim_choose(3)]);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	all_answered(3);
	check(sim_unfreed() == 0);
}
SCENARIO(pool_destroyed_dying, "destroy waits for the dead", .steps = 200000,
	 .rare = 8);

/* Tasks that take no ring: of a lower rank, due at once, due at a later time. */
static void sends_elsewhere(void *arg)
{
	struct ward_lane *lane = arg;

	check(ward_lane_submit(lane, &errand[0].task, WARD_NOWAIT) == 0);
	check(ward_submit_at(pool, &errand[1].task, 0, 0) == 0);
	check(ward_submit_at(pool, &errand[2].task, host_now() + 100, 0) == 0);
}

/* A pool that is not started: its records without threads. */
static struct pool *set_up_still(uint32_t spares)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	memset(errand, 0, sizeof(errand));
	config.workers = config.max = config.zombies = 1;
	config.spares = spares;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	check(ward_pool_create(&pool, &config) == 0);
	return (struct pool *)pool;
}

static void audit_beside(void (*fn)(void *), void *arg)
{
	host_thread t;

	check(!host_spawn(&t, NULL, fn, NULL, arg));
	for (int i = 0; i < 4; i++)
		audit();
	host_join(t, HOST_FOREVER);
	audit();
	sim_enough();
}

/* The books add up wherever a submitter is, also if it stays there. */
static void pool_audit_stop(void)
{
	struct ward_lane *lane;

	set_up_still(0);
	lane = lane_of((struct ward_lane_config){ .prio = 2 });
	for (int i = 0; i < 3; i++)
		errand[i].task.run = run;
	audit_beside(sends_elsewhere, lane);
}
SCENARIO(pool_audit_stop, "a submitter that is on its way breaks the books",
	 .stop = 0x2);

static void benches(void *arg)
{
	seat_bench(arg);
}

static void sits(struct pool *in, struct slot *worker)
{
	check(seats_claim(&in->seat_count, in->seats));
	store_relaxed(&in->seat[0], worker);
	store_relaxed(&in->seats_used, 1);
	store_relaxed(&worker->thread.life, LIFE_SEATED);
}

/* As before, beside a thread that calls a spare to the bench. */
static void pool_audit_bench(void)
{
	struct pool *in = set_up_still(1);
	struct slot *worker = &in->slot[0], *spare = &in->slot[1];

	sits(in, worker);
	slot_begin(worker, NULL, SLOT_HOOK); /* so it is not between two steps */
	store_relaxed(&spare->thread.life, LIFE_SPARE);
	spare->index = 1;
	store_relaxed(&in->spares_ready, 1);
	stack_push(&in->spares, 1);
	store_relaxed(&in->slots_used, 2);
	store_relaxed(&in->threads_created, 2);
	audit_beside(benches, in);
}
SCENARIO(pool_audit_bench, "who is called to the bench breaks the books",
	 .stop = 0x2);

static void fences(void *arg)
{
	struct slot *worker = arg;
	const struct fencing how = { .life = load_acquire(&worker->thread.life),
				     .epoch = load_acquire(&worker->word),
				     .asker = ASKER_DESTROY,
				     .why = LOST_STALL };

	check(zombie_make(worker->pool, worker, &how));
}

/* As before, beside a thread that makes a worker a zombie. */
static void pool_audit_zombie(void)
{
	struct pool *in = set_up_still(1);
	struct slot *worker = &in->slot[0];

	sits(in, worker);
	worker->pool = in;
	local_init(&worker->local, 0);
	worker->local.batch = 1;
	store_relaxed(&in->slots_used, 1);
	store_relaxed(&in->threads_created, 1);
	errand[0].task.run = run;
	check(ward_submit(pool, &errand[0].task, WARD_NOWAIT) == 0);
	check(inbox_take(&in->inbox, &worker->local) == &errand[0].task);
	count_own(&worker->started, 1);
	slot_begin(worker, &errand[0].task, SLOT_RUN);
	audit_beside(fences, worker);
}
SCENARIO(pool_audit_zombie, "a fence breaks the books", .stop = 0x2);

static int looks(struct ward_task *task)
{
	(void)task;
	while (!slot_taken(slot_here())) {
		audit();
		host_wait(&bed, 0, host_now() + ms(1));
	}
	audit();
	return 0;
}

/* As before, beside the end of the pool, which takes a task's inside from its worker. */
static void pool_audit_fenced(void)
{
	patience = 1000000;
	set_up(1, 1, 1);
	patience = 2;
	errand[0].task.run = looks;
	check(ward_submit(pool, &errand[0].task, WARD_FOREVER) == 0);
	check(ward_pool_destroy(pool, host_now() + ms(sim_choose(3))) >= 0);
	while (sim_unfreed())
		host_yield();
}
SCENARIO(pool_audit_fenced, "who ends the pool breaks the books",
	 .steps = 200000, .rare = 8);

/* A reader of the numbers is never told nonsense meanwhile. */
static void pool_watched(void)
{
	struct ward_stats before = WARD_STATS_INIT, now = WARD_STATS_INIT;

	set_up(1, 2, 3);
	for (uint32_t i = 0; i < 2; i++)
		send(i,
		     sim_choose(2) ? FINE : (enum kind)(SLOW + sim_choose(5)));
	for (int i = 0; i < 3; i++) {
		check(ward_pool_stats(pool, &now) == 0);
		check(now.answered <= now.accepted);
		check(now.accepted <= 2);
		check(now.ended <= now.started);
		check(before.answered <= now.answered);
		check(before.accepted <= now.accepted);
		check(now.zombies <= 3 + 1);
		before = now;
		audit();
	}
	drain_and_destroy(2);
}
SCENARIO(pool_watched, "stats or audit tell what never was", .steps = 1000000,
	 .rare = 8);

/* ---- failures ------------------------------------------------------------ */

static void set_up_failing(uint32_t workers, uint32_t runs)
{
	errors = runs - 1;
	backoff = sim_choose(4);
	set_up(workers, runs, 2);
}

static void send_failing(uint32_t i, enum kind kind)
{
	errand[i].raises = sim_choose(2);
	send(i, kind);
}

/* Failing and raising attempts run again, some of them while they are fenced. */
static void pool_fails(void)
{
	set_up_failing(1, 2 + sim_choose(2));
	send_failing(0, sim_choose(2) ? FINE : SLOW);
	send_failing(1, sim_choose(2) ? FINE : SLOW);
	drain_and_destroy(2);
}
SCENARIO(pool_fails, "a failed task waits for ever, or is answered twice",
	 .steps = 200000, .rare = 8);

/* Of two that may run it, one does, and its zombie comes home by a raise. */
static void pool_raises(void)
{
	set_up_failing(1 + sim_choose(2), 2);
	errand[0].raises = true;
	send(0, (enum kind)(SLOW + sim_choose(3)));
	send_failing(1, FINE);
	drain_and_destroy(2);
}
SCENARIO(pool_raises, "a raise takes an answer that was the steward's",
	 .steps = 200000, .rare = 8);

/* Destroyed while tasks wait, run, hang and leave. */
static void pool_fails_destroyed(void)
{
	set_up_failing(1, 3);
	for (uint32_t i = 0; i < 3; i++)
		send_failing(i, (enum kind)sim_choose(VANISHES));
	destroy_hastily(3);
}
SCENARIO(pool_fails_destroyed, "destroy forgets who waits, or hands it on twice",
	 .steps = 200000, .rare = 8);

/* The hook for dead letters takes the thread with it. */
static void pool_buries(void)
{
	set_up_failing(1, 1 + sim_choose(2));
	errand[0].deadly = true;
	send_failing(0, (enum kind)sim_choose(VANISHES));
	send_failing(1, FINE);
	drain_and_destroy(2);
}
SCENARIO(pool_buries, "done() goes with the thread that told of a dead letter",
	 .steps = 200000, .rare = 8);

/* ---- drain against submit ------------------------------------------------ */

static uint32_t taken;

static offstage void count_taken(void)
{
	taken++;
}

static void submitter(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i < ERRANDS; i++) {
		int err = ward_submit(pool, made(i, FINE, release),
				      WARD_FOREVER);

		if (err) {
			check(err == -ESHUTDOWN);
			return;
		}
		count_taken();
	}
}

static void pool_drained(void)
{
	host_thread s;

	taken = 1;
	set_up(1, 1, 1);
	check(!host_spawn(&s, NULL, submitter, NULL, NULL));
	send(0, FINE);
	if (sim_choose(2))
		sim_dawdle(1 + sim_choose(8));
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	host_join(s, HOST_FOREVER);
	all_answered(taken);
	drain_and_destroy(taken);
}
SCENARIO(pool_drained, "a task is accepted after the drain saw the end",
	 .steps = 200000, .rare = 8);

/* ---- told to stop ---------------------------------------------------------- */

static struct ward_cancel token;
static _Atomic uint32_t held;
static const struct ward_policy for_ever = {
	.size = sizeof(for_ever),
	.busy_within = HOST_FOREVER / 4,
	.blocked_within = HOST_FOREVER / 4
};

static int holds(struct ward_task *task)
{
	struct errand *e = deferred_of(task);

	enter_run(e);
	store_release(&held, 1);
	host_wake(&held, 1);
	while (!load_acquire(&e->gate))
		host_wait(&e->gate, 0, HOST_FOREVER);
	leave_run(e);
	return FAILED;
}

/* The worker may go on only after this answer. */
static void told(struct ward_task *task, int status)
{
	check(status == -ECANCELED);
	done(task, status);
	open_gate(&errand[0]);
}

static void fires(void *arg)
{
	(void)arg;
	rest();
	ward_cancel_fire(&token, -ECANCELED);
}

static int try_as(uint32_t i, int (*how)(struct ward_task *),
		  void (*answer)(struct ward_task *, int))
{
	made(i, FINE, release)->run = how;
	errand[i].task.done = answer;
	if (i)
		errand[i].task.cancel = &token;
	return ward_submit(pool, &errand[i].task, WARD_FOREVER);
}

static void send_as(uint32_t i, int (*how)(struct ward_task *),
		    void (*answer)(struct ward_task *, int))
{
	check(try_as(i, how, answer) == 0);
}

/* The only worker is busy until its gate is opened. */
static void hold_worker(const struct ward_policy *policy)
{
	set_up(1, 1, 1);
	ward_cancel_init(&token);
	atomic_init(&held, 0);
	errand[0].task.policy = policy;
	send_as(0, holds, done);
	while (!load_acquire(&held))
		host_wait(&held, 0, HOST_FOREVER);
}

/* The worker is busy until the waiting task was answered. */
static void pool_told(void)
{
	host_thread thread;

	patience = 1000000;
	hold_worker(NULL);
	patience = 2; /* the next run's is its own */
	send_as(1, run, told);
	check(!host_spawn(&thread, NULL, fires, NULL, NULL));
	check(host_join(thread, HOST_FOREVER) == 0);
	check(ward_pool_drain(pool, HOST_FOREVER) == 0);
	check(!errand[1].runs);
	drain_and_destroy(2);
}
SCENARIO(pool_told, "what is told to stop waits for a worker that is busy",
	 .steps = 200000, .rare = 8);

/* The task is told just as it comes: refused, or looked for again. */
static void fires_now(void *arg)
{
	(void)arg;
	ward_cancel_fire(&token, -ECANCELED);
}

static void pool_told_comes(void)
{
	host_thread thread;
	int err;

	hold_worker(&for_ever);
	check(!host_spawn(&thread, NULL, fires_now, NULL, NULL));
	err = try_as(1, run, told);
	check(!err || err == -ECANCELED);
	if (err)
		open_gate(&errand[0]);
	check(host_join(thread, HOST_FOREVER) == 0);
	check(ward_pool_drain(pool, HOST_FOREVER) == 0);
	check(!errand[1].runs);
	drain_and_destroy(err ? 1 : 2);
}
SCENARIO(pool_told_comes, "what is told to stop as it comes is not looked for",
	 .steps = 200000, .rare = 32);

/* The answer of the first hangs on the bench until the second is answered. */
static void hangs(struct ward_task *task, int status)
{
	struct errand *e = deferred_of(task);

	is_done(e, status);
	while (!load_acquire(&e->gate))
		host_wait(&e->gate, 0, HOST_FOREVER);
}

static void frees(struct ward_task *task, int status)
{
	told(task, status);
	open_gate(&errand[1]);
}

static void pool_told_hangs(void)
{
	hold_worker(&for_ever);
	send_as(1, run, hangs);
	send_as(2, run, frees);
	ward_cancel_fire(&token, -ECANCELED);
	check(ward_pool_drain(pool, HOST_FOREVER) == 0);
	check(!errand[1].runs && !errand[2].runs);
	drain_and_destroy(3);
}
SCENARIO(pool_told_hangs, "an answer that hangs keeps others from theirs",
	 .steps = 200000, .rare = 8);

static void release_and_free(struct ward_task *task)
{
	release(task);
	open_gate(&errand[0]);
}

/* Its last holder is no worker, and the only worker waits for its release(). */
static void pool_let_go(void)
{
	hold_worker(&for_ever);
	check(ward_task_hold(pool, &errand[1].task) == 0);
	check(ward_submit(pool, made(1, FINE, release_and_free),
			  WARD_FOREVER) == 0);
	check(ward_task_cancel(pool, &errand[1].task, 0) == 0);
	check(ward_task_wait(pool, &errand[1].task, HOST_FOREVER, NULL) == 0);
	check(ward_task_drop(pool, &errand[1].task) == 0);
	check(ward_pool_drain(pool, HOST_FOREVER) == 0);
	check(!errand[1].runs);
	drain_and_destroy(2);
}
SCENARIO(pool_let_go, "what a holder came to owe waits for a worker",
	 .steps = 200000, .rare = 8);

/* ---- somebody is stopped ------------------------------------------------- */

static offstage bool all_released(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!errand[i].released)
			return false;
	return true;
}

static void until_released(uint32_t n)
{
	while (!all_released(n))
		host_yield();
	sim_enough();
}

/*
 * The steward, its deputy or the clerk is stopped anywhere: work goes on.  (But an answer that
 * the steward had just taken is given when it goes on, and not before: deputy.c.  So
 * here nobody is slow enough for that.)
 */
static void pool_stop_helper(void)
{
	patience = 1000000;
	set_up(1, 1, 1);
	patience = 2;
	send(0, FINE);
	send(1, FINE);
	until_released(2);
}
SCENARIO(pool_stop_helper, "work stands still without the helpers",
	 .stop = 0x70, .steps = 200000, .rare = 8);

/* The scribe: even a worker that leaves is replaced. */
static void pool_stop_scribe(void)
{
	set_up(1, 1, 1);
	send(0, sim_choose(2) ? LEAVES : SPINS);
	send(1, FINE);
	until_released(2);
}
SCENARIO(pool_stop_scribe, "healing waits for a hook that hangs", .stop = 0x2,
	 .steps = 200000, .rare = 8);
