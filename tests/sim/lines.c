/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.c - see lines.h; and the table of them, by the number of workers.
 */
#include "lines.h"
#include "core.h"
#include <stdio.h>
#include <string.h>

enum { LINE = 64, LINES = 1 << 14, AREAS = 256, SEEDS = 12 };

static struct line {
	uintptr_t at; /* plus one; 0: none */
	uint32_t has; /* bit per thread */
} lines[LINES];
static struct area {
	const char *p;
	size_t size;
	enum lines_of kind;
} areas[AREAS];
static unsigned nareas;
static bool counting;
static struct lines_count count;

void lines_reset(void)
{
	memset(lines, 0, sizeof(lines));
	nareas = 0;
	counting = false;
}

void lines_are(enum lines_of kind, const void *p, size_t size)
{
	check(nareas < AREAS);
	areas[nareas++] = (struct area){ p, size, kind };
}

void lines_begin(void)
{
	memset(&count, 0, sizeof(count));
	counting = true;
}

void lines_end(void)
{
	counting = false;
}

/* The last that was named is the closest. */
static enum lines_of kind_of(const void *p)
{
	for (unsigned i = nareas; i--;)
		if ((size_t)((const char *)p - areas[i].p) < areas[i].size)
			return areas[i].kind;
	return OF_REST;
}

static struct line *line_of(uintptr_t at)
{
	uint32_t h = (uint32_t)at * 2654435761u >> 18;

	while (lines[h].at && lines[h].at != at + 1)
		h = (h + 1) % LINES;
	lines[h].at = at + 1;
	return &lines[h];
}

static void touch(const void *p, bool writes)
{
	struct line *line = line_of((uintptr_t)p / LINE);
	uint32_t mine = 1u << current;

	if (counting && writes && line->has & ~mine)
		count.writes[kind_of(p)]++;
	else if (counting && !(line->has & mine))
		count.reads[kind_of(p)]++;
	line->has = writes ? mine : line->has | mine;
}

void lines_touch(const void *p, size_t size, bool writes)
{
	const char *at = p, *end = at + size;

	if (!nareas || on_stack(p) || is_private(p))
		return;
	for (; at < end; at += LINE - (uintptr_t)at % LINE)
		touch(at, writes);
}

/* ---- the table ----------------------------------------------------------- */

static const char *const kind_name[] = { "task", "ring", "hand", "inbox",
					 "rest" };
static const unsigned by_workers[] = { 1, 2, 4, 8, 16 };

enum { SIZES = sizeof(by_workers) / sizeof(by_workers[0]) };

struct sums {
	double travel[LINES_OF][SIZES], writes[SIZES];
};

static bool run_some(enum sim_sched sched, unsigned size, struct sums *sums)
{
	struct run how = { .model = SIM_SC,
			   .sched = sched,
			   .stop_thread = -1,
			   .steps = 4000000 };

	lines_workers = by_workers[size];
	for (how.seed = 0; how.seed < SEEDS; how.seed++) {
		struct result result = sim_run(&how, lines_body);

		if (result.end != SIM_OK) {
			printf("lines: %u workers, seed %lu: %s\n",
			       lines_workers, (unsigned long)how.seed,
			       result.why);
			return false;
		}
		for (int i = 0; i < LINES_OF; i++) {
			double n = SEEDS * LINES_TASKS;

			sums->travel[i][size] +=
				(double)(count.reads[i] + count.writes[i]) / n;
			sums->writes[size] += (double)count.writes[i] / n;
		}
	}
	return true;
}

static void tell_sums(const char *how, const struct sums *sums)
{
	printf("\nlines that travel, per task, %s\n%-8s", how, "workers");
	for (int s = 0; s < SIZES; s++)
		printf("%8u", by_workers[s]);
	for (int i = 0; i < LINES_OF; i++) {
		printf("\n%-8s", kind_name[i]);
		for (int s = 0; s < SIZES; s++)
			printf("%8.2f", sums->travel[i][s]);
	}
	printf("\n%-8s", "written");
	for (int s = 0; s < SIZES; s++)
		printf("%8.2f", sums->writes[s]);
	printf("\n");
}

/*
 * The more look for work, the fewer tasks are there for each, down to one at a time:
 * its own line, its cell's, and the ring's two ends.  That is the most, however many
 * they are; and some more where they stand in each other's way at each step.
 */
static bool grow(const struct sums *sums, double most)
{
	for (int s = 0; s < SIZES; s++)
		if (sums->writes[s] > most)
			return true;
	return false;
}

bool lines_tell(void)
{
	struct sums sticky = { 0 }, random = { 0 };

	for (unsigned s = 0; s < SIZES; s++)
		if (!run_some(SIM_STICKY, s, &sticky) ||
		    !run_some(SIM_RANDOM, s, &random))
			return false;
	tell_sums("a thread at a time", &sticky);
	tell_sums("another thread at each step", &random);
	if (grow(&sticky, 4.5) || grow(&random, 6)) {
		printf("lines: a task writes more of them than it should\n");
		return false;
	}
	return true;
}
