/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threadpool.c - GLib's calls of thread pools, in the place of GLib's own.
 *
 * A call that makes no sense is told as GLib tells it, and changes nothing.
 */
#define G_LOG_DOMAIN "GLib"
#pragma GCC visibility push(default) /* what it declares is to be seen, glib.map says */
#include <glib.h>
#pragma GCC visibility pop
#include "crew.h"
#include "gpool.h"
#include <string.h>

static gboolean told(int err, GError **error)
{
	if (err)
		g_set_error(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
			    "Error creating thread: %s", strerror(-err));
	return !err;
}

GThreadPool *g_thread_pool_new(GFunc func, gpointer user_data, gint max_threads,
			       gboolean exclusive, GError **error)
{
	return g_thread_pool_new_full(func, user_data, NULL, max_threads, exclusive, error);
}

GThreadPool *g_thread_pool_new_full(GFunc func, gpointer user_data,
				    GDestroyNotify item_free_func, gint max_threads,
				    gboolean exclusive, GError **error)
{
	GThreadPool *pool;
	int err;

	g_return_val_if_fail(func, NULL);
	g_return_val_if_fail(!exclusive || max_threads != -1, NULL);
	g_return_val_if_fail(max_threads >= -1, NULL);
	pool = gpool_new(func, user_data, item_free_func, max_threads, exclusive, &err);
	told(err, error);
	return pool;
}

gboolean g_thread_pool_push(GThreadPool *shown, gpointer data, GError **error)
{
	struct gpool *pool = gpool_of(shown);

	g_return_val_if_fail(pool, FALSE);
	g_return_val_if_fail(gpool_is_open(pool), FALSE);
	g_return_val_if_fail(data, TRUE);
	return told(gpool_push(pool, data), error);
}

gboolean g_thread_pool_set_max_threads(GThreadPool *shown, gint max_threads, GError **error)
{
	struct gpool *pool = gpool_of(shown);

	g_return_val_if_fail(pool, FALSE);
	g_return_val_if_fail(gpool_is_open(pool), FALSE);
	g_return_val_if_fail(!shown->exclusive || max_threads != -1, FALSE);
	g_return_val_if_fail(max_threads >= -1, FALSE);
	return told(gpool_set_most(pool, max_threads), error);
}

gint g_thread_pool_get_max_threads(GThreadPool *shown)
{
	struct gpool *pool = gpool_of(shown);

	g_return_val_if_fail(pool, 0);
	g_return_val_if_fail(gpool_is_open(pool), 0);
	return gpool_most(pool);
}

guint g_thread_pool_get_num_threads(GThreadPool *shown)
{
	struct gpool *pool = gpool_of(shown);

	g_return_val_if_fail(pool, 0);
	g_return_val_if_fail(gpool_is_open(pool), 0);
	return gpool_threads(pool);
}

guint g_thread_pool_unprocessed(GThreadPool *shown)
{
	struct gpool *pool = gpool_of(shown);

	g_return_val_if_fail(pool, 0);
	g_return_val_if_fail(gpool_is_open(pool), 0);
	return gpool_waiting(pool);
}

void g_thread_pool_free(GThreadPool *shown, gboolean immediate, gboolean wait_)
{
	struct gpool *pool = gpool_of(shown);

	g_return_if_fail(pool);
	g_return_if_fail(gpool_is_open(pool));
	/* What nobody is to work at will not be worked at. */
	g_return_if_fail(immediate || gpool_most(pool) != 0 || gpool_waiting(pool) == 0);
	gpool_free(pool, immediate, wait_);
}

void g_thread_pool_set_sort_function(GThreadPool *shown, GCompareDataFunc func,
				     gpointer user_data)
{
	struct gpool *pool = gpool_of(shown);

	g_return_if_fail(pool);
	g_return_if_fail(gpool_is_open(pool));
	gpool_order(pool, func, user_data);
}

gboolean g_thread_pool_move_to_front(GThreadPool *shown, gpointer data)
{
	return gpool_move_to_front(gpool_of(shown), data);
}

/* ---- unused threads, which all pools share -------------------------------------- */

void g_thread_pool_set_max_unused_threads(gint max_threads)
{
	g_return_if_fail(max_threads >= -1);
	crew_keep(max_threads);
}

gint g_thread_pool_get_max_unused_threads(void)
{
	return crew_kept();
}

guint g_thread_pool_get_num_unused_threads(void)
{
	return crew_unused();
}

void g_thread_pool_stop_unused_threads(void)
{
	crew_stop_unused();
}

void g_thread_pool_set_max_idle_time(guint interval)
{
	crew_keep_for(interval);
}

guint g_thread_pool_get_max_idle_time(void)
{
	return crew_kept_for();
}
