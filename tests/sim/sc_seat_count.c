/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_seat_count.c - pools that grow, shrink and are resized, by their public calls,
 * while workers run, wait, park and die.  Budgets are long: nobody is convicted.
 */
#include "base/host.h"
#include "names.h"
#include "sim.h"
#include "pool/pool.h"
#include <string.h>
#include <ward/ward.h>

#define ERRANDS 4

enum kind {
	FINE,
	SENDS,	 /* submits the next one, declares that it waits, and waits for it */
	WAITS,	 /* for the next one, without a word */
	LEAVES,	 /* by pthread_exit */
	VANISHES /* by a raw exit */
};

static struct errand {
	struct ward_task task;
	enum kind kind;
	_Atomic uint32_t ran; /* futex */
	/* offstage */
	uint32_t done, released;
} errand[ERRANDS];
static struct ward_pool *pool;
static struct pool *in;
static _Atomic uint32_t bed; /* nobody rings here */
static uint64_t scan;

static void send(uint32_t i, enum kind kind);

static int run(struct ward_task *task)
{
	struct errand *e = (struct errand *)task;

	store_release(&e->ran, 1);
	host_wake(&e->ran, INT32_MAX);
	if (e->kind == LEAVES)
		host_exit();
	if (e->kind == VANISHES)
		sim_vanish();
	if (e->kind == SENDS) {
		send((uint32_t)(e + 1 - errand), FINE); /* as it is */
		ward_block_enter(WARD_FOREVER);
	}
	while (e->kind <= WAITS && e->kind != FINE && !load_acquire(&e[1].ran))
		host_wait(&e[1].ran, 0, HOST_FOREVER);
	ward_block_leave();
	return 0;
}

static offstage void counted(uint32_t *n)
{
	check(!(*n)++);
}

static void done(struct ward_task *task, int status)
{
	(void)status;
	counted(&((struct errand *)task)->done);
}

static void release(struct ward_task *task)
{
	counted(&((struct errand *)task)->released);
}

static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	sim_note("report: %s", ward_kind_name(r->kind));
}

static void set_up(uint32_t workers, uint32_t max)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = report };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	scan = sim_choose(2) ? WARD_MS(1) : WARD_MS(1000);
	policy.busy_within = policy.blocked_within = WARD_S(1000000);
	policy.declared_within = WARD_S(1000000);
	config.workers = workers;
	config.max = max;
	config.idle = 3 * scan;
	config.spares = 1;
	config.zombies = 1;
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
	in = (struct pool *)pool;
	name_pool(in);
	check(ward_pool_start(pool) == 0);
}

/* So that workers may be parking, and the steward may be going to sleep. */
static void rest(void)
{
	uint32_t how = sim_choose(4);

	if (how == 3)
		sim_dawdle(UINT32_MAX / 2); /* until all sleep */
	else if (how)
		host_wait(&bed, 0, host_now() + how * scan);
}

static void send(uint32_t i, enum kind kind)
{
	struct errand *e = &errand[i];

	if (kind)
		e->kind = kind;
	e->task.run = run;
	e->task.done = done;
	e->task.release = release;
	check(ward_submit(pool, &e->task, WARD_FOREVER) == 0);
}

/* Sleeps until so many seats are taken: nobody else is to do anything for that. */
static void comes_to(uint32_t n)
{
	for (;;) {
		uint32_t seen = load_acquire(&in->lives_changed);
		uint64_t word = load_acquire(&in->seat_count.word);

		if (SEATS_TAKEN(word) == n && !SEATS_LEAVING(word))
			return;
		host_wait(&in->lives_changed, seen, HOST_FOREVER);
	}
}

static offstage void all_released(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		check(errand[i].done == 1 && errand[i].released == 1);
}

static void ends(uint32_t n)
{
	struct ward_audit a = WARD_AUDIT_INIT;

	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	all_released(n);
	/* A10 is a wakeup by the steward's watch: time is too jerky for it. */
	if (ward_audit(pool, &a) && a.broken != 1u << 10)
		sim_fail(SIM_WRONG, "audit: %s", a.first);
	check(ward_pool_destroy(pool, WARD_FOREVER) == 0);
	check(sim_unfreed() == 0);
}

/* ---- resized ------------------------------------------------------------- */

/* Down, while workers work, search, park or sleep; and perhaps up again. */
static void seats_down(void)
{
	uint32_t tasks = sim_choose(3);

	set_up(2, 2);
	for (uint32_t i = 0; i < tasks; i++)
		send(i, FINE);
	rest();
	check(ward_pool_resize(pool, 1, 1) == 0);
	if (sim_choose(2)) {
		comes_to(1);
	} else {
		rest();
		check(ward_pool_resize(pool, 2, 2) == 0);
		comes_to(2);
	}
	send(tasks, FINE);
	ends(tasks + 1);
}
SCENARIO(seats_down, "one worker too many sleeps on, or one too few is left",
	 .steps = 200000, .rare = 6);

/* Two orders to leave, one after the other. */
static void seats_down_twice(void)
{
	set_up(3, 3);
	rest();
	check(ward_pool_resize(pool, 2, 3) == 0);
	check(ward_pool_resize(pool, 2, 2) == 0);
	check(ward_pool_resize(pool, 1, 1) == 0);
	comes_to(1);
	send(0, FINE);
	ends(1);
}
SCENARIO(seats_down_twice, "an order is taken back that was given anew",
	 .steps = 200000, .rare = 6);

static void other_size(void *arg)
{
	(void)arg;
	check(ward_pool_resize(pool, 1, 1) == 0);
}

/* The last size holds, of whichever thread. */
static void seats_two_sizes(void)
{
	host_thread other;
	struct size size;

	set_up(2, 3);
	send(0, FINE);
	check(!host_spawn(&other, NULL, other_size, NULL, NULL));
	check(ward_pool_resize(pool, 3, 3) == 0);
	host_join(other, HOST_FOREVER);
	size = size_of(load_acquire(&in->seat_count.size));
	check(size.base == 3 || size.base == 1);
	check(SEATS_WANTED(load_acquire(&in->seat_count.word)) == size.base);
	comes_to(size.base);
	send(1, FINE);
	ends(2);
}
SCENARIO(seats_two_sizes, "two sizes at once, and neither comes true",
	 .steps = 200000, .rare = 6);

/* Workers die while fewer are wanted, or more. */
static void seats_dies(void)
{
	uint32_t to = 1 + sim_choose(3);

	set_up(2, 3);
	send(0, sim_choose(2) ? LEAVES : VANISHES);
	if (sim_choose(2))
		rest();
	check(ward_pool_resize(pool, to, to) == 0);
	send(1, sim_choose(2) ? LEAVES : VANISHES);
	send(2, FINE);
	check(ward_pool_drain(pool, WARD_FOREVER) == 0);
	comes_to(to);
	ends(3);
}
SCENARIO(seats_dies, "a seat is healed that nobody wants, or is not",
	 .steps = 400000, .rare = 8);

/* ---- by the steward ------------------------------------------------------- */

/* The only worker waits for a task that only a worker can run. */
static void seats_lent(void)
{
	uint32_t n = 2 + sim_choose(2);

	set_up(1, 0);
	for (uint32_t i = 0; i < n - 1; i++)
		errand[i].kind = SENDS;
	send(0, SENDS);
	while (!load_acquire(&errand[n - 1].ran))
		host_wait(&errand[n - 1].ran, 0, HOST_FOREVER);
	comes_to(1);
	ends(n);
}
SCENARIO(seats_lent, "all wait for work that nobody is left to do",
	 .steps = 90000, .rare = 8);

/* On demand, and back when it was idle. */
static void seats_grows(void)
{
	set_up(1, 2);
	send(0, WAITS);
	send(1, FINE);
	while (!load_acquire(&errand[1].ran))
		host_wait(&errand[1].ran, 0, HOST_FOREVER);
	comes_to(1);
	ends(2);
}
SCENARIO(seats_grows, "it does not grow, or stays as it is for ever",
	 .steps = 90000, .rare = 8);
