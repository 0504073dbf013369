/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - see tree.h.
 *
 * Edge [o]: over, with the effects of its last run | a waiter for that.
 */
#include "flow/tree.h"
#include "base/probe.h"
#include "heal/notify.h"
#include "lane/wait.h"
#include <stdio.h>

/* ---- the tree -------------------------------------------------------------------- */

void tree_lock(struct tree *tree)
{
	host_lock_take(&tree->lock);
}

void tree_unlock(struct tree *tree)
{
	if (tree->moved)
		tree_publish(tree);
	host_lock_give(&tree->lock);
}

void tree_put(struct tree *tree)
{
	if (ref_drop(&tree->refs)) {
		host_free(tree->shown, sizeof(*tree->shown));
		host_free(tree, sizeof(*tree));
	}
}

/* ---- members --------------------------------------------------------------------- */

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

void member_over(struct member *member)
{
	store_release(&member->over, true); /* [o] */
	wait_wake(&member->gone);
}

int member_wait(struct member *member, ward_ns until)
{
	struct wait_entry entry;
	int err;

	wait_enter(&entry, &member->gone, until, WAIT_BLOCK);
	err = wait_event(&entry, load_acquire(&member->over)); /* [o] */
	return err && !load_acquire(&member->over) ? err : 0;
}

bool supervisor_is_shut(const struct ward_steward *steward)
{
	for (; steward; steward = steward->me.above)
		if (steward->leaving || steward->spent)
			return true;
	return false;
}

bool member_is_stopping(const struct member *member)
{
	const struct ward_steward *steward = member->above;

	return steward->phase == PHASE_DOWN ||
	       (steward->phase == PHASE_STOPPING &&
		member->place >= steward->mark);
}

/* ---- one steward's steps --------------------------------------------------------- */

static void stop_members(struct ward_steward *steward, uint64_t mark,
			 bool again)
{
	if (steward->phase != PHASE_STOPPING || mark < steward->mark)
		steward->mark = mark;
	steward->phase = PHASE_STOPPING;
	steward->again = again;
}

static void stop_members_all(struct ward_steward *steward)
{
	steward->me.state = MEMBER_STOPPING;
	stop_members(steward, 0, false);
}

/* Brings members down: true when all are.  A member that is down for good leaves. */
static bool all_stopped(struct ward_steward *steward)
{
	struct member *member = steward->last, *before;

	for (; member && member->place >= steward->mark; member = before) {
		before = member->prev;
		if (member->state != MEMBER_STOPPING)
			member->ops->down(member);
		if (member->state != MEMBER_DOWN)
			return false;
		if (steward->leaving || member->once)
			member_gone(member);
	}
	return true;
}

/* All below are down, and gave_up() is over. */
static void supervisor_is_down(struct ward_steward *steward)
{
	steward->me.state = MEMBER_DOWN;
	if (steward->leaving)
		member_over(&steward->me);
}

static bool all_started(struct ward_steward *steward)
{
	struct member *member = steward->first;

	for (; member; member = member->next) {
		if (member->state == MEMBER_DOWN)
			member->ops->up(member);
		if (member->state != MEMBER_UP ||
		    !member->ops->has_started(member))
			return false;
	}
	return true;
}

static void give_notice(struct ward_steward *steward);

static void stop_done(struct ward_steward *steward)
{
	if (steward->again) {
		steward->phase = PHASE_STARTING;
		return;
	}
	steward->phase = PHASE_DOWN;
	if (steward->calling)
		return;
	if (steward->spent && !steward->leaving)
		give_notice(steward);
	else
		supervisor_is_down(steward);
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
	if (steward->phase == PHASE_STOPPING && all_stopped(steward))
		stop_done(steward);
	if (steward->phase == PHASE_STARTING && all_started(steward))
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

void tree_settle(struct ward_steward *steward)
{
	struct ward_steward *above;

	steward->tree->moved = true;
	member_hold(&steward->me);
	for (; steward; steward = above) {
		above = steward->me.above;
		if (above)
			member_hold(&above->me);
		step(steward);
		if (above && steward->leaving && steward->me.state == MEMBER_DOWN)
			member_gone(&steward->me);
		member_put(&steward->me);
	}
}

static void leave_all(struct ward_steward *steward)
{
	struct ward_steward *child = steward->child;

	steward->leaving = true;
	for (; child; child = child->sibling)
		leave_all(child);
}

void supervisor_leave(struct ward_steward *steward)
{
	if (!steward->leaving) {
		leave_all(steward);
		stop_members_all(steward);
	}
	tree_settle(steward);
}

/* ---- failing --------------------------------------------------------------------- */

static struct incident *open_report(struct ward_steward *steward,
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
	in = open_report(steward, WARD_R_GAVE_UP, steward->name,
		      steward->incident);
	if (in) {
		in->report.what = "a steward gave up: what it starts keeps "
				  "ending";
		in->report.cause = cause;
		incident_raise(&steward->tree->pool->tell, in);
	}
	steward->spent = true;
	stop_members_all(steward);
}

static void tell_restart(struct ward_steward *steward,
			 const struct member *member, int status,
			 uint64_t cause)
{
	struct incident *in = open_report(steward, WARD_R_RESTART, member->name,
				       incident_id());

	if (!in)
		return;
	in->report.what = member->ops->again;
	in->report.err = status;
	in->report.cause = cause;
	/* Without a wakeup: the restart comes first. */
	incident_leave(&steward->tree->pool->tell, in);
	steward_wake(steward->tree->pool);
}

void supervisor_failed(struct ward_steward *steward, struct member *member,
		       int status, uint64_t cause)
{
	if (intensity_add(&steward->intensity, host_now(), steward->restarts,
			  steward->within)) {
		give_up(steward, cause);
		return;
	}
	PROBE(restart, steward->tree->pool->name, steward->name, member->name, status,
	      cause);
	if (steward->strategy == WARD_ONE_FOR_ONE)
		member->ops->up(member);
	else
		stop_members(steward,
			     steward->strategy == WARD_REST_FOR_ONE
				     ? member->place
				     : 0,
			     true);
	/* Last: the ward need not wait for it. */
	tell_restart(steward, member, status, cause);
}

/* ---- giving up ------------------------------------------------------------------- */

/* The scribe tells of it, and ends the process. */
static void abort_with_report(struct ward_steward *root)
{
	struct pool *pool = root->tree->pool;
	struct incident *in = incident_last(&pool->tell, WARD_R_GAVE_UP,
					    incident_id());

	if (!in)
		return; /* the process ends already */
	in->report.what = "the root of all stewards gave up: abort";
	in->report.cause = root->incident;
	incident_abort(&pool->tell, in);
	steward_wake(pool); /* it aborts, where the scribe cannot */
}

static void last_resort(struct ward_steward *root)
{
	if (root->tree->last == WARD_LAST_STARVE)
		notify_starve(root->tree->pool->helpers);
	if (root->tree->last == WARD_LAST_ABORT)
		abort_with_report(root);
}

static void tell_above(struct ward_steward *steward)
{
	struct ward_steward *above = steward->me.above;

	supervisor_is_down(steward);
	if (steward->leaving)
		return;
	if (!above) {
		supervisor_leave(steward); /* for good */
		last_resort(steward);
	} else if (!member_is_stopping(&steward->me)) {
		supervisor_failed(above, &steward->me, 0, steward->incident);
	}
}

static struct give_up_notice *notice_of(struct deferred *deferred)
{
	return ward_entry(deferred, struct give_up_notice, deferred);
}

static void call_gave_up(struct deferred *deferred)
{
	struct ward_steward *steward = notice_of(deferred)->steward;

	steward->gave_up(steward->arg, steward);
}

static void gave_up_told(struct deferred *deferred)
{
	struct ward_steward *steward = notice_of(deferred)->steward;

	tree_lock(steward->tree);
	steward->calling = false;
	tell_above(steward);
	tree_settle(steward);
	tree_unlock(steward->tree);
}

static void put_notice(struct deferred *deferred)
{
	struct give_up_notice *notice = notice_of(deferred);
	struct ward_steward *steward = notice->steward;

	tree_lock(steward->tree);
	if (!steward->notice) {
		steward->notice = notice;
		notice = NULL;
	}
	tree_unlock(steward->tree);
	host_free(notice, sizeof(*notice));
	member_put(&steward->me);
}

/*
 * A gave_up() that hangs keeps its notice; a steward that gives up meanwhile, without
 * memory for another, does so without the call.
 */
static void give_notice(struct ward_steward *steward)
{
	struct give_up_notice *notice = steward->notice;

	if (steward->gave_up && !notice)
		notice = host_alloc(sizeof(*notice));
	if (!steward->gave_up || !notice) {
		tell_above(steward);
		return;
	}
	steward->notice = NULL;
	steward->calling = true;
	member_hold(&steward->me);
	notice->steward = steward;
	notice->deferred.call = call_gave_up;
	notice->deferred.complete = gave_up_told;
	notice->deferred.put = put_notice;
	deferred_submit(&notice->deferred, steward->tree->pool, steward->name);
}

/* ---- a steward as a member ------------------------------------------------------- */

static struct ward_steward *supervisor_of(struct member *member)
{
	return ward_entry(member, struct ward_steward, me);
}

static void supervisor_up(struct member *member)
{
	struct ward_steward *steward = supervisor_of(member);

	member->state = MEMBER_UP;
	steward->phase = PHASE_STARTING;
	steward->spent = false;
	steward->intensity = (struct intensity){ 0 };
	step(steward);
}

/* Down before, and leaving now: its members go. */
static void supervisor_down(struct member *member)
{
	struct ward_steward *steward = supervisor_of(member);

	if (member->state == MEMBER_DOWN &&
	    !(steward->leaving && steward->first))
		return;
	stop_members_all(steward);
	step(steward);
}

static bool supervisor_has_started(const struct member *member)
{
	return ward_entry(member, const struct ward_steward, me)->phase ==
	       PHASE_UP;
}

static void supervisor_show(const struct member *member,
			    struct ward_page_member *row)
{
	static const uint8_t state[] = {
		[PHASE_UP] = WARD_PAGE_UP,
		[PHASE_STOPPING] = WARD_PAGE_STOPPING,
		[PHASE_STARTING] = WARD_PAGE_STARTING,
		[PHASE_DOWN] = WARD_PAGE_DOWN,
	};
	const struct ward_steward *steward =
		ward_entry(member, const struct ward_steward, me);

	row->steward = 1;
	row->state = state[steward->phase];
	row->spent = steward->spent;
}

static void supervisor_free(struct member *member)
{
	struct ward_steward *steward = supervisor_of(member);
	struct tree *tree = steward->tree;

	steward->magic = HANDLE_DEAD;
	host_free(steward->notice, sizeof(*steward->notice));
	host_free(steward, sizeof(*steward));
	tree_put(tree);
}

const struct member_ops supervisor_ops = {
	.up = supervisor_up,
	.down = supervisor_down,
	.has_started = supervisor_has_started,
	.free = supervisor_free,
	.show = supervisor_show,
	.again = "a steward gave up and is started again",
};
