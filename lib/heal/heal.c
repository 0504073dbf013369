/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.c - stewards and deputies from outside: memory made, threads begun and ended.
 */
#include "heal/heal.h"
#include <errno.h>
#include <stdio.h>

/* ---- memory ---------------------------------------------------------------------- */

static void steward_free(struct steward *me)
{
	uint32_t seats = me->pool->seats + 1;

	publish_fini(me);
	host_free(me->history, seats * sizeof(*me->history));
	host_free(me->excuse, seats * sizeof(*me->excuse));
	host_free(me, sizeof(*me));
}

static struct steward *steward_new(struct heal *heal, uint32_t term)
{
	uint32_t seats = heal->pool->seats + 1; /* and the bench */
	struct steward *me = host_alloc(sizeof(*me));

	if (!me)
		return NULL;
	me->heal = heal;
	me->pool = heal->pool;
	me->term = term;
	store_relaxed(&me->deadline, HOST_FOREVER); /* until it has begun */
	me->history = host_alloc(seats * sizeof(*me->history));
	me->excuse = host_alloc(seats * sizeof(*me->excuse));
	if (publish_init(me) || !me->history || !me->excuse) {
		steward_free(me);
		return NULL;
	}
	return me;
}

static void free_stewards(struct heal *heal)
{
	struct steward *steward = load_acquire(&heal->newest), *before;

	for (; steward; steward = before) {
		before = steward->before;
		steward_free(steward);
	}
	store_relaxed(&heal->newest, NULL);
}

int heal_again(struct heal *heal)
{
	struct steward *first;

	free_stewards(heal);
	first = steward_new(heal, 0);
	if (!first)
		return -ENOMEM;
	store_relaxed(&heal->term, 0);
	store_relaxed(&heal->steward_stop, 0);
	store_relaxed(&heal->clerk.stop, CLERK_WORKS);
	store_relaxed(&heal->clerk.rests, 0);
	store_release(&heal->newest, first);
	return 0;
}

void heal_free(void *memory)
{
	struct heal *heal = memory;

	if (!heal)
		return;
	free_stewards(heal);
	notify_fini(heal);
	host_free(heal, sizeof(*heal));
}

struct heal *heal_new(struct pool *pool)
{
	struct heal *heal = host_alloc(sizeof(*heal));

	if (!heal)
		return NULL;
	heal->pool = pool;
	if (heal_again(heal)) {
		heal_free(heal);
		return NULL;
	}
	return heal;
}

/* ---- threads --------------------------------------------------------------------- */

static int steward_begin(struct steward *me)
{
	struct host_spawn how = { .stack = 256 << 10,
				  .name = me->name,
				  .open = host_trace_open() };
	int err;

	snprintf(me->name, sizeof(me->name), "%.7s/%s", me->pool->name,
		 me->before ? "deputy" : "steward");
	store_relaxed(&me->deadline, host_now());
	add_acq_rel(&me->pool->refs, 1);
	err = host_spawn(&me->thread, &how, steward_run, NULL, me);
	store_release(&me->there, !err); /* [nd] */
	if (err)
		sub_acq_rel(&me->pool->refs, 1);
	return err;
}

bool deputy_wanted(const struct heal *heal)
{
	return load_relaxed(&heal->newest)->term <= load_acquire(&heal->term);
}

/*
 * Joins former stewards that have left.  Their memory stays: another steward that is
 * held may look at it.
 */
static void reap_former(struct steward *in_office)
{
	for (struct steward *s = in_office->before; s; s = s->before)
		if (swap_acq_rel(&s->there, 0) && /* [nd] */
		    host_join(s->thread, host_now()))
			store_release(&s->there, 1);
}

int deputy_make(struct heal *heal)
{
	struct steward *last = load_relaxed(&heal->newest), *next;
	int err;

	reap_former(last);
	next = steward_new(heal, last->term + 1);
	if (!next)
		return -ENOMEM;
	next->before = last;
	err = steward_begin(next);
	if (err)
		steward_free(next);
	else
		store_release(&heal->newest, next); /* [nd] */
	return err;
}

int steward_start(struct heal *heal)
{
	int err = steward_begin(load_relaxed(&heal->newest));

	return err ? err : deputy_make(heal);
}

int steward_stop(struct heal *heal, uint64_t until)
{
	struct steward *old = load_acquire(&heal->newest); /* [nd] */
	int left = 0;

	store_release(&heal->steward_stop, 1);
	steward_ring(heal->pool);
	deputy_ring(heal);
	for (; old; old = old->before) {
		if (!swap_acq_rel(&old->there, 0)) /* [nd] the clerk is at it */
			continue;
		if (!host_join(old->thread, until))
			continue;
		/* Should it come to itself, it may not act. */
		swap_acq_rel(&heal->term, UINT32_MAX); /* [a] */
		host_detach(old->thread);
		left++;
	}
	return left;
}
