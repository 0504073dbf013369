/* SPDX-License-Identifier: BSD-2-Clause */
#include "benchmarks/page.h"
#include "benchmarks/svg.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct book book;

/* Three runs. */
static void measured(const char *bench, const char *impl, const char *metric,
		     const char *unit, const char *placement, double value)
{
	struct key key = { bench, impl, metric, unit, 1, 1, placement };

	book_add(&book, &key, value);
	book_add(&book, &key, value * .8);
	book_add(&book, &key, value * 1.7);
}

static void series(const char *bench, const char *impl, const char *name,
		   const char *by, double step, unsigned n, double most)
{
	struct key key = { bench, impl, name, "us", 1, 1, NULL };
	struct steps steps = { by, step, n };
	double value[POINTS_MAX];

	for (unsigned run = 1; run <= 3; run++) {
		for (unsigned i = 0; i < n; i++)
			value[i] = most * (i + 1) * run / n;
		book_add_series(&book, &key, &steps, value);
	}
}

static void workers(const char *impl, unsigned n, double ns)
{
	struct key key = { "throughput", impl, "task", "ns", n, 1, "across" };

	book_add(&book, &key, ns);
}

/* Something of all that a page can show. */
static void measure_all(void)
{
	static const char *const impl[] = { "floor", "ward", "mutex", "libuv" };

	for (unsigned i = 0; i < 4; i++) {
		measured("throughput", impl[i], "task", "ns", "across",
			 101.5 + i);
		measured("throughput", impl[i], "task", "ns", "together",
			 202.5 + i);
		workers(impl[i], 2, 303.5);
		workers(impl[i], 8, i == 3 ? INFINITY : 3003.5);
		measured("inflight", impl[i], "wall_16", "ns", "across",
			 404.5 + i);
		measured("latency", impl[i], "start_p50", "us", NULL, 5.5 + i);
		measured("latency", impl[i], "start_p99", "us", NULL, 55.5);
		series("latency", impl[i], "start", "share", .01, 101, 60);
		measured("forkjoin", impl[i], "fib", "ns", NULL, 6.25 + i);
	}
	measured("heal", "ward", "death_p50", "us", NULL, 40.5);
	measured("heal", "watcher", "death_p50", "us", NULL, 81);
	series("heal", "ward", "death", "share", .01, 101, 90);
	series("heal", "watcher", "death", "share", .01, 101, 190);
	measured("heal", "ward", "hung_p50", "us", NULL, 16500);
	measured("heal", "ward", "hung_budget", "us", NULL, 10000);
	series("heal", "ward", "hung", "share", .01, 101, 17000);
	measured("heal", "ward", "healthy_convicted", "count", NULL, 0);
	measured("heal", "ward", "beating_convicted", "count", NULL, 0);
	measured("overhead", "ward", "beat", "ns", NULL, .325);
	for (unsigned i = 1; i < 3; i++) {
		series("losses", impl[i], "answered", "ms", 10, 160, 8000);
		measured("losses", impl[i], "death_at", "ms", NULL, 250);
		measured("losses", impl[i], "death_lost", "count", NULL, 3);
	}
}

static char *page(const char *machine)
{
	const struct page_name name = { "mutex", "one <mutex>" };
	const struct page_head head = { .machine = machine,
					.command = "wardbench \"x\" & y",
					.day = "2026-11-30",
					.seconds = 77,
					.name = &name,
					.names = 1 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	cr_assert(page_print(&book, &head, out));
	fclose(out);
	return text;
}

static void has(const char *text, const char *what)
{
	cr_assert(strstr(text, what), "not there: %s", what);
}

/* ---- as XML --------------------------------------------------------------- */

#define DEPTH 64

/* Each element ends where it has to; what is left of an & is one of ours. */
static void well_formed(const char *text)
{
	char open[DEPTH][32];
	unsigned depth = 0;

	for (const char *at = text; (at = strpbrk(at, "<&")); at++) {
		const char *end = strchr(at, '>');
		char name[32] = "";

		if (*at == '&') {
			cr_assert(!strncmp(at, "&amp;", 5) ||
				  !strncmp(at, "&lt;", 4) ||
				  !strncmp(at, "&gt;", 4) ||
				  !strncmp(at, "&quot;", 6) ||
				  !strncmp(at, "&#39;", 5));
			continue;
		}
		cr_assert(end);
		cr_assert_null(memchr(at + 1, '<', (size_t)(end - at - 1)));
		sscanf(at + 1 + (at[1] == '/'), "%31[A-Za-z0-9!]", name);
		if (at[1] == '/') {
			cr_assert(depth && !strcmp(open[depth - 1], name),
				  "</%s>", name);
			depth--;
		} else if (at[1] != '!' && end[-1] != '/') {
			cr_assert_lt(depth, DEPTH);
			strcpy(open[depth++], name);
		}
	}
	cr_assert_eq(depth, 0);
}

Test(page, nothing_measured_is_a_page)
{
	char *text = page("a machine");

	well_formed(text);
	has(text, "<h1>libward beside other pools</h1>");
	cr_assert_null(strstr(text, "<figure>"));
	free(text);
}

Test(page, all_is_well_formed)
{
	char *text;

	measure_all();
	text = page("a machine");
	well_formed(text);
	has(text, "<h2>What is answered while workers are lost</h2>");
	has(text, "<h2>Throughput by the number of workers, across</h2>");
	has(text, "<h2>How long a task waits for an idle pool</h2>");
	has(text, "<h2>What supervision costs</h2>");
	free(text);
}

Test(page, each_figure_is_in_the_table)
{
	char *text, row[512];

	measure_all();
	text = page("a machine");
	for (unsigned i = 0; i < book.figures; i++) {
		const struct figure *f = &book.figure[i];
		struct spread s = figure_spread(f);

		if (isinf(s.median))
			continue;
		snprintf(row, sizeof(row),
			 "<tr><td>%s</td><td>%s</td><td>%ux%u</td><td>%s</td>"
			 "<td>%s</td><td class=\"n\">%.4g</td>"
			 "<td class=\"n\">%.4g</td><td class=\"n\">%.4g</td>"
			 "<td>%s</td><td class=\"n\">%u</td></tr>",
			 f->bench, f->impl, f->producers, f->workers,
			 f->placement, f->metric, s.median, s.min, s.max,
			 f->unit, f->runs);
		has(text, row);
	}
	has(text, "<td class=\"n\">collapsed</td>");
	free(text);
}

Test(page, the_figures_are_in_the_plots)
{
	char *text;

	measure_all();
	text = page("a machine");
	has(text, ">40.5\302\240\302\265s</b>");
	has(text, "a bare watcher takes 2 times as long (2 to 2)");
	has(text,
	    "<title>mutex: 104\302\240ns (82.8\302\240ns to 176\302\240ns)<");
	has(text, ">3 die</text>");
	has(text, "<title>mutex, 2: 3.29");
	has(text, "A wait may last");
	free(text);
}

Test(page, nothing_is_asked_from_elsewhere)
{
	static const char *const asks[] = { "src=",    "href=", "url(",
					    "@import", "<link", "<script",
					    "<img" };
	char *text;

	measure_all();
	text = page("a machine");
	for (unsigned i = 0; i < sizeof(asks) / sizeof(*asks); i++)
		cr_assert_null(strstr(text, asks[i]), "%s", asks[i]);
	/* a name, not an address */
	has(text, " xmlns=\"http://www.w3.org/1999/xhtml\"");
	cr_assert_null(strstr(strstr(text, "xhtml"), "http"));
	free(text);
}

Test(page, text_is_no_markup)
{
	char *text = page("<b>AMD</b> & 'Co'\033");

	well_formed(text);
	has(text, "&lt;b&gt;AMD&lt;/b&gt; &amp; &#39;Co&#39;.");
	has(text, "wardbench &quot;x&quot; &amp; y");
	has(text, "<td>one &lt;mutex&gt;</td>");
	free(text);
}

Test(page, a_value_is_said_in_three_digits_and_its_unit)
{
	cr_assert_str_eq(svg_said(1234, "ns").text, "1.23\302\240\302\265s");
	cr_assert_str_eq(svg_said(999.9, "us").text, "1\302\240ms");
	cr_assert_str_eq(svg_said(16400, "us").text, "16.4\302\240ms");
	cr_assert_str_eq(svg_said(.325, "ns").text, "0.325\302\240ns");
	cr_assert_str_eq(svg_said(-0., "").text, "0");
	cr_assert_str_eq(svg_said(20, "%").text, "20%");
	cr_assert_str_eq(svg_said(INFINITY, "ns").text, "collapsed");
}

/* ---- series --------------------------------------------------------------- */

Test(series, each_point_has_its_runs)
{
	const struct key key = { "heal", "ward", "death", "us", 1, 1, NULL };
	const struct series *s;

	series("heal", "ward", "death", "share", .01, 101, 101);
	s = book_find_series(&book, &key);
	cr_assert_eq(series_runs(s), 3);
	cr_assert_float_eq(series_spread(s, 9).min, 10, 1e-9);
	cr_assert_float_eq(series_spread(s, 9).median, 20, 1e-9);
	cr_assert_float_eq(series_spread(s, 9).max, 30, 1e-9);
}

Test(series, one_of_another_length_is_left_out)
{
	const struct key key = { "heal", "ward", "death", "us", 1, 1, NULL };

	series("heal", "ward", "death", "share", .01, 101, 101);
	series("heal", "ward", "death", "share", .01, 51, 101);
	cr_assert_eq(series_runs(book_find_series(&book, &key)), 3);
}

Test(series, is_a_line_without_a_metric)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	series("heal", "ward", "death", "share", .5, 2, 2);
	cr_assert(book_json(&book, 0, out));
	cr_assert(book_json_series(&book, 0, out));
	fclose(out);
	cr_assert_str_eq(
		text,
		"{\"bench\": \"heal\", \"impl\": \"ward\", \"workers\": 1, "
		"\"producers\": 1, \"series\": \"death\", \"unit\": \"us\", "
		"\"by\": \"share\", \"step\": 0.5, \"points\": 2, \"runs\": 3, "
		"\"median\": [2, 4], \"min\": [1, 2], \"max\": [3, 6]}\n");
	free(text);
}
