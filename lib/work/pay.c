/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pay.c - what is owed where no worker is left to answer it.
 */
#include "work/pool.h"

/*
 * The calling worker's, if it is outside of all: a callback that ends its thread must
 * be seen in an epoch, or what was due after it is owed by nobody.
 */
static struct slot *payer(const struct pool *pool)
{
	struct slot *slot = host_self();

	return slot && slot->pool == pool &&
			       !slot_inside(load_relaxed(&slot->word)) ?
		       slot :
		       NULL;
}

/* Callbacks may lead here again: who is at it finds what they have brought. */
void lost_cancel_queued(struct pool *pool)
{
	const void *outer = host_mine();
	struct slot *slot = payer(pool);
	struct hand hand;
	struct ward_task *task;

	if (outer == pool)
		return;
	host_set_mine(pool);
	hand_init(&hand, 0);
	hand.batch = 1; /* whose callback ends its thread has no other in hand */
	while ((task = inbox_take(&pool->inbox, &hand))) {
		uint64_t word = load_acquire(&book_of(task)->word); /* [K] */

		if (book_state(word) == BOOK_QUEUED)
			worker_answer(pool, slot, task,
				      book_refuse(book_of(task), BOOK_QUEUED,
						  0, -ECANCELED));
		else
			worker_settle(pool, slot, task);
	}
	host_set_mine(outer);
}

void lost_pay_all(struct pool *pool)
{
	later_open(&pool->inbox);
	lost_cancel_queued(pool);
}
