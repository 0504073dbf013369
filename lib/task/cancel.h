/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - what a token is inside.
 *
 * 'state' is all that a look needs:
 *	0	live
 *	> 0	live until then, ns
 *	< 0	fired; the cause is in the lower half
 * It only ever goes down, but for the first deadline, and where the deadline of a token
 * without children is moved.  Who moves it is who must see to those that depend on it:
 * sleepers, watches, children.  Sleepers are woken at once.  The rest is on lists, and
 * those are seen to as watch.c says.
 *
 * Who fires it is seen to have done so before he has done with it.  So he says in the
 * state itself that he is at it, and takes that back as his last step there: the end
 * waits for it [qf].
 *
 * Edges: [q] state moved | who sleeps on the token wakes up and sees it; [qf] he has
 * done with it | it ends; [l] the list | the next one who has it.
 */
#ifndef WARD_LIB_TASK_CANCEL_H
#define WARD_LIB_TASK_CANCEL_H

#include "base/check.h"
#include <ward/cancel.h>

struct watch;

/* In a state below 0, as in any small number: who fired it has done with it. */
#define TOKEN_TOLD (INT64_C(1) << 62)

struct token {
	/* X: */
	_Atomic int64_t state;
	_Atomic uint32_t sleeps; /* futex: moves with state, and when 'list' says
				    that somebody sleeps for it */
	_Atomic uint32_t list;	 /* enum list: who has the lists */
	/* L: list */
	struct watch *watches; /* in the order in which they came */
	struct watch *links;   /* to children; those to be visited first */
	struct watch *parents; /* links to them, by ->up */
	struct watch *_Atomic running; /* is being told just now */
	struct token *back;	       /* whose visitor came here, or NULL */
	_Atomic uint32_t teller; /* the thread that visits, from 1; 0: none */
	uint32_t children;	 /* linked and not taken back */
} __attribute__((may_alias));

/* A watch: child is NULL.  A link: the child is told instead of fn. */
struct watch {
	/* L: of the token that it is on; I while it is on none */
	void (*fn)(struct ward_watch *watch, int cause);
	struct token *on;	   /* the token; of a link until it is taken back */
	struct watch *next, *prev; /* a ring; NULL: on no list */
	struct token *child;
	struct watch *up;
	int64_t passed; /* the deadline that the child has from here */
} __attribute__((may_alias));

_Static_assert(sizeof(struct token) <= sizeof(struct ward_cancel), "it fits");
_Static_assert(sizeof(struct watch) <= sizeof(struct ward_watch), "it fits");

static inline struct token *token_of(const struct ward_cancel *cancel)
{
	return (struct token *)(uintptr_t)cancel;
}

static inline _Atomic uint32_t *cancel_word(const struct ward_cancel *cancel)
{
	return &token_of(cancel)->sleeps;
}

/* Has the deadline come?  Then it is fired here.  The cause, or 0. */
int cancel_timed(struct token *token);

/* As ward_cancel_cause(), of one that is there. */
static inline int cancel_cause(const struct ward_cancel *cancel)
{
	struct token *token = token_of(cancel);
	int64_t state = load_acquire(&token->state); /* [q] */

	if (likely(state == 0))
		return 0;
	return state < 0 ? (int)state : cancel_timed(token);
}

/* And it has no deadline. */
static inline bool cancel_is_live(const struct ward_cancel *cancel)
{
	return load_acquire(&token_of(cancel)->state) == 0; /* [q] */
}

/* From when on it is fired, for who may not fire it; 0: it is; HOST_FOREVER: not yet. */
static inline ward_ns cancel_by(const struct ward_cancel *cancel)
{
	int64_t state = load_acquire(&token_of(cancel)->state); /* [q] */

	return state < 0 ? 0 : state == 0 ? WARD_FOREVER : (ward_ns)state;
}

/*
 * How long to sleep, on cancel_word() among others: to the deadline, if that is
 * earlier.  By who has loaded the word before.
 */
static inline ward_ns cancel_until(const struct ward_cancel *cancel,
				   ward_ns until)
{
	int64_t state = load_acquire(&token_of(cancel)->state); /* [q] */

	return state > 0 && (ward_ns)state < until ? (ward_ns)state : until;
}

/*
 * Of the whole process: moves after any token's state has, for stewards, who know of
 * tasks that wait; and how many of them sleep on it [cm].
 */
extern _Atomic uint32_t cancel_moves, cancel_sleepers;

/* ---- token.c: the state -------------------------------------------------------- */

/*
 * Fires it, or finds that its deadline has come.  False: it was fired before.  True: the
 * caller has its telling, and then token_fired(), before him.
 */
bool token_fire(struct token *token, int cause, bool *timed);
/* The caller's last step with a token that he has fired. */
static inline void token_fired(struct token *token)
{
	int64_t state = or_acq_rel(&token->state, TOKEN_TOLD); /* [qf] */

	WARD_ASSERT(state < 0 && !(state & TOKEN_TOLD)); /* by one, once */
}

/* Is who fired it still at it? */
static inline bool token_is_firing(const struct token *token)
{
	int64_t state = load_acquire(&token->state); /* [qf] */

	return state < 0 && !(state & TOKEN_TOLD);
}

/*
 * Another deadline, 0: none, but no later than what its parents have, as 'least' says;
 * -EALREADY: it was fired, or is to be.
 */
int token_move(struct token *token, int64_t (*least)(const struct token *),
	       int64_t at);
/* It has that deadline, if it had a later one or none; the caller has its telling. */
bool token_live_until(struct token *token, int64_t at);
/* Its parent's state is its own too, if that is lower.  False: it is not. */
bool token_lower(struct token *token, int64_t state);

/* ---- watch.c: the lists -------------------------------------------------------- */

/* Fires it, or, with 0, if its deadline has come.  True: by this call, with that cause. */
bool token_cancel(struct token *token, int cause);
/* The state has moved: tells watches and children, or has somebody do it. */
void token_tell(struct token *token);

#endif
