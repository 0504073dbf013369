/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.c - a token is a word: 0, or the cause; and a futex for who waits on it.
 */
#include "work/cancel.h"
#include "base/host_fault.h"
#include <errno.h>

void ward_cancel_init(struct ward_cancel *token)
{
	if (token)
		*token = (struct ward_cancel){ { 0 } };
}

bool ward_cancel_fire(struct ward_cancel *cancel, int cause)
{
	struct token *token = token_of(cancel);
	int64_t live = 0;
	bool first;

	if (!token)
		return false;
	host_hold();
	/* Release: who sees the cause sees what led to it. */
	first = cas_acq_rel(&token->cause, &live,
			    cause < 0 ? cause : -ECANCELED);
	if (first) {
		add_acq_rel(&token->sleeps, 1); /* [q] */
		host_wake(&token->sleeps, INT32_MAX);
	}
	host_unhold();
	return first;
}

int ward_cancel_cause(const struct ward_cancel *cancel)
{
	struct token *token = token_of(cancel);

	return token ? (int)load_acquire(&token->cause) : 0; /* [q] */
}
