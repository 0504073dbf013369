/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.c - see lower.h.
 */
#include "work/lower.h"
#include "work/book.h"

void lower_put(struct lower *lower, struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&lower->arrived);

	add_relaxed(&lower->in, 1);
	do {
		book_of(task)->link = head;
	} while (!cas_acq_rel(&lower->arrived, &head, task)); /* [lo] */
}

struct ward_task *lower_turn(struct ward_task *last)
{
	struct ward_task *first = NULL, *next;

	for (; last; last = next) {
		next = book_of(last)->link;
		book_of(last)->link = first;
		first = last;
	}
	return first;
}

struct ward_task *lower_take_claimed(struct lower *lower)
{
	struct ward_task *task;
	uint32_t none = 0;

	if (load_relaxed(&lower->claim) ||
	    !cas_acquire(&lower->claim, &none, 1)) /* [lo] */
		return NULL;
	task = load_relaxed(&lower->first);
	if (!task)
		task = lower_turn(swap_acq_rel(&lower->arrived, NULL)); /* [lo] */
	if (task) {
		store_relaxed(&lower->first, book_of(task)->link);
		count_own(&lower->out, 1);
	}
	store_release(&lower->claim, 0); /* [lo] */
	return task;
}
