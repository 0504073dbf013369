/* SPDX-License-Identifier: BSD-2-Clause */
#include "summary.h"

#include <math.h>
#include <string.h>

/* One line: a figure of ward, and who else has that figure. */
struct subject {
	const char *label, *bench, *metric;
	const char *placement; /* NULL: the one that was measured */
	const char *what;      /* of the value: its unit, in words */
	const char *ours; /* the implementation that is ward's; NULL: ward */
};

struct printer {
	const struct book *book;
	FILE *out;
	bool colours;
};

/* ---- figures ------------------------------------------------------------ */

static bool is_of(const struct figure *f, const struct subject *s)
{
	return !strcmp(f->bench, s->bench) && !strcmp(f->metric, s->metric) &&
	       (!s->placement || !strcmp(f->placement, s->placement));
}

static const struct figure *of(const struct book *book, const struct subject *s,
			       const char *impl)
{
	for (unsigned i = 0; i < book->figures; i++)
		if (is_of(&book->figure[i], s) &&
		    !strcmp(book->figure[i].impl, impl))
			return &book->figure[i];
	return NULL;
}

/* What is no pool of others. */
static bool is_ours(const char *impl)
{
	return !strncmp(impl, "ward", 4) || !strcmp(impl, "floor") ||
	       !strcmp(impl, "nothing");
}

/* Of as many threads as ward had. */
static const struct figure *best_other(const struct book *book,
				       const struct subject *s,
				       const struct figure *ward)
{
	const struct figure *best = NULL;

	for (unsigned i = 0; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];

		if (!is_of(f, s) || is_ours(f->impl) ||
		    f->workers != ward->workers ||
		    f->producers != ward->producers)
			continue;
		if (!best ||
		    figure_spread(f).median < figure_spread(best).median)
			best = f;
	}
	return best;
}

/* ---- one line ------------------------------------------------------------ */

#define BOLD "1"
#define GREEN "32"
#define YELLOW "33"
#define RED "31"

static void colour(const struct printer *p, const char *code, const char *text)
{
	if (p->colours)
		fprintf(p->out, "\033[%sm%s\033[0m", code, text);
	else
		fputs(text, p->out);
}

static const char *digits(double value, char text[24])
{
	snprintf(text, 24,
		 value >= 100 ? "%.0f"
		 : value >= 1 ? "%.1f"
			      : "%.2f",
		 value);
	return text;
}

static void label(const struct printer *p, const char *text)
{
	fprintf(p->out, "%-24s ", text);
}

static void value(const struct printer *p, double value, const char *what)
{
	char number[24], text[64];

	snprintf(text, sizeof(text), "%s %s", digits(value, number), what);
	fprintf(p->out, "%-16s ", text);
}

static void times(const struct printer *p, const struct spread *s)
{
	char median[24], min[24], max[24];

	fprintf(p->out, "%s times as long (%s-%s)", digits(s->median, median),
		digits(s->min, min), digits(s->max, max));
}

/* The other one's time by ward's, run by run. */
static void verdict(const struct printer *p, const struct figure *other,
		    const struct figure *ward)
{
	struct spread s;

	if (!figure_ratio(other, ward, &s)) {
		colour(p, RED, "behind ");
		fputs(" no run of ward has ended\n", p->out);
		return;
	}
	if (isinf(s.min)) {
		colour(p, GREEN, "ahead  ");
		fputs(" all others stood still\n", p->out);
		return;
	}
	if (s.min > 1)
		colour(p, GREEN, "ahead  ");
	else if (s.max < 1)
		colour(p, RED, "behind ");
	else
		colour(p, YELLOW, "level  ");
	fprintf(p->out, " %s takes ", other->impl);
	times(p, &s);
	fputc('\n', p->out);
}

static void compare(const struct printer *p, const struct subject *s)
{
	const struct figure *ward, *other;

	ward = of(p->book, s, s->ours ? s->ours : "ward");
	label(p, s->label);
	if (!ward) {
		fputs("not measured\n", p->out);
		return;
	}
	value(p, figure_spread(ward).median, s->what);
	other = best_other(p->book, s, ward);
	if (other)
		verdict(p, other, ward);
	else
		fputs("nobody else was asked\n", p->out);
}

/* ---- the lines ------------------------------------------------------------ */

static void supervision(const struct printer *p)
{
	const struct subject s = { .bench = "throughput",
				   .metric = "task",
				   .placement = "together" };
	const struct figure *ward = of(p->book, &s, "ward");
	const struct figure *floor = of(p->book, &s, "floor");
	struct spread ratio;

	label(p, "supervision, together");
	if (!ward || !floor || !figure_ratio(ward, floor, &ratio)) {
		fputs("not measured\n", p->out);
		return;
	}
	value(p, figure_spread(ward).median - figure_spread(floor).median,
	      "ns a task");
	fputs("        with it, a task takes ", p->out);
	times(p, &ratio);
	fputc('\n', p->out);
}

static void hang(const struct printer *p)
{
	struct subject s = { .bench = "heal",
			     .metric = "hung_p50",
			     .placement = "" };
	const struct figure *ward = of(p->book, &s, "ward"), *budget;

	label(p, "hang to healthy");
	s.metric = "hung_budget";
	budget = of(p->book, &s, "ward");
	if (!ward || !budget) {
		fputs("not measured\n", p->out);
		return;
	}
	value(p, figure_spread(ward).median / 1e3, "ms");
	colour(p, GREEN, "ahead  ");
	fprintf(p->out, " %.0f ms of it the budget; the others never notice\n",
		figure_spread(budget).median / 1e3);
}

static void convicted(const struct printer *p)
{
	struct subject s = { .bench = "heal",
			     .metric = "healthy_convicted",
			     .placement = "" };
	const struct figure *healthy = of(p->book, &s, "ward"), *beating;
	double sum;
	char text[48];

	s.metric = "beating_convicted";
	beating = of(p->book, &s, "ward");
	if (!healthy || !beating) {
		label(p, "healthy convicted");
		fputs("not measured\n", p->out);
		return;
	}
	sum = figure_spread(healthy).max + figure_spread(beating).max;
	snprintf(text, sizeof(text), "%.0f healthy convicted", sum);
	colour(p, sum > 0 ? RED : GREEN, text);
	fputs(", beside 8 processes that spin\n", p->out);
}

void summary_print(const struct book *book, const struct summary_head *head,
		   bool colours, FILE *out)
{
	static const struct subject subject[] = {
		{ "throughput, across", "throughput", "task", "across",
		  "ns a task", NULL },
		{ "throughput, together", "throughput", "task", "together",
		  "ns a task", NULL },
		{ "16 in flight, by a port", "inflight", "wall_16", NULL,
		  "ns a task", "ward_port" },
		{ "latency, idle pool", "latency", "start_p50", "", "us",
		  NULL },
		{ "forks", "forkjoin", "fib", "", "ns each", NULL },
		{ "death to healthy", "heal", "death_p50", "", "us", NULL },
	};
	const struct printer p = { book, out, colours };
	char text[160];

	snprintf(text, sizeof(text),
		 "libward beside other pools, %u CPUs, %u s; ratios run by run",
		 head->cpus, head->seconds);
	colour(&p, BOLD, text);
	fputc('\n', out);
	for (unsigned i = 0; i < 5; i++)
		compare(&p, &subject[i]);
	supervision(&p);
	compare(&p, &subject[5]);
	hang(&p);
	convicted(&p);
	fflush(out);
}
