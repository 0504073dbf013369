/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.c - a token is one word: 0, or the cause.
 */
#include "base/atomic.h"
#include <errno.h>
#include <ward/cancel.h>

struct token {
	_Atomic int64_t cause;
} __attribute__((may_alias));

void ward_cancel_init(struct ward_cancel *token)
{
	if (token)
		*token = (struct ward_cancel){ { 0 } };
}

bool ward_cancel_fire(struct ward_cancel *cancel, int cause)
{
	struct token *token = (struct token *)cancel;
	int64_t live = 0;

	/* Release: who sees the cause sees what led to it. */
	return token && cas_acq_rel(&token->cause, &live,
				    cause < 0 ? cause : -ECANCELED);
}

int ward_cancel_cause(const struct ward_cancel *cancel)
{
	struct token *token = (struct token *)(uintptr_t)cancel;

	return token ? (int)load_acquire(&token->cause) : 0;
}
