/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.c - what a token of a limit costs, ns for each ward_limit_take() with
 * WARD_NOWAIT; beside it, as the floor, an atomic add.
 *
 * grant	one thread, one limit, from which it takes faster than it fills
 * grant_full	the same, and it fills faster: each grant has to know the time
 * refusal	the same, and it is empty
 * grant_3	three limits at once
 * grant_2x	two threads on one limit: wall time, their start included, by the
 *		grants of both
 */
#include "bench.h"

#include <pthread.h>
#include <string.h>
#include <ward/ward.h>

enum { TAKES = 1000 * 1000, ROUNDS = 7, THREADS = 2 };

static struct ward_limit tier[3];
static struct ward_limit *const set[] = { &tier[0], &tier[1], &tier[2] };
static _Atomic uint64_t counter __attribute__((aligned(64)));
static bool floor_only;

/* How many of them were granted. */
static uint64_t takes(unsigned tiers)
{
	uint64_t granted = 0;

	for (unsigned i = 0; i < TAKES; i++) {
		if (floor_only) {
			for (unsigned t = 0; t < tiers; t++)
				atomic_fetch_add_explicit(&counter, 1,
							  memory_order_relaxed);
			granted++;
		} else {
			granted += !ward_limit_take(set, tiers, 1, WARD_NOWAIT,
						    NULL);
		}
	}
	return granted;
}

/* False: it was not as it should be, granted or refused throughout. */
static bool best_of(const char *metric, unsigned tiers, double per_s,
		    uint32_t burst, uint64_t expected)
{
	double best = 1e9;

	for (unsigned i = 0; i < tiers; i++)
		if (ward_limit_init(&tier[i], per_s, burst))
			return false;
	if (!expected && ward_limit_take(set, 1, burst, WARD_NOWAIT, NULL))
		return false;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t from = os_now(), granted = takes(tiers);
		double took = (double)(os_now() - from) / TAKES;

		if (!floor_only && granted != expected) {
			fprintf(stderr, "limit: %s: %lu of %u granted\n",
				metric, (unsigned long)granted, TAKES);
			return false;
		}
		best = took < best ? took : best;
	}
	tell(metric, "ns", best);
	return true;
}

static pthread_barrier_t line;

static void *takes_beside(void *arg)
{
	pthread_barrier_wait(&line);
	*(uint64_t *)arg = takes(1);
	return NULL;
}

static bool contended(void)
{
	pthread_t thread[THREADS];
	uint64_t granted[THREADS], sum = 0, from;

	if (ward_limit_init(&tier[0], 1000, 100 * TAKES))
		return false;
	pthread_barrier_init(&line, NULL, THREADS);
	from = os_now();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, takes_beside, &granted[i]))
			return false;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum += granted[i];
	}
	tell("grant_2x", "ns", (double)(os_now() - from) / (double)sum);
	return sum == THREADS * (uint64_t)TAKES;
}

static bool limit_trial(const struct trial *t)
{
	floor_only = !strcmp(t->impl, "floor");
	if (!best_of("grant", 1, 1000, 100 * TAKES, TAKES) ||
	    !best_of("grant_3", 3, 1000, 100 * TAKES, TAKES) || !contended())
		return false;
	return floor_only || (best_of("grant_full", 1, 1e9, 1000, TAKES) &&
			      best_of("refusal", 1, 1.0 / 3600, 1, 0));
}

static bool skip_rivals(const struct rival *rival)
{
	return rival != &rival_ward && rival != &rival_floor;
}

static void limit_run(const struct options *o, struct book *book)
{
	struct trial like = { .bench = "limit",
			      .mode = "-",
			      .producers = 1,
			      .workers = 1,
			      .ring = o->ring,
			      .window = o->window };

	trials_in_turn(o, book, &like, "grant", "ns", skip_rivals);
}

static void limit_report(const struct options *o, const struct book *book)
{
	static const char *const metric[] = { "grant", "grant_full", "refusal",
					      "grant_3", "grant_2x" };
	static struct table table;

	table_start(&table, "limit: ns a token");
	for (unsigned i = 0; i < 5; i++)
		table_column(&table, "%s", metric[i]);
	for (unsigned i = 0; i < o->impls; i++) {
		unsigned row;

		if (skip_rivals(o->impl[i]))
			continue;
		row = table_row(&table, o->impl[i]->name);
		for (unsigned c = 0; c < table.columns; c++) {
			struct key key = { "limit",   o->impl[i]->name,
					   metric[c], "",
					   1,	      1, NULL };

			table_cell(&table, row, c, book_find(book, &key));
		}
	}
	table_print(&table, stdout);
}

const struct bench bench_limit = {
	.name = "limit",
	.what = "what a token of a limit costs",
	.run = limit_run,
	.trial = limit_trial,
	.report = limit_report,
};
