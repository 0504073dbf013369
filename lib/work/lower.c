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

/* Those that are kept, in order; the last one is ended by the caller. */
static struct ward_task **sift(struct lower *lower, struct ward_task *task,
			       struct ward_task **last,
			       bool (*out)(void *arg, struct ward_task *task),
			       void *arg)
{
	struct ward_task *next;

	for (; task; task = next) {
		next = book_of(task)->link;
		if (out(arg, task)) {
			count_own(&lower->out, 1);
		} else {
			*last = task;
			last = &book_of(task)->link;
		}
	}
	return last;
}

void lower_sift(struct lower *lower,
		bool (*out)(void *arg, struct ward_task *task), void *arg)
{
	struct ward_task *kept = NULL, **last = &kept;
	uint32_t none = 0;

	if (lower_empty(lower) || load_relaxed(&lower->claim) ||
	    !cas_acquire(&lower->claim, &none, 1)) /* [lo] */
		return;
	last = sift(lower, load_relaxed(&lower->first), last, out, arg);
	last = sift(lower,
		    lower_turn(swap_acq_rel(&lower->arrived, NULL)), /* [lo] */
		    last, out, arg);
	*last = NULL;
	store_relaxed(&lower->first, kept);
	store_release(&lower->claim, 0); /* [lo] */
}
