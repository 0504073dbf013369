/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helpers.c - the steward watches its helpers.  One that hangs is told of by the scribe;
 * if that is the scribe, by the deputy, on stderr and without names.
 *
 * Each has a word that its orders move, and says how far it is done with them; a helper
 * that is behind, and has not come on for HELPER_LAG_MS, hangs.  Time by which the steward
 * was late does not count, as in rescue.c.
 */
#include "heal/heal.h"

#define TOLD UINT64_MAX /* in history->still */

const char *const helper_hangs[HELPERS] = {
	[HELPER_CLERK] = "the clerk hangs: threads are neither made nor joined",
	[HELPER_SCRIBE] = "the scribe hangs: reports are not told",
	[HELPER_DEPUTY] = "the deputy hangs: nobody watches the steward",
	[HELPER_WORKER] = "a worker stands still outside of any task",
	[HELPER_START] = "a thread is long on its way up: in hooks.start?",
};

static void report(struct steward *me, enum helper name)
{
	me->untold |= 1u << name;
	incident_tell(&me->pool->tell,
		      name == HELPER_CLERK ? WARD_R_NO_THREAD : WARD_R_HELPER,
		      helper_hangs[name]);
}

static void check(struct steward *me, enum helper name, bool behind,
		  uint64_t seen, uint64_t present)
{
	struct lag *lag = &me->lag[name];

	if (!behind) {
		*lag = (struct lag){ 0 };
		me->untold &= ~(1u << name);
	} else if (!lag->since || lag->seen != seen) {
		lag->since = present;
		lag->seen = seen;
	} else if (!lag->told && present - lag->since >= WARD_MS(HELPER_LAG_MS)) {
		lag->told = true;
		report(me, name);
	}
}

/* A clerk that rests while the pool is destroyed has nothing to do any more. */
static bool clerk_behind(const struct heal *heal)
{
	return load_relaxed(&heal->clerk.up) &&
	       !load_relaxed(&heal->clerk.rests) &&
	       load_relaxed(&heal->clerk.seen) !=
		       load_relaxed(&heal->pool->clerk_word);
}

static bool scribe_behind(const struct tell *tell)
{
	return load_relaxed(&tell->tid) &&
	       load_relaxed(&tell->seen) != load_relaxed(&tell->word);
}

/* It is over its deadline, or has not heard that it was rung. */
static bool deputy_behind(const struct heal *heal, uint64_t now)
{
	const struct steward *deputy = load_acquire(&heal->newest); /* [nd] */

	return deputy->term > load_relaxed(&heal->term) &&
	       (load_relaxed(&deputy->heard) !=
			load_relaxed(&heal->deputy_word) ||
		load_relaxed(&deputy->deadline) < now);
}

uint64_t helpers_still(struct steward *me, const struct history *history,
		       const struct slot *slot, const struct sign *sign,
		       uint64_t now)
{
	uint64_t present = now - me->late;

	if (slot_inside(sign->word) || !sign_same(&history->last, sign) ||
	    load_relaxed(&me->pool->inbox.bell.sleeper[slot->index].parked))
		return 0;
	if (!history->still)
		return present;
	if (history->still == TOLD || present - history->still < WARD_MS(HELPER_LAG_MS))
		return history->still;
	report(me, HELPER_WORKER);
	return TOLD;
}

void helpers_watch(struct steward *me, uint64_t now)
{
	struct pool *pool = me->pool;
	struct heal *heal = me->heal;
	struct tell *t = &pool->tell;
	const struct steward *deputy = load_acquire(&heal->newest); /* [nd] */
	uint64_t present = now - me->late;

	check(me, HELPER_CLERK, clerk_behind(heal),
	      load_relaxed(&heal->clerk.seen), present);
	check(me, HELPER_SCRIBE, scribe_behind(t),
	      load_relaxed(&t->seen) + load_relaxed(&t->told), present);
	check(me, HELPER_DEPUTY, deputy_behind(heal, now),
	      load_relaxed(&deputy->deadline) + load_relaxed(&deputy->heard),
	      present);
	check(me, HELPER_START, load_relaxed(&pool->starting) != 0,
	      load_relaxed(&pool->arrived) + load_relaxed(&pool->failed_starts),
	      present);
	if (me->lag[HELPER_SCRIBE].told && me->untold) {
		or_relaxed(&heal->complaints, me->untold);
		me->untold = 0;
		deputy_ring(heal);
	}
}

uint32_t helpers_hang(const struct steward *me)
{
	uint32_t seats = load_relaxed(&me->pool->seats_used), hang = 0;

	for (uint32_t i = 0; i < HELPERS; i++)
		hang |= (uint32_t)me->lag[i].told << i;
	for (uint32_t i = 0; i < seats; i++)
		if (me->history[i].still == TOLD)
			hang |= 1u << HELPER_WORKER;
	return hang;
}

bool helpers_behind(const struct heal *heal)
{
	const struct pool *pool = heal->pool;

	return clerk_behind(heal) || load_relaxed(&heal->clerk.pending) ||
	       deputy_behind(heal, host_now()) || scribe_behind(&pool->tell) ||
	       load_relaxed(&pool->starting) ||
	       load_relaxed(&pool->tell.abort_by);
}
