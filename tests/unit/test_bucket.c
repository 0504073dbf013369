/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/bucket.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

static uint64_t rand_state;

static uint64_t draw_number(uint64_t n) /* 0..n-1 */
{
	rand_state ^= rand_state << 13;
	rand_state ^= rand_state >> 7;
	rand_state ^= rand_state << 17;
	return rand_state % n;
}

/* ---- the pace -------------------------------------------------------- */

Test(pace, is_exact_where_it_can_be)
{
	static const double rate[] = { 1e9, 1e6, 1000, 100, 10,
				       5,   1,	 .5,   .25, 1.0 / 4096 };

	for (unsigned i = 0; i < sizeof(rate) / sizeof(*rate); i++) {
		uint64_t pace = pace_of(rate[i], 7);

		cr_assert_eq(pace_interval(pace), (uint64_t)(32e9 / rate[i]));
		cr_assert_eq(pace_burst(pace), 7);
		cr_assert_eq(pace_span(pace), 7 * pace_interval(pace));
		cr_assert_float_eq(pace_rate(pace), rate[i], 0);
	}
}

/* Never too fast; too slow by the rounding that bucket.h tells of. */
Test(pace, is_rounded_up)
{
	rand_state = 1;
	for (int i = 0; i < 200000; i++) {
		double rate =
			exp2(draw_number(1 << 20) * 56.0 / (1 << 20) - 26);
		uint64_t pace;
		long double exact;

		rate = rate > 1e9 ? 1e9 : rate;
		pace = pace_of(rate, 1);
		if (!pace)
			continue;
		exact = 32e9L / rate;
		cr_assert((long double)pace_interval(pace) >=
				  exact * (1 - 0x1p-63L),
			  "%a", rate);
		cr_assert((long double)pace_interval(pace) <=
				  exact * (1 + 0x1p-26L) + 1,
			  "%a", rate);
	}
}

Test(pace, has_bounds)
{
	cr_assert_neq(pace_of(1e9, BUCKET_BURST_MAX), 0);
	cr_assert_eq(pace_burst(pace_of(1e9, BUCKET_BURST_MAX)),
		     BUCKET_BURST_MAX);
	cr_assert_neq(pace_of(1e-7, 1), 0);
	cr_assert_eq(pace_of(1e-8, 1), 0);
	cr_assert_eq(pace_of(1e-300, 1), 0);
	cr_assert_eq(pace_of(4.9e-324, 1), 0);
	cr_assert_eq(pace_of(1, BUCKET_BURST_MAX), 0);
	cr_assert_neq(pace_of(60, BUCKET_BURST_MAX), 0);
	for (double rate = 1e-9; rate < 1e9; rate *= 1.7)
		for (uint32_t burst = 1; burst && burst <= 1u << 31;
		     burst *= 2) {
			uint64_t pace = pace_of(rate, burst);

			if (pace)
				cr_assert_leq(pace_span(pace), BUCKET_SPAN_MAX);
			else
				cr_assert_gt(burst / rate, 2 * 365 * 86400.0);
		}
}

/* ---- one after the other --------------------------------------------- */

/* The clock, near its start, in the middle, and where ticks wrap. */
static const uint64_t clock_of[] = { 0, 1, 12345 * SECOND,
				     (UINT64_C(1) << 58) - SECOND,
				     (UINT64_C(1) << 59) - SECOND };
#define EACH_CLOCK(now)                                                        \
	for (unsigned i_ = 0; i_ < 5; i_++)                                    \
		for (uint64_t now = clock_of[i_], once_ = 1; once_; once_ = 0)

static bool try(struct bucket *bucket, uint64_t n, uint64_t now)
{
	struct draw draw;

	return bucket_draw(bucket, n, now, 0, &draw);
}

Test(bucket, begins_full)
{
	EACH_CLOCK(now)
	{
		struct bucket bucket;

		bucket_init(&bucket, pace_of(10, 3), now);
		for (int i = 0; i < 3; i++)
			cr_assert(try(&bucket, 1, now));
		cr_assert_not(try(&bucket, 1, now));
		bucket_init(&bucket, pace_of(10, 3), now);
		cr_assert(try(&bucket, 3, now));
		cr_assert_not(try(&bucket, 1, now));
	}
}

Test(bucket, fills_to_the_nanosecond)
{
	EACH_CLOCK(now)
	{
		struct bucket bucket;

		bucket_init(&bucket, pace_of(10, 3), now);
		cr_assert(try(&bucket, 3, now));
		cr_assert_not(try(&bucket, 1, now + SECOND / 10 - 1));
		cr_assert(try(&bucket, 1, now + SECOND / 10));
		cr_assert_not(try(&bucket, 1, now + SECOND / 10));
		cr_assert_not(try(&bucket, 3, now + SECOND * 4 / 10 - 1));
		cr_assert(try(&bucket, 3, now + SECOND * 4 / 10));
	}
}

Test(bucket, holds_no_more_than_the_burst)
{
	EACH_CLOCK(now)
	{
		struct bucket bucket;
		uint64_t later = now + 1000 * SECOND;

		bucket_init(&bucket, pace_of(10, 3), now);
		cr_assert(try(&bucket, 3, later));
		cr_assert_not(try(&bucket, 1, later));
	}
}

Test(bucket, a_refusal_changes_nothing)
{
	struct bucket bucket;
	uint64_t spent;

	bucket_init(&bucket, pace_of(10, 3), SECOND);
	cr_assert(try(&bucket, 2, SECOND));
	spent = bucket.spent;
	cr_assert_not(try(&bucket, 2, SECOND));
	cr_assert_eq(bucket.spent, spent);
	cr_assert(try(&bucket, 1, SECOND));
}

Test(bucket, gives_from_the_future_in_turn)
{
	EACH_CLOCK(now)
	{
		struct bucket bucket;

		bucket_init(&bucket, pace_of(10, 2), now);
		for (unsigned i = 0; i < 10; i++) {
			struct draw draw;
			uint64_t due = i < 2 ? 0 : (i - 1) * SECOND / 10;

			cr_assert(bucket_draw(&bucket, 1, now, BUCKET_AHEAD_MAX,
					      &draw));
			cr_assert_eq(bucket_due(&draw, now), now + due);
		}
	}
}

/* To the next whole nanosecond. */
Test(bucket, is_not_due_too_early)
{
	uint64_t now = 5 * SECOND;
	struct bucket bucket;
	struct draw draw;

	bucket_init(&bucket, pace_of(7e8, 1), now);
	for (int i = 0; i < 1000; i++) {
		cr_assert(
			bucket_draw(&bucket, 1, now, BUCKET_AHEAD_MAX, &draw));
		cr_assert_geq(bucket_ticks(bucket_due(&draw, now)), draw.to);
		cr_assert_lt(bucket_ticks(bucket_due(&draw, now)),
			     draw.to + bucket_ticks(1));
	}
}

Test(bucket, no_further_ahead_than_asked)
{
	struct bucket bucket;
	struct draw draw;
	uint64_t now = SECOND;

	bucket_init(&bucket, pace_of(10, 1), now);
	cr_assert(try(&bucket, 1, now));
	cr_assert_not(bucket_draw(&bucket, 1, now,
				  bucket_ahead(now, now + SECOND / 10 - 1),
				  &draw));
	cr_assert(bucket_draw(&bucket, 1, now,
			      bucket_ahead(now, now + SECOND / 10), &draw));
	cr_assert_eq(bucket_ahead(now, 0), 0);
	cr_assert_eq(bucket_ahead(now, now), 0);
	cr_assert_eq(bucket_ahead(now, now - 1), 0);
	cr_assert_eq(bucket_ahead(now, UINT64_MAX), BUCKET_AHEAD_MAX);
	cr_assert_eq(bucket_ahead(0, UINT64_MAX), BUCKET_AHEAD_MAX);
}

Test(bucket, there_is_an_end_to_the_future)
{
	uint64_t pace = pace_of(60, BUCKET_BURST_MAX), now = SECOND;
	struct bucket bucket;
	struct draw draw;
	unsigned times = 0;

	bucket_init(&bucket, pace, now);
	while (bucket_draw(&bucket, BUCKET_BURST_MAX, now, BUCKET_AHEAD_MAX,
			   &draw))
		times++;
	cr_assert_eq(times, 1 + BUCKET_AHEAD_MAX / pace_span(pace));
	cr_assert_not(try(&bucket, 1, now));
}

/* ---- undoing --------------------------------------------------------- */

Test(bucket, undone_as_if_never_drawn)
{
	EACH_CLOCK(now)
	{
		struct bucket bucket;
		struct draw first, second;

		bucket_init(&bucket, pace_of(10, 2), now);
		cr_assert(bucket_draw(&bucket, 2, now, 0, &first));
		cr_assert(bucket_draw(&bucket, 2, now, BUCKET_AHEAD_MAX,
				      &second));
		cr_assert(bucket_undo(&bucket, &second));
		cr_assert_eq(bucket.spent, first.to);
		cr_assert(bucket_undo(&bucket, &first));
		cr_assert(try(&bucket, 2, now));
		cr_assert_not(try(&bucket, 1, now));
	}
}

Test(bucket, not_undone_before_others)
{
	struct bucket bucket;
	struct draw first, second;

	bucket_init(&bucket, pace_of(10, 1), SECOND);
	cr_assert(try(&bucket, 1, SECOND));
	cr_assert(bucket_draw(&bucket, 1, SECOND, BUCKET_AHEAD_MAX, &first));
	cr_assert(bucket_draw(&bucket, 1, SECOND, BUCKET_AHEAD_MAX, &second));
	cr_assert_not(bucket_undo(&bucket, &first));
	cr_assert_eq(bucket.spent, second.to);
	/* After those are undone, it may be. */
	cr_assert(bucket_undo(&bucket, &second));
	cr_assert(bucket_undo(&bucket, &first));
	cr_assert_not(bucket_undo(&bucket, &first));
}

Test(bucket, another_pace_undoes_what_it_did_not_draw)
{
	struct bucket bucket;
	struct draw draw;
	uint64_t spent;

	bucket_init(&bucket, pace_of(10, 1), SECOND);
	spent = bucket.spent;
	cr_assert(bucket_draw(&bucket, 1, SECOND, 0, &draw));
	store_relaxed(&bucket.pace, pace_of(1000, 50));
	cr_assert(bucket_undo(&bucket, &draw));
	cr_assert_eq(bucket.spent, spent);
}

/* ---- any sequence ---------------------------------------------------- */

enum { DRAWS = 300 };

struct granted {
	uint64_t at, n; /* ticks */
	struct draw draw;
	bool undone;
};

static int by_time(const void *a, const void *b)
{
	const struct granted *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* In all windows that begin and end with a grant, and so in all. */
static void within(struct granted *granted, unsigned n, double rate,
		   uint32_t burst)
{
	qsort(granted, n, sizeof(*granted), by_time);
	for (unsigned from = 0; from < n; from++) {
		uint64_t sum = 0;

		for (unsigned to = from; to < n; to++) {
			long double time = granted[to].at - granted[from].at;
			long double most = burst + time / 32e9L * rate;

			sum += granted[to].undone ? 0 : granted[to].n;
			cr_assert((long double)sum <= most * (1 + 0x1p-60L),
				  "%lu of %Lf, %a a second, burst %u", sum,
				  most, rate, burst);
		}
	}
}

static void one_sequence(double rate, uint32_t burst)
{
	struct granted granted[DRAWS];
	uint64_t now = draw_number(SECOND), pace = pace_of(rate, burst);
	uint64_t gap = pace_interval(pace) / 16 + 1;
	struct bucket bucket;
	unsigned n = 0;

	if (!pace)
		return; /* years */
	bucket_init(&bucket, pace, now);
	while (n < DRAWS) {
		struct granted *g = &granted[n];
		uint64_t old = draw_number(4) ? 0 : draw_number(gap);
		uint64_t at = now - (old < now ? old : now); /* a late thread */

		g->n = 1 + draw_number(burst);
		g->undone = false;
		if (bucket_draw(&bucket, g->n, at,
				draw_number(3) ? BUCKET_AHEAD_MAX : 0,
				&g->draw)) {
			g->at = tick_after(g->draw.to, bucket_ticks(at))
					? g->draw.to
					: bucket_ticks(at);
			n++;
		}
		if (n && draw_number(3) == 0) {
			g = &granted[n - 1 - draw_number(n < 3 ? n : 3)];
			if (!g->undone && bucket_undo(&bucket, &g->draw))
				g->undone = true;
		}
		now += draw_number(4) ? draw_number(gap)
				      : draw_number(gap * burst * 4);
	}
	within(granted, n, rate, burst);
}

Test(bucket, never_more_than_the_limit)
{
	static const double rate[] = { .001, 1,		  3,   7.77,
				       1000, 123456.789,  3e6, 1e8,
				       7e8,  999999999.5, 1e9 };
	static const uint32_t burst[] = { 1, 2, 3, 10, 1000, 1 << 20 };

	rand_state = 42;
	for (unsigned i = 0; i < sizeof(rate) / sizeof(*rate); i++)
		for (unsigned k = 0; k < 6; k++)
			for (int times = 0; times < 8; times++)
				one_sequence(rate[i], burst[k]);
}

/* A caller that is never refused gets all that the limit lets through. */
Test(bucket, no_less_than_the_limit)
{
	uint64_t pace = pace_of(1000, 5), now = 7;
	struct bucket bucket;
	struct draw draw;

	bucket_init(&bucket, pace, now);
	for (int i = 0; i < 10000; i++)
		cr_assert(
			bucket_draw(&bucket, 1, now, BUCKET_AHEAD_MAX, &draw));
	cr_assert_eq(bucket_due(&draw, now),
		     now + (10000 - 5) * (SECOND / 1000));
}

/* ---- by a time that is not quite known ------------------------------- */

/* Decided as both ends would, or not at all. */
Test(bucket, about_now_is_as_exactly_now)
{
	unsigned said[3] = { 0 };
	uint64_t now = 99;
	struct bucket about;

	rand_state = 7;
	bucket_init(&about, pace_of(3e6, 20), now);
	for (int i = 0; i < 300000; i++) {
		uint64_t from = now - draw_number(200), n = 1 + draw_number(9);
		uint64_t to = now + draw_number(200), before = about.spent;
		struct bucket at[2] = { about, about };
		bool got[2] = { try(&at[0], n, from), try(&at[1], n, to) };
		enum about there = bucket_draw_about(&about, n, from, to);

		said[there]++;
		if (there == UNSURE) {
			cr_assert_eq(about.spent, before);
			try(&about, n, now);
		} else {
			cr_assert_eq(got[0], there == DRAWN);
			cr_assert_eq(got[1], there == DRAWN);
			cr_assert_eq(about.spent, at[0].spent);
			cr_assert_eq(about.spent, at[1].spent);
		}
		now += draw_number(4) ? draw_number(2000) : 0;
		now += draw_number(100) ? 0 : 10000;
	}
	for (int i = 0; i < 3; i++)
		cr_assert_gt(said[i], 1000);
}

/* ---- several threads ------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 200000 };

static struct bucket shared;
static pthread_barrier_t line;
static _Atomic uint64_t taken;

static void *takes(void *arg)
{
	uint64_t mine = 0;

	(void)arg;
	pthread_barrier_wait(&line);
	for (int i = 0; i < ROUNDS; i++) {
		struct draw draw;

		if (!bucket_draw(&shared, 1 + i % 3, host_now(), 0, &draw))
			continue;
		if (i % 5 == 0 && bucket_undo(&shared, &draw))
			continue;
		mine += 1 + i % 3;
	}
	add_relaxed(&taken, mine);
	return NULL;
}

Test(bucket, many_at_once_stay_within)
{
	const double rate = 1e6;
	const uint32_t burst = 1000;
	pthread_t thread[THREADS];
	uint64_t from = host_now(), took;

	bucket_init(&shared, pace_of(rate, burst), from);
	pthread_barrier_init(&line, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, takes, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	took = host_now() - from;
	cr_assert_geq(taken, burst);
	cr_assert_leq((double)taken, burst + rate * (double)took / 1e9);
}
