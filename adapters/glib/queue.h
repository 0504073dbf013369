/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - what was pushed to a pool and is not begun: in the order in which it came, or
 * in one of the user's.  Its caller holds the pool's lock.
 */
#ifndef WARD_GLIB_QUEUE_H
#define WARD_GLIB_QUEUE_H

#include <glib.h>
#include <stdbool.h>

struct item;

struct queue { /* zero is an empty one */
	struct item *first, *last;
	struct item *spare; /* for those to come */
	unsigned n;
	GCompareDataFunc order; /* NULL: as they come */
	gpointer order_data;
};

void queue_put(struct queue *queue, gpointer data);
/* The first; NULL: there is none. */
gpointer queue_take(struct queue *queue);
/* False: it is not there. */
bool queue_move_to_front(struct queue *queue, gpointer data);
/* Of what is equal stays first what was first. */
void queue_order(struct queue *queue, GCompareDataFunc order, gpointer order_data);
/* All that is in it, without a call, and its memory. */
void queue_forget(struct queue *queue);
/* Gives what is left to 'free_item', unless that is NULL, and all memory back. */
void queue_end(struct queue *queue, GDestroyNotify free_item);

#endif
