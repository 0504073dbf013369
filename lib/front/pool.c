/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c - create, start, drain, destroy: up by a ladder, down by the same one.
 */
#include "front/front.h"
#include "heal/heal.h"
#include <errno.h>

#define SLICE 5000000u	     /* ns between two looks for threads that died */
#define STILLBORN 4u	     /* deaths on the way, for each that is wanted */
#define PATIENCE 100000000u /* ns for a thread to end, once it has left us */

int ward_pool_create(struct ward_pool **out,
		     const struct ward_pool_config *config)
{
	struct pool *pool;
	int err;

	if (!out)
		return -EINVAL;
	err = pool_new(&pool, config);
	if (err)
		return err;
	pool->helpers = heal_new(pool);
	if (!pool->helpers) {
		pool_put(pool);
		return -ENOMEM;
	}
	pool->helpers_free = heal_free;
	*out = (struct ward_pool *)pool;
	return 0;
}

/* ---- down: the threads ----------------------------------------------------------- */

bool front_own_thread(const struct pool *pool)
{
	const struct slot *slot = host_self();

	/* The steward and the clerk call nobody. */
	return slot ? slot->pool == pool : tell_is_self(&pool->tell);
}

/* From now on workers and spares leave as soon as they are outside a task. */
static void stop_running(struct pool *pool)
{
	store_release(&pool->stopping, 1);
	or_acq_rel(&pool->inbox.orders, ORDER_STOP);
}

static void stop_workers(struct pool *pool)
{
	stop_running(pool);
	host_fence_heavy(); /* [x] stopping, before the spares' word */
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		uint32_t none = CALL_NONE;

		if (cas_acq_rel(&pool->slot[i].call, &none, CALL_STOP))
			host_wake(&pool->slot[i].call, 1);
		slot_rouse(&pool->slot[i]);
	}
	pool_lives_changed(pool);
	bell_close(&pool->inbox.bell);
}

/* Threads that are inside nothing, and so on their way out. */
static bool leaving(struct pool *pool)
{
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		enum slot_life life = LIFE_STATE(load_acquire(&slot->life));

		if (life != LIFE_FREE && life != LIFE_GONE &&
		    !slot_inside(load_acquire(&slot->word)))
			return true;
	}
	return false;
}

static void wait_until_left(struct pool *pool, uint64_t until)
{
	uint32_t alive;

	while ((alive = load_acquire(&pool->alive))) {
		uint64_t now = host_now(), slice = now + SLICE;

		/* The spares that would have seen to it have left. */
		lost_bury(pool);
		if (now >= until && !leaving(pool))
			return;
		host_wait(&pool->alive, alive,
			  now < until && until < slice ? until : slice);
	}
}

/* What is still inside a task loses its answer. */
static void fence_rest(struct pool *pool)
{
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		uint64_t life = load_acquire(&slot->life);
		uint64_t word = load_acquire(&slot->word);
		struct ward_task *task = load_relaxed(&slot->task);
		uint32_t seat = load_relaxed(&slot->seat);

		if (LIFE_STATE(life) != LIFE_SEATED || !slot_inside(word) ||
		    !slot_fence(slot, word, ASKER_DESTROY))
			continue;
		add_acq_rel(&pool->zombies_out, 1);
		if (life_move(slot, life, LIFE_ZOMBIE)) {
			add_relaxed(&pool->zombies_entered, 1);
			seat_vacate(pool, slot, seat, host_now());
			lost_hand(pool, slot);
		} else {
			sub_acq_rel(&pool->zombies_out, 1);
		}
		lost_attempt(pool, task, slot_phase(word), LOST_STOP, true, 0);
	}
}

/*
 * Threads that have left are joined; the rest will leave on their own.  One that
 * has done its last with us may still be inside a destructor of the user's.
 */
static int part_with(struct pool *pool, uint64_t until)
{
	uint64_t patience = host_now() + PATIENCE;
	int left = 0;

	if (until < patience)
		until = patience;

	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		enum slot_life life = LIFE_STATE(load_acquire(&slot->life));

		if (life == LIFE_FREE ||
		    (life == LIFE_GONE && clerk_bury(pool, slot, until)))
			continue;
		if (slot->joined)
			continue; /* a steward is left: the record goes with all */
		if (life != LIFE_GONE || !theft_left(slot)) /* its stack */
			host_detach(slot->thread);
		left++;
	}
	return left;
}

/* How many stewards are left that hang. */
static int stop_threads(struct pool *pool, uint64_t until)
{
	struct heal *heal = pool->helpers;

	stop_workers(pool);
	clerk_stop(heal); /* it may be about to make one more */
	wait_until_left(pool, until);
	return steward_stop(heal, until);
}

/* ---- up -------------------------------------------------------------------------- */

static uint32_t at_first(struct pool *pool)
{
	return CREW_WANTED(load_acquire(&pool->crew.word)) +
	       pool->spares_wanted;
}

static int start_threads(struct pool *pool)
{
	struct heal *heal = pool->helpers;
	uint32_t n = at_first(pool);
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = worker_spawn(pool, &pool->slot[i]);
	if (!err)
		err = steward_start(heal);
	if (err) {
		stop_workers(pool);
		wait_until_left(pool, HOST_FOREVER);
		return err;
	}
	/* After the steward, which it may replace. */
	err = clerk_start(heal);
	if (err) {
		stop_workers(pool);
		wait_until_left(pool, HOST_FOREVER);
		steward_stop(heal, HOST_FOREVER);
	}
	return err;
}

/* As it was before it was started. */
static void stand_down(struct pool *pool)
{
	struct heal *heal = pool->helpers;

	part_with(pool, HOST_FOREVER);
	stack_init(&pool->spares, pool->spares.next);
	store_relaxed(&pool->spares_ready, 0);
	store_relaxed(&pool->inbox.bell.word, 0);
	store_relaxed(&pool->inbox.bell.closed, 0);
	store_relaxed(&heal->clerk_stop, 0);
	store_relaxed(&heal->steward_stop, 0);
	store_relaxed(&pool->stillborn, 0);
	store_relaxed(&pool->stopping, 0);
	store_relaxed(&pool->inbox.orders, 0);
	store_release(&pool->started, 0);
}

/*
 * Each thread reports at its place: a seat, or among the spares.  -EOWNERDEAD if
 * they keep dying on the way there, in the start hook.
 */
static int wait_until_seated(struct pool *pool)
{
	uint32_t seen;

	for (;;) {
		seen = load_acquire(&pool->lives_changed);
		/* The clerk may be making one beyond need: not that one. */
		if (seats_are_taken(pool) &&
		    (!load_acquire(&pool->born) ||
		     load_acquire(&pool->spares_ready) >= pool->spares_wanted))
			return 0;
		if (load_relaxed(&pool->stillborn) >
		    STILLBORN * at_first(pool))
			return -EOWNERDEAD;
		host_wait(&pool->lives_changed, seen, HOST_FOREVER);
	}
}

static void undo_start(struct pool *pool)
{
	tell_stop(&pool->tell, HOST_FOREVER);
	store_relaxed(&pool->tell.stop, 0);
	stand_down(pool);
}

static int start(struct pool *pool)
{
	int err;

	if (pool->prefault)
		front_prefault(pool);
	add_acq_rel(&pool->refs, 1); /* the scribe's */
	err = tell_start(&pool->tell);
	if (err) {
		sub_acq_rel(&pool->refs, 1);
		store_release(&pool->started, 0);
		return err;
	}
	err = start_threads(pool);
	if (err) {
		undo_start(pool);
		return err;
	}
	err = wait_until_seated(pool);
	if (err) {
		stop_threads(pool, HOST_FOREVER);
		undo_start(pool);
	}
	return err;
}

int ward_pool_start(struct ward_pool *handle)
{
	struct pool *pool = (struct pool *)handle;
	uint32_t not_yet = 0;
	int err;

	if (!pool)
		return -EINVAL;
	if (pool_foreign(pool))
		return -ECHILD;
	host_hold();
	err = cas_acq_rel(&pool->started, &not_yet, 1) ? start(pool) :
							 -EALREADY;
	host_unhold();
	return err;
}

/* ---- drain ------------------------------------------------------------------------- */

bool front_settled(struct pool *pool)
{
	/* What is in a lane is counted as accepted when it comes to the pool. */
	return !lanes_busy(pool) &&
	       front_released(pool) == inbox_accepted(&pool->inbox);
}

int ward_pool_drain(struct ward_pool *handle, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	int err;

	if (!pool)
		return -EINVAL;
	if (pool_foreign(pool))
		return -ECHILD;
	if (front_own_thread(pool))
		return -EDEADLK;
	pool_until(pool, until);
	err = inbox_close(&pool->inbox, until);
	if (err)
		return err;
	lanes_closed(pool);
	later_close(&pool->inbox);
	for (;;) {
		uint32_t seen = load_acquire(&pool->inbox.settled);

		host_fence_heavy(); /* [Q] I wait | who was last? */
		if (front_settled(pool))
			return 0;
		if (host_wait(&pool->inbox.settled, seen, until) == -ETIMEDOUT)
			return front_settled(pool) ? 0 : -ETIMEDOUT;
	}
}

/* ---- destroy ------------------------------------------------------------------------ */

static void wait_submitters(struct pool *pool)
{
	while (inbox_waited_for(&pool->inbox)) {
		for (uint32_t i = 0; i < pool->inbox.rings; i++)
			host_wake(&pool->inbox.ring[i].room, INT32_MAX);
		host_yield();
	}
}

static int destroy_child(struct pool *pool)
{
	/* Its threads are the parent's; its memory is a copy, and ours: but the
	 * forking thread, if it was a worker, still stands on it. */
	if (front_own_thread(pool))
		return 0;
	atomic_init(&pool->refs, 1);
	pool_put(pool);
	return 0;
}

static void caretaker(void *arg)
{
	struct pool *pool = arg;

	seat_care(pool);
	pool_put(pool);
}

/*
 * Threads were left.  They see to themselves when they leave, but one that ends by a
 * raw exit cannot: a last thread waits for those.  If it cannot be made, what such a
 * one held stays.
 */
static void leave_caretaker(struct pool *pool)
{
	struct host_spawn how = { .stack = 256 << 10, .name = "ward/last" };
	host_thread thread;

	add_acq_rel(&pool->refs, 1);
	if (host_spawn(&thread, &how, caretaker, NULL, pool))
		sub_acq_rel(&pool->refs, 1);
	else
		host_detach(thread);
}

static int destroy(struct pool *pool, uint64_t until)
{
	bool scribe_left = true;
	int left = 0, stewards = 0;

	inbox_close(&pool->inbox, HOST_FOREVER);
	lanes_closed(pool);
	wait_submitters(pool);
	if (load_acquire(&pool->started)) {
		stop_running(pool);
		lost_cancel_queued(pool);
		stewards = stop_threads(pool, until);
		fence_rest(pool);
		lost_bury(pool); /* who ended between our last look and that */
	}
	/*
	 * The steward has ended, and nobody comes to it any more: who might had
	 * seen 'stopping' before.  From here on the dying pay for themselves; what
	 * is owed now is paid here.
	 */
	store_release(&pool->orphaned, 1);
	host_fence_heavy(); /* [J] orphaned | what is owed? */
	lost_pay(pool);
	if (load_acquire(&pool->started)) {
		left = part_with(pool, until);
		scribe_left = tell_stop(&pool->tell, until) == 0;
		if (left)
			leave_caretaker(pool);
	}
	if (!scribe_left) {
		/* Inside a hook: it gives its share back when that returns. */
		host_detach(pool->tell.thread);
		left++;
	}
	pool_put(pool);
	return left + stewards;
}

int ward_pool_destroy(struct ward_pool *handle, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	int left;

	if (!pool)
		return -EINVAL;
	if (pool_foreign(pool))
		return destroy_child(pool);
	if (front_own_thread(pool))
		return -EDEADLK;
	host_hold();
	pool_until(pool, until);
	left = destroy(pool, until);
	host_unhold();
	return left;
}
