/* SPDX-License-Identifier: BSD-2-Clause */
#include "front/front.h"
#include "queue/inbox.h"
#include "wait.h"
#include "task/task_priv.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MS UINT64_C(1000000)

enum { RINGS = 4, SIZE = 8, HANDS = 3, TASKS = 256 };

static struct inbox inbox;
static struct local_queue local[HANDS];
static struct ward_task task[TASKS], *list[TASKS];
static _Atomic uint32_t woken;

static void woke(void *arg)
{
	cr_assert_eq(arg, &woken);
	add_relaxed(&woken, 1);
}

static void setup(void)
{
	host_init();
	cr_assert_eq(inbox_init(&inbox, RINGS, SIZE, HANDS, 1, woke, &woken),
		     0);
	for (uint32_t i = 0; i < HANDS; i++)
		local_init(&local[i], i);
	for (uint32_t i = 0; i < TASKS; i++) {
		list[i] = &task[i];
		task_open(task_priv(&task[i]));
	}
	inbox_add_local(&inbox, 0, &local[0]);
	inbox_add_local(&inbox, 1, &local[1]);
}

static void teardown(void)
{
	inbox_fini(&inbox);
}

TestSuite(inbox, .init = setup, .fini = teardown);

static struct ring *home(void)
{
	return &inbox.ring[host_home() % RINGS];
}

static int put(uint32_t first, uint32_t n)
{
	struct ring *full;

	return inbox_put(&inbox, NULL, list + first, n, &full);
}

static int put_own(uint32_t i, uint32_t first, uint32_t n)
{
	struct ring *full;

	return inbox_put(&inbox, &local[i], list + first, n, &full);
}

static long taken(uint32_t i)
{
	struct ward_task *it = inbox_take(&inbox, &local[i]);

	return it ? it - task : -1;
}

/* ---- putting --------------------------------------------------------- */

Test(inbox, begins_empty)
{
	cr_assert_not(inbox_anything(&inbox));
	cr_assert_eq(inbox_count(&inbox), 0);
	cr_assert_eq(inbox_accepted(&inbox), 0);
	cr_assert_not(inbox_waited_for(&inbox));
	cr_assert_eq(taken(0), -1);
}

Test(inbox, goes_to_the_home_ring)
{
	cr_assert_eq(put(0, 1), 1);
	cr_assert_eq(ring_count(home()), 1);
	cr_assert_eq(inbox_count(&inbox), 1);
	cr_assert_eq(inbox_accepted(&inbox), 1);
	cr_assert(inbox_anything(&inbox));
	cr_assert_eq(load_relaxed(&home()->claim), 0);
	cr_assert_eq(taken(0), 0);
	cr_assert_not(inbox_anything(&inbox));
	cr_assert_eq(inbox_accepted(&inbox), 1);
}

Test(inbox, takes_as_many_as_there_is_room_for)
{
	struct ring *full = NULL;

	cr_assert_eq(put(0, 5), 5);
	cr_assert_eq(put(5, 5), 2);
	cr_assert_eq(inbox_put(&inbox, NULL, list + 7, 1, &full), -EAGAIN);
	cr_assert_eq(full, home(), "a full ring is told, others are not used");
	cr_assert_eq(inbox_count(&inbox), SIZE - 1);
	cr_assert_eq(inbox_accepted(&inbox), SIZE - 1);
	for (long i = 0; i < SIZE - 1; i++)
		cr_assert_eq(taken(0), i);
}

Test(inbox, passes_by_a_ring_whose_claim_is_taken)
{
	uint32_t at = host_home() % RINGS;

	cr_assert(ring_claim(&inbox.ring[at]));
	cr_assert(ring_claim(&inbox.ring[(at + 1) % RINGS]));
	cr_assert_eq(put(0, 1), 1);
	cr_assert_eq(ring_count(&inbox.ring[(at + 2) % RINGS]), 1);
	cr_assert_eq(taken(0), 0);
}

Test(inbox, where_all_claims_are_taken_there_is_no_room)
{
	struct ring *full = home();

	for (uint32_t i = 0; i < RINGS; i++)
		cr_assert(ring_claim(&inbox.ring[i]));
	cr_assert_eq(inbox_put(&inbox, NULL, list, 1, &full), -EAGAIN);
	cr_assert_null(full);
	cr_assert_eq(submit_wait_room(&inbox, NULL, NULL, HOST_FOREVER), 0,
		     "look again: who holds them is at work");
}

/* A task that a stopped submitter has put is taken all the same. */
Test(inbox, a_held_claim_holds_up_no_taker)
{
	cr_assert_eq(put(0, 2), 2);
	cr_assert(ring_claim(home()));
	cr_assert_eq(taken(0), 0);
	cr_assert_eq(taken(0), 1);
}

Test(inbox, a_worker_puts_into_its_own_hand_first)
{
	cr_assert_eq(put_own(0, 0, 2), 2);
	cr_assert_eq(owned_count(&local[0].ring), 2);
	cr_assert_eq(ring_count(home()), 0);
	cr_assert_eq(inbox_accepted(&inbox), 2);
	cr_assert_eq(inbox_count(&inbox), 2);
	cr_assert_eq(put_own(0, 2, LOCAL_SIZE + 5), LOCAL_SIZE - 3, "its room");
	cr_assert_eq(put_own(0, 100, 1), 1);
	cr_assert_eq(ring_count(home()), 1, "then the ring");
}

/* A signal handler that submits on top of the worker's own put. */
Test(inbox, a_hand_in_use_is_passed_by)
{
	store_relaxed(&local[0].ring.claim, 1);
	cr_assert_eq(put_own(0, 0, 1), 1);
	cr_assert_eq(owned_count(&local[0].ring), 0);
	cr_assert_eq(ring_count(home()), 1);
}

Test(inbox, one_in_64_tasks_of_a_ring_has_a_time_stamp)
{
	uint32_t stamped = 0;

	for (uint32_t i = 0; i < TASKS; i++) {
		cr_assert_eq(put(i, 1), 1);
		stamped += task_priv(&task[i])->stamp != 0;
		cr_assert_eq(taken(0), i);
	}
	cr_assert_eq(stamped, TASKS / 64);
	cr_assert_neq(task_priv(&task[0])->stamp, 0);
	cr_assert_neq(task_priv(&task[64])->stamp, 0);
}

/* ---- the quick way ---------------------------------------------------- */

static _Atomic uint32_t *put_quick(struct local_queue *mine, uint32_t i)
{
	return inbox_put_quick(&inbox, mine, list[i]);
}

Test(inbox, quick_puts_are_like_others)
{
	cr_assert_null(put_quick(NULL, 0), "the first is to be noted down");
	cr_assert_eq(put(0, 1), 1);
	cr_assert_eq(put_quick(NULL, 1), &home()->rung);
	cr_assert_eq(put_quick(NULL, 2), &home()->rung);
	cr_assert_eq(inbox_count(&inbox), 3);
	cr_assert_eq(inbox_accepted(&inbox), 3);
	cr_assert_eq(load_relaxed(&home()->claim), 0);
	for (long i = 0; i < 3; i++)
		cr_assert_eq(taken(0), i);
}

Test(inbox, quick_puts_leave_to_others_what_is_seldom)
{
	uint32_t quick = 0;

	for (uint32_t i = 0; i < TASKS; i++) {
		if (put_quick(NULL, i))
			quick++;
		else
			cr_assert_eq(put(i, 1), 1);
		cr_assert_eq(taken(0), i);
	}
	cr_assert_eq(quick, TASKS - TASKS / 64, "and what is noted down");
	cr_assert_eq(put(0, 1), 1);
	cr_assert(ring_claim(home()));
	cr_assert_null(put_quick(NULL, 1), "the claim is taken");
	ring_drop(home());
	cr_assert_eq(put(1, SIZE), SIZE - 2);
	cr_assert_null(put_quick(NULL, SIZE), "it is full");
	cr_assert_eq(load_relaxed(&home()->claim), 0);
	for (uint32_t i = 0; i < SIZE - 1; i++)
		cr_assert_eq(taken(0), i);
	cr_assert_eq(inbox_close(&inbox, HOST_FOREVER), 0);
	cr_assert_null(put_quick(NULL, 0), "it is closed");
	cr_assert_eq(load_relaxed(&home()->claim), 0);
	cr_assert_eq(inbox_count(&inbox), 0);
}

Test(inbox, quick_puts_of_a_worker_go_to_its_hand)
{
	cr_assert_eq(put_own(0, 0, 1), 1);
	cr_assert_eq(put_quick(&local[0], 1), &local[0].ring.rung);
	cr_assert_eq(owned_count(&local[0].ring), 2);
	store_relaxed(&local[0].ring.claim, 1);
	cr_assert_null(put_quick(&local[0], 2), "a handler interrupts a put");
	cr_assert_eq(load_relaxed(&local[0].ring.claim), 1);
	store_relaxed(&local[0].ring.claim, 0);
}

/* ---- taking ---------------------------------------------------------- */

Test(inbox, takes_half_of_a_ring_into_the_hand)
{
	cr_assert_eq(put(0, 7), 7);
	cr_assert_eq(taken(0), 0);
	cr_assert_eq(owned_count(&local[0].ring), 3);
	cr_assert_eq(ring_count(home()), 3);
	cr_assert_eq(inbox_count(&inbox), 6);
	cr_assert_eq(inbox_accepted(&inbox), 7, "counted once");
	for (long i = 1; i < 7; i++)
		cr_assert_eq(taken(0), i, "and in order");
}

/* Of tasks of that length it takes so many, when it has learned. */
static uint32_t batch_for(uint64_t ran)
{
	for (int i = 0; i < 8; i++)
		local_learn(&local[0], ran);
	return local[0].batch;
}

Test(inbox, takes_no_more_than_it_will_come_to_soon)
{
	cr_assert_eq(local[0].batch, LOCAL_BATCH);
	local_learn(&local[0], UINT64_MAX - 1);
	cr_assert_eq(local[0].batch, 1, "at once");
	local_learn(&local[0], 0);
	cr_assert_eq(local[0].batch, 2, "by and by");
	cr_assert_eq(batch_for(0), LOCAL_BATCH);
	cr_assert_eq(batch_for(LOCAL_AHEAD / 5), 4);
	cr_assert_eq(batch_for(LOCAL_AHEAD), 1);
	put(0, 5);
	cr_assert_eq(taken(0), 0);
	cr_assert_eq(owned_count(&local[0].ring), 0, "one at a time");
	local[0].most = 1;
	cr_assert_eq(batch_for(0), 1, "as it was asked for");
}

/* Neither waits for all of the other. */
Test(inbox, owed_and_rings_by_turns)
{
	bool seen[12] = { false };

	cr_assert_eq(put(0, 6), 6);
	for (long i = 6; i < 12; i++)
		later_requeue(&inbox, &task[i], false);
	for (int pair = 0; pair < 6; pair++) {
		long a = taken(0), b = taken(0);

		cr_assert_eq(a < 6, b >= 6, "one of each: %ld, %ld", a, b);
		cr_assert_eq(a % 6, pair, "and in order");
		cr_assert_eq(b % 6, pair);
		seen[a] = seen[b] = true;
	}
	for (int i = 0; i < 12; i++)
		cr_assert(seen[i]);
	cr_assert_eq(taken(0), -1);
}

Test(inbox, own_hand_then_owed_and_rings_then_others)
{
	cr_assert_eq(put_own(1, 3, 1), 1);
	later_requeue(&inbox, &task[1], false);
	later_requeue(&inbox, &task[2], false);
	cr_assert_eq(put_own(0, 0, 1), 1);
	for (long i = 0; i < 4; i++)
		cr_assert_eq(taken(0), i);
	cr_assert_eq(taken(0), -1);
}

/* Beside nested work that never ends all else has its turn. */
Test(inbox, each_comes_first_by_turns)
{
	enum { OWED = 1, RING = 2, OTHER = 4, LOW = 8 };
	unsigned had = 0;
	long it;

	cr_assert_eq(put_own(0, 0, 1), 1);
	for (int turns = 0; turns < 16 * INBOX_TURN; turns++) {
		/* None of them ever ends. */
		if (load_relaxed(&inbox.later.expired_to) == 0)
			later_requeue(&inbox, &task[1], false);
		if (!ring_count(&inbox.ring[0]))
			cr_assert_eq(put(2, 1), 1);
		if (!owned_count(&local[1].ring))
			cr_assert_eq(put_own(1, 3, 1), 1);
		if (prio_empty(&inbox.prio[3]))
			prio_put(&inbox.prio[3], &task[4]);
		it = taken(0);
		if (it == 0)
			cr_assert_eq(put_own(0, 0, 1), 1);
		else if (it > 0)
			had |= 1u << (it - 1);
	}
	cr_assert_eq(had, OWED | RING | OTHER | LOW, "%x", had);
}

/* ---- a signal handler between a worker's look into its hand and its batch ------- */

enum { MANY = 64, BATCH_AT = LOCAL_SIZE };

static ck_ring_buffer_t *guarded;

/* The copy of the batch faults; the handler fills the hand, which was empty. */
static void submits(int signo)
{
	struct ring *full;

	(void)signo;
	mprotect(guarded, MANY * sizeof(*guarded), PROT_READ | PROT_WRITE);
	if (inbox_put(&inbox, &local[0], list, LOCAL_SIZE - 1, &full) != LOCAL_SIZE - 1)
		abort();
}

Test(inbox, a_batch_finds_no_room_where_a_handler_has_filled_the_hand)
{
	struct sigaction action = { .sa_handler = submits };
	struct ring *ring = &inbox.ring[0];
	bool had[TASKS] = { false };
	long i;

	guarded = mmap(NULL, MANY * sizeof(*guarded), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(guarded, MAP_FAILED);
	host_free(ring->cell, SIZE * sizeof(*ring->cell));
	ring_init(ring, guarded, MANY);
	or_relaxed(&inbox.used, 1);
	cr_assert(ring_claim(ring));
	cr_assert_eq(ring_put(ring, (void *const *)(list + BATCH_AT), MANY - 1),
		     MANY - 1);
	ring_drop(ring);
	sigaction(SIGSEGV, &action, NULL);
	mprotect(guarded, MANY * sizeof(*guarded), PROT_NONE);
	while ((i = taken(0)) >= 0) {
		cr_assert_not(had[i]);
		had[i] = true;
	}
	signal(SIGSEGV, SIG_DFL);
	for (i = 0; i < LOCAL_SIZE - 1; i++)
		cr_assert(had[i], "%ld", i);
	for (i = BATCH_AT; i < BATCH_AT + MANY - 1; i++)
		cr_assert(had[i], "%ld", i);
	cr_assert_eq(inbox_accepted(&inbox), LOCAL_SIZE - 1);
	ring->cell = NULL;
	munmap(guarded, MANY * sizeof(*guarded));
}

/* ---- a signal handler at each instruction of its thread ------------------------- */

#if defined(__x86_64__) && !UNDER_ASAN && !UNDER_TSAN /* each step is some thousand there */
static uint32_t steps, act_at;
static bool acted;

/* Its thread stops after each instruction; after that one the handler submits. */
static void after_each(int signo)
{
	(void)signo;
	if (steps++ != act_at)
		return;
	acted = true;
	if (!put_quick(&local[0], 1))
		put_own(0, 1, 1);
}

#define TRAP UINT64_C(0x100)
static inline void trap(bool on)
{
	uint64_t flags = __builtin_ia32_readeflags_u64() & ~TRAP;

	__builtin_ia32_writeeflags_u64(flags | (on ? TRAP : 0));
}

static bool has_taken_all(uint32_t had, uint32_t all)
{
	long i;

	while ((i = taken(0)) >= 0) {
		cr_assert_not(had >> i & 1, "%ld twice", i);
		had |= 1u << i;
	}
	return had == all;
}

Test(inbox, counts_what_a_handler_puts_in_the_middle_of_a_put)
{
	sigaction(SIGTRAP, &(struct sigaction){ .sa_handler = after_each }, NULL);
	put_own(0, 0, 1);
	cr_assert(has_taken_all(0, 1));
	do {
		uint64_t before = inbox_accepted(&inbox);

		steps = 0;
		acted = false;
		trap(true);
		if (!put_quick(&local[0], 0))
			put_own(0, 0, 1);
		trap(false);
		cr_assert_eq(inbox_accepted(&inbox), before + 1 + acted, "%u", act_at);
		cr_assert(has_taken_all(0, acted ? 3 : 1), "%u", act_at);
		act_at++;
	} while (acted);
	cr_assert_gt(act_at, 10);
}

Test(inbox, loses_nothing_that_a_handler_puts_in_the_middle_of_a_take)
{
	sigaction(SIGTRAP, &(struct sigaction){ .sa_handler = after_each }, NULL);
	do {
		uint32_t all;
		long i;

		put_own(0, 2, act_at % 3); /* in its hand, or in a ring */
		put(4, 2);
		steps = 0;
		acted = false;
		trap(true);
		i = taken(0);
		trap(false);
		cr_assert_geq(i, 0);
		all = ((4u << act_at % 3) - 4) | (uint32_t)acted << 1 | 0x30;
		cr_assert(has_taken_all(1u << i, all), "%u", act_at);
		act_at++;
	} while (acted);
	cr_assert_gt(act_at, 10);
}
#endif

Test(inbox, steals_the_older_half)
{
	cr_assert_eq(put_own(1, 0, 6), 6);
	cr_assert_eq(taken(0), 0);
	cr_assert_eq(owned_count(&local[0].ring), 2);
	cr_assert_eq(owned_count(&local[1].ring), 3);
	cr_assert_eq(taken(1), 3);
	cr_assert_eq(taken(0), 1);
	cr_assert_eq(taken(0), 2);
}

Test(inbox, a_hand_that_is_not_there_yet_is_not_robbed)
{
	cr_assert_eq(load_relaxed(&inbox.locals_used), 2);
	cr_assert_eq(taken(1), -1);
	inbox_add_local(&inbox, 2, &local[2]);
	cr_assert_eq(put_own(2, 9, 1), 1);
	cr_assert_eq(taken(1), 9);
	inbox_add_local(&inbox, 0, &local[0]);
	cr_assert_eq(load_relaxed(&inbox.locals_used), 3, "never fewer");
}

Test(inbox, nested_work_does_not_starve_strangers)
{
	uint32_t turns = 0;
	long it;

	cr_assert_eq(put(TASKS - 1, 1), 1);
	do {
		cr_assert_eq(put_own(0, turns % 100, 1), 1);
		it = taken(0);
		cr_assert_lt(++turns, 130);
	} while (it != TASKS - 1);
}

Test(inbox, what_was_taken_first_stays_first)
{
	uint32_t next = 0, put_so_far = 0;

	while (next < TASKS) {
		if (put_so_far < TASKS)
			put_so_far += (uint32_t)put(put_so_far,
						    TASKS - put_so_far < 7
							    ? TASKS - put_so_far
							    : 7);
		for (int i = 0; i < 5 && next < put_so_far; i++)
			cr_assert_eq(taken(0), next++);
	}
}

Test(inbox, a_full_hand_makes_room_for_a_stranger)
{
	uint32_t turns = 0;
	long it;

	cr_assert_eq(put(TASKS - 1, 1), 1);
	cr_assert_eq(put_own(0, 0, LOCAL_SIZE - 1), LOCAL_SIZE - 1);
	do {
		it = taken(0);
		if (it != TASKS - 1)
			cr_assert_eq(put_own(0, (uint32_t)it, 1), 1);
		cr_assert_lt(++turns, 300);
	} while (it != TASKS - 1);
}

/* ---- requeued ------------------------------------------------------------ */

Test(inbox, there_is_always_room_for_what_is_owed)
{
	bool seen[TASKS] = { false };

	cr_assert_eq(put(0, 7), 7);
	for (uint32_t i = 7; i < TASKS; i++)
		later_requeue(&inbox, &task[i], false);
	cr_assert(inbox_anything(&inbox));
	cr_assert_eq(inbox.requeued_in, TASKS - 7);
	cr_assert_eq(inbox_count(&inbox), 7, "not in a ring");
	for (uint32_t i = 0; i < TASKS; i++) {
		long it = taken(i % 2);

		cr_assert_geq(it, 0);
		cr_assert_not(seen[it]);
		seen[it] = true;
	}
	cr_assert_eq(inbox.requeued_out, TASKS - 7);
	cr_assert_eq(taken(0), -1);
}

/* ---- room ------------------------------------------------------------ */

Test(inbox, room_is_waited_for_until_a_point_in_time)
{
	uint64_t until = host_now() + 5 * MS;

	cr_assert_eq(put(0, 7), 7);
	cr_assert_eq(submit_wait_room(&inbox, home(), NULL, until), -ETIMEDOUT);
	cr_assert_geq(host_now(), until);
	cr_assert_not(inbox_waited_for(&inbox));
	taken(0);
	cr_assert_eq(submit_wait_room(&inbox, home(), NULL, HOST_FOREVER), 0);
}

struct waiter {
	pthread_t thread;
	struct ring *ring;
	_Atomic int32_t tid;
	int err;
};

static void *waits(void *arg)
{
	struct waiter *me = arg;

	store_release(&me->tid, host_tid());
	me->err = submit_wait_room(&inbox, me->ring, NULL, HOST_FOREVER);
	return NULL;
}

static void start_waiting(struct waiter *w)
{
	*w = (struct waiter){ .ring = home() };
	pthread_create(&w->thread, NULL, waits, w);
	cr_assert(comes_true(load_acquire(&w->tid) &&
			     sleeps_in_futex(load_acquire(&w->tid))));
	cr_assert(inbox_waited_for(&inbox));
}

Test(inbox, room_wakes_who_waits_for_it)
{
	struct waiter one, two;

	cr_assert_eq(put(0, 7), 7);
	start_waiting(&one);
	start_waiting(&two);
	cr_assert_eq(taken(0), 0);
	pthread_join(one.thread, NULL);
	pthread_join(two.thread, NULL);
	cr_assert_eq(one.err, 0);
	cr_assert_eq(two.err, 0);
	cr_assert_not(inbox_waited_for(&inbox));
}

/* ---- closing --------------------------------------------------------- */

Test(inbox, closed_takes_nothing_more_and_gives_what_it_has)
{
	cr_assert_eq(put(0, 2), 2);
	cr_assert_eq(inbox_close(&inbox, HOST_FOREVER), 0);
	cr_assert_eq(put(2, 1), -ESHUTDOWN);
	cr_assert_eq(put_own(0, 2, 1), -ESHUTDOWN);
	cr_assert_eq(inbox_accepted(&inbox), 2);
	cr_assert_eq(load_relaxed(&home()->claim), 0);
	later_requeue(&inbox, &task[5], false);
	cr_assert_eq(taken(0), 5);
	cr_assert_eq(taken(0), 0);
	cr_assert_eq(taken(0), 1);
	cr_assert_eq(inbox_close(&inbox, HOST_FOREVER), 0, "again");
}

Test(inbox, closing_wakes_who_waits_for_room)
{
	struct waiter one;

	cr_assert_eq(put(0, 7), 7);
	start_waiting(&one);
	cr_assert_eq(inbox_close(&inbox, HOST_FOREVER), 0);
	pthread_join(one.thread, NULL);
	cr_assert(one.err == -ESHUTDOWN || one.err == 0, "%d", one.err);
	cr_assert_eq(put(7, 1), -ESHUTDOWN);
	cr_assert_eq(submit_wait_room(&inbox, home(), NULL, HOST_FOREVER), -ESHUTDOWN);
}

Test(inbox, closing_waits_for_who_is_about_to_put)
{
	uint64_t until = host_now() + 5 * MS;

	cr_assert(ring_claim(&inbox.ring[1]));
	cr_assert_eq(inbox_close(&inbox, until), -ETIMEDOUT);
	cr_assert_geq(host_now(), until);
	cr_assert_eq(put(0, 1), -ESHUTDOWN, "closed is closed");
	ring_drop(&inbox.ring[1]);
	store_relaxed(&local[1].ring.claim, 1);
	cr_assert_eq(inbox_close(&inbox, host_now()), -ETIMEDOUT);
	owned_drop(&local[1].ring);
	cr_assert_eq(inbox_close(&inbox, host_now()), 0);
}

Test(inbox, settling_is_told_once_it_is_closed)
{
	inbox_settle(&inbox);
	cr_assert_eq(load_relaxed(&inbox.settled), 0);
	inbox_close(&inbox, HOST_FOREVER);
	inbox_settle(&inbox);
	cr_assert_eq(load_relaxed(&inbox.settled), 1);
}

/* ---- sleeping -------------------------------------------------------- */

struct sleeper {
	pthread_t thread;
	uint32_t i;
	_Atomic int32_t tid;
	_Atomic uint32_t got;
};

/* Until the bell is closed. */
static void *works(void *arg)
{
	struct sleeper *me = arg;

	store_release(&me->tid, host_tid());
	while (inbox_next(&inbox, &local[me->i], me->i))
		add_acq_rel(&me->got, 1);
	return NULL;
}

static void start_working(struct sleeper *s, uint32_t i)
{
	*s = (struct sleeper){ .i = i };
	pthread_create(&s->thread, NULL, works, s);
	cr_assert(comes_true(load_acquire(&s->tid) &&
			     sleeps_in_futex(load_acquire(&s->tid))));
}

Test(inbox, next_finds_what_is_there)
{
	cr_assert_eq(put(4, 1), 1);
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[4]);
	cr_assert(bell_still(&inbox.bell));
}

/* Less than a quarter of a batch is little, where tasks are brief. */
Test(inbox, brief_tasks_are_not_looked_for_too_soon)
{
	local[0].pause = 4;
	cr_assert_eq(put(0, 3), 3);
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[0]);
	cr_assert_eq(local[0].pause, 4, "nothing is known of its tasks");
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[1]);
	local_learn(&local[0], LOCAL_BRIEF - 1);
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[2]);
	cr_assert_eq(local[0].pause, 8, "it found little");
	local_learn(&local[0], LOCAL_BRIEF);
	cr_assert_eq(put(3, 1), 1);
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[3]);
	cr_assert_eq(local[0].pause, 8, "its tasks are pause enough");
}

/* A task in the own local queue is no look's find. */
Test(inbox, a_turn_beside_the_own_hand_tells_nothing)
{
	local_learn(&local[0], 0);
	local[0].pause = 4;
	local[0].turn = INBOX_TURN - 1;
	cr_assert_eq(put_own(0, 0, 2), 2);
	cr_assert_eq(inbox_next(&inbox, &local[0], 0), &task[0]);
	cr_assert_eq(local[0].pause, 4);
}

Test(inbox, next_sleeps_until_there_is_something)
{
	struct sleeper one;

	start_working(&one, 0);
	cr_assert_eq(put(0, 1), 1);
	cr_assert(comes_true(load_acquire(&one.got) == 1));
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&one.tid))));
	later_requeue(&inbox, &task[1], false);
	cr_assert(comes_true(load_acquire(&one.got) == 2));
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&one.tid))));
	cr_assert_eq(woken, 4, "each told by its waker and by itself");
	bell_close(&inbox.bell);
	pthread_join(one.thread, NULL);
}

/* The local queue is its own, but others may be asleep. */
Test(inbox, what_a_worker_puts_for_itself_wakes_another)
{
	struct sleeper one;

	start_working(&one, 0);
	cr_assert_eq(put_own(1, 0, 1), 1);
	cr_assert(comes_true(load_acquire(&one.got) == 1));
	bell_close(&inbox.bell);
	pthread_join(one.thread, NULL);
}

Test(inbox, next_ends_when_the_bell_is_closed)
{
	struct sleeper one;

	start_working(&one, 0);
	bell_close(&inbox.bell);
	pthread_join(one.thread, NULL);
	cr_assert_null(inbox_next(&inbox, &local[1], 1));
}

/* Put one by one, each awaited: a wakeup that was lost would hang. */
Test(inbox, no_wakeup_is_lost)
{
	struct sleeper s[HANDS];

	for (uint32_t i = 0; i < HANDS; i++) {
		inbox_add_local(&inbox, i, &local[i]);
		start_working(&s[i], i);
	}
	for (uint32_t n = 1; n <= 5000; n++) {
		cr_assert_eq(put(n % TASKS, 1), 1);
		cr_assert(comes_true(load_acquire(&s[0].got) +
					     load_acquire(&s[1].got) +
					     load_acquire(&s[2].got) ==
				     n));
	}
	bell_close(&inbox.bell);
	for (uint32_t i = 0; i < HANDS; i++)
		pthread_join(s[i].thread, NULL);
}
