/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/bridge.h"
#include "task/slot.h"
#include "filter.h"
#include "job.h"

static uint32_t dropped;
static uintptr_t dropped_sum;

static void drop(void *item)
{
	dropped++;
	dropped_sum += (uintptr_t)item;
}

static void *thing(uintptr_t n)
{
	return (void *)n;
}

static struct ward_bridge *bridge_of(uint32_t slots)
{
	struct ward_bridge *bridge = NULL;

	dropped = 0;
	dropped_sum = 0;
	cr_assert_eq(ward_bridge_create(&bridge, slots, drop), 0);
	cr_assert_not_null(bridge);
	return bridge;
}

/* The item of number n is n; without a number it is 77. */
static int put(struct ward_bridge *bridge, uint64_t seq)
{
	return ward_bridge_put(bridge, seq, thing(seq ? seq : 77), WARD_NOWAIT);
}

static void gets(struct ward_bridge *bridge, uintptr_t want, uint64_t number)
{
	uint64_t seq = 99;
	void *item = NULL;

	cr_assert_eq(ward_bridge_get(bridge, &item, &seq, WARD_NOWAIT), 0);
	cr_assert_eq((uintptr_t)item, want, "%lu", (uintptr_t)item);
	cr_assert_eq(seq, number);
}

static int no_item(struct ward_bridge *bridge)
{
	void *item = &bridge;
	uint64_t seq = 99;
	int err = ward_bridge_get(bridge, &item, &seq, WARD_NOWAIT);

	cr_assert_eq(item, &bridge);
	cr_assert_eq(seq, 99);
	return err;
}

/* ---- one thread ------------------------------------------------------ */

Test(bridge, what_is_put_is_got_in_order)
{
	struct ward_bridge *bridge = bridge_of(4);

	cr_assert_eq(no_item(bridge), -EAGAIN);
	for (uint64_t n = 1; n <= 40; n++) {
		cr_assert_eq(put(bridge, n), 0);
		gets(bridge, n, n);
		cr_assert_eq(no_item(bridge), -EAGAIN);
	}
	ward_bridge_destroy(bridge);
	cr_assert_eq(dropped, 0);
}

Test(bridge, has_room_for_as_many_as_it_says)
{
	static const uint32_t slots[] = { 2, 3, 4, 5, 7, 64, 1000, 65536 };

	for (int i = 0; i < 8; i++) {
		struct ward_bridge *bridge = bridge_of(slots[i]);
		uint64_t in = 0, out = 0;

		for (int lap = 0; lap < 3; lap++) {
			while (in - out < slots[i])
				cr_assert_eq(put(bridge, ++in), 0);
			cr_assert_eq(put(bridge, in + 1), -EAGAIN);
			for (uint32_t n = 0; n <= slots[i] / 2; n++) {
				out++;
				gets(bridge, out, out);
			}
		}
		ward_bridge_destroy(bridge);
		cr_assert_eq(dropped, in - out);
	}
}

Test(bridge, a_number_is_taken_once_and_leaves_no_gap)
{
	struct ward_bridge *bridge = bridge_of(4);

	cr_assert_eq(put(bridge, 2), -ERANGE);
	cr_assert_eq(put(bridge, UINT64_MAX), -ERANGE);
	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(put(bridge, 1), -EALREADY);
	cr_assert_eq(put(bridge, 3), -ERANGE);
	cr_assert_eq(put(bridge, 2), 0);
	gets(bridge, 1, 1);
	gets(bridge, 2, 2);
	cr_assert_eq(put(bridge, 1), -EALREADY, "also when it was read");
	cr_assert_eq(put(bridge, 2), -EALREADY);
	cr_assert_eq(put(bridge, 4), -ERANGE);
	cr_assert_eq(put(bridge, 3), 0);
	ward_bridge_destroy(bridge);
	cr_assert_eq(dropped_sum, 3);
}

Test(bridge, a_full_one_still_says_what_it_has)
{
	struct ward_bridge *bridge = bridge_of(2);

	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(put(bridge, 2), 0);
	cr_assert_eq(put(bridge, 2), -EALREADY);
	cr_assert_eq(put(bridge, 4), -ERANGE);
	cr_assert_eq(put(bridge, 3), -EAGAIN);
	ward_bridge_destroy(bridge);
}

Test(bridge, items_without_number_go_between)
{
	struct ward_bridge *bridge = bridge_of(4);

	cr_assert_eq(put(bridge, 0), 0);
	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(put(bridge, 0), 0);
	cr_assert_eq(put(bridge, 0), 0);
	gets(bridge, 77, 0);
	cr_assert_eq(put(bridge, 1), -EALREADY);
	cr_assert_eq(put(bridge, 2), 0);
	gets(bridge, 1, 1);
	gets(bridge, 77, 0);
	gets(bridge, 77, 0);
	gets(bridge, 2, 2);
	ward_bridge_destroy(bridge);
}

Test(bridge, open_says_the_last_number)
{
	struct ward_bridge *bridge = bridge_of(2);
	uint64_t last = 9;

	cr_assert_eq(ward_bridge_open(bridge, &last), 0);
	cr_assert_eq(last, 0);
	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(put(bridge, 2), 0);
	cr_assert_eq(ward_bridge_open(bridge, &last), 0);
	cr_assert_eq(last, 2, "of a full one");
	gets(bridge, 1, 1);
	gets(bridge, 2, 2);
	cr_assert_eq(ward_bridge_open(bridge, &last), 0);
	cr_assert_eq(last, 2, "of one that was read");
	cr_assert_eq(ward_bridge_open(bridge, NULL), 0);
	cr_assert_eq(put(bridge, 3), 0);
	ward_bridge_destroy(bridge);
}

Test(bridge, openings_take_no_room_however_many)
{
	struct ward_bridge *bridge = bridge_of(2);

	for (uint64_t n = 1; n < 20; n++) {
		for (uint32_t i = 0; i < (2u << CELL_GEN_BITS) / 20; i++)
			cr_assert_eq(ward_bridge_open(bridge, NULL), 0);
		cr_assert_eq(put(bridge, n), 0);
		cr_assert_eq(cell_what(load_relaxed(&bridge->cell[n % 3])) != 0, 1);
		gets(bridge, n, n);
	}
	cr_assert_eq(put(bridge, 20), 0);
	cr_assert_eq(put(bridge, 21), 0);
	cr_assert_eq(put(bridge, 22), -EAGAIN);
	ward_bridge_destroy(bridge);
}

Test(bridge, a_turned_cell_is_the_same_lap_and_never_the_same_word)
{
	uint64_t word = cell_fresh(5, 0), seen = word;

	for (uint32_t i = 1; i < 1u << CELL_GEN_BITS; i++) {
		seen = cell_next_gen(seen);
		cr_assert_neq(seen, word);
		cr_assert_eq(cell_lap(seen), 5);
		cr_assert_eq(cell_what(seen), 0);
	}
	cr_assert_eq(cell_next_gen(seen), word, "it comes round");
}

Test(bridge, the_lap_comes_round)
{
	struct ward_bridge *bridge = bridge_of(2);
	const uint64_t laps = (UINT64_C(1) << CELL_LAP_BITS) - 1;

	/* As after 3 * laps items. */
	for (uint32_t i = 0; i < 3; i++)
		store_relaxed(&bridge->cell[i], cell_fresh(laps, i == 0));
	bridge->next = 3 * laps + 1;
	store_relaxed(&bridge->end, 3 * laps + 1);
	for (uint64_t n = 1; n < 10; n++) {
		cr_assert_eq(put(bridge, n), 0);
		cr_assert_eq(put(bridge, 0), 0);
		cr_assert_eq(put(bridge, 0), -EAGAIN);
		gets(bridge, n, n);
		gets(bridge, 77, 0);
	}
	cr_assert_lt(cell_lap(load_relaxed(&bridge->cell[0])), 10);
	ward_bridge_destroy(bridge);
}

/* ---- close ----------------------------------------------------------- */

Test(bridge, what_is_there_is_read_after_the_close)
{
	struct ward_bridge *bridge = bridge_of(2);

	cr_assert_eq(ward_bridge_cause(bridge), 0);
	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(ward_bridge_close(bridge, -EIO), 0);
	cr_assert_eq(ward_bridge_close(bridge, -EPERM), -EALREADY);
	cr_assert_eq(ward_bridge_cause(bridge), -EIO);
	cr_assert_eq(put(bridge, 2), -EPIPE);
	cr_assert_eq(put(bridge, 1), -EPIPE);
	cr_assert_eq(ward_bridge_open(bridge, NULL), -EPIPE);
	gets(bridge, 1, 1);
	cr_assert_eq(no_item(bridge), -EPIPE);
	cr_assert_eq(no_item(bridge), -EPIPE);
	cr_assert_eq(put(bridge, 2), -EPIPE);
	cr_assert_eq(ward_bridge_open(bridge, NULL), -EPIPE);
	ward_bridge_destroy(bridge);
}

Test(bridge, any_cause_is_kept)
{
	static const int cause[] = { 0, 1, -1, INT32_MIN, INT32_MAX };

	for (int i = 0; i < 5; i++) {
		struct ward_bridge *bridge = bridge_of(2);

		cr_assert_eq(ward_bridge_close(bridge, cause[i]), 0);
		cr_assert_eq(ward_bridge_close(bridge, cause[i]), -EALREADY);
		cr_assert_eq(ward_bridge_cause(bridge), cause[i]);
		cr_assert_eq(no_item(bridge), -EPIPE);
		ward_bridge_destroy(bridge);
	}
}

Test(bridge, what_is_left_is_dropped)
{
	struct ward_bridge *bridge = bridge_of(4);

	for (uint64_t n = 1; n <= 4; n++)
		cr_assert_eq(put(bridge, n), 0);
	gets(bridge, 1, 1);
	ward_bridge_destroy(bridge);
	cr_assert_eq(dropped, 3);
	cr_assert_eq(dropped_sum, 2 + 3 + 4);
	bridge = bridge_of(4);
	cr_assert_eq(put(bridge, 1), 0);
	cr_assert_eq(ward_bridge_close(bridge, 0), 0);
	ward_bridge_destroy(bridge);
	cr_assert_eq(dropped, 1);
	ward_bridge_destroy(NULL);
}

Test(bridge, without_drop_it_is_forgotten)
{
	struct ward_bridge *bridge = NULL;

	cr_assert_eq(ward_bridge_create(&bridge, 2, NULL), 0);
	cr_assert_eq(put(bridge, 1), 0);
	ward_bridge_destroy(bridge);
}

/* ---- nodes ----------------------------------------------------------- */

/* No thread outside has one: all that is not in a cell is free. */
Test(bridge, no_node_is_lost)
{
	struct ward_bridge *bridge = bridge_of(2);
	uint32_t n = 0;

	for (uint64_t seq = 1; seq < 100; seq++) {
		cr_assert_eq(put(bridge, seq), 0);
		cr_assert_eq(put(bridge, seq), -EALREADY);
		cr_assert_eq(put(bridge, seq + 2), -ERANGE);
		cr_assert_eq(put(bridge, 0), 0);
		cr_assert_eq(put(bridge, 0), -EAGAIN);
		gets(bridge, seq, seq);
		gets(bridge, 77, 0);
	}
	while (stack_pop(&bridge->free) != STACK_NONE)
		n++;
	cr_assert_eq(n, 2 + BRIDGE_SPARE);
	cr_assert_eq(put(bridge, 0), -EAGAIN, "no node is no room");
	ward_bridge_destroy(bridge);
}

/* ---- waiting --------------------------------------------------------- */

struct waiter {
	struct ward_bridge *bridge;
	ward_ns until;
	_Atomic uint32_t tid, ended;
	int got;
	void *item;
	pthread_t thread;
};

static void *puts_one(void *arg)
{
	struct waiter *waiter = arg;

	store_release(&waiter->tid, (uint32_t)host_tid());
	waiter->got = ward_bridge_put(waiter->bridge, 0, thing(5),
				      waiter->until);
	store_release(&waiter->ended, 1);
	return NULL;
}

static void *gets_one(void *arg)
{
	struct waiter *waiter = arg;

	store_release(&waiter->tid, (uint32_t)host_tid());
	waiter->got = ward_bridge_get(waiter->bridge, &waiter->item, NULL,
				      waiter->until);
	store_release(&waiter->ended, 1);
	return NULL;
}

static void waits(struct waiter *waiter, struct ward_bridge *bridge,
		  void *(*fn)(void *))
{
	*waiter = (struct waiter){ .bridge = bridge, .until = WARD_FOREVER };
	cr_assert_eq(pthread_create(&waiter->thread, NULL, fn, waiter), 0);
	cr_assert(comes_true(
		load_acquire(&waiter->tid) &&
		sleeps_in_futex((int32_t)load_acquire(&waiter->tid))));
}

static void ends(struct waiter *waiter, int got)
{
	cr_assert(comes_true(load_acquire(&waiter->ended)));
	pthread_join(waiter->thread, NULL);
	cr_assert_eq(waiter->got, got, "%d", waiter->got);
}

static void full(struct ward_bridge *bridge)
{
	while (put(bridge, 0) == 0)
		;
}

static void room_wakes(void)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct waiter waiter[3];

	full(bridge);
	for (int i = 0; i < 3; i++)
		waits(&waiter[i], bridge, puts_one);
	for (int i = 0; i < 2; i++)
		gets(bridge, 77, 0);
	for (int i = 0; i < 3; i++) {
		void *item;

		cr_assert_eq(ward_bridge_get(bridge, &item, NULL, WARD_FOREVER),
			     0);
		cr_assert_eq((uintptr_t)item, 5);
	}
	for (int i = 0; i < 3; i++)
		ends(&waiter[i], 0);
	cr_assert_eq(load_relaxed(&bridge->room.inside), 0);
	cr_assert_eq(load_relaxed(&bridge->items.inside), 0);
	ward_bridge_destroy(bridge);
}

Test(bridge, who_waits_for_room_gets_it)
{
	room_wakes();
}

Test(bridge, who_waits_for_room_as_it_is_destroyed_is_refused)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct waiter waiter[2];

	full(bridge);
	for (int i = 0; i < 2; i++)
		waits(&waiter[i], bridge, puts_one);
	ward_bridge_destroy(bridge);
	for (int i = 0; i < 2; i++)
		ends(&waiter[i], -EPIPE);
	cr_assert_eq(dropped, 2);
}

/* A callback's wait is declared, as one in run() is. */
static _Atomic uint32_t waited;
static struct ward_bridge *shared;

static void waits_in_done(struct ward_task *task, int status)
{
	void *item;

	store_relaxed(&waited, (uint32_t)-ward_bridge_get(
				       shared, &item, NULL,
				       ward_in(WARD_MS(150))));
	job_done(task, status);
}

Test(bridge, who_waits_in_a_callback_is_not_blocked)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);

	shared = bridge_of(2);
	job.task.policy = &hasty;
	job.task.done = waits_in_done;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(waited, ETIMEDOUT);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
	ward_bridge_destroy(shared);
}

static void item_wakes(void)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct waiter waiter;

	waits(&waiter, bridge, gets_one);
	cr_assert_eq(put(bridge, 1), 0);
	ends(&waiter, 0);
	cr_assert_eq(waiter.item, thing(1));
	ward_bridge_destroy(bridge);
}

Test(bridge, who_waits_for_an_item_gets_it)
{
	item_wakes();
}

static void close_wakes(void)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct waiter waiter[2];

	waits(&waiter[0], bridge, gets_one);
	cr_assert_eq(ward_bridge_close(bridge, 0), 0);
	ends(&waiter[0], -EPIPE);
	ward_bridge_destroy(bridge);

	bridge = bridge_of(2);
	full(bridge);
	waits(&waiter[0], bridge, puts_one);
	waits(&waiter[1], bridge, puts_one);
	cr_assert_eq(ward_bridge_close(bridge, 0), 0);
	ends(&waiter[0], -EPIPE);
	ends(&waiter[1], -EPIPE);
	ward_bridge_destroy(bridge);
}

Test(bridge, a_close_wakes_all)
{
	close_wakes();
}

Test(bridge, waits_where_the_kernel_cannot_wait_for_several)
{
	if (!refuse_call(449 /* futex_waitv */, ENOSYS))
		cr_skip("no seccomp here");
	room_wakes();
	item_wakes();
	close_wakes();
}

Test(bridge, the_time_is_up)
{
	struct ward_bridge *bridge = bridge_of(2);
	ward_ns until = ward_in(WARD_MS(5));
	void *item;

	cr_assert_eq(ward_bridge_get(bridge, &item, NULL, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	cr_assert_eq(ward_bridge_get(bridge, &item, NULL, 1), -ETIMEDOUT);
	full(bridge);
	until = ward_in(WARD_MS(5));
	cr_assert_eq(ward_bridge_put(bridge, 1, bridge, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	cr_assert_eq(ward_bridge_put(bridge, 1, bridge, 1), -ETIMEDOUT);
	cr_assert_eq(load_relaxed(&bridge->room.inside), 0);
	cr_assert_eq(load_relaxed(&bridge->items.inside), 0);
	ward_bridge_destroy(bridge);
}

Test(bridge, takes_n_or_what_there_is)
{
	struct ward_bridge *bridge = bridge_of(4);
	void *item[6] = { NULL };

	cr_assert_eq(ward_bridge_take(bridge, item, 3, WARD_NOWAIT), -EAGAIN);
	cr_assert_eq(ward_bridge_take(bridge, item, 3, 1), -ETIMEDOUT);
	for (uint64_t n = 1; n <= 4; n++)
		cr_assert_eq(put(bridge, n), 0);
	cr_assert_eq(ward_bridge_take(bridge, item, 3, WARD_NOWAIT), 3);
	cr_assert_eq(item[0], thing(1));
	cr_assert_eq(item[2], thing(3));
	cr_assert_null(item[3]);
	cr_assert_eq(ward_bridge_take(bridge, item, 6, 1), 1);
	cr_assert_eq(item[0], thing(4));
	cr_assert_eq(put(bridge, 5), 0);
	cr_assert_eq(ward_bridge_close(bridge, 0), 0);
	cr_assert_eq(ward_bridge_take(bridge, item, 6, WARD_FOREVER), 1);
	cr_assert_eq(ward_bridge_take(bridge, item, 6, WARD_FOREVER), -EPIPE);
	ward_bridge_destroy(bridge);
}

/* ---- bad input ------------------------------------------------------- */

Test(bridge, bad_input_changes_nothing)
{
	struct ward_bridge *bridge = bridge_of(2), *out = bridge;
	static const uint32_t slots[] = { 0, 1, 65537, UINT32_MAX };
	uint64_t seq;
	void *item[2];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(ward_bridge_create(&out, slots[i], drop), -EINVAL);
	cr_assert_eq(ward_bridge_create(NULL, 2, drop), -EINVAL);
	cr_assert_eq(out, bridge);
	cr_assert_eq(ward_bridge_open(NULL, &seq), -EINVAL);
	cr_assert_eq(ward_bridge_put(NULL, 1, item, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_put(bridge, 1, NULL, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_get(NULL, item, &seq, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_get(bridge, NULL, &seq, WARD_FOREVER),
		     -EINVAL);
	cr_assert_eq(ward_bridge_take(NULL, item, 1, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_take(bridge, NULL, 1, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_take(bridge, item, 0, WARD_FOREVER), -EINVAL);
	cr_assert_eq(ward_bridge_take(bridge, item, UINT32_MAX, WARD_NOWAIT),
		     -EINVAL);
	cr_assert_eq(ward_bridge_close(NULL, 0), -EINVAL);
	cr_assert_eq(ward_bridge_cause(NULL), 0);
	cr_assert_eq(load_relaxed(&bridge->closed), 0);
	cr_assert_eq(no_item(bridge), -EAGAIN);
	cr_assert_eq(put(bridge, 1), 0);
	gets(bridge, 1, 1);
	ward_bridge_destroy(bridge);
}

/* ---- tasks ----------------------------------------------------------- */

struct maker {
	struct job job;
	struct ward_bridge *bridge;
	/* Read when it has come home. */
	int got, opened, later;
	uint64_t declared, last;
};

static struct maker *maker_of(struct ward_task *task)
{
	return ward_entry(job_of(task), struct maker, job);
}

static int makes(struct ward_task *task)
{
	struct maker *maker = maker_of(task);
	struct slot *slot = host_self();
	uint64_t last = 0;

	job_begins(&maker->job);
	maker->opened = ward_bridge_open(maker->bridge, &last);
	maker->last = last;
	ward_block_enter(WARD_S(1000));
	maker->got = ward_bridge_put(maker->bridge, last + 1, thing(last + 1),
				     WARD_FOREVER);
	maker->declared = load_relaxed(&slot->declared);
	ward_block_leave();
	if (load_relaxed(&maker->job.gate.open) == 0 && !maker->got)
		gate_pass(&maker->job.gate);
	maker->later = ward_bridge_put(maker->bridge, last + 2, thing(last + 2),
				       WARD_NOWAIT);
	return job_ends(&maker->job);
}

static struct maker maker_for(struct ward_bridge *bridge)
{
	return (struct maker){ .job = job_of_kind(makes), .bridge = bridge };
}

Test(bridge, a_later_attempt_takes_over)
{
	struct ward_bridge *bridge = bridge_of(4);
	struct ward_pool *pool = pool_of(2);
	struct maker old = maker_for(bridge), new = maker_for(bridge);

	submitted(pool, &old.job);
	gate_came(&old.job.gate);
	submitted(pool, &new.job);
	gate_came(&new.job.gate);
	cr_assert_eq(put(bridge, 3), -ESTALE, "a thread has the number 0");
	cr_assert_eq(put(bridge, 0), -ESTALE);
	cr_assert_eq(ward_bridge_open(bridge, NULL), -ESTALE);
	gate_open(&old.job.gate);
	job_had(&old.job, 0);
	cr_assert_eq(old.later, -ESTALE);
	gate_open(&new.job.gate);
	job_had(&new.job, 0);
	cr_assert_eq(new.last, 1);
	cr_assert_eq(new.later, 0);
	for (uint64_t n = 1; n <= 3; n++)
		gets(bridge, n, n);
	cr_assert_eq(no_item(bridge), -EAGAIN);
	ended(pool);
	ward_bridge_destroy(bridge);
}

/* The cause of a token, where the task waits for room. */
Test(bridge, a_cancelled_task_waits_no_more)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct ward_pool *pool = pool_of(1);
	struct maker maker = maker_for(bridge);
	struct ward_cancel cancel = { { 0 } };

	full(bridge);
	maker.job.task.cancel = &cancel;
	submitted(pool, &maker.job);
	cr_assert(comes_true(load_relaxed(&bridge->room.inside)));
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&maker.job.ran_on))));
	ward_cancel_fire(&cancel, -ECONNRESET);
	job_had(&maker.job, 0);
	cr_assert_eq(maker.got, -ECONNRESET);
	cr_assert_eq(maker.declared, WARD_S(1000), "its own declaration again");
	ended(pool);
	ward_bridge_destroy(bridge);
}

Test(bridge, destroy_gets_a_waiting_task_out)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct ward_pool *pool = pool_of(1);
	struct maker maker = maker_for(bridge);

	full(bridge);
	submitted(pool, &maker.job);
	cr_assert(comes_true(load_relaxed(&bridge->room.inside)));
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(maker.got, -ESHUTDOWN);
	ward_bridge_destroy(bridge);
}

/* A wait for room is a declared block: it does not count as silence. */
Test(bridge, who_waits_for_room_is_not_convicted)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct ward_pool *pool = pool_of(1);
	struct maker maker = maker_for(bridge);
	struct ward_stats before;

	full(bridge);
	maker.job.task.policy = &hasty;
	submitted(pool, &maker.job);
	cr_assert(comes_true(load_relaxed(&bridge->room.inside)));
	before = stats_of(pool);
	cr_assert(comes_true(stats_of(pool).scans > before.scans + 100));
	gate_open(&maker.job.gate);
	gets(bridge, 77, 0);
	job_had(&maker.job, 0);
	cr_assert_eq(maker.got, 0);
	ended(pool);
	ward_bridge_destroy(bridge);
}

/* ... and no longer than was asked for; then its steward fences it there. */
static const struct ward_policy brief = { .size = sizeof(brief),
					  .busy_within = WARD_MS(20),
					  .blocked_within = WARD_MS(20),
					  .declared_within = WARD_MS(40) };

Test(bridge, a_fence_gets_a_waiting_task_out)
{
	struct ward_bridge *bridge = bridge_of(2);
	struct ward_pool *pool = pool_of(1);
	struct maker maker = maker_for(bridge);

	full(bridge);
	maker.job.task.policy = &brief;
	submitted(pool, &maker.job);
	job_had(&maker.job, -ETIME);
	cr_assert(comes_true(load_acquire(&maker.job.homes)));
	cr_assert_eq(maker.got, -ESTALE);
	cr_assert_eq(maker.later, -ESTALE, "though nobody has taken over");
	cr_assert_eq(load_relaxed(&maker.job.check), -ESTALE);
	ended(pool);
	ward_bridge_destroy(bridge);
}

/* ---- many ------------------------------------------------------------ */

enum { MAKERS = 4, EACH = 20000 };

static struct ward_bridge *shared;

static void *puts_many(void *arg)
{
	uintptr_t tag = (uintptr_t)arg;

	for (uintptr_t n = 0; n < EACH; n++)
		if (ward_bridge_put(shared, 0, thing(n << 8 | tag),
				    WARD_FOREVER))
			return arg;
	return NULL;
}

Test(bridge, many_producers_without_numbers)
{
	pthread_t thread[MAKERS];
	uintptr_t next[MAKERS + 1] = { 0 };
	void *item, *wrong;

	shared = bridge_of(8);
	for (uintptr_t i = 1; i <= MAKERS; i++)
		pthread_create(&thread[i - 1], NULL, puts_many, (void *)i);
	for (int n = 0; n < MAKERS * EACH; n++) {
		uintptr_t who;

		cr_assert_eq(ward_bridge_get(shared, &item, NULL,
					     ward_in(IN_TIME)), 0);
		who = (uintptr_t)item & 0xff;
		cr_assert(who >= 1 && who <= MAKERS);
		cr_assert_eq((uintptr_t)item >> 8, next[who]++);
	}
	for (int i = 0; i < MAKERS; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
	cr_assert_eq(no_item(shared), -EAGAIN);
	ward_bridge_destroy(shared);
	cr_assert_eq(dropped, 0);
}

/* All of them put the same sequence: each number comes in once. */
static void *puts_the_same(void *arg)
{
	for (uint64_t n = 1; n <= EACH;) {
		int err = ward_bridge_put(shared, n, thing(n), WARD_FOREVER);

		if (err && err != -EALREADY)
			return arg;
		n++;
	}
	return NULL;
}

Test(bridge, each_number_comes_in_once)
{
	pthread_t thread[MAKERS];
	void *item, *wrong;

	shared = bridge_of(4);
	for (uintptr_t i = 1; i <= MAKERS; i++)
		pthread_create(&thread[i - 1], NULL, puts_the_same, (void *)i);
	for (uintptr_t n = 1; n <= EACH; n++) {
		uint64_t seq;

		cr_assert_eq(ward_bridge_get(shared, &item, &seq,
					     ward_in(IN_TIME)), 0);
		cr_assert_eq(seq, n);
		cr_assert_eq((uintptr_t)item, n);
	}
	for (int i = 0; i < MAKERS; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
	ward_bridge_destroy(shared);
	cr_assert_eq(dropped, 0);
}
