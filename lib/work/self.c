/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.c - what code inside a task asks and says about itself, and the time.
 *
 * It touches the caller's own slot and its task, which stays valid while it is
 * inside run(), also when the attempt was lost: the debt sees to that.
 */
#include "work/book.h"
#include "work/pool.h"
#include <errno.h>

static bool running(const struct slot *slot)
{
	return slot && slot_inside(load_relaxed(&slot->word)) &&
	       load_relaxed(&slot->phase) == SLOT_RUN;
}

ward_ns ward_now(void)
{
	return host_now();
}

const struct ward_self *ward_self(void)
{
	struct slot *slot = host_self();

	if (!slot)
		return NULL;
	if (!running(slot))
		slot->self.attempt = 0;
	return &slot->self;
}

int ward_check(void)
{
	struct slot *slot = host_self();
	const struct ward_cancel *cancel;

	if (!slot)
		return 0;
	ward_beat();
	if (!slot_inside(load_relaxed(&slot->word)))
		return 0;
	if (unlikely(slot_taken(slot)))
		return load_relaxed(&slot->fence) == FENCE_FORKED ? -ECHILD :
								    -ESTALE;
	if (unlikely(load_relaxed(&slot->pool->stopping)))
		return -ESHUTDOWN;
	if (load_relaxed(&slot->phase) != SLOT_RUN)
		return 0;
	cancel = load_relaxed(&slot->task)->cancel;
	return cancel ? ward_cancel_cause(cancel) : 0;
}

int ward_commit(void)
{
	struct slot *slot = host_self();

	if (!running(slot))
		return -EPERM;
	/* A fence that comes after this look comes after the commit. */
	if (!slot_taken(slot) &&
	    book_commit(book_of(load_relaxed(&slot->task)), slot->self.attempt))
		return 0;
	count_own(&slot->stale_commits, 1);
	return -ESTALE;
}

void ward_block_enter(ward_ns until)
{
	struct slot *slot = host_self();

	if (running(slot))
		store_relaxed(&slot->declared, until ? until : 1);
}

void ward_block_leave(void)
{
	struct slot *slot = host_self();

	if (running(slot))
		store_relaxed(&slot->declared, 0);
}

uint64_t ward_incident(const struct ward_task *task)
{
	const struct book *book;

	if (!task)
		return 0;
	book = book_of(task);
	return book_attempt(load_acquire(&book->word)) > 1 ?
		       load_relaxed(&book->incident) :
		       0;
}
