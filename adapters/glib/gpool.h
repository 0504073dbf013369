/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpool.h - a GThreadPool.
 *
 * Its threads are runners: tasks of libward's that take one item after another, as long
 * as there are any.  A runner that is convicted inside of the user's function loses its
 * place, so that another runs; its thread goes on, and takes no more items.
 */
#ifndef WARD_GLIB_GPOOL_H
#define WARD_GLIB_GPOOL_H

#include "queue.h"

struct gpool;

struct gpool *gpool_of(GThreadPool *shown);

/* As GLib's calls; 'err' is why there are fewer threads than wanted, or 0. */
GThreadPool *gpool_new(GFunc func, gpointer user_data, GDestroyNotify free_item, int most,
		      bool exclusive, int *err);
int gpool_push(struct gpool *pool, gpointer data);
int gpool_set_most(struct gpool *pool, int most);
int gpool_most(struct gpool *pool);
unsigned gpool_threads(struct gpool *pool);
unsigned gpool_waiting(struct gpool *pool);
void gpool_order(struct gpool *pool, GCompareDataFunc order, gpointer order_data);
bool gpool_move_to_front(struct gpool *pool, gpointer data);
/* 'wait': until the last item is done, however late its thread comes home. */
void gpool_free(struct gpool *pool, bool immediate, bool wait);
bool gpool_is_open(const struct gpool *pool);

#endif
