/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deputy.c - who watches the steward: the clerk, and what it does about one that
 * hangs.
 *
 * The steward says at each turn of its loop until when it means to be away (its
 * promise; for ever while the pool sleeps, and then nobody watches).  The clerk
 * looks a second after that.  A steward that is still away, and neither short of
 * CPU nor on its way, is replaced: the term moves on, and a new steward begins with
 * a memory of its own.
 *
 * Key invariant: what a steward does counts in its own term only.
 *  1) It looks at the term at its loop's top, before each seat and before each act;
 *     when that has moved on it leaves [a].
 *  2) Its memory is its own, so that it can spoil nobody else's.
 *  3) Between that look and its last swap it may be held.  Its question to a slot
 *     bears its term, so it takes no answer that was asked for by another; all else
 *     that it moves are swaps of words that count their turns.
 *  4) Tasks that wait for their time are no steward's: it says what is ripe, and
 *     workers take it (later.h).
 *
 * What is left: one that is held between a fence that it won and the hand-over of
 * the answer (memory and wakeups, no call that waits) owes that one answer until it
 * goes on.
 */
#include "heal/heal.h"

#define MS 1000000u

/* How long it may be late before anybody looks why. */
#ifndef DEPUTY_AWAY_MS
#define DEPUTY_AWAY_MS 1000
#endif

enum { SURE_MS = 100 };

static void tell_taken_over(struct heal *heal, const struct steward *old)
{
	struct incident *in = incident_open(&heal->pool->tell, WARD_R_STEWARD,
					    incident_id());
	int32_t nr;
	uint64_t arg;
	struct host_eye eye = host_eye_of(load_relaxed(&old->tid));

	if (!in)
		return;
	in->report.what = "the steward hung; another has taken over";
	in->report.tid = eye.tid;
	if (!host_syscall(&eye, &nr, &arg)) {
		in->report.syscall = nr;
		in->report.syscall_arg = arg;
	}
	incident_raise(&heal->pool->tell, in);
}

/* False if there is no memory or no thread for it: the old one stays in office. */
static bool take_over(struct heal *heal)
{
	struct steward *old = heal->steward;
	struct steward *next = heal->next;

	if (!next)
		next = steward_new(heal, old->term + 1);
	heal->next = next; /* for the next try, if this one fails */
	if (!next || steward_begin(next))
		return false;
	heal->next = NULL;
	next->before = old;
	heal->steward = next;
	tell_taken_over(heal, old);
	return true;
}

/*
 * Two looks, some time apart.  Who is ready to run and was given next to nothing in
 * between is not to blame.
 */
static bool hangs(const struct steward *steward, struct vigil *vigil,
		  uint64_t now)
{
	struct host_eye eye = host_eye_of(load_relaxed(&steward->tid));
	struct host_look look;
	bool seen = host_look(&eye, &look) == 0;
	uint64_t cpu = seen && look.cpu_known ? look.cpu : 0;
	bool starved = seen && look.state == 'R' &&
		       cpu - vigil->cpu < (now - vigil->since) / 2;

	if (!starved)
		return true;
	vigil->since = now;
	vigil->cpu = cpu;
	return false;
}

static void begin(struct vigil *vigil, const struct steward *steward,
		  uint64_t promise, uint64_t now)
{
	struct host_eye eye = host_eye_of(load_relaxed(&steward->tid));
	struct host_look look;

	vigil->promise = promise;
	vigil->since = now;
	vigil->cpu = !host_look(&eye, &look) && look.cpu_known ? look.cpu : 0;
}

uint64_t deputy_watch(struct heal *heal, struct vigil *vigil, uint64_t now)
{
	struct steward *steward = heal->steward;
	uint64_t promise = load_acquire(&steward->promise); /* [a] */
	uint64_t away = heal->pool->scan + DEPUTY_AWAY_MS * (uint64_t)MS;

	if (promise == HOST_FOREVER)
		return HOST_FOREVER;
	if (!load_relaxed(&steward->tid))
		return now + away; /* on its way up */
	if (now < promise || now - promise < away)
		return promise > HOST_FOREVER - away ? HOST_FOREVER :
						       promise + away;
	if (vigil->promise != promise)
		begin(vigil, steward, promise, now);
	else if (now - vigil->since >= SURE_MS * MS &&
		 hangs(steward, vigil, now) && take_over(heal))
		vigil->promise = 0;
	return now + SURE_MS * MS;
}

int steward_stop(struct heal *heal, uint64_t until)
{
	int left = 0;

	store_release(&heal->steward_stop, 1);
	steward_ring(heal->pool);
	host_join(heal->steward->thread, HOST_FOREVER);
	for (struct steward *old = heal->steward->before; old;
	     old = old->before) {
		if (!host_join(old->thread, until))
			continue;
		host_detach(old->thread);
		left++;
	}
	return left;
}
