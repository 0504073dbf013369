/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - what a token is inside.
 *
 * Edge [q]: fired | who sleeps on the token wakes up and sees the cause.
 */
#ifndef WARD_LIB_WORK_CANCEL_H
#define WARD_LIB_WORK_CANCEL_H

#include "base/atomic.h"
#include <ward/cancel.h>

struct token {
	_Atomic int64_t cause;	 /* 0: live */
	_Atomic uint32_t sleeps; /* futex: moves when the token is fired */
} __attribute__((may_alias));

_Static_assert(sizeof(struct token) <= sizeof(struct ward_cancel), "it fits");

static inline struct token *token_of(const struct ward_cancel *cancel)
{
	return (struct token *)(uintptr_t)cancel;
}

static inline _Atomic uint32_t *cancel_word(const struct ward_cancel *cancel)
{
	return &token_of(cancel)->sleeps;
}

#endif
