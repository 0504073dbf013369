/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clerk.c - makes threads and buries them: what the steward must not do, because it
 * may take long.  And it watches the steward.
 *
 * Level-triggered: it looks at what is and at what should be, so that no order
 * can be lost.  Edge [U]: a seat let go of its slot | no steward looks at it, and
 * the slot is used again.
 */
#include "heal/heal.h"
#include <stdio.h>

#define MS 1000000u

enum { FIRST_PAUSE_MS = 1, LAST_PAUSE_MS = 1000 };

/* Whoever looks at it now found it at its seat, and comes to it no more. */
static bool looked_at(const struct heal *heal, const struct slot *slot)
{
	host_fence_heavy(); /* [U] it has no seat | who looks at it? */
	for (const struct steward *s = heal->steward; s; s = s->before)
		if (load_acquire(&s->at) == slot) /* [U] */
			return true;
	return false;
}

bool clerk_bury(struct pool *pool, struct slot *slot, uint64_t until)
{
	if (!slot->joined) {
		if (!lost_mourned(pool, slot) || host_join(slot->thread, until))
			return false;
		slot->joined = true;
	}
	if (looked_at(pool->helpers, slot))
		return false;
	slot->joined = false;
	host_eye_close(&slot->eye);
	books_open(pool);
	add_relaxed(&pool->threads_joined, 1);
	while (!life_move(slot, load_acquire(&slot->life), LIFE_FREE))
		;
	books_close(pool);
	return true;
}

/* True if some thread that leaves has not left yet. */
static bool bury(struct pool *pool)
{
	bool waiting = false;

	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];

		if (LIFE_STATE(load_acquire(&slot->life)) == LIFE_GONE &&
		    !clerk_bury(pool, slot, host_now()))
			waiting = true;
	}
	return waiting;
}

static uint32_t wanted(struct pool *pool)
{
	uint32_t want = pool->spares_wanted + crew_vacant(&pool->crew);
	uint32_t have = load_acquire(&pool->spares_ready) +
			load_acquire(&pool->born);

	return want > have ? want - have : 0;
}

static struct slot *free_slot(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->slots; i++)
		if (LIFE_STATE(load_acquire(&pool->slot[i].life)) == LIFE_FREE)
			return &pool->slot[i];
	return NULL;
}

static void tell_no_thread(struct pool *pool)
{
	struct incident *in = incident_open(&pool->tell, WARD_R_NO_THREAD,
					    incident_id());

	if (!in)
		return;
	in->report.what = "a thread could not be made; trying again";
	incident_raise(&pool->tell, in);
}

/* 0: all that is wanted is on its way, or there is no slot for more. */
static int bear(struct pool *pool)
{
	for (uint32_t n = wanted(pool); n; n--) {
		struct slot *slot = free_slot(pool);
		int err = slot ? worker_spawn(pool, slot) : 0;

		if (!slot || err)
			return err;
	}
	return 0;
}

static uint64_t longer(uint64_t pause)
{
	pause = pause ? 2 * pause : FIRST_PAUSE_MS;
	return pause < LAST_PAUSE_MS ? pause : LAST_PAUSE_MS;
}

/* What the clerk remembers from one round to the next. */
struct rounds {
	struct vigil vigil;
	uint64_t stillborn;  /* threads that died before their first seat */
	uint64_t pause;	     /* ms; grows while threads cannot be had */
	uint64_t not_before; /* the next try */
	uint64_t unjoined;   /* ms; grows while a thread is slow to leave */
	bool told;
};

/* Threads that die as they are born are not made again at full speed, either. */
static void bear_in_time(struct pool *pool, struct rounds *r)
{
	uint64_t stillborn = load_relaxed(&pool->stillborn), now = host_now();
	bool failed = stillborn != r->stillborn;

	if (!failed && !r->not_before && !load_relaxed(&pool->born)) {
		r->pause = 0; /* those that were made last have come up */
		r->told = false;
	}
	if (load_acquire(&pool->stopping) || !wanted(pool)) {
		r->not_before = 0; /* a point in the past would never let us sleep */
		return;
	}
	if (now < r->not_before)
		return;
	r->stillborn = stillborn;
	if (!failed)
		failed = bear(pool) != 0;
	if (failed && !r->told)
		tell_no_thread(pool);
	r->told |= failed;
	if (failed)
		r->pause = longer(r->pause);
	r->not_before = failed ? now + r->pause * MS : 0;
}

static void clerk(void *arg)
{
	struct heal *heal = arg;
	struct pool *pool = heal->pool;
	struct rounds r = { 0 };

	for (;;) {
		uint32_t seen = load_acquire(&pool->clerk_word);
		uint64_t until, round;

		store_relaxed(&heal->clerk_seen, seen);
		/* After the word: who stops us sets this, then moves that. */
		if (load_acquire(&heal->clerk_stop))
			return;
		r.unjoined = bury(pool) ? longer(r.unjoined) : 0;
		bear_in_time(pool, &r);
		until = deputy_watch(heal, &r.vigil, host_now());
		if (r.not_before && r.not_before < until)
			until = r.not_before;
		round = host_now() + r.unjoined * MS;
		if (r.unjoined && round < until)
			until = round;
		host_wait(&pool->clerk_word, seen, until);
	}
}

int clerk_start(struct heal *heal)
{
	struct host_spawn how = { .stack = 256 << 10,
				  .name = heal->clerk_name,
				  .open = host_trace_open() };

	snprintf(heal->clerk_name, sizeof(heal->clerk_name), "%.9s/clerk",
		 heal->pool->name);
	return host_spawn(&heal->clerk, &how, clerk, NULL, heal);
}

void clerk_stop(struct heal *heal)
{
	store_release(&heal->clerk_stop, 1);
	clerk_wake(heal->pool);
	host_join(heal->clerk, HOST_FOREVER);
}
