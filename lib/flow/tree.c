/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - the laws of a tree: see tree.h.
 */
#include "flow/tree.h"
#include <stdio.h>

/* ---- the tree ---------------------------------------------------------------------- */

void tree_lock(struct tree *tree)
{
	host_lock_take(&tree->lock);
}

void tree_unlock(struct tree *tree)
{
	host_lock_give(&tree->lock);
}

void tree_put(struct tree *tree)
{
	if (ref_drop(&tree->refs))
		host_free(tree, sizeof(*tree));
}

/* ---- members ----------------------------------------------------------------------- */

/* For assertions: the lock is held, and the member stands where it should. */
static bool is_linked(const struct member *member)
{
	const struct ward_steward *steward = member->above;
	const struct member *prev = member->prev, *next = member->next;

	return host_lock_is_held(&steward->tree->lock) &&
	       (prev ? prev->next : steward->first) == member &&
	       (next ? next->prev : steward->last) == member &&
	       (!prev || prev->place < member->place) &&
	       (!next || next->place > member->place);
}

static void member_link(struct ward_steward *steward, struct member *member)
{
	WARD_ASSERT(!member->above);
	member->above = steward;
	member->place = ++steward->tree->places;
	member->state = MEMBER_DOWN;
	member->next = NULL;
	member->prev = steward->last;
	*(steward->last ? &steward->last->next : &steward->first) = member;
	steward->last = member;
	WARD_ASSERT(is_linked(member));
	member_hold(&steward->me);
	member_hold(member);
}

static void unlink_member(struct ward_steward *steward, struct member *member)
{
	WARD_ASSERT(member->above == steward && is_linked(member));
	*(member->prev ? &member->prev->next : &steward->first) = member->next;
	*(member->next ? &member->next->prev : &steward->last) = member->prev;
	member->above = NULL;
	member->state = MEMBER_GONE;
	member_put(&steward->me);
}

void member_gone(struct member *member)
{
	if (member->state == MEMBER_GONE)
		return;
	unlink_member(member->above, member);
	if (member->ops->gone)
		member->ops->gone(member);
	member_put(member);
}

bool steward_is_shut(const struct ward_steward *steward)
{
	for (; steward; steward = steward->me.above)
		if (steward->leaving || steward->spent)
			return true;
	return false;
}

bool member_is_falling(const struct member *member)
{
	const struct ward_steward *steward = member->above;

	return steward->phase == PHASE_DOWN ||
	       (steward->phase == PHASE_FALLING &&
		member->place >= steward->mark);
}

/* ---- one steward's steps ------------------------------------------------------------ */

static void fall(struct ward_steward *steward, uint64_t mark, bool again)
{
	if (steward->phase != PHASE_FALLING || mark < steward->mark)
		steward->mark = mark;
	steward->phase = PHASE_FALLING;
	steward->again = again;
}

static void fall_all(struct ward_steward *steward)
{
	steward->me.state = MEMBER_FALLING;
	fall(steward, 0, false);
}

/* Brings down who is to be down: true when all are.  What is for good leaves. */
static bool fell(struct ward_steward *steward)
{
	struct member *member = steward->last, *before;

	for (; member && member->place >= steward->mark; member = before) {
		before = member->prev;
		if (member->state != MEMBER_FALLING)
			member->ops->down(member);
		if (member->state != MEMBER_DOWN)
			return false;
		if (steward->leaving || member->once)
			member_gone(member);
	}
	return true;
}

/* All below are down, and what comes of that was seen to. */
static void steward_is_down(struct ward_steward *steward)
{
	steward->me.state = MEMBER_DOWN;
	if (!steward->leaving)
		return;
	store_release(&steward->over, true); /* [o] */
	wait_wake(&steward->down);
}

static bool rose(struct ward_steward *steward)
{
	struct member *member = steward->first;

	for (; member; member = member->next) {
		if (member->state == MEMBER_DOWN)
			member->ops->up(member);
		if (member->state != MEMBER_UP ||
		    !member->ops->has_risen(member))
			return false;
	}
	return true;
}

static void say_farewell(struct ward_steward *steward);

static void landed(struct ward_steward *steward)
{
	if (steward->again) {
		steward->phase = PHASE_RISING;
		return;
	}
	steward->phase = PHASE_DOWN;
	if (steward->calling)
		return;
	if (steward->spent && !steward->leaving)
		say_farewell(steward);
	else
		steward_is_down(steward);
}

/* For assertions: in DOWN no member is up. */
static bool is_in_phase(const struct ward_steward *steward)
{
	const struct member *member = steward->first;

	while (member && member->state == MEMBER_DOWN)
		member = member->next;
	return steward->phase != PHASE_DOWN || !member;
}

static void step(struct ward_steward *steward)
{
	WARD_ASSERT(host_lock_is_held(&steward->tree->lock));
	if (steward->phase == PHASE_FALLING && fell(steward))
		landed(steward);
	if (steward->phase == PHASE_RISING && rose(steward))
		steward->phase = PHASE_UP;
	WARD_ASSERT(is_in_phase(steward));
}

void member_enter(struct ward_steward *steward, struct member *member)
{
	member_link(steward, member);
	if (steward->phase == PHASE_UP)
		member->ops->up(member);
	tree_settle(steward);
}

static bool is_over(const struct ward_steward *steward)
{
	return steward->leaving && steward->me.state == MEMBER_DOWN;
}

void tree_settle(struct ward_steward *steward)
{
	struct ward_steward *above;

	member_hold(&steward->me);
	for (; steward; steward = above) {
		above = steward->me.above;
		if (above)
			member_hold(&above->me);
		step(steward);
		if (is_over(steward) && above)
			member_gone(&steward->me);
		member_put(&steward->me);
	}
}

/* A steward whose handle is destroyed has left before. */
static void leave_all(struct ward_steward *steward)
{
	struct ward_steward *child = steward->child;

	steward->leaving = true;
	for (; child; child = child->sibling)
		leave_all(child);
}

void steward_leave(struct ward_steward *steward)
{
	if (!steward->leaving) {
		leave_all(steward);
		fall_all(steward);
	}
	tree_settle(steward);
}

/* ---- failing ------------------------------------------------------------------------- */

static struct incident *describe(struct ward_steward *steward,
				 enum ward_kind kind, const char *who,
				 uint64_t id)
{
	struct incident *in = incident_open(&steward->tree->pool->tell, kind,
					    id);

	if (in) {
		snprintf(in->text, sizeof(in->text), "%s", who ? who : "");
		in->report.task = in->text;
	}
	return in;
}

static void give_up(struct ward_steward *steward, uint64_t cause)
{
	struct incident *in;

	steward->incident = incident_id();
	in = describe(steward, WARD_R_GAVE_UP, steward->name,
		      steward->incident);
	if (in) {
		in->report.what = "a steward gave up: what it starts keeps "
				  "ending";
		in->report.cause = cause;
		incident_raise(&steward->tree->pool->tell, in);
	}
	steward->spent = true;
	fall_all(steward);
}

static void tell_restart(struct ward_steward *steward,
			 const struct member *member, int status,
			 uint64_t cause)
{
	struct incident *in = describe(steward, WARD_R_RESTART, member->name,
				       incident_id());

	if (!in)
		return;
	in->report.what = member->ops->again;
	in->report.err = status;
	in->report.cause = cause;
	/* Nobody is woken for it: the restart comes first. */
	incident_leave(&steward->tree->pool->tell, in);
	steward_wake(steward->tree->pool);
}

void steward_failed(struct ward_steward *steward, struct member *member,
		    int status, uint64_t cause)
{
	if (intensity_add(&steward->intensity, host_now(), steward->restarts,
			  steward->within)) {
		give_up(steward, cause);
		return;
	}
	if (steward->strategy == WARD_ONE_FOR_ONE)
		member->ops->up(member);
	else
		fall(steward,
		     steward->strategy == WARD_REST_FOR_ONE ? member->place : 0,
		     true);
	/* Last: it wakes the scribe, and the ward need not wait for that. */
	tell_restart(steward, member, status, cause);
}

/* ---- giving up --------------------------------------------------------------------- */

/* Told, and then the end of the process, in the scribe's own time. */
static void abort_with_report(struct ward_steward *root)
{
	struct pool *pool = root->tree->pool;
	struct incident *in = incident_last(&pool->tell, WARD_R_GAVE_UP,
					    incident_id());

	if (!in)
		return; /* others' last words are on their way */
	in->report.what = "the root of all stewards gave up: abort";
	in->report.cause = root->incident;
	incident_abort(&pool->tell, in);
	steward_wake(pool); /* it keeps that word, where the scribe cannot */
}

static void last_resort(struct ward_steward *root)
{
	if (root->tree->last == WARD_LAST_STARVE)
		root->tree->feed = 0; /* and it stays so: watchdog.c */
	if (root->tree->last == WARD_LAST_ABORT)
		abort_with_report(root);
}

static void tell_above(struct ward_steward *steward)
{
	struct ward_steward *above = steward->me.above;

	steward_is_down(steward);
	if (steward->leaving)
		return;
	if (!above) {
		steward_leave(steward); /* nothing of it will ever be up again */
		last_resort(steward);
	} else if (!member_is_falling(&steward->me)) {
		steward_failed(above, &steward->me, 0, steward->incident);
	}
}

static struct farewell *farewell_of(struct errand *errand)
{
	return ward_entry(errand, struct farewell, errand);
}

static void call_gave_up(struct errand *errand)
{
	struct ward_steward *steward = farewell_of(errand)->steward;

	steward->gave_up(steward->arg, steward);
}

static void then_tell(struct errand *errand)
{
	struct ward_steward *steward = farewell_of(errand)->steward;

	tree_lock(steward->tree);
	steward->calling = false;
	tell_above(steward);
	tree_settle(steward);
	tree_unlock(steward->tree);
}

static void put_farewell(struct errand *errand)
{
	struct farewell *farewell = farewell_of(errand);
	struct ward_steward *steward = farewell->steward;

	tree_lock(steward->tree);
	if (!steward->farewell) {
		steward->farewell = farewell;
		farewell = NULL;
	}
	tree_unlock(steward->tree);
	host_free(farewell, sizeof(*farewell));
	member_put(&steward->me);
}

/*
 * A gave_up() that hangs has its errand for itself; who gives up meanwhile, when
 * there is no memory either, does so without it.
 */
static void say_farewell(struct ward_steward *steward)
{
	struct farewell *farewell = steward->farewell;

	if (steward->gave_up && !farewell)
		farewell = host_alloc(sizeof(*farewell));
	if (!steward->gave_up || !farewell) {
		tell_above(steward);
		return;
	}
	steward->farewell = NULL;
	steward->calling = true;
	member_hold(&steward->me);
	farewell->steward = steward;
	farewell->errand.make = call_gave_up;
	farewell->errand.then = then_tell;
	farewell->errand.put = put_farewell;
	errand_submit(&farewell->errand, steward->tree->pool, steward->name);
}

/* ---- a steward as a member --------------------------------------------------------- */

static struct ward_steward *steward_of(struct member *member)
{
	return ward_entry(member, struct ward_steward, me);
}

static void steward_up(struct member *member)
{
	struct ward_steward *steward = steward_of(member);

	member->state = MEMBER_UP;
	steward->phase = PHASE_RISING;
	steward->spent = false;
	steward->intensity = (struct intensity){ 0 };
	step(steward);
}

/* One that was down before and leaves now sees its members go. */
static void steward_down(struct member *member)
{
	struct ward_steward *steward = steward_of(member);

	if (member->state == MEMBER_DOWN &&
	    !(steward->leaving && steward->first))
		return;
	fall_all(steward);
	step(steward);
}

static bool steward_has_risen(const struct member *member)
{
	return ward_entry(member, const struct ward_steward, me)->phase ==
	       PHASE_UP;
}

static void steward_free(struct member *member)
{
	struct ward_steward *steward = steward_of(member);
	struct tree *tree = steward->tree;

	steward->magic = HANDLE_DEAD;
	host_free(steward->farewell, sizeof(*steward->farewell));
	host_free(steward, sizeof(*steward));
	tree_put(tree);
}

const struct member_ops steward_ops = {
	.up = steward_up,
	.down = steward_down,
	.has_risen = steward_has_risen,
	.free = steward_free,
	.again = "a steward gave up and is started again",
};
