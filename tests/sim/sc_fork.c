/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_fork.c - forks in the whole pool: stolen or not, joined, slept for, hung, lost,
 * and their makers, too.
 *
 * What must hold: a fork has run, and nobody is inside of it, when its join returns;
 * nor when its task is given back, however its maker left; nobody sleeps beside a
 * fork; the books are right in the end.
 */
#include "base/host.h"
#include "names.h"
#include "pool/pool.h"
#include "sim.h"
#include <errno.h>
#include <string.h>
#include <ward/ward.h>

enum kind { FINE, SPINS, LEAVES, VANISHES, RAISES, PAUSES };
#define BAD 7

static struct part {
	struct ward_fork fork;
	/* On no stack: there the memory models would write it after it is left. */
	struct ward_group group;
	enum kind kind;
	bool parent; /* has a part of its own, the next one */
	_Atomic uint32_t begun;
	uint32_t sum; /* plain: read after the join */
	uint64_t number;
	/* offstage */
	uint32_t runs, inside;
	unsigned by;
} part[3];

static struct root {
	struct ward_task task;
	struct ward_group group;
	enum kind kind; /* what it does in place of the join */
	bool waits;	/* until its part was begun, elsewhere */
	_Atomic uint32_t gate;
	uint64_t number;
	/* offstage */
	uint32_t done, released, joins;
	int status;
} root;
static struct ward_pool *pool;
static _Atomic uint32_t bed;
static bool alone; /* forks without a group */

static offstage void enter(struct part *p)
{
	check(!p->runs++);
	check(!root.released);
	p->inside++;
	p->by = sim_me();
}

static offstage void leave(struct part *p)
{
	p->inside--;
}

static offstage void nobody_inside(uint32_t from)
{
	for (uint32_t i = from; i < 3; i++)
		check(!part[i].inside);
}

static offstage void joined(uint32_t from)
{
	check(part[from].runs == 1);
	nobody_inside(from);
	root.joins++;
}

/* All that is on the caller's stack. */
static offstage void leave_all(void)
{
	for (uint32_t i = 0; i < 3; i++)
		if (part[i].by == sim_me())
			part[i].inside = 0;
}

static int do_it(enum kind kind)
{
	if (kind >= LEAVES)
		leave_all();
	/* Not for ever: stewards that are late are replaced, up to the last thread
	 * that the simulator has, and then nobody is convicted any more. */
	for (int n = 0; kind == SPINS && n < 2000; n++) {
		if (load_acquire(&root.gate))
			break;
		host_relax();
	}
	if (kind == LEAVES)
		host_exit();
	if (kind == VANISHES)
		sim_vanish();
	if (kind == RAISES)
		ward_raise(BAD, "%s", "as it shall");
	return 0;
}

static int part_run(struct ward_fork *fork);

static void fork_part(struct ward_group *group, struct part *p)
{
	check((alone ? ward_fork_call(&p->fork) : ward_fork(group, &p->fork)) ==
	      0);
}

static int join_part(struct ward_group *group, struct part *p)
{
	return alone ? ward_join_call(&p->fork, part_run) : ward_join(group);
}

static int part_run(struct ward_fork *fork)
{
	struct part *p = (struct part *)fork;
	int err = 0;

	enter(p);
	if (p->kind == PAUSES)
		check(ward_fence(&p->number) == 0);
	store_release(&p->begun, 1);
	if (p->parent) {
		fork_part(&p->group, p + 1);
		err = join_part(&p->group, p + 1);
		if (!err) {
			joined((uint32_t)(p - part) + 1);
			p->sum += p[1].sum;
		}
	}
	p->sum++;
	if (p->kind == SPINS)
		do_it(SPINS);
	if (p->kind == PAUSES)
		err = ward_pause(HOST_FOREVER);
	leave(p);
	return err || p->kind == PAUSES ? err : do_it(p->kind);
}

static int root_run(struct ward_task *task)
{
	int err;

	(void)task;
	fork_part(&root.group, part);
	if (part[0].kind == PAUSES)
		check(ward_fence(&root.number) == 0);
	while (root.waits && !load_acquire(&part[0].begun) &&
	       !load_acquire(&root.gate))
		host_relax();
	if (root.kind)
		return do_it(root.kind);
	err = join_part(&root.group, part);
	if (!err) {
		joined(0);
		check(part[0].sum == (part[0].parent ? 2 : 1));
	}
	return err;
}

static offstage void is_done(int status)
{
	check(!root.done++);
	root.status = status;
}

static void done(struct ward_task *task, int status)
{
	(void)task;
	is_done(status);
	store_release(&root.gate, 1);
	host_wake(&root.gate, INT32_MAX);
}

static offstage void is_released(void)
{
	check(root.done == 1);
	check(!root.released++);
	nobody_inside(0);
}

static void release(struct ward_task *task)
{
	(void)task;
	is_released();
}

static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	sim_note("report: %s", ward_kind_name(r->kind));
}

static uint64_t patience = WARD_S(3);

static void set_up(uint32_t workers)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = report };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.busy_within = policy.blocked_within = patience;
	patience = WARD_S(3); /* the next run's is its own */
	config.workers = workers;
	config.spares = 1;
	config.zombies = 3;
	config.ring = 4;
	/* Joins look again and again: time passes by jerks of their naps. */
	config.scan = WARD_S(1);
	config.stack = 64 << 10;
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	config.hooks = &hooks;
	memset(part, 0, sizeof(part));
	memset(&root, 0, sizeof(root));
	atomic_init(&bed, 0);
	alone = sim_choose(2);
	for (int i = 0; i < 3; i++)
		part[i].fork.run = part_run;
	root.task.run = root_run;
	root.task.done = done;
	root.task.release = release;
	sim_private(&ward_pulse_);
	check(ward_pool_create(&pool, &config) == 0);
	name_pool((struct pool *)pool);
	check(ward_pool_start(pool) == 0);
	if (sim_choose(2))
		host_wait(&bed, 0, host_now() + WARD_S(sim_choose(8)));
}

static void to_the_end(void)
{
	struct ward_audit a = WARD_AUDIT_INIT;

	check(ward_submit(pool, &root.task, WARD_FOREVER) == 0);
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	check(root.released == 1);
	if (ward_audit(pool, &a) && a.broken != 1u << 10)
		sim_fail(SIM_WRONG, "audit: %s", a.first);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}

static void fork_joined(void)
{
	set_up(2);
	part[0].parent = sim_choose(2);
	to_the_end();
	check(root.status || root.joins);
}
SCENARIO(fork_joined, "a fork is lost, run twice, or in use after its join",
	 .steps = 200000, .rare = 4);

/* The fork begins elsewhere, or no task ever ends. */
static void fork_wakes(void)
{
	patience = WARD_S(1000000);
	set_up(2);
	root.waits = true;
	to_the_end();
	check(root.joins == 1);
}
SCENARIO(fork_wakes, "an idle worker sleeps beside a fork", .steps = 200000,
	 .rare = 4);

static void fork_part_lost(void)
{
	set_up(2);
	root.waits = sim_choose(2);
	part[0].parent = sim_choose(2);
	part[part[0].parent && sim_choose(2)].kind =
		(enum kind)(SPINS + sim_choose(4));
	to_the_end();
}
SCENARIO(fork_part_lost, "a part that hangs or is lost takes its maker's frame",
	 .steps = 200000, .rare = 4);

static void fork_maker_lost(void)
{
	set_up(2);
	root.waits = sim_choose(2);
	part[0].parent = sim_choose(2);
	root.kind = (enum kind)(SPINS + sim_choose(4));
	to_the_end();
}
SCENARIO(fork_maker_lost, "a maker that leaves takes its parts' frame along",
	 .steps = 200000, .rare = 4);

static void fork_destroyed(void)
{
	set_up(1 + sim_choose(2));
	root.kind = sim_choose(2) ? VANISHES : FINE;
	root.waits = root.kind && sim_choose(2);
	part[0].parent = sim_choose(2);
	part[0].kind = sim_choose(2) ? SPINS : FINE;
	check(ward_submit(pool, &root.task, WARD_FOREVER) == 0);
	if (ward_pool_destroy(pool, host_now() + WARD_S(sim_choose(6))) > 0)
		while (sim_unfreed())
			host_yield();
	check(root.released == 1);
	check(sim_unfreed() == 0);
}
SCENARIO(fork_destroyed, "destroy and a fork that is out wait for each other",
	 .steps = 200000, .rare = 4);

/* The fork waits for nothing but a word of it; and both have drawn one number. */
static void fork_cancelled(void)
{
	patience = WARD_S(1000000);
	set_up(2);
	root.waits = true;
	part[0].kind = PAUSES;
	check(ward_submit(pool, &root.task, WARD_FOREVER) == 0);
	while (!load_acquire(&part[0].begun))
		host_yield();
	check(ward_task_cancel(pool, &root.task, -EINTR) == -EINPROGRESS);
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	check(root.status == -EINTR && root.released == 1);
	check(root.number == part[0].number);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}
SCENARIO(fork_cancelled,
	 "a stolen fork sleeps on though its task was cancelled",
	 .steps = 200000, .rare = 4);

/*
 * The smallest worker beside the smallest maker, and no steward to wake it.  The maker joins
 * what has ended, a fork of it lies there, and it looks at nothing else.
 */
static struct pool bare;
static struct slot maker, worker;
static void *_Atomic places[2][DEQUE_SIZE];
static _Atomic uint32_t ended;

static struct ward_task *bare_steal_from(struct inbox *inbox,
					 struct local_queue *local,
					 struct local_queue *victim)
{
	struct ward_fork *fork;
	uint64_t number;

	(void)inbox;
	(void)local;
	if (!deque_offers(&victim->deque))
		return NULL;
	fork = deque_look(&victim->deque, &number);
	return fork && deque_win(&victim->deque, number) ? (void *)fork : NULL;
}

static struct ward_task *bare_steal(struct inbox *inbox,
				    struct local_queue *local)
{
	return inbox_steal(inbox, local, bare_steal_from);
}

static void bare_slot(struct slot *slot, uint32_t i)
{
	memset(slot, 0, sizeof(*slot));
	slot->pool = &bare;
	slot->index = i;
	local_init(&slot->local, i);
	deque_init(&slot->local.deque, places[i], &bare.inbox.bell.word);
	deque_close(&slot->local.deque);
	slot->local.steal_fork = bare_steal;
	inbox_add_local(&bare.inbox, i, &slot->local);
	sim_name(&slot->local.deque.bottom, "bottom of %u", i);
	sim_name(&slot->local.deque.split, "split of %u", i);
	sim_name(&slot->local.deque.top, "top of %u", i);
}

static void bare_worker(void *arg)
{
	void *fork;

	(void)arg;
	while ((fork = inbox_search(&bare.inbox, &worker.local, 1))) {
		store_release(fork_end(fork), ALONE_ENDED(0));
		add_acq_rel(&ended, 1);
	}
}

static int bare_run(struct ward_fork *fork)
{
	(void)fork;
	add_acq_rel(&ended, 1);
	return 0;
}

static void fork_rings(void)
{
	struct host_spawn how = { .name = "worker" };
	host_thread thread;

	memset(&bare, 0, sizeof(bare));
	memset(part, 0, sizeof(part));
	atomic_init(&ended, 0);
	check(inbox_init(&bare.inbox, 1, 2, 2, 1, NULL, NULL) == 0);
	bare.inbox.spin = 1 + sim_choose(2);
	sim_name(&bare.inbox.bell.word, "bell");
	bare_slot(&maker, 0);
	bare_slot(&worker, 1);
	store_relaxed(&maker.word, SLOT_RUN);
	sim_private(&ward_pulse_);
	ward_pulse_ = &maker.pulse;
	check(host_spawn(&thread, &how, bare_worker, NULL, NULL) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		part[i].fork.run = bare_run;
		sim_dawdle(sim_choose(24));
		check(ward_fork_call(&part[i].fork) == 0);
		if (i)
			check(ward_join_call(&part[0].fork, bare_run) == 0);
		while (load_acquire(&ended) <= i)
			host_relax();
	}
	ward_pulse_ = NULL;
	bell_close(&bare.inbox.bell);
	host_join(thread, HOST_FOREVER);
	inbox_fini(&bare.inbox);
	check(sim_unfreed() == 0);
}
SCENARIO(fork_rings, "the same, and there is no steward to wake it");
