/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_heal.c - seats and spares, and the steward's sleep: the handshakes of
 * healing by themselves, with few threads around them.
 */
#include "base/host.h"
#include "front/front.h"
#include "heal/heal.h"
#include "names.h"
#include "sim.h"
#include "task/task_priv.h"
#include <errno.h>
#include <string.h>

#define SLOTS 5

static struct pool *pool;
static _Atomic uint32_t seated[2]; /* the thread in the seat, plus one */

/* A pool without threads; the scenario's are its workers. */
static void set_up(uint32_t seats, uint32_t spares)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.busy_within = policy.blocked_within = WARD_MS(2000);
	config.workers = config.max = seats;
	config.spares = spares;
	config.zombies = SLOTS - seats - spares;
	config.ring = 4;
	config.scan = WARD_MS(1000);
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	check(pool_new(&pool, &config) == 0);
	name_pool(pool);
	pool->inbox.spin = 1;
	store_relaxed(&pool->slots_used, SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &pool->slot[i];

		slot->pool = pool;
		slot->index = i;
		slot->self.size = sizeof(slot->self);
		slot->self.pool = pool->name;
		local_init(&slot->local, i);
		host_life_init(&slot->thread.liveness);
		inbox_add_local(&pool->inbox, i, &slot->local);
	}
	atomic_init(&seated[0], 0);
	atomic_init(&seated[1], 0);
}

/* Slot i, in the seat of that number. */
static void sit(uint32_t i)
{
	struct slot *slot = &pool->slot[i];

	store_relaxed(&slot->seat.number, i);
	slot->self.worker = i;
	store_relaxed(&pool->seat[i], slot);
	store_relaxed(&slot->thread.life, (uint64_t)1 << 8 | LIFE_SEATED);
	check(seats_claim(&pool->seat_count, pool->seats));
	if (load_relaxed(&pool->seats_used) <= i)
		store_relaxed(&pool->seats_used, i + 1);
}

static void bear(uint32_t i)
{
	store_relaxed(&pool->slot[i].thread.life, (uint64_t)1 << 8 | LIFE_STARTING);
	add_relaxed(&pool->starting, 1);
}

/* ---- seats and spares ---------------------------------------------------- */

/* Slot i becomes a spare and takes the seat that it gets. */
static void spare(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg, nobody = 0;
	struct slot *slot = &pool->slot[i];

	host_life_hold(&slot->thread.liveness);
	if (spare_wait(pool, slot)) {
		check(slot->self.worker < pool->seats);
		check(load_acquire(&pool->seat[slot->self.worker]) == slot);
		check(cas_acq_rel(&seated[slot->self.worker], &nobody, i + 1));
	} else { /* as worker_leave() */
		sub_acq_rel(&pool->starting, 1);
		clerk_wake(pool);
	}
	host_life_leave(&slot->thread.liveness);
}

/* The worker of slot i is taken from its seat. */
static void unseat(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	struct slot *slot = &pool->slot[i];

	check(life_move(slot, load_acquire(&slot->thread.life), LIFE_ZOMBIE));
	seat_vacate(pool, slot, i, host_now());
}

static void go(uint32_t n, void (*const *fn)(void *), const uint32_t *arg)
{
	host_thread t[SIM_THREADS];

	for (uint32_t i = 0; i < n; i++)
		check(!host_spawn(&t[i], NULL, fn[i], NULL,
				  (void *)(uintptr_t)arg[i]));
	for (uint32_t i = 0; i < n; i++)
		host_join(t[i], HOST_FOREVER);
}

/* A seat falls vacant while a spare comes. */
static void heal_seat(void)
{
	set_up(1, 1);
	sit(0);
	bear(1);
	go(2, (void (*[])(void *)){ unseat, spare }, (uint32_t[]){ 0, 1 });
	check(load_acquire(&seated[0]) == 2);
	check(seats_vacant(&pool->seat_count) == 0);
	check(load_acquire(&pool->spares_ready) == 0);
}
SCENARIO(heal_seat, "a seat stays vacant beside a spare", .bound = 1,
	 .share = 2);

/* Two of each; then every seat is taken, by two different ones. */
static void heal_two_seats(void)
{
	set_up(2, 2);
	sit(0);
	sit(1);
	bear(2);
	bear(3);
	go(4, (void (*[])(void *)){ unseat, unseat, spare, spare },
	   (uint32_t[]){ 0, 1, 2, 3 });
	check(load_acquire(&seated[0]) && load_acquire(&seated[1]));
	check(load_acquire(&seated[0]) != load_acquire(&seated[1]));
	check(seats_vacant(&pool->seat_count) == 0);
	check(load_acquire(&pool->spares_ready) == 0);
}
SCENARIO(heal_two_seats, "the same with two seats and two spares", .share = 2);

/* A spare is told to leave while a seat falls vacant. */
static void stop(void *arg)
{
	uint32_t none = CALL_NONE;

	(void)arg;
	store_release(&pool->stopping, 1);
	host_barrier_heavy();
	for (uint32_t i = 0; i < SLOTS; i++) {
		none = CALL_NONE;
		if (cas_acq_rel(&pool->slot[i].seat.call, &none, CALL_STOP))
			host_wake(&pool->slot[i].seat.call, 1);
	}
	spare_lives_changed(pool);
}

static void heal_stopping(void)
{
	struct slot *slot;

	set_up(1, 1);
	sit(0);
	bear(1);
	go(3, (void (*[])(void *)){ unseat, spare, stop },
	   (uint32_t[]){ 0, 1, 0 });
	slot = load_acquire(&pool->seat[0]);
	check(slot == (load_acquire(&seated[0]) ? &pool->slot[1] : NULL));
}
SCENARIO(heal_stopping, "a spare sleeps on although the pool stops",
	 .share = 2);

/* As a worker does that comes up, and then ends without an exit cleanup. */
static void vanishes(void *arg)
{
	struct slot *slot = &pool->slot[(uint32_t)(uintptr_t)arg];

	host_life_hold(&slot->thread.liveness);
	spare_lives_changed(pool);
	sim_dawdle(UINT32_MAX / 2); /* until the spare sleeps, or does not */
	sim_vanish();
}

/*
 * A spare lists the lives that it watches while another thread comes up: that one's end
 * is noticed by the spare, for no steward looks by and by here.
 */
static void heal_watched(void)
{
	host_thread s, v;

	set_up(1, 1);
	sit(0);
	bear(1);
	check(!host_spawn(&s, NULL, spare, NULL, (void *)(uintptr_t)1));
	add_relaxed(&pool->refs, 1); /* as its maker does */
	add_relaxed(&pool->alive, 1);
	check(!host_spawn(&v, NULL, vanishes, NULL, NULL));
	host_join(s, HOST_FOREVER);
	check(load_acquire(&seated[0]) == 2);
	check(load_acquire(&pool->deaths) == 1);
}
SCENARIO(heal_watched, "a thread that comes up is watched by nobody", .share = 2);

/* ---- seats and sizes ----------------------------------------------------- */

static void resize(void *arg)
{
	check(ward_pool_resize((struct ward_pool *)pool,
			       (uint32_t)(uintptr_t)arg, 0) == 0);
}

/* Another seat comes to be wanted while a spare comes. */
static void heal_wanted(void)
{
	set_up(2, 1);
	resize((void *)(uintptr_t)1);
	sit(0);
	bear(1);
	go(2, (void (*[])(void *)){ resize, spare }, (uint32_t[]){ 2, 1 });
	check(load_acquire(&seated[1]) == 2);
	check(seats_vacant(&pool->seat_count) == 0);
	check(load_acquire(&pool->spares_ready) == 0);
}
SCENARIO(heal_wanted, "a seat that comes to be wanted stays empty", .bound = 1,
	 .share = 2);

static _Atomic uint32_t left;

static void leave(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	if (seat_leave(pool, &pool->slot[i])) {
		sub_acq_rel(&pool->starting, 1); /* it goes for good */
		add_acq_rel(&left, 1);
	}
}

/* An order is given while another one is taken back. */
static void heal_order(void)
{
	atomic_init(&left, 0);
	set_up(2, 1);
	sit(0);
	sit(1);
	go(2, (void (*[])(void *)){ leave, resize }, (uint32_t[]){ 0, 1 });
	check(seats_over(&pool->seat_count) == !load_acquire(&left));
	check(!seats_over(&pool->seat_count) ||
	      load_acquire(&pool->inbox.controls) & CONTROL_LEAVE);
}
SCENARIO(heal_order, "one is too many, and there is no order", .bound = 2);

/*
 * Two may leave, of which one is too many; then it is not any more, and a spare comes:
 * while all seats are taken it can sit down nowhere.
 */
static void heal_left(void)
{
	host_thread s;
	uint32_t gone;
	uint64_t word;

	atomic_init(&left, 0);
	set_up(2, 2);
	sit(0);
	sit(1);
	resize((void *)(uintptr_t)1);
	bear(2);
	check(!host_spawn(&s, NULL, spare, NULL, (void *)(uintptr_t)2));
	go(3, (void (*[])(void *)){ leave, leave, resize },
	   (uint32_t[]){ 0, 1, 2 });
	sim_dawdle(UINT32_MAX / 2); /* until it sits, or sleeps */
	gone = add_acq_rel(&left, 0); /* the newest there is */
	word = add_acq_rel(&pool->seat_count.word, 0);
	check(gone <= 1);
	check(SEATS_LEAVING(word) == 0);
	check(SEATS_TAKEN(word) == 2);
	check((add_acq_rel(&seated[0], 0) || add_acq_rel(&seated[1], 0)) ==
	      gone);
	sim_enough();
}
SCENARIO(heal_left, "two leave for one too many, or a seat stays empty",
	 .share = 2);

/* A seat is taken by the last spare: the clerk sees to another. */
static void heal_spare(void)
{
	struct heal *heal;
	host_thread s;

	set_up(1, 1);
	sim_private(&ward_pulse_);
	sit(0);
	bear(1);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	check(!clerk_start(heal));
	check(!host_spawn(&s, NULL, spare, NULL, (void *)(uintptr_t)1));
	unseat((void *)(uintptr_t)0);
	clerk_wake(pool); /* as the thread that unseats does */
	sim_dawdle(UINT32_MAX / 2); /* until everybody else sleeps */
	host_barrier_heavy();
	check(load_acquire(&pool->seat[0])); /* by the spare, or its successor */
	check(load_acquire(&pool->spares_ready) >= 1);
	sim_enough();
}
SCENARIO(heal_spare, "nobody makes a spare in place of the one that was seated",
	 .share = 2);

/* ---- the steward's sleep ------------------------------------------------- */

static struct ward_task task;
static _Atomic uint32_t bed; /* nobody rings here */

static int run(struct ward_task *t)
{
	(void)t;
	return 0;
}

/* Takes the task and stays inside of it until it is fenced. */
static void stuck(void *arg)
{
	struct slot *slot = &pool->slot[0];
	struct ward_task *t;

	(void)arg;
	store_relaxed(&slot->thread.tid, host_tid());
	host_stat_open(&slot->thread.stat_files, host_tid());
	t = inbox_next(&pool->inbox, &slot->local, 0);
	check(t == &task);
	slot_begin(slot, t, SLOT_RUN);
	while (!slot_taken(slot))
		host_relax();
	check(!slot_end(slot));
}

/* The steward goes to sleep while a worker leaves the park. */
static void heal_asleep(void)
{
	struct ward_task *one = &task;
	struct ring *full;
	struct heal *heal;
	host_thread w;

	atomic_init(&bed, 0);
	memset(&task, 0, sizeof(task));
	task.run = run;
	set_up(1, 1);
	sit(0);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	sim_looks = 1 + 11 * sim_choose(2); /* maybe by a deputy, later */
	check(!host_spawn(&w, NULL, stuck, NULL, NULL));
	check(steward_start(heal) == 0);
	/* Everything is asleep after two scans or three, with a rest after each. */
	host_wait(&bed, 0,
		  host_now() + WARD_MS(250) * sim_choose(16) + sim_choose(80));
	task_open(task_priv(&task));
	check(inbox_put(&pool->inbox, NULL, &one, 1, &full) == 1);
	host_join(w, HOST_FOREVER);
	steward_stop(heal, HOST_FOREVER);
}
SCENARIO(heal_asleep, "the steward sleeps while a task hangs", .share = 2,
	 .steps = 12000);

/* Beats and declared waits by turns, and no progress, until it is fenced. */
static void dallies(void *arg)
{
	struct slot *slot = &pool->slot[0];

	(void)arg;
	store_relaxed(&slot->thread.tid, host_tid());
	host_stat_open(&slot->thread.stat_files, host_tid());
	slot_begin(slot, &task, SLOT_RUN);
	while (!slot_taken(slot)) {
		store_relaxed(&slot->declared, HOST_FOREVER);
		host_wait(&bed, 0, host_now() + WARD_MS(1) * sim_choose(2000));
		store_relaxed(&slot->declared, 0);
		__atomic_store_n(&slot->pulse.beats, slot->pulse.beats + 1,
				 __ATOMIC_RELAXED);
	}
	check(!slot_end(slot));
}

static void heal_dallies(void)
{
	struct heal *heal;
	host_thread w;

	atomic_init(&bed, 0);
	memset(&task, 0, sizeof(task));
	task.run = run;
	set_up(1, 1);
	pool->policy.progress_within = pool->policy.declared_within = WARD_MS(3000);
	sit(0);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	task_open(task_priv(&task));
	check(!host_spawn(&w, NULL, dallies, NULL, NULL));
	check(steward_start(heal) == 0);
	host_join(w, HOST_FOREVER);
	steward_stop(heal, HOST_FOREVER);
}
SCENARIO(heal_dallies, "one that declares its waits is believed for ever",
	 .steps = 12000);

static void dozes(void *arg)
{
	steward_sleep(arg, 0, HOST_FOREVER);
}

/*
 * As before, of its last step alone: one is parked, and is woken while the steward lies
 * down.  Nobody else is there: what the bell's woke() misses stays missed.
 */
static void heal_dozes(void)
{
	struct bell *bell;
	struct heal *heal;
	host_thread s;

	set_up(1, 1);
	sit(0);
	bell = &pool->inbox.bell;
	store_relaxed(&bell->sleeper[0].parked, 1);
	store_relaxed(&bell->word, (uint64_t)1 << BELL_TOP_SHIFT);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	check(steward_may_sleep(pool));
	check(!host_spawn(&s, NULL, dozes, NULL, load_relaxed(&heal->newest)));
	bell_ring_asleep(bell, NULL);
	host_join(s, HOST_FOREVER); /* it was rung, or has not slept */
}
SCENARIO(heal_dozes, "the steward falls asleep while one leaves the park",
	 .bound = 2);

/* Inside of a task for some scans; then it leaves its seat, and ends. */
static void leaver(void *arg)
{
	struct slot *slot = &pool->slot[0], *me = slot;

	(void)arg;
	store_relaxed(&slot->thread.tid, host_tid());
	host_stat_open(&slot->thread.stat_files, host_tid());
	store_release(&pool->seat[0], slot);
	slot_begin(slot, &task, SLOT_RUN);
	host_wait(&bed, 0,
		  host_now() + WARD_MS(1000) * sim_choose(4) + sim_choose(80));
	if (sim_choose(2))
		slot_end(slot); /* else it died there */
	while (!life_move(slot, load_acquire(&slot->thread.life), LIFE_GONE))
		;
	cas_acq_rel(&pool->seat[0], &me, NULL);
	clerk_wake(pool);
}

/* The worker is reaped while the steward looks at its slot. */
static void heal_buried(void)
{
	struct heal *heal;

	atomic_init(&bed, 0);
	memset(&task, 0, sizeof(task));
	set_up(1, 1);
	pool->policy.busy_within = pool->policy.blocked_within =
		WARD_MS(60000);
	store_relaxed(&pool->stopping, 1); /* the clerk makes no other */
	sit(0);
	store_relaxed(&pool->seat[0], NULL);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	check(steward_start(heal) == 0);
	check(!clerk_start(heal));
	check(!host_spawn(&pool->slot[0].thread.handle, NULL, leaver, NULL, NULL));
	store_relaxed(&pool->slot[0].thread.join_state, JOIN_MADE);
	while (LIFE_STATE(load_acquire(&pool->slot[0].thread.life)) != LIFE_FREE)
		host_relax();
	clerk_stop(heal);
	check(clerk_rests(heal, HOST_FOREVER));
	check(clerk_end(heal, false, HOST_FOREVER) == 0);
	steward_stop(heal, HOST_FOREVER);
}
SCENARIO(heal_buried, "the steward looks through an eye that was closed",
	 .share = 2);

/* As a steward does that goes along a chain of waiting threads. */
static void looks_along(void *arg)
{
	struct steward *steward = arg;
	struct history history = { .sampled_at = 1, .sample.state = 'S' };

	for (int i = 0; i < 4; i++) {
		excuse_wanted(pool, &history, 0, &steward->also);
		host_yield();
	}
	store_release(&steward->also, NULL);
	clerk_wake(pool);
}

static void heal_row(void)
{
	struct heal *heal;
	host_thread looker;

	atomic_init(&bed, 0);
	memset(&task, 0, sizeof(task));
	set_up(1, 1);
	store_relaxed(&pool->stopping, 1);
	sit(0);
	store_relaxed(&pool->seat[0], NULL);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	check(!clerk_start(heal));
	check(!host_spawn(&looker, NULL, looks_along, NULL,
			  load_relaxed(&heal->newest)));
	check(!host_spawn(&pool->slot[0].thread.handle, NULL, leaver, NULL, NULL));
	store_relaxed(&pool->slot[0].thread.join_state, JOIN_MADE);
	while (LIFE_STATE(load_acquire(&pool->slot[0].thread.life)) != LIFE_FREE)
		host_relax();
	host_join(looker, HOST_FOREVER);
	clerk_stop(heal);
	check(clerk_rests(heal, HOST_FOREVER));
	check(clerk_end(heal, false, HOST_FOREVER) == 0);
}
SCENARIO(heal_row, "an eye is closed while a row is gone along", .share = 2);

/* ---- tasks that wait ----------------------------------------------------- */

static struct ward_task waiter[2];
static struct slot failer[2]; /* of their workers */

static offstage void takes_one(uint32_t *taken, const struct ward_task *t)
{
	check(t == &waiter[0] || t == &waiter[1]);
	check(!(*taken & 1u << (t - waiter)));
	*taken |= 1u << (t - waiter);
	check(t->priv[7] && t->priv[7] <= host_now()); /* not before its time */
}

static void worker(void *arg)
{
	struct slot *slot = &pool->slot[0];
	uint32_t taken = 0;

	(void)arg;
	while (taken != 3) {
		struct ward_task *t =
			inbox_next(&pool->inbox, &slot->local, slot->index);

		takes_one(&taken, t);
	}
}

static void failing(void *arg)
{
	struct ward_task *t = arg;
	struct slot *slot = &failer[t - waiter];

	task_open(task_priv(t));
	slot_begin(slot, t, SLOT_RUN);
	check(lost_again(pool, slot, t, -EIO, 1));
}

/* Tasks fail while the steward scans, goes to sleep, sleeps. */
static void heal_waits(void)
{
	struct heal *heal;
	host_thread w, f;

	atomic_init(&bed, 0);
	memset(waiter, 0, sizeof(waiter));
	memset(failer, 0, sizeof(failer));
	set_up(1, 1);
	pool->policy.runs = 2;
	pool->policy.errors = 1;
	pool->policy.backoff_min = pool->policy.backoff_max =
		WARD_MS(500) << sim_choose(5);
	sit(0);
	heal = heal_new(pool);
	check(heal);
	pool->helpers = heal;
	check(!host_spawn(&w, NULL, worker, NULL, NULL));
	check(steward_start(heal) == 0);
	host_wait(&bed, 0,
		  host_now() + WARD_MS(1000) * sim_choose(4) + sim_choose(80));
	check(!host_spawn(&f, NULL, failing, NULL, &waiter[0]));
	failing(&waiter[1]);
	host_join(f, HOST_FOREVER);
	host_join(w, HOST_FOREVER);
	check(load_relaxed(&pool->inbox.later.waiting) == 0);
	steward_stop(heal, HOST_FOREVER);
}
SCENARIO(heal_waits, "the steward sleeps past a task that waits", .share = 2,
	 .steps = 12000);
