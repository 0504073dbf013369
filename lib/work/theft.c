/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * theft.c - see theft.h.
 */
#include "work/theft.h"
#include "tell/group.h"
#include "work/stop.h"

#define LOOK_AGAIN 1000000u /* ns between two looks of who leaves */

static struct slot *slot_of(struct hand *hand)
{
	return ward_entry(hand, struct slot, hand);
}

/* ---- the end of a stolen fork ---------------------------------------------------- */

static void tell(const struct ward_fork *fork, int status,
		 _Atomic uint32_t *from)
{
	struct group *group = fork_group(fork);
	struct slot *owner = group->owner;
	int32_t none = 0;

	if (status)
		cas_acq_rel(&group->foreign, &none, status);
	add_acq_rel(&group->ended, 1); /* [dj] the group may be gone */
	sub_acq_rel(from, 1);	       /* [dl] the fork may be gone */
	slot_rouse(owner);
}

/* ---- running one ------------------------------------------------------------------ */

static void begin_level(struct hand *hand, uint32_t k, struct ward_fork *fork,
			_Atomic uint32_t *from)
{
	struct level *level = &hand->at[k];

	level->fork = fork;
	level->from = from;
	store_relaxed(&level->base, load_relaxed(&hand->deque.bottom));
	store_release(&level->serves, fork_group(fork)); /* [dv] */
	store_release(&hand->level, k);
}

static void end_level(struct hand *hand, uint32_t k)
{
	store_release(&hand->at[k].serves, NULL);
	store_release(&hand->level, k ? k - 1 : 0);
}

/*
 * On level k.  ward_raise() inside comes back here.  What stands beside
 * host_mark() is not changed after it.
 */
group_floor
static __attribute__((noinline)) int run_stolen(struct slot *slot, uint32_t k,
						struct ward_fork *fork,
						_Atomic uint32_t *from)
{
	struct host_escape here, *const outer = slot->raise_to;
	int status;

	begin_level(&slot->hand, k, fork, from);
	if (host_mark(&here) == ESCAPE_NOT) {
		slot->raise_to = &here;
		status = fork->run(fork);
	} else {
		status = slot->raised;
	}
	slot->raise_to = outer;
	theft_settle(slot); /* should it not have joined */
	end_level(&slot->hand, load_relaxed(&slot->hand.level));
	return status;
}

/* ---- stealing ---------------------------------------------------------------------- */

/* Does it run a fork of the group; and its own forks since are from *base on. */
static bool serves(const struct hand *hand, const struct group *group,
		   uint64_t *base)
{
	uint32_t top = load_acquire(&hand->level);

	for (uint32_t k = 0; k <= top; k++)
		if (load_acquire(&hand->at[k].serves) == group) { /* [dv] */
			*base = load_relaxed(&hand->at[k].base);
			return true;
		}
	return false;
}

/*
 * The oldest fork of that hand; if 'group', only if it descends from one of its:
 * that is asked while the fork lies there, so it is true of it if it is won.  The
 * level, too, is the fork's then.
 */
static struct ward_fork *rob(struct hand *victim, const struct group *group,
			     _Atomic uint32_t **from)
{
	uint64_t number, base;
	struct ward_fork *fork = deque_look(&victim->deque, &number);

	if (!fork ||
	    (group && (!serves(victim, group, &base) || number < base)))
		return NULL;
	*from = &victim->at[load_relaxed(&victim->level)].out;
	add_acq_rel(*from, 1); /* [dl] out | emptied? */
	if (deque_win(&victim->deque, number))
		return fork;
	sub_acq_rel(*from, 1);
	return NULL;
}

bool theft_help(struct slot *slot, const struct group *group)
{
	struct inbox *inbox = &slot->pool->inbox;
	struct hand *mine = &slot->hand;
	uint32_t peopled = load_acquire(&inbox->peopled); /* [A] */
	uint32_t k = load_relaxed(&mine->level) + 1;
	_Atomic uint32_t *from;
	uint64_t base;
	int cause;

	if (k == HAND_LEVELS || slot_taken(slot))
		return false;
	for (uint32_t i = 0; i < peopled; i++) {
		struct hand *victim = inbox->hand[i];
		struct ward_fork *fork;
		int status;

		if (victim == mine || !deque_count(&victim->deque) ||
		    !serves(victim, group, &base))
			continue;
		fork = rob(victim, group, &from);
		if (!fork)
			continue;
		cause = stop_run(slot);
		status = cause ? cause : run_stolen(slot, k, fork, from);
		tell(fork, status, from);
		return true;
	}
	return false;
}

bool theft_lost(struct pool *pool, const struct group *group)
{
	uint32_t peopled = load_acquire(&pool->inbox.peopled); /* [A] */
	uint64_t base;

	for (uint32_t i = 0; i < peopled; i++) {
		struct hand *hand = pool->inbox.hand[i];
		uint64_t life = load_acquire(&slot_of(hand)->life); /* [L] */

		if (LIFE_STATE(life) == LIFE_ZOMBIE &&
		    serves(hand, group, &base))
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

	/* Nobody wants to know any more. */
	carrier->returned = cause ? cause :
				    run_stolen(slot, 0, carrier->fork,
					       carrier->from);
	return 0;
}

/* It was lost, or never begun, if not 0; its thread may be inside still. */
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
	int status = carrier->lost ? carrier->lost : carrier->returned;

	/* Its thread may have ended in there. */
	store_release(&slot->hand.at[0].serves, NULL);
	store_release(&carrier->busy, 0); /* [dc] */
	tell(fork, status, from);
}

/* As its owner's attempt, which stays while a fork of it is out. */
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
	book_open_carrier(book_of(&carrier->task), root->self.attempt);
}

/* In the pool's books a stolen fork is a task. */
static void accept(struct slot *slot, struct ring *ring)
{
	store_relaxed(&ring->claim, 1); /* as in take_batch() */
	count_own(&slot->stolen, 1);
	count_own(&ring->accepted, 1);
	ring_drop(ring);
}

static struct ward_task *rob_fork(struct inbox *inbox, struct hand *hand,
				  struct hand *victim)
{
	struct carrier *carrier = &slot_of(hand)->carrier;

	(void)inbox;
	if (!deque_count(&victim->deque))
		return NULL;
	carrier->fork = rob(victim, NULL, &carrier->from);
	if (!carrier->fork)
		return NULL;
	load(carrier, slot_of(victim));
	accept(slot_of(hand), &hand->ring);
	return &carrier->task;
}

struct ward_task *theft_try(struct inbox *inbox, struct hand *hand)
{
	/* [dc] its last end is still owed */
	if (load_acquire(&slot_of(hand)->carrier.busy))
		return NULL;
	return inbox_rob(inbox, hand, rob_fork);
}

/* ---- whose attempt it is ------------------------------------------------------------ */

/* Whoever wakes up looks why; so it does no harm to wake one who has just moved on. */
void theft_rouse(struct slot *slot)
{
	struct pool *pool = slot->pool;
	struct slot *root = slot;

	if (load_relaxed(&slot->task) == &slot->carrier.task)
		root = load_acquire(&slot->carrier.root); /* [dq] */
	slot_rouse(slot);
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *other = &pool->slot[i];

		if (other != slot &&
		    load_relaxed(&other->task) == &other->carrier.task &&
		    load_acquire(&other->carrier.root) == root) /* [dq] */
			slot_rouse(other);
	}
}

/* ---- leaving ------------------------------------------------------------------------ */

void theft_settle(struct slot *slot)
{
	struct hand *hand = &slot->hand;
	struct level *level = &hand->at[load_relaxed(&hand->level)];
	uint32_t looks = 0;

	deque_drop(&hand->deque, load_relaxed(&level->base));
	while (load_acquire(&level->out)) { /* [dl] who won was out before */
		store_relaxed(&slot->declared, 0); /* this is no honest wait */
		if (looks++ < 64)
			host_relax();
		else
			host_wait(&slot->pause, load_acquire(&slot->pause),
				  host_now() + LOOK_AGAIN);
	}
}

/* Of the highest level, when nobody is out of it: what it serves has ended. */
static void leave_level(struct slot *slot, int status)
{
	uint32_t k = load_relaxed(&slot->hand.level);
	struct level was = slot->hand.at[k];

	end_level(&slot->hand, k);
	if (k)
		tell(was.fork, status, was.from);
}

void theft_leave(struct slot *slot, int status)
{
	uint32_t k = load_relaxed(&slot->hand.level);

	slot->raise_to = NULL;
	theft_settle(slot);
	for (; k; k--) {
		leave_level(slot, status);
		theft_settle(slot);
	}
}

bool theft_left(const struct slot *slot)
{
	const struct hand *hand = &slot->hand;
	uint64_t top = load_acquire(&hand->deque.top); /* [dl] who won is out */

	if ((int64_t)(load_relaxed(&hand->deque.bottom) - top) > 0)
		return true;
	for (uint32_t k = 0; k <= load_acquire(&hand->level); k++)
		if (load_acquire(&hand->at[k].out)) /* [dl] */
			return true;
	return load_relaxed(&hand->level) != 0;
}

bool theft_mourns(struct slot *slot)
{
	struct hand *hand = &slot->hand;
	uint32_t k;

	for (;;) {
		k = load_acquire(&hand->level);
		deque_drop(&hand->deque, load_relaxed(&hand->at[k].base));
		if (load_acquire(&hand->at[k].out)) /* [dl] */
			return true;
		if (!k)
			return false;
		leave_level(slot, -EOWNERDEAD);
	}
}
