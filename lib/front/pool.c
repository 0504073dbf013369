/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c - create, start, drain, destroy: up step by step, down the same way.
 */
#include "front/front.h"
#include "heal/heal.h"
#include "heal/zombie.h"

#define SLICE 5000000u	     /* ns between two looks for threads that died */
#define FAILED_STARTS 4u	     /* deaths on the way, for each wanted thread */
/*
 * Beyond the deadline threads that only have to end are waited for, helpers as well, for
 * PATIENCE.  A thread that is held somewhere is not; nor, where the deadline is far or
 * none, a helper for longer than TRUST.  LEAST is for a helper that was told to end when
 * another had used up the time.
 */
#ifndef TRUST /* where time is jerky, for ever */
#define PATIENCE UINT64_C(1000000000)
#define TRUST UINT64_C(5000000000)
#endif
#define LEAST UINT64_C(20000000)

/* A call that ends threads: until when, and when that was said. */
struct term {
	uint64_t until, said;
};

static uint64_t later_by(uint64_t when, uint64_t span)
{
	return when < HOST_FOREVER - span ? when + span : HOST_FOREVER;
}

/* The end of the patience beyond the deadline. */
static uint64_t at_last(const struct term *term)
{
	return later_by(term->until > term->said ? term->until : term->said,
			PATIENCE);
}

/* Until when a helper is waited for. */
static uint64_t trusted(const struct term *term)
{
	uint64_t last = at_last(term), now = host_now();

	if (last > later_by(now, TRUST))
		return later_by(now, TRUST);
	return last < now + LEAST ? now + LEAST : last;
}

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
	err = pool->notifies ? notify_claim(pool->helpers, ward_audit) : 0;
	if (err) {
		pool_put(pool);
		return err;
	}
	*out = (struct ward_pool *)pool;
	return 0;
}

/* ---- down: the threads ----------------------------------------------------------- */

bool front_own_thread(const struct pool *pool)
{
	const struct slot *slot = host_self();

	/* The steward and the clerk call no user's code. */
	return slot ? slot->pool == pool : tell_is_self(&pool->tell);
}

/* Is any thread outside, and so on its way out? */
static bool leaving(struct pool *pool)
{
	for_each_slot(slot, pool) {
		enum slot_life life = LIFE_STATE(load_acquire(&slot->thread.life));

		if (life != LIFE_FREE && life != LIFE_GONE &&
		    !slot_inside(load_acquire(&slot->word)))
			return true;
	}
	return false;
}

static void wait_until_left(struct pool *pool, const struct term *term)
{
	uint64_t until = term->until;
	uint32_t alive;

	while ((alive = load_acquire(&pool->alive))) {
		uint64_t now = host_now(), slice = now + SLICE;

		/* The spares that would reap have left. */
		reap_all(pool);
		if (now >= until && (!leaving(pool) || now >= at_last(term)))
			return;
		host_wait(&pool->alive, alive,
			  now < until && until < slice ? until : slice);
	}
}

/* Workers that are still inside lose their answers. */
static void fence_rest(struct pool *pool)
{
	struct fencing how = { .asker = ASKER_DESTROY, .why = LOST_STOP };

	for_each_slot(slot, pool) {
		how.life = load_acquire(&slot->thread.life);
		how.epoch = load_acquire(&slot->word);
		if (LIFE_STATE(how.life) == LIFE_SEATED &&
		    slot_inside(how.epoch))
			zombie_make(pool, slot, &how);
	}
}

/*
 * Joins threads that have left; the rest will leave on their own: how many.  A thread
 * that is GONE may still be inside a destructor of the user's.
 */
static int part_with(struct pool *pool, uint64_t until)
{
	bool alone = !clerk_rests(pool->helpers, 0);
	int left = 0;

	for_each_slot(slot, pool) {
		enum slot_life life = LIFE_STATE(load_acquire(&slot->thread.life));
		uint32_t making = JOIN_MAKING;

		if (life == LIFE_FREE ||
		    (life == LIFE_GONE && !alone &&
		     clerk_reap(pool, slot, until)))
			continue;
		if (slot->thread.joined)
			continue; /* its slot is freed with the pool */
		left++;
		/* Its stack is needed, or the clerk hangs: the clerk detaches it later. */
		if (life == LIFE_GONE && (steal_left(slot) || alone))
			continue;
		/* Else the thread that makes it does, which is not done yet. */
		if (!cas_acq_rel(&slot->thread.join_state, &making, JOIN_DETACHED)) /* [bd] */
			host_detach(slot->thread.handle);
		slot->thread.joined = true;
	}
	return left;
}

/* How many stewards are left, for they hang. */
static int stop_threads(struct pool *pool, const struct term *term)
{
	struct heal *heal = pool->helpers;

	threads_stop(pool);
	clerk_stop(heal);
	wait_until_left(pool, term);
	if (!clerk_rests(heal, 0)) { /* it may be about to make a thread */
		clerk_rests(heal, trusted(term));
		wait_until_left(pool, term);
	}
	return steward_stop(heal, trusted(term));
}

/* A scribe that is left inside a hook puts its reference when that returns. */
static int stop_scribe(struct pool *pool, const struct term *term)
{
	if (!tell_stop(&pool->tell, trusted(term)))
		return 0;
	host_detach(pool->tell.thread);
	return 1;
}

/*
 * The rest after stop_threads().  Threads that are left see to themselves when they
 * leave, but one that ends by a raw exit cannot: the clerk waits for those.
 */
static int stop_rest(struct pool *pool, const struct term *term)
{
	int left = part_with(pool, trusted(term));

	left += clerk_end(pool->helpers, left != 0, trusted(term));
	return left + stop_scribe(pool, term);
}

/* ---- up -------------------------------------------------------------------------- */

static uint32_t at_first(struct pool *pool)
{
	return SEATS_WANTED(load_acquire(&pool->seat_count.word)) +
	       pool->spares_wanted;
}

/* The stewards first: the clerk makes deputies, too. */
static int start_helpers(struct heal *heal)
{
	int err = load_relaxed(&heal->newest) ? 0 : heal_again(heal);

	if (!err)
		err = steward_start(heal);
	if (!err)
		err = clerk_start(heal);
	return err;
}

static int start_threads(struct pool *pool)
{
	uint32_t n = at_first(pool);
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = thread_spawn(pool, &pool->slot[i]);
	return err ? err : start_helpers(pool->helpers);
}

/* All threads have ended: the pool is as before its start. */
static void stand_down(struct pool *pool)
{
	stack_init(&pool->spares, pool->spares.next);
	store_relaxed(&pool->spares_ready, 0);
	store_relaxed(&pool->inbox.bell.word, 0);
	store_relaxed(&pool->inbox.bell.closed, 0);
	store_relaxed(&pool->tell.stop, 0);
	store_relaxed(&pool->failed_starts, 0);
	store_relaxed(&pool->stopping, 0);
	store_relaxed(&pool->inbox.controls, 0);
	heal_again(pool->helpers); /* a failure is tried again at the next start */
	store_release(&pool->started, 0);
}

/*
 * Until each thread is in a seat, or among the spares.  -EOWNERDEAD: threads keep dying
 * on the way there, in the start hook.
 */
static int wait_until_seated(struct pool *pool)
{
	uint32_t seen;

	for (;;) {
		seen = load_acquire(&pool->lives_changed);
		/* A thread that the clerk makes beyond need is not waited for. */
		if (seat_all_taken(pool) &&
		    (!load_acquire(&pool->starting) ||
		     load_acquire(&pool->spares_ready) >= pool->spares_wanted))
			return 0;
		if (load_relaxed(&pool->failed_starts) >
		    FAILED_STARTS * at_first(pool))
			return -EOWNERDEAD;
		/* No spare may be there yet that would see a raw exit. */
		reap_all(pool);
		host_wait(&pool->lives_changed, seen, host_now() + SLICE);
	}
}

/* The memory that may be large is there before the first task; the rest was written. */
static void prefault(struct pool *pool)
{
	const struct inbox *inbox = &pool->inbox;

	for (uint32_t i = 0; i < inbox->rings; i++)
		host_populate(inbox->ring[i].cell,
			      (inbox->ring[i].mask + 1) *
				      sizeof(*inbox->ring[i].cell));
	host_populate(inbox->bell.sleeper,
		      inbox->locals * sizeof(*inbox->bell.sleeper));
	host_populate(pool->slot, pool->slots * sizeof(*pool->slot));
	host_populate(pool->fork,
		      pool->slots * DEQUE_SIZE * sizeof(*pool->fork));
}

/* If a thread hangs, the pool cannot be started again: it might act in the next start. */
static void undo_start(struct pool *pool)
{
	uint64_t now = host_now();
	struct term term = { .until = later_by(now, TRUST), .said = now };
	int left = stop_threads(pool, &term);

	left += stop_rest(pool, &term);
	if (left)
		store_release(&pool->started, GIVEN_UP);
	else
		stand_down(pool);
}

static int start(struct pool *pool)
{
	int err;

	if (pool->prefault)
		prefault(pool);
	add_acq_rel(&pool->refs, 1); /* the scribe's */
	err = tell_start(&pool->tell);
	if (err) {
		sub_acq_rel(&pool->refs, 1);
		store_release(&pool->started, 0);
		return err;
	}
	err = start_threads(pool);
	if (!err)
		err = wait_until_seated(pool);
	if (err)
		undo_start(pool);
	else
		notify_ready(pool->helpers);
	return err;
}

int ward_pool_start(struct ward_pool *handle)
{
	struct pool *pool = (struct pool *)handle;
	uint32_t not_yet = 0;
	int err = pool_enter(pool);

	if (err)
		return err;
	host_hold();
	err = cas_acq_rel(&pool->started, &not_yet, STARTED) ? start(pool) :
							 -EALREADY;
	host_unhold();
	return err;
}

/* ---- drain ------------------------------------------------------------------------- */

/* Was every accepted task given back? */
static bool settled(struct pool *pool)
{
	/* A task in a lane is accepted when it comes to the pool. */
	return !lanes_busy(pool) &&
	       stats_released(pool) == inbox_accepted(&pool->inbox);
}

int ward_pool_drain(struct ward_pool *handle, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	int err = pool_enter(pool);

	if (err)
		return err;
	if (front_own_thread(pool))
		return -EDEADLK;
	pool_until(pool, until);
	notify_stopping(pool->helpers);
	err = inbox_close(&pool->inbox, until);
	if (err)
		return err;
	lanes_closed(pool);
	later_close(&pool->inbox);
	for (;;) {
		uint32_t seen = load_acquire(&pool->inbox.settled);

		host_barrier_heavy(); /* [Q] I wait | the last one? */
		if (settled(pool))
			return 0;
		if (host_wait(&pool->inbox.settled, seen, until) == -ETIMEDOUT)
			return settled(pool) ? 0 : -ETIMEDOUT;
	}
}

/* ---- destroy ------------------------------------------------------------------------ */

/* False: a submitter is held in there. */
static bool wait_submitters(struct pool *pool, uint64_t until)
{
	while (inbox_waited_for(&pool->inbox)) {
		for (uint32_t i = 0; i < pool->inbox.rings; i++)
			host_wake(&pool->inbox.ring[i].room.word, INT32_MAX);
		if (host_now() >= until)
			return false;
		host_yield();
	}
	return true;
}

static int destroy_child(struct pool *pool)
{
	/* The threads are the parent's; the memory is a copy, and ours: but a forking
	 * thread that was a worker still stands on it. */
	if (front_own_thread(pool))
		return 0;
	atomic_init(&pool->refs, 1);
	pool_put(pool);
	return 0;
}

/* False: a caller is held inside of the pool, whose memory must stay for it. */
static bool close_door(struct pool *pool, const struct term *term)
{
	bool closed = !inbox_close(&pool->inbox, trusted(term));

	lanes_closed(pool);
	return wait_submitters(pool, trusted(term)) && closed;
}

static int destroy(struct pool *pool, const struct term *term)
{
	bool started = load_acquire(&pool->started) == STARTED;
	int left = 0;
	bool empty;

	notify_stopping(pool->helpers);
	empty = close_door(pool, term);
	threads_stop_running(pool); /* of a pool without a start as well */
	if (started) {
		orphaned_cancel_all(pool);
		left = stop_threads(pool, term);
		fence_rest(pool);
		reap_all(pool); /* threads that ended since the last look */
	}
	/*
	 * The steward has ended, and no thread leaves anything to it any more, for
	 * 'stopping' was seen before.  From here on threads that leave answer what they
	 * requeue; what is requeued now is answered here.
	 */
	store_release(&pool->orphaned, 1);
	host_barrier_heavy(); /* [J] orphaned | what is requeued? */
	orphaned_answer(pool);
	if (started)
		left += stop_rest(pool, term);
	notify_unclaim(pool->helpers);
	page_end(&pool->page);
	if (empty)
		pool_put(pool);
	return left + !empty;
}

int ward_pool_destroy(struct ward_pool *handle, ward_ns until)
{
	struct pool *pool = (struct pool *)handle;
	struct term term = { .until = until, .said = host_now() };
	int left = pool_enter(pool);

	if (left)
		return left == -ECHILD ? destroy_child(pool) : left;
	if (load_relaxed(&pool->orphaned))
		return -EINVAL; /* destroyed before; others hold its memory */
	if (front_own_thread(pool))
		return -EDEADLK;
	host_hold();
	pool_until(pool, until);
	left = destroy(pool, &term);
	host_unhold();
	return left;
}
