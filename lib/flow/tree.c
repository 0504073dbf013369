/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - the laws of a tree: see tree.h.
 */
#include "flow/tree.h"
#include <ward/bridge.h>
#include <stdio.h>

/* ---- the tree ---------------------------------------------------------------------- */

bool tree_foreign(const struct tree *tree)
{
	return tree->generation != load_relaxed(&host_generation);
}

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
	if (sub_acq_rel(&tree->refs, 1) == 1)
		host_free(tree, sizeof(*tree));
}

/* ---- members ----------------------------------------------------------------------- */

static struct ward *ward_of(struct member *member)
{
	return ward_entry(member, struct ward, me);
}

static struct ward_steward *steward_of(struct member *member)
{
	return ward_entry(member, struct ward_steward, me);
}

static void member_link(struct ward_steward *steward, struct member *member)
{
	member->above = steward;
	member->place = ++steward->tree->places;
	member->state = MEMBER_DOWN;
	member->next = NULL;
	member->prev = steward->last;
	*(steward->last ? &steward->last->next : &steward->first) = member;
	steward->last = member;
	hold_steward(steward);
	if (member->is_steward)
		hold_steward(steward_of(member));
	else
		hold_ward(ward_of(member));
}

static void unlink_member(struct ward_steward *steward, struct member *member)
{
	*(member->prev ? &member->prev->next : &steward->first) = member->next;
	*(member->next ? &member->next->prev : &steward->last) = member->prev;
	member->above = NULL;
	member->state = MEMBER_GONE;
	unhold_steward(steward);
}

static void ward_gone(struct ward *ward)
{
	ward->tree->wards--;
	ward->now = NULL;
	timer_unset(&ward->start);
	timer_unset(&ward->stop);
	if (ward->spec.bridge)
		ward_bridge_close(ward->spec.bridge, ward->status);
	store_release(&ward->over, true); /* [o] */
	door_open(&ward->gone);
	unhold_ward(ward);
}

void member_gone(struct member *member)
{
	if (member->state == MEMBER_GONE)
		return;
	unlink_member(member->above, member);
	if (member->is_steward)
		unhold_steward(steward_of(member));
	else
		ward_gone(ward_of(member));
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

/* A ward that cannot be started, for want of memory, is tried again soon. */
static void ward_up(struct ward *ward)
{
	ward_ns now = host_now();

	if (ward->not_before <= now) {
		if (incarnation_start(ward))
			return;
		ward->not_before = now + WARD_MS(10);
	}
	ward->me.state = MEMBER_WAITS;
	timer_set(&ward->start, ward->not_before);
}

static void ward_down(struct ward *ward)
{
	if (ward->me.state == MEMBER_WAITS) {
		timer_unset(&ward->start);
		ward->me.state = MEMBER_DOWN;
	} else {
		incarnation_stop(ward);
	}
}

/* ---- one steward's steps ------------------------------------------------------------ */

static void fall(struct ward_steward *steward, uint64_t mark, bool again)
{
	if (steward->phase != PHASE_FALLING || mark < steward->mark)
		steward->mark = mark;
	steward->phase = PHASE_FALLING;
	steward->again = again;
}

static void steward_up(struct ward_steward *steward)
{
	steward->me.state = MEMBER_UP;
	steward->phase = PHASE_RISING;
	steward->spent = false;
	steward->intensity = (struct intensity){ 0 };
}

static void steward_down(struct ward_steward *steward)
{
	steward->me.state = MEMBER_FALLING;
	fall(steward, 0, false);
}

static void step(struct ward_steward *steward);

void member_up(struct member *member)
{
	if (!member->is_steward) {
		ward_up(ward_of(member));
		return;
	}
	steward_up(steward_of(member));
	step(steward_of(member));
}

void member_down(struct member *member)
{
	if (!member->is_steward) {
		ward_down(ward_of(member));
		return;
	}
	steward_down(steward_of(member));
	step(steward_of(member));
}

/* What is down for good leaves its steward. */
static void settle_down(struct ward_steward *steward, struct member *member)
{
	const struct ward *ward = ward_of(member);

	if (steward->leaving ||
	    (!member->is_steward && ward->spec.restart == WARD_NEVER &&
	     ward->starts))
		member_gone(member);
}

/* A steward that leaves, and was down before: its members are to go, too. */
static bool has_leavers(const struct member *member)
{
	const struct ward_steward *steward =
		ward_entry(member, const struct ward_steward, me);

	return member->is_steward && steward->leaving && steward->first;
}

/* Brings down who is to be down: true when all are. */
static bool fell(struct ward_steward *steward)
{
	struct member *member = steward->last, *before;

	for (; member && member->place >= steward->mark; member = before) {
		before = member->prev;
		if (member->state == MEMBER_UP ||
		    member->state == MEMBER_WAITS ||
		    (member->state == MEMBER_DOWN && has_leavers(member)))
			member_down(member);
		if (member->state != MEMBER_DOWN)
			return false;
		settle_down(steward, member);
	}
	return true;
}

void steward_is_down(struct ward_steward *steward)
{
	steward->me.state = MEMBER_DOWN;
	if (!steward->leaving)
		return;
	store_release(&steward->over, true); /* [o] */
	door_open(&steward->down);
}

static bool has_risen(const struct member *member)
{
	const struct ward *ward;

	if (member->state != MEMBER_UP)
		return false;
	if (member->is_steward)
		return ward_entry(member, const struct ward_steward, me)
			       ->phase == PHASE_UP;
	ward = ward_entry(member, const struct ward, me);
	return ward->now && ward->now->begun;
}

static bool rose(struct ward_steward *steward)
{
	struct member *member = steward->first;

	for (; member; member = member->next) {
		if (member->state == MEMBER_DOWN)
			member_up(member);
		if (!has_risen(member))
			return false;
	}
	return true;
}

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
		steward_gave_up(steward);
	else
		steward_is_down(steward);
}

static void step(struct ward_steward *steward)
{
	if (steward->phase == PHASE_FALLING && fell(steward))
		landed(steward);
	if (steward->phase == PHASE_RISING && rose(steward))
		steward->phase = PHASE_UP;
}

void member_enter(struct ward_steward *steward, struct member *member)
{
	member_link(steward, member);
	if (steward->phase == PHASE_UP)
		member_up(member);
	tree_settle(steward);
}

static bool is_over(const struct ward_steward *steward)
{
	return steward->leaving && steward->me.state == MEMBER_DOWN;
}

void tree_settle(struct ward_steward *steward)
{
	struct ward_steward *above;

	hold_steward(steward);
	for (; steward; steward = above) {
		above = steward->me.above;
		if (above)
			hold_steward(above);
		step(steward);
		if (is_over(steward) && above)
			member_gone(&steward->me);
		unhold_steward(steward);
	}
}

static void leave_all(struct ward_steward *steward)
{
	steward->leaving = true;
	for (struct member *m = steward->first; m; m = m->next)
		if (m->is_steward)
			leave_all(steward_of(m));
}

void steward_leave(struct ward_steward *steward)
{
	if (!steward->leaving) {
		leave_all(steward);
		steward_down(steward);
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
	steward_down(steward);
}

static void tell_restart(struct ward_steward *steward,
			 const struct member *member, int status,
			 uint64_t cause)
{
	const char *who =
		member->is_steward ?
			ward_entry(member, const struct ward_steward, me)->name :
			ward_entry(member, const struct ward, me)->spec.name;
	struct incident *in = describe(steward, WARD_R_RESTART, who,
				       incident_id());

	if (!in)
		return;
	in->report.what = member->is_steward ?
				  "a steward gave up and is started again" :
				  "a ward ended and is started again";
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
		member_up(member);
	else
		fall(steward,
		     steward->strategy == WARD_REST_FOR_ONE ? member->place : 0,
		     true);
	/* Last: it wakes the scribe, and the ward need not wait for that. */
	tell_restart(steward, member, status, cause);
}
