/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/steal.h"
#include "tell/dedup.h"
#include "lane/stop.h"

#define LOOK_AGAIN 1000000u /* ns between two looks of a thread that leaves */

static struct slot *slot_of(struct local_queue *local)
{
	return ward_entry(local, struct slot, local);
}

/* ---- the end of a stolen fork ---------------------------------------------------- */

static void tell_join(const struct ward_fork *fork, int status,
		      _Atomic uint32_t *from, struct slot *maker)
{
	struct group *group = fork_group(fork);
	int32_t none = 0;

	if (!group) {
		store_release(fork_end(fork), ALONE_ENDED(status)); /* [dj] */
	} else {
		if (status)
			cas_acq_rel(&group->foreign, &none, status);
		add_acq_rel(&group->ended, 1); /* [dj] the group may be gone */
	}
	sub_acq_rel(from, 1); /* [dl] the fork may be gone */
	slot_wake_waiter(maker);
}

/* ---- running one ------------------------------------------------------------------ */

static void begin_level(struct local_queue *local, uint32_t k,
			struct ward_fork *fork, _Atomic uint32_t *from,
			struct slot *maker)
{
	struct level *level = &local->at[k];

	level->fork = fork;
	level->from = from;
	level->maker = maker;
	store_relaxed(&level->base, load_relaxed(&local->deque.bottom));
	store_release(&level->serves, fork_key(fork)); /* [dv] */
	store_release(&local->level, k);
}

static void end_level(struct local_queue *local, uint32_t k)
{
	store_release(&local->at[k].serves, NULL);
	store_release(&local->level, k ? k - 1 : 0);
}

/*
 * On level k.  ward_raise() inside comes back here, so no local but 'status' changes
 * after host_mark().
 */
dedup_floor
static __attribute__((noinline)) int run_stolen(struct slot *slot, uint32_t k,
						struct ward_fork *fork,
						_Atomic uint32_t *from,
						struct slot *maker)
{
	struct host_escape here, *const outer = slot->fail.raise_to;
	int status;

	begin_level(&slot->local, k, fork, from, maker);
	if (host_mark(&here) == ESCAPE_NOT) {
		slot->fail.raise_to = &here;
		status = fork->run(fork);
	} else {
		status = slot->fail.raised;
	}
	slot->fail.raise_to = outer;
	steal_settle(slot); /* the fork may not have joined its own */
	end_level(&slot->local, load_relaxed(&slot->local.level));
	return status;
}

/* ---- stealing ---------------------------------------------------------------------- */

/* Does it run a fork of 'joined'?  Its own forks since are those from *base on. */
static bool serves(const struct local_queue *local, const void *joined,
		   uint64_t *base)
{
	uint32_t top = load_acquire(&local->level);

	for (uint32_t k = 0; k <= top; k++)
		if (load_acquire(&local->at[k].serves) == joined) { /* [dv] */
			*base = load_relaxed(&local->at[k].base);
			return true;
		}
	return false;
}

/*
 * The victim's oldest fork; with 'joined', only if it descends from a fork of that.
 * That, and the level, are read while the fork lies there, so they are true of it if it
 * is won.
 */
static struct ward_fork *steal_from(struct local_queue *victim,
				    const void *joined, _Atomic uint32_t **from)
{
	uint64_t number, base;
	struct ward_fork *fork = deque_look(&victim->deque, &number);

	if (!fork ||
	    (joined && (!serves(victim, joined, &base) || number < base)))
		return NULL;
	*from = &victim->at[load_relaxed(&victim->level)].out;
	add_acq_rel(*from, 1); /* [dl] out | emptied? */
	if (deque_win(&victim->deque, number))
		return fork;
	sub_acq_rel(*from, 1);
	return NULL;
}

bool steal_help(struct slot *slot, const void *joined)
{
	struct inbox *inbox = &slot->pool->inbox;
	struct local_queue *mine = &slot->local;
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */
	uint32_t k = load_relaxed(&mine->level) + 1;
	_Atomic uint32_t *from;
	uint64_t base;
	int cause;

	if (k == LOCAL_LEVELS || slot_taken(slot))
		return false;
	for (uint32_t i = 0; i < locals_used; i++) {
		struct local_queue *victim = inbox->local[i];
		struct ward_fork *fork;
		int status;

		if (victim == mine || !deque_offers(&victim->deque) ||
		    !serves(victim, joined, &base))
			continue;
		fork = steal_from(victim, joined, &from);
		if (!fork)
			continue;
		cause = stop_run(slot);
		status = cause ? cause :
				 run_stolen(slot, k, fork, from, slot_of(victim));
		tell_join(fork, status, from, slot_of(victim));
		return true;
	}
	return false;
}

bool steal_lost(struct pool *pool, const void *joined)
{
	uint32_t locals_used = load_acquire(&pool->inbox.locals_used); /* [A] */
	uint64_t base;

	for (uint32_t i = 0; i < locals_used; i++) {
		struct local_queue *local = pool->inbox.local[i];
		uint64_t life = load_acquire(&slot_of(local)->thread.life); /* [L] */

		if (LIFE_STATE(life) == LIFE_ZOMBIE &&
		    serves(local, joined, &base))
			return true;
	}
	return false;
}

/* ---- the carrier ------------------------------------------------------------------- */

static int carry(struct ward_task *task)
{
	struct carrier *carrier = carrier_of(task);
	struct slot *slot = host_self();
	int cause = stop_run(slot);

	/* A cause: no join wants it any more. */
	carrier->returned = cause ? cause :
				    run_stolen(slot, 0, carrier->fork,
					       carrier->from, carrier->owner);
	return 0;
}

/* Not 0: the fork was lost, or never begun; its thread may be inside still. */
static void carried(struct ward_task *task, int status)
{
	carrier_of(task)->lost = status;
}

static void carrier_empty(struct ward_task *task)
{
	struct carrier *carrier = carrier_of(task);
	struct slot *slot = ward_entry(carrier, struct slot, carrier);
	struct ward_fork *fork = carrier->fork;
	_Atomic uint32_t *from = carrier->from;
	struct slot *maker = carrier->owner;
	int status = carrier->lost ? carrier->lost : carrier->returned;

	/* The fork's thread may have ended inside. */
	store_release(&slot->local.at[0].serves, NULL);
	store_release(&carrier->busy, 0); /* [dc] */
	tell_join(fork, status, from, maker);
}

/* As the attempt of 'owner', which stays while a fork of it is out. */
static void load(struct carrier *carrier, struct slot *owner)
{
	static const struct ward_policy none = WARD_POLICY_INIT;
	const struct ward_task *task = load_relaxed(&owner->task);
	struct slot *root = slot_root(owner);

	carrier->policy = task->policy ? *task->policy : none;
	carrier->policy.runs = 1;
	carrier->task.run = carry;
	carrier->task.done = carried;
	carrier->task.release = carrier_empty;
	carrier->task.policy = &carrier->policy;
	carrier->task.cancel = task->cancel;
	carrier->task.name = task->name;
	carrier->owner = owner;
	store_release(&carrier->root, root); /* [dq] */
	store_relaxed(&carrier->busy, 1);
	task_open_carrier(task_priv(&carrier->task), root->self.attempt);
}

/* The pool counts a stolen fork as a task. */
static void accept(struct slot *slot, struct owned_ring *ring)
{
	owned_claim(ring); /* as in keep(), inbox.c */
	count_own(&slot->stolen, 1);
	count_own(&ring->accepted, 1);
	owned_drop(ring);
}

static struct ward_task *steal_fork(struct inbox *inbox,
				    struct local_queue *local,
				    struct local_queue *victim)
{
	struct carrier *carrier = &slot_of(local)->carrier;

	(void)inbox;
	if (!deque_offers(&victim->deque))
		return NULL;
	carrier->fork = steal_from(victim, NULL, &carrier->from);
	if (!carrier->fork)
		return NULL;
	load(carrier, slot_of(victim));
	accept(slot_of(local), &local->ring);
	return &carrier->task;
}

struct ward_task *steal_try(struct inbox *inbox, struct local_queue *local)
{
	/* [dc] the end of its last fork is still requeued */
	if (load_acquire(&slot_of(local)->carrier.busy))
		return NULL;
	return inbox_steal(inbox, local, steal_fork);
}

/* ---- whose attempt it is ------------------------------------------------------------ */

/* A thread that wakes looks why, so to wake one that has just moved on does no harm. */
void steal_wake_waiters(struct slot *slot)
{
	struct pool *pool = slot->pool;
	struct slot *root = slot;

	if (load_relaxed(&slot->task) == &slot->carrier.task)
		root = load_acquire(&slot->carrier.root); /* [dq] */
	slot_wake_waiter(slot);
	for_each_slot(other, pool) {
		if (other != slot &&
		    load_relaxed(&other->task) == &other->carrier.task &&
		    load_acquire(&other->carrier.root) == root) /* [dq] */
			slot_wake_waiter(other);
	}
}

/* ---- leaving ------------------------------------------------------------------------ */

void steal_settle(struct slot *slot)
{
	struct local_queue *local = &slot->local;
	struct level *level = &local->at[load_relaxed(&local->level)];
	uint32_t looks = 0;

	deque_drop(&local->deque, load_relaxed(&level->base));
	/* In a forked child there is no thief. */
	while (load_acquire(&level->out) && /* [dl] a winner was out before */
	       load_relaxed(&slot->fence) != FENCE_FORKED) {
		store_relaxed(&slot->declared, 0); /* this is no honest wait */
		if (looks++ < 64)
			host_relax();
		else
			host_wait(&slot->wait.pause, load_acquire(&slot->wait.pause),
				  host_now() + LOOK_AGAIN);
	}
}

/* Of the highest level, when no fork is out of it: the one it serves has ended. */
static void leave_level(struct slot *slot, int status)
{
	uint32_t k = load_relaxed(&slot->local.level);
	struct level was = slot->local.at[k];

	end_level(&slot->local, k);
	if (k)
		tell_join(was.fork, status, was.from, was.maker);
}

void steal_leave(struct slot *slot, int status)
{
	uint32_t k = load_relaxed(&slot->local.level);

	slot->fail.raise_to = NULL;
	steal_settle(slot);
	for (; k; k--) {
		leave_level(slot, status);
		steal_settle(slot);
	}
}

bool steal_left(const struct slot *slot)
{
	const struct local_queue *local = &slot->local;
	uint64_t top = load_acquire(&local->deque.top); /* [dl] a winner is out */

	if ((int64_t)(load_relaxed(&local->deque.bottom) - top) > 0)
		return true;
	for (uint32_t k = 0; k <= load_acquire(&local->level); k++)
		if (load_acquire(&local->at[k].out)) /* [dl] */
			return true;
	return load_relaxed(&local->level) != 0;
}

bool steal_pins_stack(struct slot *slot)
{
	struct local_queue *local = &slot->local;
	uint32_t k;

	for (;;) {
		k = load_acquire(&local->level);
		deque_drop(&local->deque, load_relaxed(&local->at[k].base));
		if (load_acquire(&local->at[k].out)) /* [dl] */
			return true;
		if (!k)
			return false;
		leave_level(slot, -EOWNERDEAD);
	}
}
