/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.c - tokens as their users fire them.
 */
#include "task/cancel.h"
#include "base/host_fault.h"
#include <errno.h>

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
