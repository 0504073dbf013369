/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steward whole, with the pool's records but without a thread: time, the
 * workers and what the kernel says of them are the test's.
 */
#include "fake_host.h"
#include "front/front.h"

#include "../../lib/heal/steward.c"
#include <criterion/criterion.h>
#include <signal.h>

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define START (1000 * S)
#define SCAN (10 * MS)

enum { WORKERS = 3, SPARES = 2, ZOMBIES = 4 };

static struct pool *pool;
static struct heal *heal;
static struct steward *office; /* the steward in office */
static struct ward_task task[WORKERS + SPARES];
static struct ward_policy policy = { .size = sizeof(policy) };

/* ---- a pool without threads ------------------------------------------ */

static int32_t tid_of(uint32_t i)
{
	return 10 + (int32_t)i;
}

static void people(uint32_t i)
{
	struct slot *slot = &pool->slot[i];

	cr_assert_eq(thread_spawn(pool, slot), 0);
	sub_acq_rel(&pool->starting, 1);
	store_relaxed(&slot->thread.tid, tid_of(i));
	host_stat_open(&slot->thread.stat_files, tid_of(i));
	store_relaxed(&pool->inbox.bell.sleeper[i].parked, 1);
	fake_turns_to(tid_of(i), SLEEPS);
}

/* So many seats are taken. */
static void takes(uint32_t n)
{
	store_relaxed(&pool->seat_count.word, WORKERS + n * SEATS_TAKEN_ONE);
	store_relaxed(&pool->seats_used, WORKERS);
}

static void make(struct ward_pool_config config)
{
	config.workers = config.max = WORKERS;
	config.spares = SPARES;
	config.zombies = ZOMBIES;
	config.scan = SCAN;
	config.policy = &policy;
	fake = (struct fake){ .now = START };
	cr_assert_eq(pool_new(&pool, &config), 0);
	heal = heal_new(pool);
	cr_assert_not_null(heal);
	pool->helpers = heal;
	for (uint32_t i = 0; i < WORKERS + SPARES; i++) {
		people(i);
		if (i < WORKERS) {
			store_relaxed(&pool->slot[i].thread.life, LIFE_SEATED);
			store_relaxed(&pool->slot[i].seat.number, i);
			store_relaxed(&pool->seat[i], &pool->slot[i]);
		} else {
			store_relaxed(&pool->slot[i].thread.life, LIFE_SPARE);
			stack_push(&pool->spares, i);
		}
	}
	takes(WORKERS);
	store_relaxed(&pool->slots_used, WORKERS + SPARES);
	store_relaxed(&pool->spares_ready, SPARES);
	office = load_relaxed(&heal->newest);
	office->quiet_since = fake.now;
}

static void setup(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.busy_within = S;
	policy.blocked_within = 2 * S;
	make(config);
}

static void teardown(void)
{
	heal_free(heal);
	store_relaxed(&pool->refs, 1);
	pool_put(pool);
}

TestSuite(steward, .init = setup, .fini = teardown);

/* ---- workers --------------------------------------------------------- */

static void begins(uint32_t i, enum slot_phase phase, enum doing doing)
{
	task[i].name = "task";
	task_open(task_priv(&task[i]));
	store_relaxed(&pool->inbox.bell.sleeper[i].parked, 0);
	slot_begin(&pool->slot[i], &task[i], phase);
	add_relaxed(&pool->slot[i].started, 1);
	fake_turns_to(tid_of(i), doing);
}

static void ends(uint32_t i)
{
	cr_assert(slot_end(&pool->slot[i]));
	store_relaxed(&pool->inbox.bell.sleeper[i].parked, 1);
	fake_turns_to(tid_of(i), SLEEPS);
}

static enum slot_life life_of(uint32_t i)
{
	return LIFE_STATE(load_relaxed(&pool->slot[i].thread.life));
}

/* ---- time goes on ---------------------------------------------------- */

static void (*each_scan)(void);

static bool one_scan(uint64_t late)
{
	bool busy;

	office->due = fake.now + SCAN;
	fake_time(SCAN + late);
	if (each_scan)
		each_scan();
	busy = scan(office, fake.now);
	cr_assert_eq(load_relaxed(&pool->broken), 0);
	return busy;
}

/* Scans for so long, or until something was convicted: when. */
static uint64_t scans_for(uint64_t ns)
{
	uint64_t until = fake.now + ns;

	while (fake.now < until && !load_relaxed(&pool->stalled))
		one_scan(0);
	return fake.now;
}

static bool is_innocent(void)
{
	return load_relaxed(&pool->stalled) == 0 &&
	       load_relaxed(&pool->zombies_out) == 0;
}

/* ---- what was told --------------------------------------------------- */

static struct incident *told(enum ward_kind kind, uint32_t *times)
{
	struct incident *found = NULL;
	uint64_t top = load_relaxed(&pool->tell.ready.top);
	uint32_t n = 0, i = (uint32_t)top ? (uint32_t)top - 1 : STACK_NONE;

	for (; i != STACK_NONE; i = stack_after(&pool->tell.ready, i)) {
		if (pool->tell.record[i].report.kind != kind)
			continue;
		found = found ? found : &pool->tell.record[i];
		n++;
	}
	if (times)
		*times = n;
	return found;
}

static uint32_t times_told(enum ward_kind kind)
{
	uint32_t times;

	told(kind, &times);
	return times;
}

/* ---- a conviction ---------------------------------------------------- */

/* Worker 1 was fenced, and a spare has its seat. */
static void is_replaced(enum verdict verdict, enum ward_kind kind,
			uint64_t budget)
{
	const struct incident *in = told(kind, NULL);
	struct slot *heir = load_relaxed(&pool->seat[1]);
	struct ward_task *owed = later_take(&pool->inbox);

	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert(slot_taken(&pool->slot[1]));
	cr_assert_not_null(heir);
	cr_assert_neq(heir, &pool->slot[1]);
	cr_assert_eq(LIFE_STATE(load_relaxed(&heir->thread.life)), LIFE_SEATED);
	cr_assert_eq(load_relaxed(&heir->seat.call), CALL_SEAT);
	cr_assert_eq(heir->self.worker, 1);
	cr_assert_eq(heir->seat.vacated, fake.now);
	cr_assert_eq(seats_vacant(&pool->seat_count), 0);
	cr_assert_eq(load_relaxed(&pool->spares_ready), SPARES - 1);
	cr_assert_eq(load_relaxed(&pool->zombies_out), 1);
	cr_assert_eq(load_relaxed(&pool->zombies_entered), 1);
	cr_assert_eq(load_relaxed(&pool->stalled), 1);
	cr_assert_eq(load_relaxed(&heal->convicted[verdict]), 1);

	cr_assert_eq(owed, &task[1]);
	cr_assert_eq(task_state(load_relaxed(&task_priv(owed)->word)),
		     TASK_LOST);
	cr_assert_eq(task_refs(load_relaxed(&task_priv(owed)->word)), 1);
	cr_assert_eq(task_priv(owed)->status, -ETIME);

	cr_assert_not_null(in);
	cr_assert_eq(times_told(kind), 1);
	cr_assert_eq(in->report.id, ward_incident(owed));
	cr_assert_eq(in->report.worker, 1);
	cr_assert_eq(in->report.tid, tid_of(1));
	cr_assert_eq(in->report.attempt, 1);
	cr_assert_str_eq(in->report.task, "task");
	cr_assert_eq(in->report.at, fake.now);
	cr_assert_eq(in->report.budget, budget);
	cr_assert(ledger_adds_up(&in->report.ledger));
	cr_assert_eq(in->trace, &pool->slot[1].thread.trace);
	cr_assert_eq(FENCE_EPOCH(load_relaxed(&pool->slot[1].fence)),
		     in->trace_epoch, "of that attempt");
	cr_assert_eq(in->heal, &pool->healed[1]);
	cr_assert_not(in->abort);
}

Test(steward, convicts_a_spinner_in_time)
{
	struct incident *in;
	uint64_t from, when;

	one_scan(0);
	fake_time(3 * MS);
	begins(1, SLOT_RUN, RUNS);
	from = fake.now;
	when = scans_for(5 * S);
	cr_assert_geq(when, from + S);
	cr_assert_leq(when, from + S + 3 * SCAN);
	is_replaced(VERDICT_LIVELOCK, WARD_R_LIVELOCK, S);
	cr_assert_geq(told(WARD_R_LIVELOCK, NULL)->report.ledger.busy, S);
	in = told(WARD_R_LIVELOCK, NULL);
	cr_assert_not(fake.thread[tid_of(1)].lowered,
		      "it is asked for its backtrace first");
	in->after(in->who, in->epoch);
	cr_assert(fake.thread[tid_of(1)].lowered,
		  "it keeps a core from others");
}

Test(steward, convicts_a_sleeper_in_time)
{
	uint64_t from, when;

	one_scan(0);
	fake_time(7 * MS);
	begins(1, SLOT_RUN, SLEEPS);
	fake.thread[tid_of(1)].syscall = 202;
	fake.thread[tid_of(1)].syscall_arg = 0xabc;
	from = fake.now;
	when = scans_for(5 * S);
	cr_assert_geq(when, from + 2 * S);
	cr_assert_leq(when, from + 2 * S + 3 * SCAN);
	is_replaced(VERDICT_BLOCKED, WARD_R_BLOCKED, 2 * S);
	cr_assert_eq(told(WARD_R_BLOCKED, NULL)->report.syscall, 202);
	cr_assert_eq(told(WARD_R_BLOCKED, NULL)->report.syscall_arg, 0xabc);
	cr_assert_eq(told(WARD_R_BLOCKED, NULL)->report.state, 'S');
	cr_assert_not(fake.thread[tid_of(1)].lowered);
}

/* Worker 2 sleeps on what worker 1 holds. */
static void wants_what_1_holds(void)
{
	begins(2, SLOT_RUN, SLEEPS);
	fake.thread[tid_of(2)].syscall = 202;
	fake.thread[tid_of(2)].syscall_arg = 0x1000u + (unsigned)tid_of(1);
}

Test(steward, lifts_who_is_waited_for)
{
	struct incident *in;

	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	in = told(WARD_R_LIVELOCK, NULL);
	in->after(in->who, in->epoch);
	scans_for(S / 10);
	cr_assert(fake.thread[tid_of(1)].lowered, "nobody waits");
	wants_what_1_holds();
	for (int i = 0; i < 10; i++)
		one_scan(0);
	cr_assert_not(fake.thread[tid_of(1)].lowered, "long before a budget");
	in->after(in->who, in->epoch);
	cr_assert_not(fake.thread[tid_of(1)].lowered, "once in its life");
}

Test(steward, does_not_lower_who_is_waited_for)
{
	begins(1, SLOT_RUN, RUNS);
	wants_what_1_holds();
	scans_for(5 * S);
	cr_assert_null(told(WARD_R_LIVELOCK, NULL)->after);
}

Test(steward, may_lower_nobody)
{
	pool->lowers = false;
	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	cr_assert_null(told(WARD_R_LIVELOCK, NULL)->after);
}

static void beat_of_one(void)
{
	pool->slot[1].pulse.beats++;
}

Test(steward, convicts_who_makes_no_progress_where_it_is_asked_for)
{
	uint64_t from, when;

	pool->policy.progress_within = 3 * S;
	begins(1, SLOT_RUN, RUNS);
	from = fake.now;
	each_scan = beat_of_one;
	when = scans_for(5 * S);
	cr_assert_geq(when, from + 3 * S);
	cr_assert_leq(when, from + 3 * S + 3 * SCAN);
	is_replaced(VERDICT_STAGNANT, WARD_R_NO_PROGRESS, 3 * S);
}

Test(steward, lets_alone_who_beats)
{
	begins(1, SLOT_RUN, RUNS);
	each_scan = beat_of_one;
	scans_for(100 * S);
	cr_assert(is_innocent());
	cr_assert_eq(load_relaxed(&heal->looks), 0);
}

Test(steward, a_tasks_own_patience_goes_before_the_pools)
{
	uint64_t from = fake.now, when;

	begins(1, SLOT_RUN, RUNS);
	store_relaxed(&pool->slot[1].budget[0], 300 * MS);
	begins(2, SLOT_RUN, RUNS);
	store_relaxed(&pool->slot[2].budget[0], 50 * S);
	when = scans_for(5 * S);
	cr_assert_geq(when, from + 300 * MS);
	cr_assert_leq(when, from + 300 * MS + 3 * SCAN);
	is_replaced(VERDICT_LIVELOCK, WARD_R_LIVELOCK, 300 * MS);
	for (int i = 0; i < 4000; i++)
		one_scan(0);
	cr_assert_eq(life_of(2), LIFE_SEATED);
	for (int i = 0; i < 1100; i++)
		one_scan(0);
	cr_assert_eq(life_of(2), LIFE_ZOMBIE);
}

Test(steward, a_lost_task_may_run_again)
{
	policy.runs = policy.stalls = 3;
	task[1].policy = &policy;
	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	cr_assert_eq(later_take(&pool->inbox), &task[1]);
	cr_assert_eq(task_state(load_relaxed(&task_priv(&task[1])->word)),
		     TASK_RERUN);
	cr_assert_eq(load_relaxed(&pool->reruns), 1);
}

/* ---- innocent -------------------------------------------------------- */

static void moves_at_the_fence(void)
{
	if (load_relaxed(&pool->slot[1].fence) == 0)
		return;
	fake.fence = NULL;
	cr_assert(slot_end(&pool->slot[1]), "the answer is its own");
	slot_begin(&pool->slot[1], &task[1], SLOT_DONE);
}

Test(steward, acquits_who_moves_in_the_last_moment)
{
	begins(1, SLOT_RUN, RUNS);
	fake.fence = moves_at_the_fence;
	for (int i = 0; i < 110; i++)
		one_scan(0);
	cr_assert_null(fake.fence, "it was judged");
	cr_assert_eq(load_relaxed(&pool->acquitted), 1);
	cr_assert(is_innocent());
	cr_assert_eq(life_of(1), LIFE_SEATED);
	cr_assert_eq(load_relaxed(&pool->slot[1].fence), 0);
	cr_assert_null(later_take(&pool->inbox));
	cr_assert_eq(load_relaxed(&heal->convicted[VERDICT_LIVELOCK]), 0);
	cr_assert_eq(load_relaxed(&pool->transitions), 0);
}

Test(steward, the_starved_and_the_stopped_are_innocent)
{
	begins(0, SLOT_RUN, WAITS);
	begins(1, SLOT_RUN, STOPPED);
	scans_for(100 * S);
	cr_assert(is_innocent());
}

static void declared(uint64_t until)
{
	store_relaxed(&pool->slot[1].declared, until);
}

Test(steward, a_declared_wait_is_excused_to_its_end)
{
	uint64_t end = fake.now + 60 * S, when;

	begins(1, SLOT_RUN, SLEEPS);
	declared(end);
	when = scans_for(100 * S);
	cr_assert_geq(when, end + 2 * S);
	cr_assert_leq(when, end + 2 * S + 3 * SCAN);
}

/* The process was stopped, with the steward in it. */
Test(steward, its_own_lateness_is_held_against_nobody)
{
	begins(0, SLOT_RUN, SLEEPS);
	begins(1, SLOT_RUN, SLEEPS);
	for (int i = 0; i < 150; i++)
		one_scan(0);
	one_scan(30 * S);
	for (int i = 0; i < 30; i++)
		one_scan(0);
	cr_assert(is_innocent());
	cr_assert_eq(load_relaxed(&heal->worst_lateness), 30 * S);
	cr_assert_eq(times_told(WARD_R_ENVIRONMENT), 1);
	one_scan(40 * S);
	cr_assert_eq(times_told(WARD_R_ENVIRONMENT), 2);
	cr_assert(is_innocent());
	scans_for(S);
	cr_assert_not(is_innocent(), "and forgets nothing over it");
}

Test(steward, stopped_many_times_at_the_pace_of_its_scans)
{
	begins(1, SLOT_RUN, RUNS);
	for (int i = 0; i < 1000; i++) {
		fake_turns_to(tid_of(1), STOPPED);
		one_scan(90 * MS);
		fake_turns_to(tid_of(1), i % 15 ? WAITS : RUNS);
		one_scan(0);
	}
	cr_assert(is_innocent());
}

Test(steward, says_once_that_it_sees_nothing_and_convicts_nobody)
{
	fake.thread[tid_of(1)].unknown = true;
	fake.thread[tid_of(2)].unknown = true;
	begins(1, SLOT_RUN, RUNS);
	begins(2, SLOT_RUN, SLEEPS);
	scans_for(30 * S);
	cr_assert(is_innocent());
	cr_assert_eq(times_told(WARD_R_EVIDENCE), 1);
}

/* ---- an attempt is not all there is ---------------------------------- */

static void callback(enum slot_phase phase)
{
	begins(1, phase, SLEEPS);
	for (int i = 0; i < 300; i++)
		one_scan(0);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert_neq(load_relaxed(&pool->seat[1]), &pool->slot[1]);
	cr_assert_null(later_take(&pool->inbox), "it loses no answer");
	cr_assert_eq(load_relaxed(&pool->stalled), 0);
	cr_assert_eq(told(WARD_R_BLOCKED, NULL)->report.attempt, 0);
	cr_assert_str_empty(told(WARD_R_BLOCKED, NULL)->report.task,
			    "the task may be gone");
}

Test(steward, a_done_that_hangs_is_replaced)
{
	callback(SLOT_DONE);
}

Test(steward, a_release_that_hangs_is_replaced)
{
	callback(SLOT_RELEASE);
}

Test(steward, who_waits_inside_the_library_is_called_out)
{
	_Atomic uint32_t room = 5;

	begins(1, SLOT_RUN, SLEEPS);
	store_relaxed(&pool->slot[1].wait.on, &room);
	scans_for(5 * S);
	cr_assert_eq(room, 6);
}

/* As a submitter does it, but nobody is told. */
static void put_in(struct owned_ring *ring, struct ward_task *it)
{
	void *item = it;

	task_open(task_priv(it));
	cr_assert(owned_claim(ring));
	cr_assert_eq(owned_put(ring, &item, 1), 1);
	owned_drop(ring);
}

Test(steward, what_a_convict_has_in_hand_is_given_to_others)
{
	struct ward_task held = { .name = "held" };

	begins(1, SLOT_RUN, RUNS);
	put_in(&pool->slot[1].local.ring, &held);
	scans_for(5 * S);
	cr_assert_eq(owned_count(&pool->slot[1].local.ring), 0);
	cr_assert_eq(load_relaxed(&pool->inbox.requeued_in), 2);
}

/* One task in the local queue of worker 1. */
static uint64_t at_hand(void)
{
	static struct ward_task held;

	held = (struct ward_task){ .name = "held" };
	put_in(&pool->slot[1].local.ring, &held);
	return load_relaxed(&pool->inbox.requeued_in);
}

static bool is_shared(uint64_t owed_before)
{
	return owned_count(&pool->slot[1].local.ring) == 0 &&
	       load_relaxed(&pool->inbox.requeued_in) == owed_before + 1;
}

Test(steward, what_lies_behind_a_long_task_is_shared_out)
{
	uint64_t owed = at_hand();

	begins(1, SLOT_RUN, SLEEPS);
	one_scan(0);
	cr_assert_not(is_shared(owed), "it may have begun just now");
	one_scan(0);
	cr_assert(is_shared(owed));
	owed = at_hand(); /* it submits one */
	one_scan(0);
	cr_assert(is_shared(owed));
}

/* As many epochs as n tasks have. */
static void ends_tasks(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		slot_end(&pool->slot[1]);
		slot_begin(&pool->slot[1], &task[1], SLOT_RUN);
	}
}

Test(steward, what_lies_behind_slow_tasks_is_shared_out)
{
	uint64_t owed;

	begins(1, SLOT_RUN, RUNS);
	one_scan(0);
	owed = at_hand();
	ends_tasks(LOCAL_BATCH);
	one_scan(0);
	cr_assert_not(is_shared(owed), "it will come to it");
	ends_tasks(LOCAL_BATCH - 1);
	one_scan(0);
	cr_assert(is_shared(owed));
}

/* Nobody else would run it, and taken out it might be passed by what came after. */
Test(steward, the_only_worker_keeps_what_lies_behind_a_long_task)
{
	uint64_t owed = at_hand();

	atomic_init(&pool->seat_count.word, SEATS_TAKEN_ONE + 1);
	begins(1, SLOT_RUN, SLEEPS);
	for (int i = 0; i < 8; i++)
		one_scan(0);
	cr_assert_not(is_shared(owed));
	pool_tell_by(pool, 1); /* something is to stop */
	one_scan(0);
	cr_assert(is_shared(owed));
}

Test(steward, the_bench_is_called_for_what_is_due_at_once)
{
	struct ward_task held = { .name = "held" };

	store_relaxed(&pool->told_by, HOST_FOREVER);
	cr_assert_not(sweep_is_due(pool, false, fake.now));
	task_open(task_priv(&held));
	later_requeue_first(&pool->inbox, &held);
	cr_assert(sweep_is_due(pool, false, fake.now));
	cr_assert_eq(later_take(&pool->inbox), &held);
	cr_assert_not(sweep_is_due(pool, false, fake.now));
}

/* It came home between the evidence and the fence: what was healed there is long ago. */
Test(steward, a_seat_that_was_kept_is_not_told_of_as_healed)
{
	struct finding f = { .slot = &pool->slot[1],
			     .history = &office->history[1],
			     .verdict = VERDICT_LIVELOCK };

	store_relaxed(&pool->healed[1], 5);
	begins(1, SLOT_RUN, RUNS);
	f.history->last.word = load_relaxed(&f.slot->word);
	f.life = load_relaxed(&f.slot->thread.life);
	cr_assert(life_move(f.slot, f.life, LIFE_SEATED));
	act(office, &f);
	cr_assert_eq(life_of(1), LIFE_SEATED);
	cr_assert(slot_taken(f.slot));
	cr_assert_not_null(told(WARD_R_LIVELOCK, NULL));
	cr_assert_null(told(WARD_R_LIVELOCK, NULL)->heal);
}

Test(steward, a_zombie_keeps_nothing_either)
{
	uint64_t owed;

	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	owed = at_hand(); /* it knows of nothing, and submits */
	one_scan(0);
	cr_assert(is_shared(owed));
}

/* ---- a thread that ended unheard ------------------------------------- */

Test(steward, finds_the_dead)
{
	struct ward_task held = { .name = "held" };

	begins(1, SLOT_RUN, RUNS);
	put_in(&pool->slot[1].local.ring, &held);
	one_scan(0);
	fake_turns_to(tid_of(1), ENDED);
	pool->slot[1].thread.liveness.mutex[0] = ENDED;
	one_scan(0);
	one_scan(0);
	cr_assert_eq(load_relaxed(&pool->deaths), 1);
	cr_assert_eq(load_relaxed(&pool->died), 1);
	cr_assert_eq(life_of(1), LIFE_GONE);
	cr_assert_eq(owned_count(&pool->slot[1].local.ring), 0);
	cr_assert_eq(later_take(&pool->inbox), &task[1], "answers first");
	cr_assert_eq(later_take(&pool->inbox), &held, "and its hand");
	cr_assert_eq(task_priv(&task[1])->status, -EOWNERDEAD);
	cr_assert_neq(load_relaxed(&pool->seat[1]), NULL);
	cr_assert_eq(times_told(WARD_R_DEATH), 1);
}

/* ---- warnings -------------------------------------------------------- */

static void goes_on_for(uint64_t ns)
{
	for (uint64_t until = fake.now + ns; fake.now < until;)
		one_scan(0);
}

Test(steward, warns_once_at_half)
{
	const struct incident *in;

	begins(1, SLOT_RUN, RUNS);
	goes_on_for(400 * MS);
	cr_assert_eq(times_told(WARD_R_SLOW), 0);
	goes_on_for(150 * MS);
	cr_assert_eq(times_told(WARD_R_SLOW), 1);
	in = told(WARD_R_SLOW, NULL);
	cr_assert_eq(in->report.worker, 1);
	cr_assert_eq(in->report.budget, S);
	cr_assert_geq(in->report.ledger.busy, 500 * MS);
	cr_assert_null(in->call, "a spinner is not asked");
	goes_on_for(300 * MS);
	cr_assert_eq(times_told(WARD_R_SLOW), 1);
	cr_assert(is_innocent());
}

Test(steward, asks_who_is_blocked_at_half)
{
	const struct incident *in;

	begins(1, SLOT_RUN, SLEEPS);
	goes_on_for(1100 * MS);
	in = told(WARD_R_SLOW, NULL);
	cr_assert_not_null(in);
	cr_assert_eq(in->call, unblock_call);
	cr_assert_eq(in->who, &pool->slot[1]);
	cr_assert_eq(in->epoch, load_relaxed(&pool->slot[1].word));
	cr_assert_eq(in->report.budget, 2 * S);
}

static struct incident *take_all(void)
{
	struct incident *last = NULL, *in;

	while ((in = incident_open(&pool->tell, WARD_R_HOME, 1)))
		last = in;
	return last;
}

Test(steward, asks_again_if_there_was_no_record)
{
	struct incident *one = take_all();

	begins(1, SLOT_RUN, SLEEPS);
	store_relaxed(&pool->slot[1].unblock.word, 1); /* it has left a hook */
	goes_on_for(1200 * MS);
	cr_assert_eq(times_told(WARD_R_SLOW), 0);
	stack_push(&pool->tell.free, (uint32_t)(one - pool->tell.record));
	goes_on_for(50 * MS);
	cr_assert_eq(times_told(WARD_R_SLOW), 1);
	cr_assert_eq(told(WARD_R_SLOW, NULL)->call, unblock_call);
}

Test(steward, heals_without_a_record)
{
	take_all();
	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert_neq(ward_incident(&task[1]), 0,
		      "the id is there all the same");
	cr_assert_geq(load_relaxed(&pool->tell.suppressed), 1);
}

/* ---- other ways to act ----------------------------------------------- */

static void make_with(enum ward_stall_action action)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	teardown();
	config.on_stall = action;
	make(config);
}

Test(steward, may_only_tell)
{
	make_with(WARD_STALL_REPORT);
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(20 * S);
	cr_assert(is_innocent());
	cr_assert_eq(life_of(1), LIFE_SEATED);
	cr_assert_eq(times_told(WARD_R_LIVELOCK), 1);
	cr_assert_not(told(WARD_R_LIVELOCK, NULL)->abort);
	pool->slot[1].pulse.beats++;
	goes_on_for(20 * S);
	cr_assert_eq(times_told(WARD_R_LIVELOCK), 2, "once for each silence");
}

Test(steward, may_ask_for_an_abort)
{
	make_with(WARD_STALL_ABORT);
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(2 * S);
	cr_assert(is_innocent());
	cr_assert(told(WARD_R_LIVELOCK, NULL)->abort);
}

Test(steward, has_a_record_left_for_an_abort)
{
	make_with(WARD_STALL_ABORT);
	take_all();
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(2 * S);
	cr_assert(told(WARD_R_LIVELOCK, NULL)->abort);
}

Test(steward, aborts_itself_if_nobody_tells_it, .signal = SIGABRT)
{
	make_with(WARD_STALL_ABORT);
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(2 * S);
	cr_assert(told(WARD_R_LIVELOCK, NULL)->abort);
	goes_on_for(5 * S);
}

/* ---- the cap --------------------------------------------------------- */

Test(steward, at_the_cap_nobody_is_fenced_and_it_is_said_once)
{
	store_relaxed(&pool->zombies_out, ZOMBIES);
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(5 * S);
	cr_assert_eq(life_of(1), LIFE_SEATED);
	cr_assert_eq(load_relaxed(&pool->slot[1].fence), 0);
	cr_assert_eq(load_relaxed(&pool->degraded), 1);
	cr_assert_eq(times_told(WARD_R_DEGRADED), 1);
	cr_assert_eq(load_relaxed(&pool->stalled), 0);

	/* One comes home: the next scan replaces the stuck one. */
	store_relaxed(&pool->zombies_out, ZOMBIES - 1);
	goes_on_for(3 * SCAN);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert_eq(load_relaxed(&pool->stalled), 1);
}

Test(steward, below_the_cap_with_every_seat_taken_it_has_recovered)
{
	store_relaxed(&pool->zombies_out, ZOMBIES);
	begins(1, SLOT_RUN, RUNS);
	goes_on_for(2 * S);
	cr_assert_eq(load_relaxed(&pool->degraded), 1);
	ends(1);
	goes_on_for(S);
	cr_assert_eq(load_relaxed(&pool->degraded), 1);
	store_relaxed(&pool->zombies_out, 0);
	takes(WORKERS - 1);
	one_scan(0);
	cr_assert_eq(load_relaxed(&pool->degraded), 1, "a seat is vacant");
	takes(WORKERS);
	one_scan(0);
	cr_assert_eq(load_relaxed(&pool->degraded), 0);
	cr_assert_eq(times_told(WARD_R_RECOVERED), 1);
	goes_on_for(S);
	cr_assert_eq(times_told(WARD_R_RECOVERED), 1);
}

/* Without a spare the seat stays vacant until there is one. */
Test(steward, without_a_spare_the_seat_waits)
{
	while (stack_pop(&pool->spares) != STACK_NONE)
		sub_acq_rel(&pool->spares_ready, 1);
	begins(1, SLOT_RUN, RUNS);
	scans_for(5 * S);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert_null(load_relaxed(&pool->seat[1]));
	cr_assert_eq(seats_vacant(&pool->seat_count), 1);
	goes_on_for(S);
	stack_push(&pool->spares, 3);
	add_relaxed(&pool->spares_ready, 1);
	seat_match(pool);
	cr_assert_eq(load_relaxed(&pool->seat[1]), &pool->slot[3]);
	cr_assert_eq(seats_vacant(&pool->seat_count), 0);
}

/* ---- the safety net -------------------------------------------------- */

static struct ward_task queued;

/* A task in a ring, a sleeper on the stack, and no searcher. */
static void work_beside_a_sleeper(void)
{
	void *item = &queued;

	or_relaxed(&pool->inbox.used, 1);
	task_open(task_priv(&queued));
	cr_assert(ring_claim(&pool->inbox.ring[0]));
	cr_assert_eq(ring_put(&pool->inbox.ring[0], &item, 1), 1);
	ring_drop(&pool->inbox.ring[0]);
	store_relaxed(&pool->inbox.bell.word, 1); /* sleeper 0 */
}

Test(steward, rescues_nobody_where_nothing_is_wrong)
{
	begins(1, SLOT_RUN, SLEEPS);
	goes_on_for(S);
	ends(1);
	goes_on_for(S);
	cr_assert_eq(load_relaxed(&heal->rescues), 0);
}

Test(steward, work_that_stays_beside_a_sleeper_is_rescued_and_counted)
{
	work_beside_a_sleeper();
	goes_on_for(900 * MS);
	cr_assert_eq(load_relaxed(&heal->rescues), 0, "it may be short of CPU");
	cr_assert_eq(BELL_TOP(load_relaxed(&pool->inbox.bell.word)), 1);
	goes_on_for(200 * MS);
	cr_assert_eq(load_relaxed(&heal->rescues), 1);
	cr_assert_eq(BELL_TOP(load_relaxed(&pool->inbox.bell.word)), 0);
	cr_assert_eq(BELL_WAKING(load_relaxed(&pool->inbox.bell.word)), 1);
}

/* The whole process was: by a signal, or its machine was put to sleep. */
Test(steward, who_was_stopped_for_a_minute_rescues_nobody)
{
	work_beside_a_sleeper();
	goes_on_for(100 * MS);
	one_scan(60 * S);
	goes_on_for(800 * MS);
	cr_assert_eq(load_relaxed(&heal->rescues), 0);
	goes_on_for(200 * MS);
	cr_assert_eq(load_relaxed(&heal->rescues), 1);
}

/* Its waker was held before the call: nothing is wrong with the bell. */
Test(steward, the_only_sleeper_is_called_again)
{
	_Atomic uint32_t *rung = &pool->inbox.bell.sleeper[0].rung;

	work_beside_a_sleeper();
	store_relaxed(&pool->inbox.bell.word, (uint64_t)1 << BELL_WAKING_SHIFT);
	goes_on_for(100 * MS);
	cr_assert_eq(load_relaxed(rung), 1);
	cr_assert_eq(load_relaxed(&heal->rescues), 0);
}

Test(steward, where_a_debugger_holds_the_one_who_was_woken_another_goes)
{
	work_beside_a_sleeper();
	fake_turns_to(tid_of(2), STOPPED);
	goes_on_for(50 * MS);
	cr_assert_eq(load_relaxed(&heal->rescues), 0,
		     "that is no fault of ours");
	cr_assert_eq(BELL_WAKING(load_relaxed(&pool->inbox.bell.word)), 1);
}

/* ---- its thread: sleeping and waking --------------------------------- */

static uint32_t sleeps, naps;
static uint64_t nap_late;
static bool nap_says_nothing; /* returns "for no reason" though late */
static void (*asleep)(uint32_t times);

static int steward_waits(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	cr_assert_eq(word, &pool->steward_word);
	cr_assert_eq(load_relaxed(word), seen);
	if (until == HOST_FOREVER) {
		cr_assert_eq(load_relaxed(&pool->steward_asleep), 1);
		sleeps++;
		asleep(sleeps);
		return 0;
	}
	cr_assert_eq(until, fake.now + SCAN);
	cr_assert_eq(load_relaxed(&pool->steward_asleep), 0);
	naps++;
	fake_time(SCAN + nap_late);
	if (each_scan)
		each_scan();
	return nap_says_nothing ? 0 : -ETIMEDOUT;
}

static void run_steward(void (*when_asleep)(uint32_t times))
{
	asleep = when_asleep;
	fake.wait = steward_waits;
	steward_run(office);
	fake.wait = NULL;
}

static void stops_it(uint32_t times)
{
	(void)times;
	store_release(&heal->steward_stop, 1);
}

Test(steward, lingers_for_a_second_and_then_sleeps)
{
	run_steward(stops_it);
	cr_assert_eq(sleeps, 1);
	cr_assert_eq(naps, S / SCAN);
	cr_assert_eq(fake.now, START + S);
	cr_assert_eq(load_relaxed(&heal->scans), S / SCAN + 1);
	cr_assert_eq(load_relaxed(&heal->looks), 0);
	cr_assert_eq(load_relaxed(&heal->rescues), 0);
	cr_assert_eq(load_relaxed(&pool->steward_asleep), 0);
}

/* An hour passes, and then somebody begins a task. */
static void is_rung_after_an_hour(uint32_t times)
{
	if (times == 2) {
		stops_it(times);
		return;
	}
	fake_time(3600 * S);
	begins(1, SLOT_RUN, RUNS);
	steward_wake(pool);
	cr_assert_eq(load_relaxed(&pool->steward_asleep), 0);
}

static void ends_after_a_while(void)
{
	if (naps == 150)
		ends(1);
}

Test(steward, makes_no_round_while_all_are_parked)
{
	each_scan = ends_after_a_while;
	run_steward(is_rung_after_an_hour);
	cr_assert_eq(sleeps, 2);
	cr_assert_eq(load_relaxed(&heal->scans), naps + 2);
	cr_assert_leq(naps, 251, "a second, half a second's work, a second");
	cr_assert_eq(load_relaxed(&heal->worst_lateness), 0,
		     "an hour of sleep is no lateness");
	cr_assert(is_innocent());
}

/* [Z] The last look is after the word: a sleeper that left the park before it is seen. */
static uint32_t fences;

static void leaves_the_park(void)
{
	if (!load_relaxed(&pool->steward_asleep))
		return;
	if (fences++ == 0)
		begins(1, SLOT_RUN, SLEEPS);
	else
		fake.fence = NULL;
}

static void ends_when_asleep_was_refused(void)
{
	if (fences == 1 && naps > S / SCAN + 50 &&
	    slot_inside(load_relaxed(&pool->slot[1].word)))
		ends(1);
}

Test(steward, does_not_sleep_past_one_who_just_got_up)
{
	fake.fence = leaves_the_park;
	each_scan = ends_when_asleep_was_refused;
	run_steward(stops_it);
	cr_assert_eq(sleeps, 1);
	cr_assert_gt(naps, S / SCAN + 50, "it went on watching");
}

Test(steward, does_not_sleep_while_degraded)
{
	store_relaxed(&pool->degraded, 1);
	takes(WORKERS - 1);
	cr_assert_not(steward_may_sleep(pool));
	store_relaxed(&pool->degraded, 0);
	cr_assert_not(steward_may_sleep(pool), "a seat is vacant");
	takes(WORKERS);
	cr_assert(steward_may_sleep(pool));
	begins(1, SLOT_RUN, RUNS);
	cr_assert_not(steward_may_sleep(pool));
	ends(1);
	cr_assert(bell_search(&pool->inbox.bell));
	cr_assert_not(steward_may_sleep(pool));
}

static void stop_at_thousand(void)
{
	if (naps == 1000)
		store_release(&heal->steward_stop, 1);
}

Test(steward, convicts_by_its_own_clock)
{
	uint64_t when;

	begins(1, SLOT_RUN, RUNS);
	each_scan = stop_at_thousand;
	run_steward(stops_it);
	cr_assert_eq(load_relaxed(&pool->stalled), 1);
	when = told(WARD_R_LIVELOCK, NULL)->report.at;
	cr_assert_geq(when, START + S);
	cr_assert_leq(when, START + S + 3 * SCAN);
}

static void late_once(void)
{
	nap_late = naps == 150 ? 30 * S : 0; /* the next one */
	nap_says_nothing = naps == 151;	     /* that one */
	stop_at_thousand();
	if (naps == 190)
		store_release(&heal->steward_stop, 1);
}

/* However the futex call came back: late is late. */
Test(steward, a_late_wakeup_for_no_reason_is_late_all_the_same)
{
	begins(1, SLOT_RUN, SLEEPS);
	each_scan = late_once;
	run_steward(stops_it);
	cr_assert_eq(load_relaxed(&heal->worst_lateness), 30 * S);
	cr_assert(is_innocent());
}

/* ---- helpers do what the steward must not ----------------------------- */

static void scans(unsigned n)
{
	while (n--)
		one_scan(0);
}

#define LAG (HELPER_LAG_MS * MS / SCAN)

/* A helper that is behind is told of once, and once again the next time. */
static void is_watched(_Atomic uint32_t *word, _Atomic uint32_t *seen,
		       enum ward_kind kind)
{
	cr_assert(steward_may_sleep(pool));
	add_relaxed(word, 1);
	cr_assert_not(steward_may_sleep(pool));
	scans(LAG);
	cr_assert_eq(times_told(kind), 0, "it may be busy");
	scans(2);
	cr_assert_eq(times_told(kind), 1);
	scans(3 * LAG);
	cr_assert_eq(times_told(kind), 1);
	/* The helper comes to its orders, and hangs with the next ones. */
	store_relaxed(seen, load_relaxed(word));
	cr_assert(steward_may_sleep(pool));
	scans(1);
	add_relaxed(word, 1);
	scans(LAG + 2);
	cr_assert_eq(times_told(kind), 2);
	cr_assert_eq(load_relaxed(&heal->deputy_word), 0, "the scribe tells it");
}

Test(steward, tells_once_of_a_clerk_that_hangs)
{
	store_relaxed(&heal->clerk.up, 1);
	is_watched(&pool->clerk_word, &heal->clerk.seen, WARD_R_NO_THREAD);
}

Test(steward, who_was_stopped_for_a_minute_takes_no_helper_to_hang)
{
	store_relaxed(&heal->clerk.up, 1);
	add_relaxed(&pool->clerk_word, 1);
	scans(2);
	one_scan(60 * S);
	scans(LAG - 4);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 0);
	scans(4);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 1);
}

/* While a pool is destroyed, for as long as threads are inside. */
Test(steward, does_not_take_a_clerk_that_rests_for_one_that_hangs)
{
	store_relaxed(&heal->clerk.up, 1);
	store_relaxed(&heal->clerk.rests, 1);
	add_relaxed(&pool->clerk_word, 1);
	scans(LAG + 2);
	cr_assert_eq(times_told(WARD_R_NO_THREAD), 0);
	cr_assert(steward_may_sleep(pool));
}

Test(steward, has_the_deputy_say_that_the_scribe_hangs)
{
	store_relaxed(&pool->tell.tid, 1);
	store_relaxed(&heal->clerk.up, 1);
	cr_assert(steward_may_sleep(pool));
	add_relaxed(&pool->tell.word, 1);
	cr_assert_not(steward_may_sleep(pool));
	scans(LAG + 2);
	cr_assert_eq(load_relaxed(&heal->deputy_word), 1);
	cr_assert_eq(load_relaxed(&heal->complaints), 1u << HELPER_SCRIBE);
	add_relaxed(&pool->clerk_word, 1);
	scans(LAG + 2);
	cr_assert_eq(load_relaxed(&heal->complaints),
		     1u << HELPER_SCRIBE | 1u << HELPER_CLERK);
	cr_assert_eq(load_relaxed(&heal->deputy_word), 2);
}

static void tells_one(void)
{
	add_relaxed(&pool->tell.told, 1);
	add_relaxed(&pool->tell.word, 1);
}

Test(steward, does_not_take_a_busy_scribe_for_one_that_hangs)
{
	store_relaxed(&pool->tell.tid, 1);
	for (int i = 0; i < 20; i++) {
		tells_one();
		scans(LAG / 2);
	}
	cr_assert_eq(times_told(WARD_R_HELPER), 0);
}

Test(steward, tells_of_a_deputy_that_does_not_look)
{
	struct steward *deputy;

	cr_assert_eq(deputy_make(heal), 0);
	deputy = load_relaxed(&heal->newest);
	cr_assert_neq(deputy, office);
	for (int i = 0; i < 10; i++) {
		store_relaxed(&deputy->deadline, fake.now + S);
		scans(S / SCAN);
	}
	cr_assert_eq(times_told(WARD_R_HELPER), 0);
	scans(LAG + S / SCAN + 2);
	cr_assert_eq(times_told(WARD_R_HELPER), 1);
	store_relaxed(&deputy->deadline, HOST_FOREVER);
	scans(1);
	deputy_ring(heal);
	scans(LAG + 2);
	cr_assert_eq(times_told(WARD_R_HELPER), 2);
}

Test(steward, tells_of_a_thread_that_does_not_come_up)
{
	cr_assert(steward_may_sleep(pool));
	add_relaxed(&pool->starting, 2);
	cr_assert_not(steward_may_sleep(pool));
	scans(LAG - 2);
	add_relaxed(&pool->arrived, 1); /* the other one */
	sub_acq_rel(&pool->starting, 1);
	scans(LAG);
	cr_assert_eq(times_told(WARD_R_HELPER), 0);
	scans(3);
	cr_assert_eq(times_told(WARD_R_HELPER), 1);
}

/* A raw exit in hooks.start, and no spare to hear of it. */
Test(steward, finds_a_thread_that_died_on_its_way_up)
{
	struct slot *slot = &pool->slot[WORKERS + SPARES];

	cr_assert_eq(thread_spawn(pool, slot), 0);
	slot->thread.liveness.mutex[0] = ENDED;
	scans(S / 10 / SCAN + 1);
	cr_assert_eq(load_relaxed(&pool->failed_starts), 1);
	cr_assert_eq(load_relaxed(&pool->starting), 0);
	cr_assert_eq(LIFE_STATE(load_relaxed(&slot->thread.life)), LIFE_GONE);
}

/* ---- zombies that sleep ------------------------------------------------ */

Test(steward, counts_those_that_sleep_apart)
{
	store_relaxed(&pool->zombies_out, ZOMBIES);
	begins(1, SLOT_RUN, SLEEPS);
	goes_on_for(3 * S);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE, "those out keep their CPU");
	cr_assert_eq(load_relaxed(&pool->zombies_asleep), 1);
	cr_assert_eq(load_relaxed(&pool->zombies_out), ZOMBIES + 1);
	cr_assert_eq(load_relaxed(&pool->degraded), 0);
	begins(2, SLOT_RUN, RUNS);
	goes_on_for(3 * S);
	cr_assert_eq(life_of(2), LIFE_SEATED, "of those there are enough");
	cr_assert_eq(load_relaxed(&pool->degraded), 1);
	ends(2);
	/* The zombie comes to itself, or ends: what it was is taken off again. */
	cr_assert(reap_thread(pool, &pool->slot[1],
			      load_relaxed(&pool->slot[1].thread.life), false));
	cr_assert_eq(load_relaxed(&pool->zombies_asleep), 0);
	cr_assert_eq(load_relaxed(&pool->zombies_out), ZOMBIES);
}

Test(steward, at_the_cap_of_those_that_sleep_one_that_spins_is_fenced)
{
	store_relaxed(&pool->zombies_out, ZOMBIES);
	store_relaxed(&pool->zombies_asleep, ZOMBIES);
	begins(1, SLOT_RUN, SLEEPS);
	goes_on_for(4 * S);
	cr_assert_eq(life_of(1), LIFE_SEATED);
	cr_assert_eq(load_relaxed(&pool->degraded), 1);
	begins(2, SLOT_RUN, RUNS);
	goes_on_for(3 * S);
	cr_assert_eq(life_of(2), LIFE_ZOMBIE);
	cr_assert_eq(load_relaxed(&pool->zombies_asleep), ZOMBIES);
}

/* ---- left behind --------------------------------------------------------- */

/* Destroy gives up waiting for it just as it asks, and is over before it goes on. */
static void is_left(void)
{
	if (!load_relaxed(&pool->slot[1].fence))
		return; /* it does not ask yet */
	fake.fence = NULL;
	store_relaxed(&heal->steward_stop, 1);
	store_relaxed(&heal->term, UINT32_MAX);
	store_relaxed(&pool->stopping, 1);
	store_relaxed(&pool->orphaned, 1);
}

static int time_passes(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	(void)word;
	(void)seen;
	fake_time(until > fake.now ? until - fake.now : 0);
	return -ETIMEDOUT;
}

static uint32_t answers;

static void is_answered(struct ward_task *t, int status)
{
	cr_assert_eq(t, &task[1]);
	cr_assert_eq(status, -ETIME);
	answers++;
}

Test(steward, who_was_left_answers_for_what_it_takes_away)
{
	task[1].done = is_answered;
	begins(1, SLOT_RUN, RUNS);
	fake.fence = is_left;
	fake.wait = time_passes;
	add_relaxed(&pool->refs, 1); /* as steward_begin() */
	steward_run(office);
	cr_assert_eq(life_of(1), LIFE_ZOMBIE);
	cr_assert_eq(answers, 1, "there is nobody else");
}
