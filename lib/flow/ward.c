/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward.c - a ward from its start to its end for good.
 */
#include "flow/bridge.h"
#include "flow/tree.h"
#include "heal/heal.h"
#include <errno.h>

#define STOP_WITHIN WARD_S(5)
#define STATE_MAX ((size_t)1 << 30)

/* ---- memory ---------------------------------------------------------------------- */

static struct ward *ward_of(struct member *member)
{
	return ward_entry(member, struct ward, me);
}

static void ward_free(struct member *member)
{
	struct ward *ward = ward_of(member);
	struct tree *tree = ward->tree;

	ward->magic = HANDLE_DEAD;
	incarnation_unreserve(ward);
	saved_destroy(ward->saved);
	host_free(ward, sizeof(*ward));
	tree_put(tree);
}

/* ---- as a member ----------------------------------------------------------------- */

/* For want of memory it is tried again soon. */
static void ward_up(struct member *member)
{
	struct ward *ward = ward_of(member);
	ward_ns now = host_now();

	ward->tree->moved = true;
	if (ward->not_before <= now) {
		if (incarnation_start(ward))
			return;
		ward->not_before = now + WARD_MS(10);
	}
	member->state = MEMBER_WAITS;
	timer_set(&ward->start, ward->not_before);
}

static void ward_down(struct member *member)
{
	ward_of(member)->tree->moved = true;
	if (member->state == MEMBER_WAITS) {
		timer_unset(&ward_of(member)->start);
		member->state = MEMBER_DOWN;
	} else if (member->state == MEMBER_UP) {
		incarnation_stop(ward_of(member));
	}
}

static bool ward_has_started(const struct member *member)
{
	const struct ward *ward = ward_entry(member, const struct ward, me);

	return ward->now && ward->now->begun;
}

static void ward_gone(struct member *member)
{
	struct ward *ward = ward_of(member);

	WARD_ASSERT(ward->tree->wards);
	ward->tree->wards--;
	ward->now = NULL;
	timer_unset(&ward->start);
	timer_unset(&ward->stop);
	if (ward->spec.bridge)
		ward_bridge_close(ward->spec.bridge, ward->status);
	member_over(member);
}

static void ward_show(const struct member *member, struct ward_page_member *row)
{
	static const uint8_t state[] = {
		[MEMBER_DOWN] = WARD_PAGE_DOWN,
		[MEMBER_WAITS] = WARD_PAGE_BACKOFF,
		[MEMBER_UP] = WARD_PAGE_UP,
		[MEMBER_STOPPING] = WARD_PAGE_STOPPING,
		[MEMBER_GONE] = WARD_PAGE_DOWN,
	};
	const struct ward *ward = ward_entry(member, const struct ward, me);

	row->state = state[member->state];
	row->starts = ward->starts;
	row->failures = ward->failures;
	row->status = ward->status;
}

static const struct member_ops ward_ops = {
	.up = ward_up,
	.down = ward_down,
	.has_started = ward_has_started,
	.gone = ward_gone,
	.free = ward_free,
	.show = ward_show,
	.again = "a ward ended and is started again",
};

/* ---- its times ------------------------------------------------------------------- */

static void backoff_is_over(struct ward *ward)
{
	if (ward->me.state != MEMBER_WAITS)
		return;
	ward->me.state = MEMBER_DOWN;
	ward_up(&ward->me);
}

/* It was told to stop, and has not.  If nobody runs its task, its end is on its way. */
static void deadline_is_over(struct ward *ward)
{
	if (ward->me.state == MEMBER_STOPPING)
		steward_request_fence(ward->tree->pool, &ward->now->task);
}

/* ---- public ---------------------------------------------------------------------- */

static bool spec_is_sound(const struct ward_spec *s)
{
	return s && s->size == sizeof(*s) && !s->flags && s->run &&
	       (unsigned)s->restart <= WARD_NEVER && !s->reserved &&
	       s->state <= STATE_MAX && (!s->bridge || bridge_is(s->bridge)) &&
	       (!s->backoff_max || s->backoff_min <= s->backoff_max);
}

static void ward_init(struct ward *ward, struct tree *tree,
		      const struct ward_spec *spec)
{
	ward->magic = handle_magic(HANDLE_WARD);
	ward->me.ops = &ward_ops;
	ward->me.name = spec->name;
	store_relaxed(&ward->me.refs, 1); /* the caller's */
	ward->tree = tree;
	add_acq_rel(&tree->refs, 1);
	ward->spec = *spec;
	if (!ward->spec.stop_within)
		ward->spec.stop_within = STOP_WITHIN;
	ward->policy = (struct ward_policy){
		.size = sizeof(ward->policy),
		.runs = 1,
		.busy_within = spec->busy_within,
		.blocked_within = spec->blocked_within,
		.progress_within = spec->progress_within,
	};
	timer_init(&ward->start, ward, backoff_is_over);
	timer_init(&ward->stop, ward, deadline_is_over);
}

static int ward_new(struct ward **out, struct tree *tree,
		    const struct ward_spec *spec)
{
	struct ward *ward = host_alloc(sizeof(*ward));
	int err;

	if (!ward)
		return -ENOMEM;
	ward_init(ward, tree, spec);
	err = incarnation_reserve(ward);
	if (!err && spec->state) {
		ward->saved = saved_create(spec->state);
		err = ward->saved ? 0 : -ENOMEM;
	}
	if (err)
		member_put(&ward->me);
	else
		*out = ward;
	return err;
}

static int enter(struct ward_steward *steward, struct ward *ward,
		 struct ward **out)
{
	struct tree *tree = steward->tree;
	int err = 0;

	tree_lock(tree);
	if (supervisor_is_shut(steward)) {
		err = -ESHUTDOWN;
	} else if (tree->wards == tree->most) {
		err = -EAGAIN;
	} else {
		tree->wards++;
		*out = ward; /* before it runs: it may read that */
		member_enter(steward, &ward->me);
	}
	tree_unlock(tree);
	return err;
}

int ward_start(struct ward **out, struct ward_steward *steward,
	       const struct ward_spec *spec)
{
	struct ward *ward = NULL;
	int err = out && spec_is_sound(spec) ?
			  handle_enter(steward, HANDLE_STEWARD) :
			  -EINVAL;

	if (err)
		return err;
	err = ward_new(&ward, steward->tree, spec);
	if (err)
		return err;
	err = enter(steward, ward, out);
	if (err)
		member_put(&ward->me);
	return err;
}

/* Is the caller inside of the ward, or of its ended()? */
static bool inside_of(const struct ward *ward)
{
	const struct incarnation *it = incarnation_here();

	if (it)
		return it->ward == ward;
	return ward->now && load_relaxed(&ward->now->ended.on) == host_tid();
}

static void leave_steward(struct ward *ward)
{
	struct ward_steward *steward = ward->me.above;

	if (!steward || ward->leaving)
		return;
	member_hold(&steward->me);
	ward->leaving = true;
	ward_down(&ward->me);
	if (ward->me.state == MEMBER_DOWN)
		member_gone(&ward->me);
	tree_settle(steward);
	member_put(&steward->me);
}

static int wait_gone(struct ward *ward, ward_ns until, bool leave)
{
	int err = handle_enter(ward, HANDLE_WARD);
	bool inside;

	if (err)
		return err;
	tree_lock(ward->tree);
	inside = inside_of(ward);
	if (leave && !inside)
		leave_steward(ward);
	tree_unlock(ward->tree);
	return inside ? -EDEADLK : member_wait(&ward->me, until);
}

int ward_stop(struct ward *ward, ward_ns until)
{
	return wait_gone(ward, until, true);
}

int ward_restart(struct ward *ward)
{
	int err = handle_enter(ward, HANDLE_WARD);

	if (err)
		return err;
	tree_lock(ward->tree);
	if (!ward->me.above || ward->leaving ||
	    supervisor_is_shut(ward->me.above)) {
		err = -ESHUTDOWN;
	} else if (ward->me.state == MEMBER_WAITS) {
		ward->not_before = 0;
		timer_unset(&ward->start);
		backoff_is_over(ward);
	} else if (ward->me.state == MEMBER_UP && ward->now->begun) {
		ward_down(&ward->me);
	}
	tree_unlock(ward->tree);
	return err;
}

int ward_wait(struct ward *ward, ward_ns until, int *status)
{
	int err = wait_gone(ward, until, false);

	if (!err && status)
		*status = ward->status; /* [o] */
	return err;
}

void ward_put(struct ward *ward)
{
	if (handle_told(ward, HANDLE_WARD) && !handle_enter(ward, HANDLE_WARD))
		member_put(&ward->me); /* not of a copy, in a child process */
}
