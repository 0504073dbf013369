/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.c - a token's state, and those that sleep on it.
 */
#include "base/host.h"
#include "task/cancel.h"
#include <errno.h>

_Atomic uint32_t cancel_moves, cancel_sleepers;

/* Those that sleep on it; and stewards, for tasks that wait may carry the token. */
static void wake_sleepers(struct token *token)
{
	add_acq_rel(&token->sleeps, 1); /* [q] */
	host_wake(&token->sleeps, INT32_MAX);
	add_acq_rel(&cancel_moves, 1); /* [cm] */
	barrier_seq_cst(); /* [cm] moved | who sleeps? */
	if (unlikely(load_relaxed(&cancel_sleepers)))
		host_wake(&cancel_moves, INT32_MAX);
}

static inline bool has_come(int64_t state)
{
	return state > 0 && host_now() >= (uint64_t)state;
}

bool token_fire(struct token *token, int cause, bool *timed)
{
	int64_t state = load_relaxed(&token->state), fired;

	do {
		if (state < 0)
			return false;
		*timed = has_come(state);
		if (!cause && !*timed)
			return false; /* the deadline was moved meanwhile */
		fired = *timed ? -ETIMEDOUT : cause;
		/* Release: with the cause a reader sees what led to it. */
	} while (!cas_acq_rel(&token->state, &state, /* [q] */
			      fired & ~TOKEN_TOLD));
	wake_sleepers(token);
	return true;
}

bool token_live_until(struct token *token, int64_t at)
{
	int64_t state = load_relaxed(&token->state);

	do {
		if (state < 0 || (state > 0 && state <= at))
			return false;
	} while (!cas_acq_rel(&token->state, &state, at)); /* [q] */
	wake_sleepers(token);
	return true;
}

int token_move(struct token *token, int64_t (*least)(const struct token *),
	       int64_t at)
{
	int64_t state = load_acquire(&token->state), next; /* [q] */

	do {
		if (state < 0 || has_come(state))
			return -EALREADY;
		next = least(token); /* after the load: to lower the state is a swap, too */
		if (next < 0)
			return -EALREADY;
		next = next && (!at || next < at) ? next : at;
	} while (!cas_acq_rel(&token->state, &state, next)); /* [q] */
	wake_sleepers(token);
	return 0;
}

bool token_lower(struct token *token, int64_t state)
{
	bool timed;

	if (state > 0)
		return token_live_until(token, state);
	if (!token_fire(token, (int)state, &timed))
		return false;
	token_fired(token); /* the link's 'running' says that the parent's teller is here */
	return true;
}
