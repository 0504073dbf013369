/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait_queue.h - callers that wait for an event, which another thread brings about.
 *
 * The teller stores the event, and then tells.  A waiter counts itself as inside, and
 * then looks [y]: either the teller sees the waiter, or the waiter sees the event.
 *
 * The word moves at each telling while there are waiters, also when others tell at the
 * same time: a teller that is stopped before its wakeup stops no other wakeup.
 */
#ifndef WARD_LIB_SYNC_WAIT_QUEUE_H
#define WARD_LIB_SYNC_WAIT_QUEUE_H

#include "base/host.h"

struct wait_queue {
	_Atomic uint32_t word;	 /* X: futex; any teller moves it */
	_Atomic uint32_t inside; /* X: callers that look or sleep */
};

/* Wakes all, whether any are seen or not: for an event that happens once. */
static inline void wait_wake(struct wait_queue *queue)
{
	add_acq_rel(&queue->word, 1);
	host_wake(&queue->word, INT32_MAX);
}

static inline bool wait_anybody(const struct wait_queue *queue)
{
	host_barrier_light(); /* [y] it is there | who waits? */
	return unlikely(load_relaxed(&queue->inside));
}

/* Wakes all, after the event was stored. */
static inline void wait_tell(struct wait_queue *queue)
{
	if (wait_anybody(queue))
		wait_wake(queue);
}

/* Wakes one, for something that one can have; if it leaves without, it must tell again. */
static inline void wait_tell_one(struct wait_queue *queue)
{
	if (!wait_anybody(queue))
		return;
	add_acq_rel(&queue->word, 1);
	host_wake(&queue->word, 1);
}

#endif
