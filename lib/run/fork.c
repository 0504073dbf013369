/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.c - forks where they are made: put into the maker's deque, taken back by the
 * join, and the wait for those that were stolen.
 *
 * A call touches the user's memory before the library's, so a fault there leaves nothing
 * half done.
 */
#include "pool/pool.h"
#include "lane/wait.h"
#include <errno.h>

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

static inline void run_own(struct ward_fork *fork)
{
	struct group *group = fork_group(fork);
	int status = fork->run(fork);

	if (unlikely(status) && !group->error)
		group->error = status;
}

static cold int run_at_once(struct group *group, struct ward_fork *fork)
{
	fork->priv[0] = (uintptr_t)group;
	run_own(fork);
	return 0;
}

/* Outside of run(), or on a thread that is no worker. */
static cold int fork_elsewhere(struct ward_group *handle,
			       struct ward_fork *fork)
{
	if (!handle || !fork || !fork->run)
		return -EINVAL;
	if (group_of(handle)->owner)
		return -EPERM;
	return run_at_once(group_of(handle), fork);
}

static cold int fork_full(struct group *group, struct ward_fork *fork)
{
	group->forked--;
	return run_at_once(group, fork);
}

int ward_fork(struct ward_group *handle, struct ward_fork *fork)
{
	struct slot *slot = own_slot();
	struct group *group;

	if (unlikely(!slot))
		return fork_elsewhere(handle, fork);
	if (unlikely(!handle || !fork || !fork->run))
		return -EINVAL;
	group = group_of(handle);
	if (group->owner != slot) {
		if (unlikely(group->owner))
			return -EPERM;
		group->owner = slot;
	}
	fork->priv[0] = (uintptr_t)group;
	slot->forked = slot->needs_cleanup = 1;
	group->forked++;
	if (unlikely(!deque_push(&slot->local.deque, fork)))
		return fork_full(group, fork);
	host_barrier_light(); /* [B] forked | does anybody sleep? */
	if (unlikely(!bell_quiet(&slot->pool->inbox.bell)))
		bell_ring_asleep(&slot->pool->inbox.bell,
				 &slot->local.ring.rung);
	return 0;
}

/* ---- waiting ------------------------------------------------------------------- */

static inline bool joined(const struct group *group)
{
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

/* Until a fork of the group has ended, or for a while: there may be work to help with. */
static void nap(struct slot *slot, const struct group *group, uint32_t turn)
{
	struct wait_entry entry;

	if (turn > NAP_DOUBLINGS)
		turn = NAP_DOUBLINGS;
	ward_beat();
	wait_prepare(&entry, NULL, HOST_FOREVER, WAIT_DECLARED);
	wait_look(&entry);
	if (joined(group))
		;
	else if (steal_lost(slot->pool, group))
		despair(slot, &entry);
	else
		wait_nap(&entry, host_now() + ((uint64_t)NAP_MIN << turn));
	wait_finish(&entry);
}

/* All forks that the group waits for are elsewhere. */
static cold void await(struct slot *slot, struct group *group, uint32_t *turn)
{
	if (steal_help(slot, group)) {
		*turn = 0;
		return;
	}
	if ((*turn)++ < LOOKS) {
		for (int i = 0; i < 8; i++)
			host_relax();
		return;
	}
	nap(slot, group, *turn - LOOKS - 1);
}

/* ---- joining ------------------------------------------------------------------- */

/* Any fork of ours.  A fenced attempt skips the forks that it has not begun. */
static cold void run_other(struct slot *slot, struct ward_fork *fork)
{
	struct group *group = fork_group(fork);

	if (likely(!slot_taken(slot)))
		run_own(fork);
	else if (!group->error)
		group->error = -ESTALE;
	group->forked--;
}

/* The newest fork, which is mostly of the group that is joined. */
static inline void run_next(struct slot *slot, struct group *group,
			    struct ward_fork *fork)
{
	int status;

	if (unlikely(fork_group(fork) != group) ||
	    unlikely(slot_taken(slot))) {
		run_other(slot, fork);
		return;
	}
	status = fork->run(fork);
	group->forked--;
	if (unlikely(status) && !group->error)
		group->error = status;
}

static cold void await_stolen(struct slot *slot, struct group *group)
{
	uint32_t turn = 0;

	while (!joined(group)) {
		struct ward_fork *fork = deque_take(&slot->local.deque);

		if (fork)
			run_other(slot, fork);
		else
			await(slot, group, &turn);
	}
}

static cold int join_error(struct group *group)
{
	int err = group->error ? group->error : load_relaxed(&group->foreign);

	*group = (struct group){ .owner = NULL };
	return err;
}

/* Outside of run(), or on a thread that is no worker: all forks have run. */
static cold int join_elsewhere(struct ward_group *handle)
{
	if (!handle)
		return -EINVAL;
	if (group_of(handle)->owner)
		return -EPERM;
	ward_progress(1);
	return join_error(group_of(handle));
}

/* ward_progress(1), by a caller that knows its slot. */
static inline void progress(struct slot *slot)
{
	struct ward_pulse *pulse = &slot->pulse;

	__atomic_store_n(&pulse->units, pulse->units + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&pulse->beats, pulse->beats + 1, __ATOMIC_RELAXED);
}

int ward_join(struct ward_group *handle)
{
	struct slot *slot = own_slot();
	struct group *group;

	if (unlikely(!slot || !handle))
		return join_elsewhere(handle);
	group = group_of(handle);
	if (unlikely(group->owner != slot) && group->owner)
		return -EPERM;
	while (!joined(group)) {
		struct ward_fork *fork = deque_take(&slot->local.deque);

		if (unlikely(!fork)) {
			await_stolen(slot, group);
			break;
		}
		run_next(slot, group, fork);
	}
	progress(slot);
	if (unlikely(group->error | load_relaxed(&group->foreign)))
		return join_error(group);
	group->owner = NULL;
	if (unlikely(group->forked)) { /* as many as were stolen */
		group->forked = 0;
		store_relaxed(&group->ended, 0);
	}
	return 0;
}
