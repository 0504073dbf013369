/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.c - forks where they are made: put into the maker's deque, taken back by the
 * join, and the wait for those that were stolen.
 *
 * A call touches the user's memory before the library's, so a fault there leaves nothing
 * half done.
 */
#include "base/atomic.h"
#include "sync/deque.h"

/* The definitions of what programs have inlined, from the same text. */
#define WARD_FORK_CALL_
#define WARD_FORK_PART_ static inline

#include "pool/pool.h"
#include "lane/wait.h"
#include <errno.h>

_Static_assert(WARD_FORK_ASLEEP_ == (BELL_FIELD << BELL_TOP_SHIFT |
				     BELL_FIELD << BELL_WAKING_SHIFT),
	       "what programs know of the bell");

enum {
	LOOKS = 200,	   /* before a join sleeps; each some 20 ns */
	NAP_MIN = 50000,   /* ns; then twice that, and so on */
	NAP_DOUBLINGS = 8, /* up to 13 ms */
	IMPATIENT = 1	   /* ns */
};

static struct group *group_of(struct ward_group *group)
{
	return (struct group *)(uintptr_t)group->priv;
}

/* The calling worker's slot, inside run(). */
static inline struct slot *own_slot(void)
{
	struct slot *slot = slot_here();

	return likely(slot) && likely(slot_runs(slot)) ? slot : NULL;
}

/* By its maker, which runs it or leaves it out.  One of a group is gone after run(). */
static void run_or(struct ward_fork *fork, int cause)
{
	struct group *group = fork_group(fork);
	int status = cause ? cause : fork->run(fork);

	if (!group)
		store_relaxed(fork_end(fork), ALONE_ENDED(status));
	else if (status && !group->error)
		group->error = status;
}

/* Not counted, nor its maker's to join, so a join in its run() waits for nothing. */
static int run_at_once(struct ward_fork *fork)
{
	if (fork_alone(fork))
		store_relaxed(fork_end(fork), ALONE_ENDED(0));
	run_or(fork, 0);
	return 0;
}

/* The first of an attempt.  False: outside of run(), or there is no room. */
static bool push_first(struct slot *slot, struct ward_fork *fork)
{
	if (!slot)
		return false;
	slot->forked = slot->needs_cleanup = 1;
	return deque_push(&slot->local.deque, fork);
}

cold int ward_fork_slow_(struct ward_group *handle, struct ward_fork *fork)
{
	struct slot *slot = own_slot();
	struct group *group;

	if (!handle || !fork || !fork->run)
		return -EINVAL;
	group = group_of(handle);
	if (group->owner && group->owner != slot)
		return -EPERM;
	group->owner = slot;
	fork->priv[0] = (uintptr_t)group;
	if (!push_first(slot, fork))
		return run_at_once(fork);
	group->forked++;
	return ward_fork_tell_();
}

cold int ward_fork_call_slow_(struct ward_fork *fork)
{
	struct slot *slot = own_slot();

	if (!fork || !fork->run)
		return -EINVAL;
	fork->priv[0] = WARD_FORK_ALONE_;
	store_relaxed(fork_end(fork), (uintptr_t)slot);
	return push_first(slot, fork) ? ward_fork_tell_() : run_at_once(fork);
}

/*
 * After a push.  Without membarrier a fork can be had only when it is shared, so that comes
 * before the look.
 */
cold int ward_fork_tell_(void)
{
	struct slot *slot = slot_here();
	struct deque *deque = &slot->local.deque;
	struct bell *bell = &slot->pool->inbox.bell;
	bool asleep, light = __atomic_load_n(deque->light, __ATOMIC_RELAXED);

	if (!light)
		deque_share(deque, true);
	host_barrier_light(); /* [B] forked | does anybody sleep? */
	asleep = !bell_quiet(bell);
	if (light && (asleep || load_relaxed(&deque->split) & DEQUE_ASKED))
		deque_share(deque, false);
	if (asleep)
		bell_ring_asleep(bell, &slot->local.ring.rung);
	return 0;
}

/* ---- waiting ------------------------------------------------------------------- */

/* What is joined: a group, or one fork alone. */
struct join {
	struct group *group;
	struct ward_fork *alone;
};

static const void *joined_of(const struct join *join)
{
	return join->group ? (const void *)join->group : join->alone;
}

static bool is_joined(const struct join *join)
{
	const struct group *group = join->group;

	if (!group)
		return load_acquire(fork_end(join->alone)) & 1; /* [dj] */
	return load_acquire(&group->ended) == group->forked; /* [dj] */
}

/*
 * A thread that runs a fork of ours was convicted.  Until it is home this attempt cannot
 * get on, so it has no excuse either: no declared wait, and no blocked budget.
 */
static cold void despair(struct slot *slot, struct wait_entry *entry)
{
	uint64_t own_budgets = slot->own_budgets,
		 budget = load_relaxed(&slot->budget[1]);

	store_relaxed(&slot->declared, 0);
	store_relaxed(&slot->budget[1], IMPATIENT);
	slot->own_budgets = 1;
	wait_nap(entry, HOST_FOREVER);
	slot->own_budgets = own_budgets;
	store_relaxed(&slot->budget[1], budget);
}

/* Until a fork of those has ended, or for a while: there may be work to help with. */
static void nap(struct slot *slot, const struct join *join, uint32_t turn)
{
	struct wait_entry entry;

	if (turn > NAP_DOUBLINGS)
		turn = NAP_DOUBLINGS;
	ward_beat();
	wait_prepare(&entry, NULL, HOST_FOREVER, WAIT_DECLARED);
	wait_look(&entry);
	if (is_joined(join))
		;
	else if (steal_lost(slot->pool, joined_of(join)))
		despair(slot, &entry);
	else
		wait_nap(&entry, host_now() + ((uint64_t)NAP_MIN << turn));
	wait_finish(&entry);
}

/* All forks that the join waits for are elsewhere. */
static void await(struct slot *slot, const struct join *join, uint32_t *turn)
{
	if (steal_help(slot, joined_of(join))) {
		*turn = 0;
		return;
	}
	if ((*turn)++ < LOOKS) {
		for (int i = 0; i < 8; i++)
			host_relax();
		return;
	}
	nap(slot, join, *turn - LOOKS - 1);
}

/* ---- joining ------------------------------------------------------------------- */

/* Any fork of ours.  A fenced attempt skips the forks that it has not begun. */
static void run_own(struct slot *slot, struct ward_fork *fork)
{
	struct group *group = fork_group(fork);

	run_or(fork, slot_taken(slot) ? -ESTALE : 0);
	if (group)
		group->forked--;
}

/*
 * A join that takes nothing.  The inlined part hid the newest fork while it looked whose that
 * is, so a worker may sleep beside it, as after a push.
 */
static void reappear(const struct slot *slot)
{
	if (slot && deque_count(&slot->local.deque))
		ward_fork_tell_();
}

static void join_all(struct slot *slot, const struct join *join)
{
	uint32_t turn = 0;

	if (is_joined(join))
		reappear(slot);
	while (!is_joined(join)) {
		struct ward_fork *fork = deque_take(&slot->local.deque);

		if (fork)
			run_own(slot, fork);
		else
			await(slot, join, &turn);
	}
	ward_progress(1);
}

/* All but the way on which each fork is the owner's alone, and nothing failed. */
cold int ward_join_slow_(struct ward_group *handle)
{
	struct slot *slot = own_slot();
	struct join join;
	int err;

	if (!handle)
		return -EINVAL;
	join = (struct join){ .group = group_of(handle) };
	if (join.group->owner && join.group->owner != slot) {
		reappear(slot);
		return -EPERM;
	}
	join_all(slot, &join);
	err = join.group->error ? (int)join.group->error :
				  load_relaxed(&join.group->foreign);
	*join.group = (struct group){ .owner = NULL };
	return err;
}

/* 1; 0: it was joined already; or an error. */
static int may_join(const struct slot *slot, const struct ward_fork *fork)
{
	uint64_t end;

	if (!fork->priv[0])
		return 0;
	if (!fork_alone(fork))
		return -EINVAL;
	end = load_relaxed(fork_end(fork));
	return end & 1 || end == (uintptr_t)slot ? 1 : -EPERM;
}

cold int ward_join_call_slow_(struct ward_fork *fork)
{
	struct slot *slot = own_slot();
	struct join join = { .alone = fork };
	int may = fork ? may_join(slot, fork) : -EINVAL;

	if (may <= 0) {
		reappear(slot);
		return may;
	}
	join_all(slot, &join);
	fork->priv[0] = 0;
	return (int)(int32_t)(load_relaxed(fork_end(fork)) >> 32);
}
