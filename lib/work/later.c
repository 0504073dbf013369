/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * later.c - see later.h.
 */
#include "work/later.h"
#include "base/host.h"
#include "work/lane.h"

static struct ward_task *task_of(struct heap_node *node)
{
	struct book *book = ward_entry(node, struct book, wait);

	return ward_entry((uint64_t(*)[10])(void *)book, struct ward_task, priv);
}

void later_put(struct later *later, struct inbox *inbox,
	       struct ward_task *task, uint64_t at)
{
	struct book *book = book_of(task);
	struct ward_task *head = load_relaxed(&later->arrived);

	inbox_owes(inbox);
	add_relaxed(&later->waiting, 1);
	book->wait.at = at;
	do {
		book->link = head;
	} while (!cas_acq_rel(&later->arrived, &head, task)); /* [w] */
}

void later_hurry(struct later *later)
{
	swap_acq_rel(&later->hurry, 1); /* [w] */
}

static bool is_over(const struct inbox *inbox, const struct ward_task *task)
{
	uint64_t word = load_acquire(&book_of(task)->word);

	return word & BOOK_CANCELLED ||
	       (word & BOOK_LANE && lane_is_over(book_of(task)->lane, task)) ||
	       (word & BOOK_PERIODIC && load_acquire(&inbox->closed));
}

/* Those that need not wait any more are due now. */
static void advance(struct later *later, const struct inbox *inbox)
{
	struct heap all = later->heap;
	struct heap_node *node;

	later->heap.top = NULL;
	while ((node = heap_take(&all))) {
		if (is_over(inbox, task_of(node)))
			node->at = 0;
		heap_put(&later->heap, node);
	}
}

/* Who was marked before it came is hurried by nobody else. */
static void take_arrived(struct later *later, const struct inbox *inbox)
{
	struct ward_task *task = NULL, *next;

	if (unlikely(load_relaxed(&later->arrived)))
		task = swap_acq_rel(&later->arrived, NULL); /* [w] */
	for (; task; task = next) {
		next = book_of(task)->link;
		if (is_over(inbox, task))
			book_of(task)->wait.at = 0;
		heap_put(&later->heap, &book_of(task)->wait);
	}
}

static struct ward_task *take_due(struct later *later, uint64_t now,
				  uint64_t *first)
{
	struct ward_task *due = NULL, **last = &due;
	struct heap_node *node;

	while ((node = later->heap.top) && node->at <= now) {
		heap_take(&later->heap);
		*last = task_of(node);
		last = &book_of(*last)->link;
	}
	*last = NULL;
	*first = node ? node->at : HOST_FOREVER;
	return due;
}

static void hand_on(struct later *later, struct inbox *inbox,
		    struct ward_task *due)
{
	struct ward_task *next;

	for (; due; due = next) {
		next = book_of(due)->link;
		add_relaxed(&later->waiting, -(uint64_t)1);
		inbox_hand_on(inbox, due);
	}
}

/* Whoever found it busy has left what he brought to who was there: he looks again. */
uint64_t later_due(struct later *later, struct inbox *inbox, uint64_t now)
{
	uint64_t first = HOST_FOREVER;
	struct ward_task *due;

	do {
		if (swap_acq_rel(&later->busy, 1)) /* [w] */
			return first;
		take_arrived(later, inbox);
		if (unlikely(load_relaxed(&later->hurry)) &&
		    swap_acq_rel(&later->hurry, 0)) /* [w] */
			advance(later, inbox);
		due = take_due(later, now, &first);
		swap_acq_rel(&later->busy, 0); /* [w] */
		hand_on(later, inbox, due);
	} while (unlikely(load_relaxed(&later->arrived)));
	return first;
}
