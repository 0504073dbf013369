/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include <ward/loop.h>

enum { MANY = 100000 };

static _Atomic uint8_t times[MANY];
static _Atomic uint32_t calls, small;
static uint64_t grain;

static void clear(uint64_t least)
{
	memset(times, 0, sizeof(times));
	store_relaxed(&calls, 0);
	store_relaxed(&small, 0);
	grain = least;
}

static int counts(uint64_t begin, uint64_t end, void *arg)
{
	cr_assert_eq(arg, times);
	add_relaxed(&calls, 1);
	if (end - begin < grain)
		add_relaxed(&small, 1);
	for (uint64_t i = begin; i < end; i++)
		add_relaxed(&times[i], 1);
	return 0;
}

static void each_once(uint64_t begin, uint64_t end)
{
	for (uint64_t i = 0; i < MANY; i++)
		cr_assert_eq(times[i], i >= begin && i < end);
}

/* fn in a task of a pool with so many workers. */
static void inside(uint32_t workers, int (*fn)(struct ward_task *))
{
	struct ward_pool *pool = pool_of(workers);
	struct job job = job_of_kind(fn);

	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

static int loops(struct ward_task *task)
{
	static const uint64_t grains[] = { 0, 1, 7, 4096, MANY, UINT64_MAX };

	(void)task;
	for (int i = 0; i < 6; i++) {
		clear(grains[i]);
		cr_assert_eq(ward_for(3, MANY - 2, grains[i], counts, times),
			     0);
		each_once(3, MANY - 2);
		cr_assert_leq(small, 1, "the range itself is smaller");
		cr_assert(!small || grains[i] >= MANY);
	}
	clear(1);
	cr_assert_eq(ward_for(5, 5, 1, counts, times), 0);
	cr_assert_eq(calls, 0);
	return 0;
}

Test(loop, each_iteration_runs_once, .timeout = 60)
{
	inside(1, loops);
	inside(2, loops);
	inside(7, loops);
}

Test(loop, is_one_call_where_there_is_no_worker)
{
	clear(1);
	cr_assert_eq(ward_for(0, MANY, 1, counts, times), 0);
	each_once(0, MANY);
	cr_assert_eq(calls, 1);
}

Test(loop, refuses_what_is_none)
{
	uint64_t sum = 0;

	clear(1);
	cr_assert_eq(ward_for(0, 1, 1, NULL, NULL), -EINVAL);
	cr_assert_eq(ward_for(2, 1, 1, counts, times), -EINVAL);
	cr_assert_eq(ward_reduce(0, 1, 1, NULL, NULL, NULL, &sum, 8), -EINVAL);
	cr_assert_eq(calls, 0);
}

/* ---- a result ------------------------------------------------------------------- */

/* What follows what, so that only the right order of merges is right. */
struct span {
	uint64_t first, last, sum;
};

static int sums(uint64_t begin, uint64_t end, void *arg, void *into)
{
	struct span *span = into;

	(void)arg;
	if (!span->sum && !span->last)
		span->first = begin;
	else
		cr_assert_eq(span->last, begin);
	for (uint64_t i = begin; i < end; i++)
		span->sum += i;
	span->last = end;
	return 0;
}

static void follows(void *arg, void *into, const void *from)
{
	struct span *span = into;
	const struct span *next = from;

	(void)arg;
	cr_assert_eq(span->last, next->first);
	span->last = next->last;
	span->sum += next->sum;
}

static int reduces(struct ward_task *task)
{
	struct span span = { 0, 0, 0 };
	char large[WARD_REDUCE_MAX + 1];

	(void)task;
	for (uint64_t n = 1; n < 3000000; n *= 12) {
		span = (struct span){ 0, 0, 0 };
		cr_assert_eq(ward_reduce(1, n + 1, 1, sums, follows, NULL,
					 &span, sizeof(span)),
			     0);
		cr_assert_eq(span.sum, n * (n + 1) / 2);
		cr_assert_eq(span.first, 1);
		cr_assert_eq(span.last, n + 1);
	}
	cr_assert_eq(ward_reduce(0, 1, 1, sums, follows, NULL, large,
				 sizeof(large)),
		     -E2BIG);
	return 0;
}

Test(loop, results_are_merged_in_order, .timeout = 60)
{
	inside(1, reduces);
	inside(2, reduces);
	inside(7, reduces);
}

/* ---- how it ends ------------------------------------------------------------------ */

static int fails(uint64_t begin, uint64_t end, void *arg)
{
	(void)arg;
	add_relaxed(&calls, 1);
	ward_pause(ward_in(WARD_US(200)));
	return begin <= 5000 && end > 5000 ? -EIO : 0;
}

static int ends_early(struct ward_task *task)
{
	(void)task;
	clear(1);
	cr_assert_eq(ward_for(0, 1 << 20, 1000, fails, NULL), -EIO);
	cr_assert_lt(calls, 900, "what follows is left out");
	return 0;
}

Test(loop, ends_where_an_iteration_fails, .timeout = 60)
{
	inside(1, ends_early);
	inside(3, ends_early);
}

static int32_t maker;

/* On another thread than the maker's, which waits until there is one. */
static int is_lost(uint64_t begin, uint64_t end, void *arg)
{
	(void)begin;
	(void)end;
	(void)arg;
	if (host_tid() != maker) {
		store_release(&calls, 1);
		pthread_exit(NULL);
	}
	while (!load_acquire(&calls))
		ward_beat();
	return 0;
}

static int loses_a_part(struct ward_task *task)
{
	(void)task;
	clear(1);
	maker = host_tid();
	cr_assert_eq(ward_for(0, 1000, 1, is_lost, NULL), -EOWNERDEAD);
	return 0;
}

Test(loop, a_part_that_is_lost_ends_it, .timeout = 60)
{
	inside(2, loses_a_part);
	inside(4, loses_a_part);
}

static _Atomic uint32_t begun;

static int goes_on(uint64_t begin, uint64_t end, void *arg)
{
	(void)begin;
	(void)end;
	(void)arg;
	store_release(&begun, 1);
	ward_pause(ward_in(WARD_MS(1)));
	return 0;
}

static int loops_on(struct ward_task *task)
{
	(void)task;
	return ward_for(0, UINT64_MAX, 1, goes_on, NULL);
}

Test(loop, hears_that_its_task_is_cancelled, .timeout = 60)
{
	for (uint32_t workers = 1; workers < 4; workers++) {
		struct ward_pool *pool = pool_of(workers);
		struct job job = job_of_kind(loops_on);

		store_relaxed(&begun, 0);
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&begun)));
		cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR),
			     -EINPROGRESS);
		job_had(&job, -EINTR);
		ended(pool);
	}
}

/* ---- loops in loops ----------------------------------------------------------------- */

static int inner(uint64_t begin, uint64_t end, void *arg)
{
	uint64_t row = (uint64_t)(uintptr_t)arg;

	for (uint64_t i = begin; i < end; i++)
		add_relaxed(&times[row * 100 + i], 1);
	return 0;
}

static int outer(uint64_t begin, uint64_t end, void *arg)
{
	int err = 0;

	(void)arg;
	for (uint64_t row = begin; row < end && !err; row++)
		err = ward_for(0, 100, 1, inner, (void *)(uintptr_t)row);
	return err;
}

static int nests(struct ward_task *task)
{
	(void)task;
	clear(1);
	cr_assert_eq(ward_for(0, MANY / 100, 1, outer, NULL), 0);
	each_once(0, MANY);
	return 0;
}

Test(loop, loops_nest, .timeout = 60)
{
	inside(1, nests);
	inside(4, nests);
}
