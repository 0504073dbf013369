/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_owner.c - what becomes of a worker's own ring whose owner is convicted, or held, or
 * alone in a forked child, at each step of a put and of a take.
 *
 * Two workers, and a task on the first that submits two others, and a third in a signal's
 * handler at any of its steps.
 */
#include "base/host.h"
#include "front/front.h"
#include "heal/heal.h"
#include "heal/zombie.h"
#include "names.h"
#include "run/worker.h"
#include "sim.h"
#include <errno.h>
#include <string.h>

enum { OWNER = 1, OTHER, THIRD }; /* threads */
enum { PARENT, HANDLERS = 3, TASKS };
enum { BEGUN = 16 }; /* steps from a look at the controls to run(), at most */

static struct pool *pool;
static struct errand {
	struct ward_task task;
	/* offstage */
	uint32_t runs, done, released;
	bool accepted;
} errand[TASKS];
static _Atomic uint32_t answered; /* the parent */

/* ---- tasks ------------------------------------------------------------------------ */

static uint32_t number_of(const struct ward_task *task)
{
	return (uint32_t)((const struct errand *)(const void *)task - errand);
}

static offstage bool runs(struct ward_task *task)
{
	struct errand *e = &errand[number_of(task)];

	check(!e->runs++);
	check(!e->released);
	/* A child's copy goes on with what it has begun. */
	check(!sim_forked() || sim_since_fork() <= BEGUN);
	return e == &errand[PARENT];
}

static offstage void accepted(uint32_t i)
{
	errand[i].accepted = true;
}

static void submit(uint32_t i)
{
	int err = ward_submit((struct ward_pool *)pool, &errand[i].task, WARD_NOWAIT);

	if (!err)
		accepted(i);
	check(!err || err == -EAGAIN || (err == -ECHILD && sim_forked()));
}

static void handler(void)
{
	submit(HANDLERS);
}

static int run(struct ward_task *task)
{
	if (runs(task)) {
		sim_on_signal(handler);
		for (uint32_t i = 1; i < HANDLERS; i++)
			submit(i);
	}
	return 0;
}

static offstage void is_done(struct errand *e, int status)
{
	check(!e->done++);
	check(status == 0 || status == -ETIME);
}

static void done(struct ward_task *task, int status)
{
	is_done(&errand[number_of(task)], status);
	if (number_of(task) == PARENT)
		store_release(&answered, 1);
}

static offstage void release(struct ward_task *task)
{
	struct errand *e = &errand[number_of(task)];

	check(e->done == 1);
	check(!e->released++);
}

/* ---- a pool without threads; the scenario's are its workers ------------------------- */

static void sit(uint32_t i)
{
	struct slot *slot = &pool->slot[i];

	thread_slot_init(pool, slot, i);
	host_life_init(&slot->thread.liveness);
	inbox_add_local(&pool->inbox, i, &slot->local);
	slot->self.worker = i;
	store_relaxed(&slot->seat.number, i);
	store_relaxed(&pool->seat[i], slot);
	store_relaxed(&slot->thread.life, (uint64_t)1 << 8 | LIFE_SEATED);
	check(seats_claim(&pool->seat_count, pool->seats));
}

static void set_up(void)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_task *parent = &errand[PARENT].task;

	policy.runs = 1;
	config.workers = config.max = 2;
	config.spares = config.zombies = 1;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	memset(errand, 0, sizeof(errand));
	atomic_init(&answered, 0);
	sim_private(&ward_pulse_);
	check(ward_pool_create((struct ward_pool **)&pool, &config) == 0);
	name_pool(pool);
	pool->inbox.spin = 1;
	store_relaxed(&pool->slots_used, 2);
	store_relaxed(&pool->seats_used, 2);
	sit(0);
	sit(1);
	for (uint32_t i = 0; i < TASKS; i++) {
		errand[i].task.run = run;
		errand[i].task.done = done;
		errand[i].task.release = release;
	}
	if (sim_choose(2))
		owned_bias(&pool->slot[0].local.ring);
	check(ward_submit((struct ward_pool *)pool, parent, WARD_NOWAIT) == 0);
	accepted(PARENT);
}

static void worker(void *arg)
{
	struct slot *slot = &pool->slot[(uint32_t)(uintptr_t)arg];

	host_set_self(slot);
	ward_pulse_ = &slot->pulse;
	store_relaxed(&slot->thread.tid, host_tid());
	while (worker_work(pool, slot, true) == WORK_RETURNED && spare_wait(pool, slot))
		;
}

static void go(host_thread thread[4], void (*third)(void *))
{
	check(!host_spawn(&thread[OWNER], NULL, worker, NULL, (void *)0));
	check(!host_spawn(&thread[OTHER], NULL, worker, NULL, (void *)1));
	check(!host_spawn(&thread[THIRD], NULL, third, NULL, NULL));
}

static offstage void all_had(void)
{
	for (uint32_t i = 0; i < TASKS; i++) {
		check(errand[i].done == errand[i].accepted);
		check(errand[i].released == errand[i].accepted);
	}
}

/* ---- convicted --------------------------------------------------------------------- */

/* Convicts the owner, if it is inside of something, and hands on what it has. */
static void convict(void *arg)
{
	struct slot *slot = &pool->slot[0];
	struct fencing how = { .asker = 1, .why = LOST_STALL };

	(void)arg;
	while (!load_acquire(&answered) && sim_stopped() != OTHER) {
		how.life = load_acquire(&slot->thread.life);
		how.epoch = load_acquire(&slot->word);
		if (slot_inside(how.epoch) && zombie_make(pool, slot, &how))
			break;
		if (sim_stopped() == OWNER && !slot_inside(how.epoch))
			break;
		host_relax();
	}
	handoff_zombies(pool);
}

/* All others sleep, are stopped, or have ended, but for a thread held with a wakeup. */
static void nothing_is_left(void)
{
	for (int n = 0; n < 3; n++) {
		sim_dawdle(UINT32_MAX / 2);
		host_barrier_heavy();
		if (sim_stopped() < 0 || !inbox_count(&pool->inbox))
			break;
		bell_rescue(&pool->inbox.bell);
	}
	check(!inbox_count(&pool->inbox));
}

/* Nothing lies where nobody takes it; one that was held for long only loses nothing. */
static void owner_convicted(void)
{
	host_thread thread[4];
	bool late = sim_choose(2);

	set_up();
	go(thread, convict);
	nothing_is_left();
	if (late) {
		sim_go_on();
		nothing_is_left();
	}
	threads_stop(pool);
	for (int i = OWNER; i <= THIRD; i++)
		host_join(thread[i], HOST_FOREVER);
	if (late || sim_stopped() < 0)
		all_had();
}
SCENARIO(owner_convicted, "a task is lost with an owner that is convicted in a put",
	 .stop = 1 << OWNER | 1 << OTHER | 1 << THIRD, .share = 2);

/* ---- in a child --------------------------------------------------------------------- */

static void look_on(void *arg)
{
	(void)arg;
	while (!load_acquire(&answered) && !sim_forked())
		host_relax();
	if (!sim_forked())
		return;
	submit(PARENT);
	check(ward_pool_drain((struct ward_pool *)pool, WARD_FOREVER) == -ECHILD);
	check(ward_pool_destroy((struct ward_pool *)pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}

/* The owner, a thief, or a stranger goes on alone, in a child. */
static void owner_forks(void)
{
	host_thread thread[4];

	set_up();
	go(thread, look_on);
	sim_dawdle(UINT32_MAX / 2);
	threads_stop(pool);
	for (int i = OWNER; i <= THIRD; i++)
		host_join(thread[i], HOST_FOREVER);
	all_had();
}
SCENARIO(owner_forks, "a forked child takes a task, or waits for who is not there",
	 .forks = 1 << OWNER | 1 << OTHER | 1 << THIRD);
