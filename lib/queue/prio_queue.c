/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/prio_queue.h"
#include "task/task_priv.h"

void prio_put(struct prio_queue *queue, struct ward_task *task)
{
	struct ward_task *head = load_relaxed(&queue->arrived);

	add_relaxed(&queue->in, 1);
	do {
		task_priv(task)->link = head;
	} while (!cas_acq_rel(&queue->arrived, &head, task)); /* [lo] */
}

struct ward_task *prio_reverse(struct ward_task *last)
{
	struct ward_task *first = NULL, *next;

	for (; last; last = next) {
		next = task_priv(last)->link;
		task_priv(last)->link = first;
		first = last;
	}
	return first;
}

static bool claim(struct prio_queue *queue)
{
	uint32_t none = 0;

	return !load_relaxed(&queue->claim) &&
	       cas_acquire(&queue->claim, &none, 1); /* [lo] */
}

struct ward_task *prio_take_claimed(struct prio_queue *queue)
{
	struct ward_task *task;

	if (!claim(queue))
		return NULL;
	task = load_relaxed(&queue->first);
	if (!task)
		task = prio_reverse(swap_acq_rel(&queue->arrived, NULL)); /* [lo] */
	if (task) {
		store_relaxed(&queue->first, task_priv(task)->link);
		count_own(&queue->out, 1);
	}
	store_release(&queue->claim, 0); /* [lo] */
	return task;
}

/* Appends the tasks that are kept to *last, which the caller ends. */
static struct ward_task **filter(struct prio_queue *queue,
				 struct ward_task *task,
				 struct ward_task **last,
				 bool (*out)(void *arg, struct ward_task *task),
				 void *arg)
{
	struct ward_task *next;

	for (; task; task = next) {
		next = task_priv(task)->link;
		if (out(arg, task)) {
			count_own(&queue->out, 1);
		} else {
			*last = task;
			last = &task_priv(task)->link;
		}
	}
	return last;
}

void prio_filter(struct prio_queue *queue,
		 bool (*out)(void *arg, struct ward_task *task), void *arg)
{
	struct ward_task *kept = NULL, **last = &kept;

	if (prio_empty(queue) || !claim(queue))
		return;
	last = filter(queue, load_relaxed(&queue->first), last, out, arg);
	last = filter(queue,
		      prio_reverse(swap_acq_rel(&queue->arrived, NULL)), /* [lo] */
		      last, out, arg);
	*last = NULL;
	store_relaxed(&queue->first, kept);
	store_release(&queue->claim, 0); /* [lo] */
}
