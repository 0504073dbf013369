/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - the inside of a token.
 *
 * 'state' is all that a look needs:
 *	0	live
 *	> 0	live until then, ns
 *	< 0	fired; the cause is in the lower half
 * The state only ever goes down, but for the first deadline, and where the deadline of
 * a token without children is moved.  The thread that moves the state tells those that
 * depend on it: sleepers at once, watches and children by the lists, as in watch.c.
 *
 * Others see a token fired before the thread that fires it has done with it.  So TOLD
 * in the state is that thread's last step there, and the token's end waits for it [qf].
 *
 * Edges: [q] state moved | a sleeper of the token wakes up and sees it; [qf] the last
 * step | the token's end; [l] the list | its next holder.
 */
#ifndef WARD_LIB_TASK_CANCEL_H
#define WARD_LIB_TASK_CANCEL_H

#include "base/check.h"
#include "base/host.h"
#include <errno.h>
#include <ward/cancel.h>

struct watch;

/* In a state below 0: the thread that fired it has done with it. */
#define TOKEN_TOLD (INT64_C(1) << 62)

struct token {
	/* X: */
	_Atomic int64_t state;
	_Atomic uint32_t sleeps; /* futex: moves with state, and for LIST_SLEEP */
	_Atomic uint32_t list;	 /* enum list: are the lists taken? */
	/* L: list */
	struct watch *watches; /* in the order in which they came */
	struct watch *links;   /* to children; those to be visited first */
	struct watch *parents; /* links from them, by ->up */
	struct watch *_Atomic running; /* is being told just now */
	struct token *back;	       /* the token that the teller came from, or NULL */
	_Atomic uint32_t teller; /* its thread's home + 1; 0: none */
	uint32_t children;	 /* links to children, until unwatched */
} __attribute__((may_alias));

/* A watch: child is NULL.  A link: the child is told, and no fn is called. */
struct watch {
	/* L: of the token that it is on; I while it is on none */
	void (*fn)(struct ward_watch *watch, int cause);
	struct token *on;	   /* the token; of a link until it is unwatched */
	struct watch *next, *prev; /* a ring; NULL: on no list */
	struct token *child;
	struct watch *up;
	int64_t passed; /* the deadline that was passed to the child */
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

/* Fires the token if its deadline has come.  The cause, or 0. */
int cancel_timed(struct token *token);

/* ward_cancel_cause() of a token that is not NULL. */
static inline int cancel_cause(const struct ward_cancel *cancel)
{
	struct token *token = token_of(cancel);
	int64_t state = load_acquire(&token->state); /* [q] */

	if (likely(state == 0))
		return 0;
	return state < 0 ? (int)state : cancel_timed(token);
}

/* The same for a caller that may not fire it, nor call its watches. */
static inline int cancel_seen(const struct ward_cancel *cancel)
{
	int64_t state = load_acquire(&token_of(cancel)->state); /* [q] */

	if (likely(state <= 0))
		return (int)state;
	return host_now() >= (uint64_t)state ? -ETIMEDOUT : 0;
}

/* Neither fired nor with a deadline? */
static inline bool cancel_is_live(const struct ward_cancel *cancel)
{
	return load_acquire(&token_of(cancel)->state) == 0; /* [q] */
}

/* The time of its firing, for a caller that may not fire it; 0: fired; HOST_FOREVER. */
static inline ward_ns cancel_by(const struct ward_cancel *cancel)
{
	int64_t state = load_acquire(&token_of(cancel)->state); /* [q] */

	return state < 0 ? 0 : state == 0 ? WARD_FOREVER : (ward_ns)state;
}

/*
 * The end of a sleep on cancel_word(): the deadline, if that is earlier than 'until'.
 * The caller has loaded the word before.
 */
static inline ward_ns cancel_until(const struct ward_cancel *cancel,
				   ward_ns until)
{
	int64_t state = load_acquire(&token_of(cancel)->state); /* [q] */

	return state > 0 && (ward_ns)state < until ? (ward_ns)state : until;
}

/* Of the process: moves after any token's state; how many stewards sleep on that [cm]. */
extern _Atomic uint32_t cancel_moves, cancel_sleepers;

/*
 * Fires it, or finds that its deadline has come.  False: it was fired before.  True: the
 * caller is to call token_tell(), then token_fired().
 */
bool token_fire(struct token *token, int cause, bool *timed);
/* The caller's last step with a token that it has fired. */
static inline void token_fired(struct token *token)
{
	int64_t state = or_acq_rel(&token->state, TOKEN_TOLD); /* [qf] */

	WARD_ASSERT(state < 0 && !(state & TOKEN_TOLD)); /* by one, once */
}

/* Is the thread that fired it still at it? */
static inline bool token_is_firing(const struct token *token)
{
	int64_t state = load_acquire(&token->state); /* [qf] */

	return state < 0 && !(state & TOKEN_TOLD);
}

/*
 * Another deadline, 0: none, but no later than that of its parents, as 'least' says;
 * -EALREADY: it was fired, or its time has come.
 */
int token_move(struct token *token, int64_t (*least)(const struct token *),
	       int64_t at);
/* Sets the deadline.  False: it had an earlier one.  True: token_tell() is due. */
bool token_live_until(struct token *token, int64_t at);
/* Takes over its parent's state, if that is lower.  False: it is not. */
bool token_lower(struct token *token, int64_t state);

#endif
