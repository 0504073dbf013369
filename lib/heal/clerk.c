/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clerk.c - makes threads and reaps them.  The steward must not: libc allocates and locks
 * for it, and a task may hang while it holds such a lock.  And the clerk stays until the
 * last thread that destroy has left.
 *
 * Level-triggered: it compares the threads there are with those there should be, so that
 * no order can be lost.  Edge [U]: a seat let go of its slot | no steward looks at it,
 * and the slot is used again.
 */
#include "heal/heal.h"
#include <errno.h>
#include <stdio.h>

#define MS 1000000u

enum { FIRST_PAUSE_MS = 1, LAST_PAUSE_MS = 1000 };

/* A steward that looks at it now found it in its seat, and finds it no more. */
static bool is_protected(const struct heal *heal, const struct slot *slot)
{
	host_barrier_heavy(); /* [U] it has no seat | held? */
	for (const struct steward *s = load_acquire(&heal->newest); s;
	     s = s->before)
		if (load_acquire(&s->at) == slot || /* [U] */
		    load_acquire(&s->also) == slot)
			return true;
	return false;
}

bool clerk_reap(struct pool *pool, struct slot *slot, uint64_t until)
{
	if (!slot->thread.joined) {
		if (!reap_unpin(pool, slot) ||
		    load_acquire(&slot->thread.join_state) != JOIN_MADE || /* [bd] */
		    host_join(slot->thread.handle, until))
			return false;
		slot->thread.joined = true;
	}
	if (is_protected(pool->helpers, slot) || unblock_calls(slot))
		return false;
	slot->thread.joined = false;
	host_stat_close(&slot->thread.stat_files);
	transition_begin(pool);
	add_relaxed(&pool->threads_joined, 1);
	while (!life_move(slot, load_acquire(&slot->thread.life), LIFE_FREE))
		;
	transition_end(pool);
	return true;
}

/* True: some thread that leaves has not left yet. */
static bool reap(struct pool *pool)
{
	const struct heal *heal = pool->helpers;
	bool waiting = false;

	for_each_slot(slot, pool) {
		if (load_acquire(&heal->clerk.stop))
			return false; /* the threads are destroy's now */
		if (LIFE_STATE(load_acquire(&slot->thread.life)) == LIFE_GONE &&
		    !clerk_reap(pool, slot, host_now()))
			waiting = true;
	}
	return waiting;
}

/*
 * In this order, in which a thread moves on: one that comes up is counted twice for a
 * moment, and wakes the clerk after that; one that is just taking a seat may be missed,
 * and then one too many is made, which leaves.
 */
static uint32_t wanted(struct pool *pool)
{
	uint32_t have = load_acquire(&pool->starting), want;

	have += load_acquire(&pool->spares_ready);
	want = pool->spares_wanted + seats_vacant(&pool->seat_count);
	return want > have ? want - have : 0;
}

static struct slot *free_slot(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->slots; i++)
		if (LIFE_STATE(load_acquire(&pool->slot[i].thread.life)) == LIFE_FREE)
			return &pool->slot[i];
	return NULL;
}

/* 0: all that are wanted are on their way, or no slot is free. */
static int spawn_missing(struct pool *pool)
{
	for (uint32_t n = wanted(pool); n; n--) {
		struct slot *slot = free_slot(pool);
		int err;

		if (load_acquire(&pool->stopping))
			return 0;
		err = slot ? thread_spawn(pool, slot) : 0;
		if (!slot || err)
			return err;
	}
	return 0;
}

static uint64_t longer_pause(uint64_t pause)
{
	pause = pause ? 2 * pause : FIRST_PAUSE_MS;
	return pause < LAST_PAUSE_MS ? pause : LAST_PAUSE_MS;
}

struct rounds { /* from one round to the next */
	uint64_t arrived;    /* threads that have come up, */
	uint64_t failed_starts; /* and died on their way, when it last made some */
	uint64_t pause;	     /* ms; grows while threads cannot be had */
	uint64_t not_before; /* the next try */
	uint64_t unjoined;   /* ms; grows while a thread is slow to leave */
	bool told;
};

static void spawn_failed(struct pool *pool, struct rounds *r, uint64_t now)
{
	if (!r->told)
		incident_tell(&pool->tell, WARD_R_NO_THREAD,
			      "a thread could not be made; trying again");
	r->told = true;
	r->pause = longer_pause(r->pause);
	r->not_before = now + r->pause * MS;
}

/* Of the threads made last none has come up, and some have died. */
static bool all_starts_failed(const struct pool *pool, const struct rounds *r)
{
	return load_relaxed(&pool->failed_starts) != r->failed_starts &&
	       load_relaxed(&pool->arrived) == r->arrived;
}

/*
 * Threads that die on their way up are not made again at full speed, unless others of
 * the same round come up.
 */
static void spawn_in_time(struct heal *heal, struct rounds *r)
{
	struct pool *pool = heal->pool;
	bool failed_starts = all_starts_failed(pool, r);
	uint64_t now = host_now();
	int err;

	if (!failed_starts && !r->not_before &&
	    !load_relaxed(&pool->starting)) {
		r->pause = 0; /* the threads made last have come up */
		r->told = false;
	}
	if (load_acquire(&pool->stopping) ||
	    (!wanted(pool) && !deputy_wanted(heal))) {
		r->not_before = 0; /* else the clerk would never sleep */
		return;
	}
	if (now < r->not_before)
		return;
	r->not_before = 0;
	r->arrived = load_relaxed(&pool->arrived);
	r->failed_starts = load_relaxed(&pool->failed_starts);
	err = deputy_wanted(heal) ? deputy_make(heal) : 0;
	if (failed_starts || spawn_missing(pool) || err)
		spawn_failed(pool, r, now);
}

static void clerk(struct heal *heal)
{
	struct pool *pool = heal->pool;
	struct rounds r = { 0 };

	for (;;) {
		uint32_t seen = load_acquire(&pool->clerk_word);
		uint64_t until, round;

		/* After the word: a stop is set, then the word moved. */
		if (load_acquire(&heal->clerk.stop))
			return;
		r.unjoined = reap(pool) ? longer_pause(r.unjoined) : 0;
		spawn_in_time(heal, &r);
		until = r.not_before ? r.not_before : HOST_FOREVER;
		round = host_now() + r.unjoined * MS;
		if (r.unjoined && round < until)
			until = round;
		store_relaxed(&heal->clerk.pending, r.not_before != 0);
		store_relaxed(&heal->clerk.seen, seen); /* all is done up to there */
		host_wait(&pool->clerk_word, seen, until);
	}
}

/*
 * All have ended, so nobody is inside of forks on another's stack: tasks that pinned a
 * dead thread's stack are answered, and threads that destroy could not join are
 * detached; a deputy, too, that was just being made.
 */
static void detach_left(struct pool *pool)
{
	const struct heal *heal = pool->helpers;

	for_each_slot(slot, pool) {
		if (LIFE_STATE(load_acquire(&slot->thread.life)) != LIFE_GONE)
			continue;
		reap_unpin(pool, slot);
		if (!slot->thread.joined &&
		    load_acquire(&slot->thread.join_state) == JOIN_MADE)
			host_detach(slot->thread.handle); /* [bd] */
	}
	for (struct steward *s = load_relaxed(&heal->newest); s; s = s->before)
		if (swap_acq_rel(&s->there, 0)) /* [nd] */
			host_detach(s->thread);
}

static void clerk_thread(void *arg)
{
	struct heal *heal = arg;
	struct pool *pool = heal->pool;
	uint32_t how;

	clerk(heal);
	store_release(&heal->clerk.rests, 1); /* [cl] */
	host_wake(&heal->clerk.rests, 1);
	while ((how = load_acquire(&heal->clerk.stop)) == CLERK_RESTS)
		host_wait(&heal->clerk.stop, how, HOST_FOREVER);
	if (how == CLERK_STAYS) {
		spare_reap_all(pool);
		detach_left(pool);
	}
	pool_put(pool); /* destroy may be over */
}

int clerk_start(struct heal *heal)
{
	struct host_spawn how = { .stack = 256 << 10,
				  .name = heal->clerk.name,
				  .open = host_trace_open() };
	int err;

	snprintf(heal->clerk.name, sizeof(heal->clerk.name), "%.9s/clerk",
		 heal->pool->name);
	add_acq_rel(&heal->pool->refs, 1);
	err = host_spawn(&heal->clerk.thread, &how, clerk_thread, NULL, heal);
	if (err) {
		sub_acq_rel(&heal->pool->refs, 1);
		return err;
	}
	store_relaxed(&heal->clerk.up, 1);
	return 0;
}

void clerk_stop(struct heal *heal)
{
	store_release(&heal->clerk.stop, CLERK_RESTS);
	clerk_wake(heal->pool);
}

bool clerk_rests(struct heal *heal, uint64_t until)
{
	if (!load_relaxed(&heal->clerk.up))
		return true;
	while (!load_acquire(&heal->clerk.rests)) /* [cl] */
		if (host_wait(&heal->clerk.rests, 0, until) == -ETIMEDOUT)
			return load_acquire(&heal->clerk.rests);
	return true;
}

int clerk_end(struct heal *heal, bool stays, uint64_t until)
{
	bool hangs = !load_acquire(&heal->clerk.rests);

	if (!load_relaxed(&heal->clerk.up))
		return 0;
	store_relaxed(&heal->clerk.up, 0);
	store_release(&heal->clerk.stop, stays ? CLERK_STAYS : CLERK_ENDS);
	host_wake(&heal->clerk.stop, 1);
	clerk_wake(heal->pool);
	if (!stays && !host_join(heal->clerk.thread, until))
		return 0;
	host_detach(heal->clerk.thread);
	return hangs || !stays;
}
