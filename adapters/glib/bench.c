/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - one row of the table: an item again and again, some under way at once, in a pool
 * of as many threads as GIO's has.
 *
 *	bench empty|1us FLIGHT SECONDS
 *
 * The main thread pushes; each item does nothing, or computes for a microsecond, and comes
 * back by a queue, upon which it is pushed again.  Prints ns of wall time, and of CPU of the
 * whole process, for each.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { THREADS = 10, WARM_UP = 200000 /* us */, LOOK = 64 };

static GAsyncQueue *answers;
static gboolean computes;

static guint64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (guint64)t.tv_sec * 1000000000u + (guint64)t.tv_nsec;
}

static void work(gpointer data, gpointer user_data)
{
	(void)user_data;
	if (computes)
		for (guint64 until = now() + 1000; now() < until;)
			;
	g_async_queue_push(answers, data);
}

static double cpu(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

/* How many came back in the given time. */
static unsigned long run_for(GThreadPool *pool, gint64 us)
{
	gint64 until = g_get_monotonic_time() + us;
	unsigned long n = 0;

	do {
		for (int i = 0; i < LOOK; i++, n++)
			if (!g_thread_pool_push(pool, g_async_queue_pop(answers), NULL))
				abort();
	} while (g_get_monotonic_time() < until);
	return n;
}

int main(int argc, char **argv)
{
	GThreadPool *pool;
	unsigned long n;
	guint64 begun;
	double used;

	if (argc != 4)
		return 2;
	computes = !strcmp(argv[1], "1us");
	answers = g_async_queue_new();
	pool = g_thread_pool_new(work, NULL, THREADS, FALSE, NULL);
	for (int i = 1; i <= atoi(argv[2]); i++)
		g_thread_pool_push(pool, GINT_TO_POINTER(i), NULL);
	run_for(pool, WARM_UP);
	begun = now();
	used = cpu();
	n = run_for(pool, (gint64)(atof(argv[3]) * 1e6));
	used = cpu() - used;
	printf("%.1f %.1f\n", (double)(now() - begun) / (double)n, used / (double)n);
	return 0;
}
