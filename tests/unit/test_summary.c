/* SPDX-License-Identifier: BSD-2-Clause */
#include "benchmarks/summary.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct book book;

/* Three runs. */
static void measured(const char *bench, const char *impl, const char *metric,
		     const char *placement, double a, double b, double c)
{
	struct key key = { bench, impl, metric, "ns", 1, 1, placement };

	book_add(&book, &key, a);
	book_add(&book, &key, b);
	book_add(&book, &key, c);
}

static char *said(bool colours)
{
	static const struct summary_head head = { .cpus = 2, .seconds = 58 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	summary_print(&book, &head, colours, out);
	fclose(out);
	return text;
}

static void says(const char *what)
{
	char *text = said(false);

	cr_assert(strstr(text, what), "not said: %s\n%s", what, text);
	free(text);
}

static unsigned lines(void)
{
	char *text = said(false);
	unsigned n = 0;

	for (const char *at = text; *at; at++)
		n += *at == '\n';
	free(text);
	return n;
}

static void throughput(const char *impl, const char *placement, double a,
		       double b, double c)
{
	measured("throughput", impl, "task", placement, a, b, c);
}

Test(summary, ten_lines_whatever_was_measured)
{
	cr_assert_eq(lines(), 10);
	says("throughput, across       not measured\n");
	says("healthy convicted        not measured\n");
	throughput("ward", "across", 10, 20, 30);
	cr_assert_eq(lines(), 10);
	says("throughput, across       20.0 ns a task   nobody else");
}

Test(summary, ahead_is_ahead_in_every_run)
{
	throughput("ward", "across", 10, 200, 30);
	throughput("mutex", "across", 20, 600, 120);
	throughput("floor", "across", 1, 1, 1);
	throughput("nothing", "across", 1, 1, 1);
	says("ahead   mutex takes 3.0 times as long (2.0-4.0)\n");
	throughput("mutex", "across", 5, 5, 5); /* more runs than ward's */
	says("ahead   mutex takes 3.0 times as long (2.0-4.0)\n");
}

Test(summary, behind_is_behind_in_every_run)
{
	throughput("ward", "across", 40, 40, 40);
	throughput("mutex", "across", 20, 10, 30);
	says("behind  mutex takes 0.50 times as long (0.25-0.75)\n");
}

Test(summary, what_differs_from_run_to_run_is_level)
{
	throughput("ward", "across", 40, 40, 40);
	throughput("mutex", "across", 20, 80, 60);
	says("level   mutex takes 1.5 times as long (0.50-2.0)\n");
}

Test(summary, the_other_is_the_best_and_of_the_same_placement)
{
	throughput("ward", "across", 40, 40, 40);
	throughput("ward", "together", 10, 10, 10);
	throughput("mutex", "together", 20, 20, 20);
	throughput("libuv", "across", 80, 80, 80);
	throughput("glib", "across", 400, 400, 400);
	says("throughput, across       40.0 ns a task   ahead   libuv takes 2.0 t");
	says("throughput, together     10.0 ns a task   ahead   mutex takes 2.0 t");
}

Test(summary, the_other_has_as_many_workers)
{
	struct key two = { "throughput", "glib", "task", "ns", 2, 1, "across" };

	throughput("ward", "across", 40, 40, 40);
	throughput("mutex", "across", 80, 80, 80);
	book_add(&book, &two, 20);
	says("throughput, across       40.0 ns a task   ahead   mutex takes 2.0 t");
}

Test(summary, what_stood_still_is_behind)
{
	throughput("ward", "across", 40, 40, 40);
	throughput("mutex", "across", INFINITY, INFINITY, INFINITY);
	says("ahead   all others stood still\n");
}

Test(summary, supervision_is_beside_the_floor)
{
	throughput("ward", "together", 30, 30, 30);
	throughput("floor", "together", 20, 15, 20);
	says("10.0 ns a task           with it, a task takes 1.5 times as long");
}

Test(summary, healing)
{
	measured("heal", "ward", "death_p50", "", 40, 40, 40);
	measured("heal", "watcher", "death_p50", "", 80, 80, 80);
	measured("heal", "ward", "hung_p50", "", 16500, 16500, 16500);
	measured("heal", "ward", "hung_budget", "", 10000, 10000, 10000);
	measured("heal", "ward", "healthy_convicted", "", 0, 0, 0);
	says("healthy convicted        not measured\n");
	measured("heal", "ward", "beating_convicted", "", 0, 0, 0);
	says("death to healthy         40.0 us          ahead   watcher takes 2.0");
	says("hang to healthy          16.5 ms          ahead   10 ms of it");
	says("\n0 healthy convicted, beside 8 processes that spin\n");
	measured("heal", "ward", "beating_convicted", "", 0, 1, 0);
	says("\n1 healthy convicted");
}

Test(summary, colours_only_if_asked_for)
{
	char *text;

	throughput("ward", "across", 10, 10, 10);
	throughput("mutex", "across", 20, 20, 20);
	text = said(false);
	cr_assert_null(strchr(text, '\033'));
	free(text);
	text = said(true);
	cr_assert(strstr(text, "\033[32mahead  \033[0m"));
	free(text);
}
