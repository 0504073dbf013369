/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recall.c - a task that is not wanted any more: ward_task_cancel().
 *
 * The mark goes into the task's word; then all workers are looked at.  Edge [ca]:
 * marked | begun.  The fence is the caller's: a worker pays one load.
 */
#include "work/lane.h"
#include <errno.h>

enum { ERRNO_MAX = 4095 };

/* Its attempts may still come: it waits for one, or is in one. */
static bool may_run(uint64_t word)
{
	return book_state(word) == BOOK_QUEUED ||
	       book_state(word) == BOOK_RERUN;
}

/* Of several that would cancel it one gets to write the cause. */
static int mark(struct book *book, int cause)
{
	uint64_t word = load_acquire(&book->word), flag = BOOK_ASKED;

	for (;;) {
		if (!may_run(word))
			return -ENOENT;
		if (flag == BOOK_ASKED && word & BOOK_ASKED)
			return -EALREADY;
		if (!cas_acq_rel(&book->word, &word, word | flag))
			continue;
		if (flag == BOOK_CANCELLED)
			return 0;
		book->cause = (int16_t)cause;
		flag = BOOK_CANCELLED; /* shows it [ca] */
		word |= BOOK_ASKED;
	}
}

/* Tells the worker that is inside of it, if any is. */
static bool is_begun(struct pool *pool, const struct ward_task *task)
{
	for (uint32_t i = 0; i < load_acquire(&pool->slots_used); i++) {
		struct slot *slot = &pool->slot[i];
		uint64_t word = load_acquire(&slot->word); /* [E] */

		if (!slot_inside(word) || slot_taken(slot) ||
		    load_relaxed(&slot->task) != task)
			continue;
		slot_rouse(slot);
		return true;
	}
	return false;
}

static int cancel(struct pool *pool, struct ward_task *task, int cause)
{
	struct book *book = book_of(task);
	int err = mark(book, cause);
	uint64_t word;

	if (err)
		return err;
	host_fence_heavy(); /* [ca] marked | begun? */
	if (is_begun(pool, task))
		return -EINPROGRESS;
	word = load_acquire(&book->word);
	if (!may_run(word) || !(word & BOOK_CANCELLED))
		return -EINPROGRESS; /* and has just ended */
	if (word & BOOK_LANE)
		lane_sweep(book->lane);
	later_hurry(&pool->later);
	steward_ring(pool); /* [w] */
	lost_pay(pool);
	return 0;
}

int ward_task_cancel(struct ward_pool *handle, struct ward_task *task,
		     int cause)
{
	struct pool *pool = (struct pool *)handle;
	int err;

	if (!pool || !task || cause > 0 || cause < -ERRNO_MAX)
		return -EINVAL;
	if (pool_foreign(pool))
		return -ECHILD;
	host_hold();
	err = cancel(pool, task, cause ? cause : -ECANCELED);
	host_unhold();
	return err;
}
