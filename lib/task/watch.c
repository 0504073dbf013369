/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c - tokens as their users fire and watch them; telling watches and children.
 *
 * A token's lists belong to one thread at a time, for a few steps; 'list' says so.
 * A thread that fires must not wait for the holder: it asks, and if the lists are taken
 * the holder looks again before it gives them up.  Only a thread that puts something
 * on a list, or takes it off, waits.
 *
 * Telling is a walk, for a chain of links may be long: the teller goes down into a
 * child, and when nothing is left to do there, back to the token above.
 *
 * Invariants:
 *  1) No callback is called while the caller has any list.
 *  2) The lists of a token are given up only if there is nothing to be told, or if
 *     it has a teller, which comes back and looks again.
 *  3) 'running' is the watch that the teller is at, from before it gives up the lists
 *     until it touches neither that watch nor the child any more.
 *  4) A teller that comes back and finds the lists taken is the teller no more, and
 *     goes on above: the holder goes on here.
 *  5) Links whose 'passed' is more than the token's deadline stand before all others.
 */
#include "base/host.h"
#include "base/host_fault.h"
#include "task/cancel.h"
#include <errno.h>

#define LOOK_AGAIN WARD_MS(1) /* between two looks at the thread that fires */

#ifndef CANCEL_SPIN
#define CANCEL_SPIN 64 /* looks before a thread sleeps for the lists */
#endif

enum list {
	LIST_TAKEN = 1,
	LIST_ASKED = 2, /* look again before they are given up */
	LIST_SLEEP = 4	/* a thread sleeps until they are, or until 'running' moves */
};

static struct watch *watch_of(struct ward_watch *watch)
{
	return (struct watch *)(void *)watch;
}

static uint32_t me(void)
{
	return host_home() + 1;
}

/* ---- the lists are taken, and given up ------------------------------------------ */

static bool ask(struct token *t)
{
	return !(or_acq_rel(&t->list, LIST_TAKEN | LIST_ASKED) & LIST_TAKEN);
}

static void take(struct token *t)
{
	for (unsigned looks = 0;; looks++) {
		uint32_t seen = load_acquire(&t->sleeps);
		uint32_t word = load_relaxed(&t->list);

		if (!(word & LIST_TAKEN)) {
			if (cas_acq_rel(&t->list, &word, word | LIST_TAKEN))
				return; /* [l] */
		} else if (looks < CANCEL_SPIN) {
			host_relax();
		} else if (or_acq_rel(&t->list, LIST_SLEEP) & LIST_TAKEN) {
			host_wait(&t->sleeps, seen, HOST_FOREVER);
		}
	}
}

static bool has_lists(struct token *t)
{
	return CHECK_LOAD(&t->list) & LIST_TAKEN;
}

/*
 * Gives them up.  False: another thread has asked meanwhile, and they are still taken.
 * The last step is a futex call on an address: the token may be gone by then.
 */
static bool give(struct token *t)
{
	uint32_t word = LIST_TAKEN;
	bool wake = false, given;

	WARD_ASSERT(has_lists(t));
	while (!(given = cas_acq_rel(&t->list, &word, 0))) { /* [l] */
		if (word & LIST_SLEEP) {
			and_acq_rel(&t->list, ~(uint32_t)LIST_SLEEP);
			add_acq_rel(&t->sleeps, 1);
			wake = true;
		} else if (word & LIST_ASKED) {
			and_acq_rel(&t->list, ~(uint32_t)LIST_ASKED);
			break;
		}
		word = LIST_TAKEN;
	}
	if (wake)
		host_wake(&t->sleeps, INT32_MAX);
	return given;
}

/* True: there is no teller, and the lists stay taken.  False: they were given up. */
static bool free_to_tell(struct token *t)
{
	do {
		if (!load_acquire(&t->teller)) /* [l] */
			return true;
	} while (!give(t));
	return false;
}

/* ---- the lists ------------------------------------------------------------------ */

static struct watch **list_of(struct token *t, const struct watch *w)
{
	return w->child ? &t->links : &t->watches;
}

static void put_last(struct token *t, struct watch *w)
{
	struct watch **first = list_of(t, w);

	WARD_ASSERT(has_lists(t));
	if (*first) {
		w->next = *first;
		w->prev = (*first)->prev;
		w->prev->next = w->next->prev = w;
	} else {
		*first = w->next = w->prev = w;
	}
}

static void take_off(struct token *t, struct watch *w)
{
	struct watch **first = list_of(t, w);

	WARD_ASSERT(has_lists(t) && *first && w->next->prev == w &&
		    w->prev->next == w);
	if (*first == w)
		*first = w->next == w ? NULL : w->next;
	w->next->prev = w->prev;
	w->prev->next = w->next;
	w->next = NULL;
}

/* The watch to be told next, and the state to tell; NULL: none. */
static struct watch *next(struct token *t, int64_t *state)
{
	struct watch *w = t->links;

	*state = load_acquire(&t->state); /* [q] */
	if (*state < 0) {
		w = t->watches ? t->watches : w;
		if (w)
			take_off(t, w);
		return w;
	}
	if (*state == 0 || !w || w->passed <= *state)
		return NULL;
	w->passed = *state;
	t->links = w->next; /* so w is the last */
	WARD_ASSERT(w->prev->passed >= w->passed); /* 5) */
	return w;
}

/* ---- telling -------------------------------------------------------------------- */

/* Back from a visit below t.  The token, t or above, where there is more to do. */
static struct token *go_on(struct token *t)
{
	while (t) {
		struct token *back = t->back;

		WARD_ASSERT(CHECK_LOAD(&t->teller) == me());
		store_release(&t->running, NULL); /* [l] */
		store_release(&t->teller, 0); /* [l] */
		if (ask(t) && free_to_tell(t)) {
			t->back = back;
			return t;
		}
		t = back;
	}
	return NULL;
}

/* Tells w.  Returns the token where there is more to do, its lists taken. */
static struct token *visit(struct token *t, struct watch *w, int64_t state)
{
	void (*fn)(struct ward_watch *, int) = w->fn;
	struct token *child = w->child;

	WARD_ASSERT(has_lists(t) && !CHECK_LOAD(&t->teller)); /* one at a time */
	if (!child)
		w->on = NULL;
	store_release(&t->running, w); /* [l] the watch before is over */
	store_relaxed(&t->teller, me());
	while (!give(t))
		; /* the teller looks again when it comes back */
	if (!child) {
		fn((struct ward_watch *)(void *)w, (int)state);
	} else if (token_lower(child, state) && ask(child) &&
		   free_to_tell(child)) {
		child->back = t;
		return child;
	}
	return go_on(t);
}

/* With the lists, where there is no teller.  Gives them up. */
static void tell(struct token *t)
{
	t->back = NULL;
	while (t) {
		int64_t state;
		struct watch *w = next(t, &state);
		struct token *back = t->back;

		if (w)
			t = visit(t, w, state);
		else if (give(t))
			t = go_on(back);
	}
}

/* Gives the lists up when all is told that was asked for, or put there. */
static void tell_and_give(struct token *t)
{
	if (free_to_tell(t))
		tell(t);
}

/* The state has moved: tells watches and children, or the lists' holder does. */
static void token_tell(struct token *t)
{
	if (ask(t))
		tell_and_give(t);
}

/* ---- firing --------------------------------------------------------------------- */

/* Fires it; with 0, if its deadline has come.  True: by this call, with that cause. */
static bool token_cancel(struct token *token, int cause)
{
	bool first, timed = false;

	host_hold();
	first = token_fire(token, cause, &timed);
	if (first) {
		token_tell(token);
		token_fired(token);
	}
	host_unhold();
	return first && !timed;
}

int cancel_timed(struct token *token)
{
	int64_t state = load_acquire(&token->state);

	if (state > 0 && host_now() >= (uint64_t)state) {
		token_cancel(token, 0);
		state = load_acquire(&token->state);
	}
	return state < 0 ? (int)state : 0;
}

void ward_cancel_init(struct ward_cancel *token)
{
	if (token)
		*token = (struct ward_cancel){ { 0 } };
}

bool ward_cancel_fire(struct ward_cancel *cancel, int cause)
{
	return cancel && token_cancel(token_of(cancel), cause < 0 ? cause : -ECANCELED);
}

int ward_cancel_cause(const struct ward_cancel *cancel)
{
	return cancel ? cancel_cause(cancel) : 0;
}

int ward_cancel_deadline(struct ward_cancel *cancel, ward_ns at)
{
	struct token *token = token_of(cancel);

	if (!cancel)
		return -EINVAL;
	if (at > INT64_MAX)
		return 0; /* beyond time */
	host_hold();
	if (token_live_until(token, at ? (int64_t)at : 1))
		token_tell(token);
	host_unhold();
	cancel_cause(cancel); /* the deadline may have come already */
	return 0;
}

/* ---- watches -------------------------------------------------------------------- */

int ward_cancel_watch(struct ward_cancel *cancel, struct ward_watch *watch)
{
	struct watch *w = watch_of(watch);
	struct token *t = token_of(cancel);
	int64_t state;
	int cause;

	if (!cancel || !watch || !watch->fn)
		return -EINVAL;
	if (w->on)
		return -EBUSY;
	cause = cancel_cause(cancel); /* the deadline may have come */
	host_hold();
	if (!cause) {
		take(t);
		state = load_relaxed(&t->state);
		cause = state < 0 ? (int)state : 0;
		if (!cause) {
			w->on = t;
			w->child = NULL;
			put_last(t, w);
		}
		tell_and_give(t);
	}
	if (cause)
		watch->fn(watch, cause);
	host_unhold();
	return 0;
}

/* Is the teller at w?  With NULL: is there a teller, or a thread that fires? */
static bool busy(const struct token *t, const struct watch *w)
{
	return w ? load_acquire(&t->running) == w : /* [l] */
		   load_acquire(&t->teller) != 0 || token_is_firing(t); /* [l] */
}

static void wait_over(struct token *t, const struct watch *w)
{
	uint32_t seen;

	for (;;) {
		seen = load_acquire(&t->sleeps);
		or_acq_rel(&t->list, LIST_SLEEP);
		if (!busy(t, w))
			return;
		/* A firing thread is a few steps from its end, and wakes nobody then. */
		host_wait(&t->sleeps, seen,
			  w ? HOST_FOREVER : host_now() + LOOK_AGAIN);
	}
}

/* Takes w off its list, and waits until no other thread is at it.  True: it stood there. */
static bool detach(struct token *t, struct watch *w)
{
	bool stood, others;

	take(t);
	stood = w->on == t && w->next;
	if (stood)
		take_off(t, w);
	others = busy(t, w) && load_relaxed(&t->teller) != me();
	tell_and_give(t);
	if (others)
		wait_over(t, w);
	return stood;
}

/* ---- links ---------------------------------------------------------------------- */

/* Takes the link from its child, then from the parent. */
static void unlink_parent(struct token *parent, struct watch *w)
{
	struct token *child = w->child;
	struct watch **at;

	take(child);
	for (at = &child->parents; *at && *at != w; at = &(*at)->up)
		;
	if (*at)
		*at = w->up;
	tell_and_give(child);
	take(parent);
	WARD_ASSERT(w->on == parent && parent->children);
	parent->children--;
	w->on = NULL;
	w->child = NULL;
	tell_and_give(parent);
}

bool ward_cancel_unwatch(struct ward_cancel *cancel, struct ward_watch *watch)
{
	struct watch *w = watch_of(watch);
	struct token *t = token_of(cancel);
	bool stood;

	if (!cancel || !watch)
		return false;
	host_hold();
	stood = detach(t, w);
	if (w->child && w->on == t)
		unlink_parent(t, w);
	else if (stood)
		w->on = NULL;
	host_unhold();
	return stood;
}

static void put_first(struct token *parent, struct watch *w)
{
	w->passed = INT64_MAX;
	put_last(parent, w); /* in a ring the last is before the first */
	parent->links = w;
}

int ward_cancel_link(struct ward_cancel *child, struct ward_cancel *parent,
		     struct ward_watch *watch)
{
	struct watch *w = watch_of(watch);
	struct token *c = token_of(child), *p = token_of(parent);
	int64_t state;

	if (!child || !parent || !watch || child == parent)
		return -EINVAL;
	if (w->on)
		return -EBUSY;
	cancel_cause(parent); /* the deadline may have come */
	host_hold();
	take(c);
	w->on = p;
	w->child = c;
	w->up = c->parents;
	c->parents = w; /* for least_of_parents() */
	tell_and_give(c);
	take(p);
	p->children++;
	if (load_relaxed(&p->state) >= 0)
		put_first(p, w);
	tell_and_give(p);
	/* Another thread may be at it, but the child is to have it on return. */
	state = load_acquire(&p->state); /* [q] */
	if (state && token_lower(c, state))
		token_tell(c);
	host_unhold();
	return 0;
}

/* The lowest state of the parents, also of one that is just being linked; 0: none. */
static int64_t least_of_parents(const struct token *t)
{
	int64_t least = 0;

	for (const struct watch *w = t->parents; w; w = w->up) {
		int64_t state = load_acquire(&w->on->state); /* [q] */

		if (state < 0)
			return state;
		if (state && (!least || state < least))
			least = state;
	}
	return least;
}

int ward_cancel_move(struct ward_cancel *cancel, ward_ns at)
{
	struct token *t = token_of(cancel);
	int err;

	if (!cancel)
		return -EINVAL;
	host_hold();
	take(t);
	err = t->children ? -EBUSY :
			    token_move(t, least_of_parents,
				       at > INT64_MAX ? 0 :
				       at	      ? (int64_t)at :
							1);
	tell_and_give(t);
	host_unhold();
	cancel_cause(cancel); /* the deadline may have come already */
	return err;
}

/* ---- the end -------------------------------------------------------------------- */

/* With the lists: 0, or an error.  1: it is being told. */
static int may_end(struct token *t)
{
	uint32_t teller = load_acquire(&t->teller);

	if (teller == me())
		return -EDEADLK;
	if (t->children)
		return -EBUSY;
	if (load_relaxed(&t->state) < 0)
		return teller || t->watches || token_is_firing(t);
	return t->watches ? -EBUSY : 0;
}

static int unlink_all(struct token *t)
{
	for (;;) {
		struct watch *w;
		int err;

		take(t);
		err = may_end(t);
		w = t->parents;
		tell_and_give(t);
		if (err == 1) {
			wait_over(t, NULL);
			continue;
		}
		if (err || !w)
			return err;
		detach(w->on, w);
		unlink_parent(w->on, w);
	}
}

int ward_cancel_fini(struct ward_cancel *cancel)
{
	int err;

	if (!cancel)
		return -EINVAL;
	host_hold();
	err = unlink_all(token_of(cancel));
	host_unhold();
	return err;
}
