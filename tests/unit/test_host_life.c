/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAITV 449 /* SYS_futex_waitv */

static const struct host_spawn plain = { .stack = 65536 };

/* ---- one that holds a life ------------------------------------------- */

struct holder {
	struct host_life life;
	struct gate held; /* passed once the life is held */
	void (*way)(struct holder *holder);
	host_thread thread;
};

static void hold(void *arg)
{
	struct holder *holder = arg;

	host_life_hold(&holder->life);
	gate_pass(&holder->held);
	holder->way(holder);
}

static void by_raw_exit(struct holder *holder)
{
	(void)holder;
	raw_exit();
}

static void by_exit(struct holder *holder)
{
	(void)holder;
	pthread_exit(NULL);
}

static void by_return(struct holder *holder)
{
	(void)holder;
}

static void in_order(struct holder *holder)
{
	host_life_leave(&holder->life);
}

static void until_cancelled(struct holder *holder)
{
	(void)holder;
	for (;;)
		pause();
}

static void begin(struct holder *holder, void (*way)(struct holder *holder))
{
	memset(&holder->held, 0, sizeof(holder->held));
	host_life_init(&holder->life);
	cr_assert(!host_life_lost(&holder->life));
	holder->way = way;
	cr_assert_eq(host_spawn(&holder->thread, &plain, hold, NULL, holder),
		     0);
	gate_came(&holder->held);
	cr_assert(holder->life.works);
	cr_assert(!host_life_lost(&holder->life));
}

static void end(struct holder *holder)
{
	gate_open(&holder->held);
	cr_assert_eq(host_join(holder->thread, HOST_FOREVER), 0);
}

static bool lost_by(void (*way)(struct holder *holder))
{
	struct holder holder = { .way = way };

	begin(&holder, way);
	if (way == until_cancelled)
		pthread_cancel((pthread_t)holder.thread);
	end(&holder);
	return host_life_lost(&holder.life);
}

Test(host_life, is_lost_by_every_end_without_leave)
{
	cr_assert(lost_by(by_raw_exit));
	cr_assert(lost_by(by_exit));
	cr_assert(lost_by(by_return));
	cr_assert(lost_by(until_cancelled));
	cr_assert(!lost_by(in_order));
}

Test(host_life, made_anew_serves_the_next_thread)
{
	static struct holder holder;

	for (int i = 0; i < 100; i++) {
		begin(&holder, i % 2 ? by_raw_exit : in_order);
		end(&holder);
		cr_assert_eq(host_life_lost(&holder.life), i % 2 == 1);
	}
}

Test(host_life, left_or_never_held_is_not_lost)
{
	struct host_life life = { .works = false };

	host_life_init(&life);
	host_life_leave(&life);
	cr_assert(!host_life_lost(&life));
	host_life_hold(&life);
	host_life_leave(&life);
	cr_assert(!host_life_lost(&life));
}

/* ---- one that watches ------------------------------------------------ */

struct watcher {
	_Atomic uint32_t word, gen;
	struct host_life *const *lives;
	unsigned n;
	_Atomic uint32_t tid, returned;
	host_thread thread;
};

static void watch(void *arg)
{
	struct watcher *watcher = arg;

	store_release(&watcher->tid, (uint32_t)host_tid());
	host_wait_lives(&watcher->word, 5, &watcher->gen, 6, watcher->lives,
			watcher->n);
	store_release(&watcher->returned, 1);
}

static void start_watch(struct watcher *watcher, struct host_life *const *lives,
			unsigned n)
{
	memset(watcher, 0, sizeof(*watcher));
	store_relaxed(&watcher->word, 5);
	store_relaxed(&watcher->gen, 6);
	watcher->lives = lives;
	watcher->n = n;
	cr_assert_eq(host_spawn(&watcher->thread, &plain, watch, NULL, watcher),
		     0);
}

static void asleep(struct watcher *watcher)
{
	cr_assert(comes_true(load_acquire(&watcher->tid) != 0));
	cr_assert(comes_true(
		sleeps_in_futex((int32_t)load_acquire(&watcher->tid))));
	cr_assert_eq(load_acquire(&watcher->returned), 0);
}

static void wakes(struct watcher *watcher)
{
	cr_assert_eq(host_join(watcher->thread, host_now() + IN_TIME), 0);
}

static void wakes_by(void (*way)(struct holder *holder))
{
	static struct holder holder[3];
	struct host_life *lives[5] = { NULL, &holder[0].life, &holder[1].life,
				       NULL, &holder[2].life };
	struct watcher watcher;

	for (int i = 0; i < 3; i++)
		begin(&holder[i], i == 1 ? way : in_order);
	start_watch(&watcher, lives, 5);
	asleep(&watcher);
	if (way == until_cancelled)
		pthread_cancel((pthread_t)holder[1].thread);
	end(&holder[1]);
	wakes(&watcher);
	cr_assert(!host_life_lost(&holder[0].life));
	cr_assert(host_life_lost(&holder[1].life));
	cr_assert(!host_life_lost(&holder[2].life));
	end(&holder[0]);
	end(&holder[2]);
}

Test(host_life, every_end_wakes_the_watcher, .timeout = 60)
{
	wakes_by(by_raw_exit);
	wakes_by(by_exit);
	wakes_by(by_return);
	wakes_by(until_cancelled);
}

Test(host_life, word_and_gen_wake_the_watcher, .timeout = 60)
{
	static struct holder holder;
	struct host_life *lives[1] = { &holder.life };
	struct watcher watcher;

	begin(&holder, in_order);
	start_watch(&watcher, lives, 1);
	asleep(&watcher);
	store_release(&watcher.word, 50);
	host_wake(&watcher.word, 1);
	wakes(&watcher);
	start_watch(&watcher, lives, 1);
	asleep(&watcher);
	store_release(&watcher.gen, 60);
	host_wake(&watcher.gen, 1);
	wakes(&watcher);
	end(&holder);
}

Test(host_life, watch_of_what_has_changed_does_not_sleep, .timeout = 60)
{
	static struct holder holder;
	struct host_life *lives[1] = { &holder.life };
	_Atomic uint32_t word = 5, gen = 6;

	begin(&holder, by_raw_exit);
	host_wait_lives(&word, 4, &gen, 6, lives, 1);
	host_wait_lives(&word, 5, &gen, 4, lives, 1);
	end(&holder);
	host_wait_lives(&word, 5, &gen, 6, lives, 1);
	cr_assert(host_life_lost(&holder.life));
}

/* As many as fit are watched, and more are no error. */
Test(host_life, more_than_fit, .timeout = 60)
{
	static struct holder holder[160];
	static struct host_life *lives[160];
	struct watcher watcher;

	for (int i = 0; i < 160; i++) {
		begin(&holder[i], i == 125 ? by_raw_exit : in_order);
		lives[i] = &holder[i].life;
	}
	start_watch(&watcher, lives, 160);
	asleep(&watcher);
	end(&holder[125]);
	wakes(&watcher);
	cr_assert(host_life_lost(&holder[125].life));
	for (int i = 0; i < 160; i++)
		if (i != 125)
			end(&holder[i]);
}

/* A kernel without the call, or a filter against it: the word still wakes. */
Test(host_life, without_waitv_the_word_is_what_wakes, .timeout = 60)
{
	static struct holder holder;
	struct host_life *lives[1] = { &holder.life };
	struct watcher watcher;

	cr_assert(refuse_call(WAITV, ENOSYS));
	begin(&holder, by_raw_exit);
	for (int i = 0; i < 2; i++) {
		start_watch(&watcher, lives, 1);
		asleep(&watcher);
		store_release(&watcher.word, 50);
		host_wake(&watcher.word, 1);
		wakes(&watcher);
	}
	end(&holder);
	cr_assert(host_life_lost(&holder.life)); /* still to be seen */
	start_watch(&watcher, lives, 1);
	wakes(&watcher);
}

#if !UNDER_ASAN /* see sanitizers.h: it ends by a raw exit */
static void hold_in_vain(void *arg)
{
	struct host_life *life = arg;

	host_life_hold(life);
	cr_assert(!life->works);
	cr_assert(host_lacks() >> HOST_NO_END & 1);
	syscall(SYS_exit, 0);
}

/* A thread whose kernel keeps no list for it: not used, and no false alarm. */
Test(host_life, without_a_robust_list_does_not_work, .timeout = 60)
{
	struct host_spawn how = { .stack = 1 << 18 };
	struct host_life life = { .works = false };
	host_thread thread;

	host_life_init(&life);
	cr_assert(refuse_call(SYS_set_robust_list, ENOSYS));
	for (int i = 0; i < 2; i++) { /* nobody waits for what was left held */
		cr_assert_eq(host_spawn(&thread, &how, hold_in_vain, NULL,
					&life), 0);
		cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
		cr_assert(!host_life_lost(&life));
		host_life_init(&life);
	}
}
#endif

/* A process that may not ask for the list has one all the same. */
Test(host_life, a_list_that_is_not_to_be_seen_works)
{
	struct host_life life = { .works = false };

	cr_assert(refuse_call(SYS_get_robust_list, EPERM));
	host_life_init(&life);
	host_life_hold(&life);
	cr_assert(life.works);
	host_life_leave(&life);
	cr_assert(!host_life_lost(&life));
}

/* ---- any of several words -------------------------------------------- */

struct sleeper {
	_Atomic uint32_t word[4], tid, woken;
	host_thread thread;
};

static void sleep_on_four(void *arg)
{
	struct sleeper *sleeper = arg;
	struct host_waitv watch[4];

	for (uint32_t i = 0; i < 4; i++)
		watch[i] = (struct host_waitv){ .word = &sleeper->word[i],
						.seen = i };
	store_release(&sleeper->tid, (uint32_t)host_tid());
	for (;;) {
		if (host_wait_any(watch, 4, HOST_FOREVER))
			return; /* not woken: it never was the time */
		for (uint32_t i = 0; i < 4; i++)
			if (load_acquire(&sleeper->word[i]) != i) {
				store_release(&sleeper->woken, 1);
				return;
			}
	}
}

static void each_word_wakes(void)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct sleeper sleeper = { .word = { 0, 1, 2, 3 } };

		cr_assert_eq(host_spawn(&sleeper.thread, &plain, sleep_on_four,
					NULL, &sleeper), 0);
		cr_assert(comes_true(
			load_acquire(&sleeper.tid) &&
			sleeps_in_futex((int32_t)load_acquire(&sleeper.tid))));
		store_release(&sleeper.word[i], 9);
		host_wake(&sleeper.word[i], 1);
		cr_assert_eq(host_join(sleeper.thread, host_now() + IN_TIME),
			     0);
		cr_assert(load_acquire(&sleeper.woken));
	}
}

static void moved_or_late(void)
{
	_Atomic uint32_t word[2] = { 1, 2 };
	struct host_waitv watch[2] = { { .word = &word[0], .seen = 1 },
				       { .word = &word[1], .seen = 9 } };
	uint64_t until = host_now() + 5000000;

	cr_assert_eq(host_wait_any(watch, 2, HOST_FOREVER), 0);
	watch[1].seen = 2;
	while (host_wait_any(watch, 2, until) == 0)
		;
	cr_assert_geq(host_now(), until);
	cr_assert_eq(host_wait_any(watch, 2, 1), -ETIMEDOUT);
	cr_assert_eq(host_wait_any(watch, 1, 1), -ETIMEDOUT);
}

Test(host_life, any_word_wakes, .timeout = 60)
{
	each_word_wakes();
	moved_or_late();
}

/* Where only the first is slept on, moved_or_late()'s second is seen by a look. */
Test(host_life, without_waitv_any_word_wakes_soon, .timeout = 60)
{
	cr_assert(refuse_call(WAITV, ENOSYS));
	each_word_wakes();
	moved_or_late();
}
