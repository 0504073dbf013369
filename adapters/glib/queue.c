/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

struct item {
	gpointer data;
	struct item *next, *before;
};

static struct item *item_get(struct queue *queue, gpointer data)
{
	struct item *item = queue->spare;

	if (item)
		queue->spare = item->next;
	else
		item = g_new(struct item, 1);
	item->data = data;
	return item;
}

/* 'before' NULL: it becomes the first. */
static void insert(struct queue *queue, struct item *item, struct item *before)
{
	item->before = before;
	item->next = before ? before->next : queue->first;
	*(before ? &before->next : &queue->first) = item;
	*(item->next ? &item->next->before : &queue->last) = item;
	queue->n++;
}

static void unlink_item(struct queue *queue, struct item *item)
{
	*(item->before ? &item->before->next : &queue->first) = item->next;
	*(item->next ? &item->next->before : &queue->last) = item->before;
	queue->n--;
}

static bool is_later(const struct queue *queue, const struct item *a, const struct item *b)
{
	return queue->order(a->data, b->data, queue->order_data) > 0;
}

void queue_put(struct queue *queue, gpointer data)
{
	struct item *item = item_get(queue, data), *before = queue->last;

	while (queue->order && before && is_later(queue, before, item))
		before = before->before;
	insert(queue, item, before);
}

gpointer queue_take(struct queue *queue)
{
	struct item *item = queue->first;

	if (!item)
		return NULL;
	unlink_item(queue, item);
	item->next = queue->spare;
	queue->spare = item;
	return item->data;
}

/* Of several, as with GLib, the last. */
bool queue_move_to_front(struct queue *queue, gpointer data)
{
	struct item *item = queue->last;

	while (item && item->data != data)
		item = item->before;
	if (!item)
		return false;
	unlink_item(queue, item);
	insert(queue, item, NULL);
	return true;
}

/* ---- sorted anew: lists of one way, merged ----------------------------------- */

static struct item *merge(const struct queue *queue, struct item *a, struct item *b)
{
	struct item *first = NULL, **to = &first;

	while (a && b) {
		struct item **from = is_later(queue, a, b) ? &b : &a;

		*to = *from;
		to = &(*from)->next;
		*from = *to;
	}
	*to = a ? a : b;
	return first;
}

static struct item *cut_at(struct item *list, unsigned n)
{
	struct item *rest;

	while (--n)
		list = list->next;
	rest = list->next;
	list->next = NULL;
	return rest;
}

static struct item *sorted(const struct queue *queue, struct item *list, unsigned n)
{
	struct item *rest;

	if (n < 2)
		return list;
	rest = cut_at(list, n / 2);
	return merge(queue, sorted(queue, list, n / 2), sorted(queue, rest, n - n / 2));
}

static void link_back(struct queue *queue)
{
	queue->last = NULL;
	for (struct item *item = queue->first; item; item = item->next) {
		item->before = queue->last;
		queue->last = item;
	}
}

void queue_order(struct queue *queue, GCompareDataFunc order, gpointer order_data)
{
	queue->order = order;
	queue->order_data = order_data;
	if (!order)
		return;
	queue->first = sorted(queue, queue->first, queue->n);
	link_back(queue);
}

void queue_forget(struct queue *queue)
{
	queue->first = queue->last = NULL;
	queue->n = 0;
}

static void free_all(struct item *list, GDestroyNotify free_item)
{
	struct item *next;

	for (; list; list = next) {
		next = list->next;
		if (free_item)
			free_item(list->data);
		g_free(list);
	}
}

void queue_end(struct queue *queue, GDestroyNotify free_item)
{
	free_all(queue->first, free_item);
	free_all(queue->spare, NULL);
}
