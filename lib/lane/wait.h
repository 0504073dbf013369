/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.h - a wait inside of the library: what it sleeps on, and what else ends it.
 *
 * A caller that must wait has an entry, in a queue or on a word, and then looks and
 * sleeps in turn until it has what it wants:
 *
 *	wait_enter(&entry, queue, until, WAIT_BLOCK);
 *	why = wait_event(&entry, (got = ...));
 *
 * Inside of a task, and of its callbacks, the slot says where its thread waits, so that
 * slot_wake_waiter() finds it [G].
 *
 * Edges, besides those of wait_queue.h: [G], [dw] I wait there | fenced? stopping? has
 * all ended?
 */
#ifndef WARD_LIB_LANE_WAIT_H
#define WARD_LIB_LANE_WAIT_H

#include "sync/wait_queue.h"
#include "task/slot.h"
#include <errno.h>

/* Flags of a wait inside of a task, or its callback; outside they mean nothing. */
enum wait_how {
	WAIT_RELIEVED = 1, /* another worker may be lent meanwhile */
	WAIT_STOPS = 2,	   /* it ends when ward_check() would not say 0 */
	WAIT_DECLARED = 4, /* ward_block_enter(); what was declared comes back */
	/* slot_wake_waiter() moves the first word, for want of another */
	WAIT_ONE_WORD = 8,

	WAIT_BLOCK = WAIT_RELIEVED | WAIT_STOPS | WAIT_DECLARED
};

/* The waiter's own, on its stack. */
struct wait_entry {
	struct wait_queue *queue; /* NULL: in none */
	struct slot *slot;	  /* of the task that waits, or NULL */
	unsigned how, words, tokens;
	ward_ns until;
	uint64_t declared; /* what had been declared */
	const struct ward_cancel *token[3]; /* the task's, the caller's two */
	/* The first word, the slot's, the tokens'. */
	struct host_waitv waitv[HOST_WAITV_MAX];
};

void wait_enter(struct wait_entry *entry, struct wait_queue *queue,
		ward_ns until, unsigned how);
/* The same on a word; NULL: only the time, tokens and the slot end it. */
void wait_prepare(struct wait_entry *entry, _Atomic uint32_t *word,
		  ward_ns until, unsigned how);
/* One more token (or NULL) that ends each sleep; before the first look, two at most. */
void wait_token(struct wait_entry *entry, const struct ward_cancel *token);
/* What moves after this look is not slept over. */
void wait_look(struct wait_entry *entry);
/* 0: look again; -ETIMEDOUT; or why the calling task is to stop. */
int wait_sleep(struct wait_entry *entry);
/* The same, up to then, without a beat: for a caller that polls. */
int wait_nap(struct wait_entry *entry, ward_ns until);
void wait_finish(struct wait_entry *entry);

/*
 * All of the wait from the first look on: 0 when the condition holds, which is tested
 * once after each look, also after the last sleep; else what wait_sleep() says.
 */
#define wait_event(entry, condition)                                          \
	({                                                                    \
		bool holds_;                                                  \
		int why_ = 0;                                                 \
                                                                              \
		do {                                                          \
			wait_look(entry);                                     \
			holds_ = (condition);                                 \
		} while (!holds_ && !why_ &&                                  \
			 (!(why_ = wait_sleep(entry)) || why_ == -ETIMEDOUT)); \
		wait_finish(entry);                                           \
		holds_ ? 0 : why_;                                            \
	})

#endif
