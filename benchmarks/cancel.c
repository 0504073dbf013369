/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.c - what asking work to stop costs, ns a call, on one thread.
 *
 * check_none, check, check_deadline
 *		ward_check() inside a task without a token, with a live one, and
 *		with one that has a deadline (it reads the clock); above an empty
 *		loop
 * fire_0, fire_1, fire_100
 *		firing a token that nobody, one, a hundred callbacks watch
 * link		linking a child to a live parent and taking it back
 * watch	the same for a watch
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS = 2 * 1000 * 1000, TOKENS = 2000, WATCHES = 100, ROUNDS = 7 };

/* The best of several rounds of one loop, ns a turn. */
#define LOOP(turns, call)                                                      \
	({                                                                     \
		double best_ = 1e9;                                            \
		for (int round_ = 0; round_ < ROUNDS; round_++) {              \
			uint64_t from_ = os_now();                             \
			double took_;                                          \
			for (int i_ = 0; i_ < (turns); i_++) {                 \
				call;                                          \
				__asm__ volatile("" ::: "memory");             \
			}                                                      \
			took_ = (double)(os_now() - from_) / (turns);          \
			best_ = took_ < best_ ? took_ : best_;                 \
		}                                                              \
		best_;                                                         \
	})

static double check_ns;

static int run_checks(struct ward_task *task)
{
	double empty = LOOP(CALLS, (void)0);

	check_ns = LOOP(CALLS, (void)ward_check()) - empty;
	return job_count(task);
}

static bool check_trial(const struct trial *t, const char *metric,
			struct ward_cancel *token)
{
	struct load load = { .rival = &rival_ward,
			     .setup = { 1, 1, t->ring, 1 },
			     .run = run_checks };
	uint64_t wall;

	if (!load_start(&load))
		return false;
	load.window[0][0].task.cancel = token;
	load_run(&load, 1, S, &wall);
	tell(metric, "ns", check_ns);
	return load_finish(&load);
}

static uint64_t told;

static void is_told(struct ward_watch *watch, int cause)
{
	(void)watch;
	(void)cause;
	told++;
}

/* Each round fires fresh tokens; what watches them is put there before. */
static bool fire_trial(const char *metric, unsigned watches)
{
	unsigned tokens = watches > 1 ? TOKENS / 10 : TOKENS;
	struct ward_cancel *token = calloc(tokens, sizeof(*token));
	struct ward_watch *watch =
		calloc((size_t)tokens * (watches + 1), sizeof(*watch));
	double best = 1e9;

	for (int round = 0; token && watch && round < ROUNDS; round++) {
		uint64_t from;
		double took;

		for (unsigned i = 0; i < tokens; i++) {
			ward_cancel_init(&token[i]);
			for (unsigned k = 0; k < watches; k++) {
				struct ward_watch *w = &watch[i * watches + k];

				w->fn = is_told;
				ward_cancel_watch(&token[i], w);
			}
		}
		from = os_now();
		for (unsigned i = 0; i < tokens; i++)
			ward_cancel_fire(&token[i], 0);
		took = (double)(os_now() - from) / tokens;
		best = took < best ? took : best;
	}
	free(token);
	free(watch);
	tell(metric, "ns", best);
	return !watches || told % watches == 0;
}

static bool links_trial(void)
{
	struct ward_cancel parent = { { 0 } }, child = { { 0 } };
	struct ward_watch link = { 0 }, watch = { .fn = is_told };

	tell("link", "ns",
	     LOOP(CALLS / 10, (ward_cancel_link(&child, &parent, &link),
			       ward_cancel_unwatch(&parent, &link))));
	tell("watch", "ns",
	     LOOP(CALLS / 10, (ward_cancel_watch(&parent, &watch),
			       ward_cancel_unwatch(&parent, &watch))));
	return ward_cancel_fini(&parent) == 0;
}

static bool cancel_trial(const struct trial *t)
{
	static struct ward_cancel live, timed;

	ward_cancel_deadline(&timed, ward_in(WARD_S(3600)));
	return check_trial(t, "check_none", NULL) &&
	       check_trial(t, "check", &live) &&
	       check_trial(t, "check_deadline", &timed) &&
	       fire_trial("fire_0", 0) && fire_trial("fire_1", 1) &&
	       fire_trial("fire_100", WATCHES) && links_trial();
}

/* ---- plan and report ---------------------------------------------------- */

static void cancel_run(const struct options *o, struct book *book)
{
	struct trial t = { .bench = "cancel",
			   .impl = "ward",
			   .mode = "calls",
			   .producers = 1,
			   .workers = 1,
			   .cap = S,
			   .ring = o->ring,
			   .window = o->window };

	for (unsigned run = 0; run < o->runs; run++) {
		struct results r;

		progress("cancel  %u", run + 1);
		trial_run(&t, TRIAL_LIMIT_S, &r);
		for (unsigned i = 0; i < r.n; i++) {
			struct key key = { "cancel", "ward", r.result[i].metric,
					   r.result[i].unit, 1, 1, NULL };

			book_add(book, &key, r.result[i].value);
		}
	}
	progress_end();
}

static void cancel_report(const struct options *o, const struct book *book)
{
	static struct table table;

	(void)o;
	table_start(&table, "cancel: what asking work to stop costs");
	table_column(&table, "ns");
	for (unsigned i = 0; i < book->figures; i++) {
		const struct figure *f = &book->figure[i];

		if (!strcmp(f->bench, "cancel"))
			table_cell(&table, table_row(&table, f->metric), 0, f);
	}
	table_print(&table, stdout);
}

const struct bench bench_cancel = {
	.name = "cancel",
	.what = "what asking work to stop costs",
	.run = cancel_run,
	.trial = cancel_trial,
	.report = cancel_report,
};
