/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Excuses, in a world of four threads: the test says which thread sleeps on which
 * futex, which holds it, and which is given a CPU.
 */
#include "../wrap.h"
#include "heal/excuse.h"
#include <criterion/criterion.h>

#define MS UINT64_C(1000000)
#define SPAN (5 * MS) /* less tells nothing */
#define FUTEX 202
#define LOCK(holder) (0x1000u + (unsigned)(holder))

enum { WARD = 1, A, B, C, THREADS };

static struct {
	int32_t waits_for; /* 0: sleeps on nothing; -1: on an unknown one's */
	char state;
	uint64_t cpu;
} thread[THREADS];

static int asked_through[THREADS];

WRAPPED(host_syscall);
int __wrap_host_syscall(const struct host_stat_files *files, int32_t *nr,
			uint64_t *arg)
{
	int32_t holder = thread[files->tid].waits_for;

	asked_through[files->tid] = files->syscall.fd;

	*nr = holder ? FUTEX : -1;
	*arg = holder ? LOCK(holder) : 0;
	return 0;
}

WRAPPED(host_sample);
int __wrap_host_sample(const struct host_stat_files *files,
		       struct host_sample *sample)
{
	*sample = (struct host_sample){ .cpu_known = true,
					.state_known = true,
					.cpu = thread[files->tid].cpu,
					.state = thread[files->tid].state };
	return 0;
}

static uint64_t starting[THREADS];

WRAPPED(host_is_younger);
bool __wrap_host_is_younger(int32_t tid, uint64_t than)
{
	return starting[tid] > than;
}

static int32_t raised[THREADS], raises;

WRAPPED(host_raise);
bool __wrap_host_raise(int32_t tid, const struct host_sched *was)
{
	cr_assert_eq(was->priority, tid);
	raised[tid]++;
	return ++raises != 2; /* the second time it is refused */
}

WRAPPED(host_is_futex);
bool __wrap_host_is_futex(int32_t nr)
{
	return nr == FUTEX;
}

WRAPPED(host_futex_holder);
int32_t __wrap_host_futex_holder(uint64_t address)
{
	return address == LOCK(-1) ? 0 : (int32_t)(address - LOCK(0));
}

static struct slot slot[THREADS]; /* each thread has the one of its number */
static struct pool pool;
static struct excuse excuse;
static struct history history = { .last = { .gen = 1, .word = 3 } };
static uint64_t now;
static excuse_at also;

static void set_up(void)
{
	now = 1000 * MS;
	pool.slot = slot;
	pool.slots = THREADS;
	store_relaxed(&pool.slots_used, THREADS);
	for (int32_t i = 1; i < THREADS; i++) {
		slot[i].pool = &pool;
		slot[i].thread.stat_files = host_stat_of(i);
		store_relaxed(&slot[i].thread.tid, i);
		store_relaxed(&slot[i].thread.life, LIFE_SEATED);
		thread[i].state = 'S';
	}
}

TestSuite(excuse, .init = set_up);

static enum stall_cause ask_after(uint64_t ns)
{
	now += ns;
	history.seen_at = now;
	return excuse_ask(&excuse, &slot[WARD], &history, SPAN, &also);
}

Test(excuse, none_for_sleep_that_is_no_futex)
{
	cr_assert_eq(ask_after(0), STALL_OWN);
}

Test(excuse, none_where_nobody_is_known_to_hold)
{
	thread[WARD].waits_for = -1;
	cr_assert_eq(ask_after(0), STALL_OWN);
}

Test(excuse, none_for_who_waits_for_itself)
{
	thread[WARD].waits_for = WARD;
	cr_assert_eq(ask_after(0), STALL_OWN);
}

Test(excuse, none_for_a_holder_that_sleeps)
{
	thread[WARD].waits_for = A;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ask_after(10 * MS), STALL_OWN);
}

Test(excuse, none_for_a_holder_that_computes)
{
	thread[WARD].waits_for = A;
	thread[A].state = 'R';
	cr_assert_eq(ask_after(0), STALL_UNSURE);
	thread[A].cpu += 5 * MS;
	cr_assert_eq(ask_after(10 * MS), STALL_OWN);
}

Test(excuse, a_starved_holder_a_bounded_number_of_times)
{
	unsigned times = 0;

	thread[WARD].waits_for = A;
	thread[A].state = 'R';
	cr_assert_eq(ask_after(0), STALL_UNSURE);
	for (; ask_after(100 * MS) == STALL_STARVED; times++) {
		thread[A].cpu += MS;
		cr_assert_eq(excuse.holder, A);
		cr_assert_lt(times, EXCUSE_TIMES);
	}
	cr_assert_eq(times, EXCUSE_TIMES);
	/* A sign of life ends that silence; the next one is another. */
	history.last.beats++;
	cr_assert_eq(ask_after(100 * MS), STALL_UNSURE);
	cr_assert_eq(ask_after(100 * MS), STALL_STARVED);
}

Test(excuse, who_changes_holders_at_each_look_is_convicted_in_the_end)
{
	unsigned times = 0;

	thread[A].state = thread[B].state = 'R';
	for (bool odd = false;; odd = !odd, times++) {
		thread[WARD].waits_for = odd ? A : B;
		if (ask_after(10 * MS) == STALL_OWN)
			break;
		cr_assert_leq(times, EXCUSE_TIMES);
	}
}

Test(excuse, a_moment_without_a_cpu_tells_nothing)
{
	thread[WARD].waits_for = A;
	thread[A].state = 'R';
	for (int i = 0; i < 5; i++)
		cr_assert_eq(ask_after(MS), STALL_UNSURE);
	thread[A].cpu += 2 * MS;
	cr_assert_eq(ask_after(MS), STALL_OWN);
}

Test(excuse, a_zombie_as_long_as_it_is_one)
{
	thread[WARD].waits_for = A;
	store_relaxed(&slot[A].thread.life, LIFE_ZOMBIE);
	for (unsigned i = 0; i < 3 * EXCUSE_TIMES; i++) {
		cr_assert_eq(ask_after(100 * MS), STALL_ZOMBIE);
		cr_assert(excuse_holds(&excuse, &history.last));
	}
	store_relaxed(&slot[A].thread.life, LIFE_SPARE);
	cr_assert_eq(ask_after(100 * MS), STALL_OWN);
	cr_assert_not(excuse_holds(&excuse, &history.last));
}

/* The thread that held it has ended, and its number is another's. */
Test(excuse, none_by_who_began_within_the_silence)
{
	thread[WARD].waits_for = A;
	thread[A].state = 'R';
	history.silence.silence = 500 * MS;
	starting[A] = now - 400 * MS;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ask_after(10 * MS), STALL_OWN);
	starting[A] = now - 600 * MS;
	cr_assert_eq(ask_after(0), STALL_UNSURE);
}

Test(excuse, ends_with_the_attempt)
{
	thread[WARD].waits_for = A;
	store_relaxed(&slot[A].thread.life, LIFE_ZOMBIE);
	cr_assert_eq(ask_after(0), STALL_ZOMBIE);
	history.last.word += SLOT_PHASES;
	cr_assert_not(excuse_holds(&excuse, &history.last));
}

Test(excuse, the_last_of_the_row_counts)
{
	thread[WARD].waits_for = A;
	thread[A].waits_for = B;
	thread[B].waits_for = C;
	cr_assert_eq(ask_after(MS), STALL_OWN);
	thread[C].state = 'R';
	cr_assert_eq(ask_after(MS), STALL_UNSURE);
	cr_assert_eq(ask_after(SPAN), STALL_STARVED);
	cr_assert_eq(excuse.holder, C);
	store_relaxed(&slot[B].thread.life, LIFE_ZOMBIE);
	cr_assert_eq(ask_after(MS), STALL_ZOMBIE);
	cr_assert_eq(excuse.holder, B);
}

Test(excuse, none_for_a_ring_not_even_with_a_zombie)
{
	thread[WARD].waits_for = A;
	thread[A].waits_for = B;
	store_relaxed(&slot[A].thread.life, LIFE_ZOMBIE);
	for (int32_t i = WARD; i <= B; i++) { /* back to any of the row */
		thread[B].waits_for = i;
		cr_assert_eq(ask_after(MS), STALL_OWN);
	}
}

Test(excuse, none_for_a_wait_inside_the_pool)
{
	static _Atomic uint32_t room;

	thread[WARD].waits_for = A;
	store_relaxed(&slot[A].thread.life, LIFE_ZOMBIE);
	store_relaxed(&slot[WARD].wait.on, &room);
	cr_assert_eq(ask_after(0), STALL_OWN);
}

Test(excuse, what_was_told_of_one_holder_is_not_told_of_another)
{
	thread[WARD].waits_for = A;
	store_relaxed(&slot[A].thread.life, LIFE_ZOMBIE);
	store_relaxed(&slot[B].thread.life, LIFE_ZOMBIE);
	cr_assert_eq(ask_after(0), STALL_ZOMBIE);
	cr_assert_not(excuse.told);
	excuse.told = true;
	cr_assert_eq(ask_after(MS), STALL_ZOMBIE);
	cr_assert(excuse.told);
	thread[WARD].waits_for = B;
	cr_assert_eq(ask_after(MS), STALL_ZOMBIE);
	cr_assert_not(excuse.told);
}

/* ---- zombies that were lowered ------------------------------------------------- */

static void lower(int32_t i)
{
	store_relaxed(&slot[i].thread.life, (uint64_t)7 << 8 | LIFE_ZOMBIE);
	store_relaxed(&slot[i].priority.lowered, (uint64_t)7 << 2 | LOWERED_YES);
	slot[i].priority.sched.priority = i;
}

static enum lowered lowered(int32_t i)
{
	return (enum lowered)(load_relaxed(&slot[i].priority.lowered) & 3);
}

Test(excuse, a_zombie_that_is_waited_for_is_lifted)
{
	lower(A);
	lower(B);
	lower(C);
	thread[WARD].waits_for = A;
	thread[A].waits_for = B;
	cr_assert_eq(ask_after(0), STALL_ZOMBIE);
	cr_assert_eq(lowered(A), LOWERED_NOT);
	cr_assert_eq(lowered(B), LOWERED_YES, "refused");
	excuse_lift(&slot[WARD], &also);
	cr_assert_eq(lowered(B), LOWERED_NOT);
	excuse_lift(&slot[WARD], &also);
	cr_assert_eq(raised[A], 1);
	cr_assert_eq(raised[B], 2);
	cr_assert_eq(raised[C], 0, "nobody waits for it");
	cr_assert_eq(lowered(C), LOWERED_YES);
}

Test(excuse, who_is_wanted_by_the_silent)
{
	struct slot *seat[1] = { &slot[WARD] };
	struct history silent = { .sampled_at = 7, .sample.state = 'S' };

	pool.seat = (struct slot *_Atomic *)(void *)seat;
	store_relaxed(&pool.seats_used, 1);
	thread[WARD].waits_for = A;
	cr_assert(excuse_wanted(&pool, &silent, A, &also));
	cr_assert_not(excuse_wanted(&pool, &silent, B, &also));
	silent.sample.state = 'R';
	cr_assert_not(excuse_wanted(&pool, &silent, A, &also), "it runs");
	silent = (struct history){ .sampled_at = 0 };
	cr_assert_not(excuse_wanted(&pool, &silent, A, &also), "it moves");
}

/* Another thread has the seat by now: a closed file is not looked through. */
Test(excuse, looks_through_the_eyes_of_the_row)
{
	static int keeps;

	thread[WARD].waits_for = A;
	thread[A].waits_for = B;
	slot[A].thread.stat_files.syscall.fd = slot[B].thread.stat_files.syscall.fd = keeps =
		77;
	cr_assert_eq(ask_after(0), STALL_OWN);
	cr_assert_eq(asked_through[A], keeps);
	cr_assert_eq(asked_through[B], keeps);
	cr_assert_eq(load_relaxed(&also), &slot[B]);
	store_relaxed(&slot[A].thread.life, LIFE_GONE);
	cr_assert_eq(ask_after(0), STALL_OWN);
	cr_assert_eq(asked_through[A], -1);
}

/* ---- what the judge makes of it ------------------------------------------------ */

Test(excuse, gives_one_more_budget)
{
	const struct budgets budgets = { .busy = 50 * MS, .blocked = 50 * MS };
	struct host_sample sample = { .cpu_known = true,
				      .state_known = true,
				      .state = 'S' };
	const struct sign sign = history.last;
	enum verdict verdict = VERDICT_FINE;
	unsigned warned = 0;

	for (unsigned excused = 0; excused < 3; excused++) {
		uint64_t began = now;

		do {
			now += 5 * MS;
			verdict = judge_sign(&history, &sign, &budgets, now, 0);
			if (verdict == VERDICT_SAMPLE)
				verdict = judge_sample(&history, &sample,
						       &budgets, now);
			warned += verdict == VERDICT_WARN;
			cr_assert_leq(now - began, 75 * MS);
		} while (verdict != VERDICT_BLOCKED);
		cr_assert_geq(now - began, 50 * MS);
		judge_excuse(&history, &budgets, now);
		cr_assert(ledger_adds_up(&history.silence));
	}
	cr_assert_eq(warned, 1);
}
