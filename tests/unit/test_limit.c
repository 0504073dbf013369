/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane/limit.h"
#include "job.h"
#include <math.h>

static struct ward_limit *set_of_one[1];

static struct ward_limit limit_of_rate(double per_s, uint32_t burst)
{
	struct ward_limit limit;

	cr_assert_eq(ward_limit_init(&limit, per_s, burst), 0);
	return limit;
}

static int try(struct ward_limit *limit, uint32_t n)
{
	return ward_limit_take(&limit, 1, n, WARD_NOWAIT, NULL);
}

static uint64_t spent(const struct ward_limit *limit)
{
	return ((const struct limit *)limit)->bucket.spent;
}

#define HOURLY (1.0 / 3600)

/* ---- one ------------------------------------------------------------- */

Test(limit, a_burst_and_no_more)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 3);

	cr_assert_eq(try(&limit, 1), 0);
	cr_assert_eq(try(&limit, 2), 0);
	cr_assert_eq(try(&limit, 1), -EAGAIN);
	cr_assert_eq(try(&limit, 0), 0);
}

Test(limit, waits_for_what_is_not_there)
{
	struct ward_limit limit = limit_of_rate(100, 1), *set[] = { &limit };
	ward_ns from = ward_now();

	for (int i = 0; i < 6; i++)
		cr_assert_eq(ward_limit_take(set, 1, 1, WARD_FOREVER, NULL), 0);
	cr_assert_geq(ward_now() - from, WARD_MS(50));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(
			ward_limit_take(set, 1, 1, ward_in(WARD_S(20)), NULL),
			0);
	cr_assert_geq(ward_now() - from, WARD_MS(80));
}

Test(limit, does_not_wait_in_vain)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 1), *set[] = { &limit };
	uint64_t before;
	ward_ns from = ward_now();

	cr_assert_eq(try(&limit, 1), 0);
	before = spent(&limit);
	cr_assert_eq(ward_limit_take(set, 1, 1, ward_in(WARD_S(1800)), NULL),
		     -ETIMEDOUT);
	cr_assert_eq(ward_limit_take(set, 1, 1, 1, NULL), -ETIMEDOUT);
	cr_assert_lt(ward_now() - from, WARD_S(1800));
	cr_assert_eq(spent(&limit), before);
}

Test(limit, a_point_in_the_past_is_one_look)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 1), *set[] = { &limit };

	cr_assert_eq(ward_limit_take(set, 1, 1, 1, NULL), 0);
	cr_assert_eq(ward_limit_take(set, 1, 1, 1, NULL), -ETIMEDOUT);
}

Test(limit, years_ahead_is_an_error)
{
	struct ward_limit limit = limit_of_rate(60, 1u << 31);
	struct ward_limit *set[] = { &limit };
	struct limit_hold hold;
	ward_ns grant;
	int err, times = 0;

	while (!(err = limit_reserve(&hold, set, 1, 1u << 31, ward_now(),
				     WARD_FOREVER, &grant)))
		cr_assert_lt(++times, 10);
	cr_assert_eq(err, -EOVERFLOW);
	cr_assert_eq(ward_limit_take(set, 1, 1u << 31, WARD_FOREVER, NULL),
		     -EOVERFLOW);
}

/* ---- change ---------------------------------------------------------- */

Test(limit, is_changed_while_in_use)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 1), *set[] = { &limit };

	cr_assert_eq(try(&limit, 1), 0);
	cr_assert_eq(try(&limit, 1), -EAGAIN);
	cr_assert_eq(ward_limit_set(&limit, 1e6, 10), 0);
	cr_assert_eq(ward_limit_take(set, 1, 10, WARD_FOREVER, NULL), 0);
	cr_assert_eq(try(&limit, 11), -EINVAL);
	cr_assert_eq(ward_limit_set(&limit, HOURLY, 1), 0);
	cr_assert_eq(try(&limit, 1), -EAGAIN);
	cr_assert_eq(try(&limit, 2), -EINVAL);
}

/* ---- several --------------------------------------------------------- */

Test(limit, all_or_none)
{
	struct ward_limit wide = limit_of_rate(HOURLY, 10);
	struct ward_limit narrow = limit_of_rate(HOURLY, 2);
	struct ward_limit *set[] = { &wide, &narrow };
	struct ward_limit *other[] = { &narrow, &wide };
	uint64_t before;

	cr_assert_eq(ward_limit_take(set, 2, 2, WARD_NOWAIT, NULL), 0);
	before = spent(&wide);
	cr_assert_eq(ward_limit_take(set, 2, 1, WARD_NOWAIT, NULL), -EAGAIN);
	cr_assert_eq(ward_limit_take(other, 2, 1, WARD_NOWAIT, NULL), -EAGAIN);
	cr_assert_eq(ward_limit_take(set, 2, 1, ward_in(WARD_S(9)), NULL),
		     -ETIMEDOUT);
	cr_assert_eq(ward_limit_take(set, 2, 3, WARD_NOWAIT, NULL), -EINVAL);
	cr_assert_eq(spent(&wide), before);
	cr_assert_eq(try(&wide, 8), 0);
	cr_assert_eq(try(&wide, 1), -EAGAIN);
}

Test(limit, one_is_counted_once)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 2);
	struct ward_limit *set[] = { &limit, &limit, &limit };

	cr_assert_eq(ward_limit_take(set, 3, 2, WARD_NOWAIT, NULL), 0);
	cr_assert_eq(try(&limit, 1), -EAGAIN);
}

Test(limit, the_latest_of_them_is_waited_for)
{
	struct ward_limit a = limit_of_rate(10, 1), b = limit_of_rate(2, 1);
	struct ward_limit c = limit_of_rate(5, 1), *set[] = { &a, &b, &c };
	struct limit_hold hold;
	ward_ns now = ward_now(), grant;

	cr_assert_eq(limit_reserve(&hold, set, 3, 1, now, WARD_FOREVER, &grant),
		     0);
	cr_assert_eq(grant, now);
	cr_assert_eq(limit_reserve(&hold, set, 3, 1, now, WARD_FOREVER, &grant),
		     0);
	cr_assert_eq(grant, now + WARD_MS(500));
	limit_undo(&hold, NULL);
	cr_assert_eq(limit_reserve(&hold, set, 3, 1, now, now + WARD_MS(499),
				   &grant),
		     -ETIMEDOUT);
	cr_assert_eq(limit_reserve(&hold, set, 3, 1, now, now + WARD_MS(500),
				   &grant),
		     0);
}

Test(limit, of_nothing_is_free)
{
	struct ward_limit limit = limit_of_rate(HOURLY, 1);
	uint64_t before = spent(&limit);

	cr_assert_eq(ward_limit_take(NULL, 0, 5, WARD_NOWAIT, NULL), 0);
	cr_assert_eq(try(&limit, 0), 0);
	cr_assert_eq(spent(&limit), before);
}

/* ---- sets in sets ---------------------------------------------------- */

Test(limit, who_takes_below_takes_above)
{
	struct ward_limit all = limit_of_rate(HOURLY, 3);
	struct ward_limit a = limit_of_rate(HOURLY, 2);
	struct ward_limit b = limit_of_rate(HOURLY, 2);
	struct ward_limit *both[] = { &a, &b };

	cr_assert_eq(ward_limit_under(&a, &all), 0);
	cr_assert_eq(ward_limit_under(&b, &all), 0);
	cr_assert_eq(ward_limit_take(both, 2, 1, WARD_NOWAIT, NULL), 0);
	/* what both are under was counted once */
	cr_assert_eq(try(&a, 1), 0);
	cr_assert_eq(try(&b, 1), 0);
	cr_assert_eq(try(&all, 1), -EAGAIN);
	cr_assert_eq(ward_limit_under(&a, NULL), 0);
	cr_assert_eq(try(&a, 1), -EAGAIN);
}

Test(limit, above_may_refuse)
{
	struct ward_limit above = limit_of_rate(HOURLY, 1);
	struct ward_limit limit = limit_of_rate(HOURLY, 9);
	uint64_t before;

	cr_assert_eq(ward_limit_under(&limit, &above), 0);
	cr_assert_eq(try(&limit, 2), -EINVAL);
	cr_assert_eq(try(&limit, 1), 0);
	before = spent(&limit);
	cr_assert_eq(try(&limit, 1), -EAGAIN);
	cr_assert_eq(spent(&limit), before);
}

Test(limit, there_is_no_loop)
{
	struct ward_limit l[WARD_LIMITS_MAX + 1];
	struct ward_limit *top = &l[WARD_LIMITS_MAX];

	for (int i = 0; i <= WARD_LIMITS_MAX; i++)
		l[i] = limit_of_rate(1, 1);
	cr_assert_eq(ward_limit_under(&l[0], &l[0]), -ELOOP);
	for (int i = 1; i < WARD_LIMITS_MAX; i++) {
		cr_assert_eq(ward_limit_under(&l[i], &l[i - 1]), 0);
		cr_assert_eq(ward_limit_under(&l[0], &l[i]), -ELOOP);
	}
	cr_assert_eq(ward_limit_under(top, &l[WARD_LIMITS_MAX - 1]), -E2BIG);
	cr_assert_eq(try(&l[WARD_LIMITS_MAX - 1], 1), 0);
	/* lengthened at the upper end */
	cr_assert_eq(ward_limit_under(&l[0], top), 0);
	cr_assert_eq(try(&l[WARD_LIMITS_MAX - 1], 1), -E2BIG);
}

Test(limit, the_strictest_is_known)
{
	struct ward_limit a = limit_of_rate(100, 5), b = limit_of_rate(3, 50);
	struct ward_limit c = limit_of_rate(10.0 / 60, 10), blank = { { 0 } };
	struct ward_limit *set[] = { &a, &b, &c }, *wrong[] = { &a, &blank };

	cr_assert_float_eq(ward_limit_strictest(set, 1), 100, 1e-5);
	cr_assert_float_eq(ward_limit_strictest(set, 2), 3, 1e-6);
	cr_assert_float_eq(ward_limit_strictest(set, 3), 10.0 / 60, 1e-8);
	cr_assert_eq(ward_limit_under(&a, &c), 0);
	cr_assert_float_eq(ward_limit_strictest(set, 1), 10.0 / 60, 1e-8);
	cr_assert_float_eq(ward_limit_strictest(set, 0), 0, 0);
	cr_assert_float_eq(ward_limit_strictest(NULL, 0), 0, 0);
	cr_assert_float_eq(ward_limit_strictest(NULL, 1), 0, 0);
	cr_assert_float_eq(ward_limit_strictest(wrong, 2), 0, 0);
}

/* ---- a waiting caller is told to stop -------------------------------- */

struct waiter {
	pthread_t thread;
	_Atomic int32_t tid;
	struct ward_cancel token;
	struct ward_limit *const *set;
	unsigned n;
	int said;
};

static void *waits(void *arg)
{
	struct waiter *w = arg;

	store_relaxed(&w->tid, host_tid());
	w->said = ward_limit_take(w->set, w->n, 1, WARD_FOREVER, &w->token);
	return NULL;
}

static void begins_to_wait(struct waiter *w, struct ward_limit *const *set,
			   unsigned n)
{
	*w = (struct waiter){ .set = set, .n = n };
	pthread_create(&w->thread, NULL, waits, w);
	cr_assert(comes_true(load_relaxed(&w->tid) &&
			     sleeps_in_futex(load_relaxed(&w->tid))));
}

static void is_stopped(struct waiter *w, int cause)
{
	cr_assert(ward_cancel_fire(&w->token, cause));
	pthread_join(w->thread, NULL);
	cr_assert_eq(w->said, cause);
}

Test(limit, what_a_stopped_one_waited_for_is_given_back)
{
	struct ward_limit a = limit_of_rate(HOURLY, 1);
	struct ward_limit b = limit_of_rate(HOURLY, 5), *set[] = { &a, &b };
	struct waiter w;
	uint64_t spent_a, spent_b;

	cr_assert_eq(ward_limit_take(set, 2, 1, WARD_NOWAIT, NULL), 0);
	spent_a = spent(&a);
	spent_b = spent(&b);
	begins_to_wait(&w, set, 2);
	cr_assert_neq(spent(&a), spent_a);
	is_stopped(&w, -EPIPE);
	cr_assert_eq(spent(&a), spent_a);
	cr_assert_eq(spent(&b), spent_b);
}

Test(limit, but_not_before_others)
{
	struct ward_limit a = limit_of_rate(HOURLY, 1), *set[] = { &a };
	struct waiter first, second;
	uint64_t before, behind;

	cr_assert_eq(try(&a, 1), 0);
	begins_to_wait(&first, set, 1);
	before = spent(&a);
	begins_to_wait(&second, set, 1);
	behind = spent(&a);
	is_stopped(&first, -EIO);
	cr_assert_eq(spent(&a), behind);
	is_stopped(&second, -EIO);
	cr_assert_eq(spent(&a), before);
}

static int try_noted(struct ward_limit *const *limits, unsigned nlimits,
		     struct ward_limit_receipt *receipt)
{
	return ward_limit_take_noted(limits, nlimits, 1, WARD_NOWAIT, NULL,
				     receipt);
}

Test(limit, what_is_not_used_is_given_back)
{
	struct ward_limit one = limit_of_rate(HOURLY, 1);
	struct ward_limit two = limit_of_rate(HOURLY, 2);
	struct ward_limit *both[] = { &one, &two };
	struct ward_limit_receipt receipt, second;

	cr_assert_eq(try_noted(both, 2, &receipt), 0);
	cr_assert_eq(try_noted(both, 2, &second), -EAGAIN);
	cr_assert_eq(ward_limit_give_back(&second), 0, "of nothing");
	cr_assert_eq(ward_limit_give_back(&receipt), 0);
	cr_assert_eq(ward_limit_give_back(&receipt), 0, "once");
	cr_assert_eq(try_noted(both, 2, &receipt), 0);
	cr_assert_eq(try(&one, 1), -EAGAIN);
	cr_assert_eq(try(&two, 1), 0);
	/* From 'two' somebody has taken since. */
	cr_assert_eq(ward_limit_give_back(&receipt), -ESTALE);
	cr_assert_eq(try(&one, 1), 0);
	cr_assert_eq(try(&two, 1), -EAGAIN);
	cr_assert_eq(ward_limit_give_back(NULL), -EINVAL);
	cr_assert_eq(try_noted(both, 2, NULL), -EINVAL);
}

/* Savings are counted in time: that it was never taken is so by the new rate, too. */
Test(limit, what_is_given_back_after_a_change_is_as_if_never_taken)
{
	static const struct { double rate; uint32_t burst; } to[] = {
		{ 1 / 60.0, 5 }, { HOURLY / 60, 1 }, { HOURLY, 4 }, { 1e6, 1 }
	};
	struct ward_limit one, *set[] = { &one };
	struct ward_limit_receipt receipt;
	uint64_t before;

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		one = limit_of_rate(HOURLY, 2);
		cr_assert_eq(try(&one, 1), 0);
		before = spent(&one);
		cr_assert_eq(try_noted(set, 1, &receipt), 0);
		cr_assert_eq(ward_limit_set(&one, to[i].rate, to[i].burst), 0);
		cr_assert_eq(ward_limit_give_back(&receipt), 0);
		cr_assert_eq(spent(&one), before, "%zu", i);
	}
}

Test(limit, what_is_given_back_behind_others_after_a_change_stays_spent)
{
	struct ward_limit one = limit_of_rate(HOURLY, 2), *set[] = { &one };
	struct ward_limit_receipt receipt;
	uint64_t before;

	cr_assert_eq(try_noted(set, 1, &receipt), 0);
	cr_assert_eq(ward_limit_set(&one, 1 / 60.0, 3), 0);
	cr_assert_eq(try(&one, 1), 0);
	before = spent(&one);
	cr_assert_eq(ward_limit_give_back(&receipt), -ESTALE);
	cr_assert_eq(spent(&one), before);
}

Test(limit, a_fired_token_does_not_wait)
{
	struct ward_limit a = limit_of_rate(HOURLY, 1), *set[] = { &a };
	struct ward_cancel token = { { 0 } };
	uint64_t before;

	ward_cancel_fire(&token, -EPIPE);
	cr_assert_eq(ward_limit_take(set, 1, 1, WARD_FOREVER, &token), 0);
	before = spent(&a);
	cr_assert_eq(ward_limit_take(set, 1, 1, WARD_FOREVER, &token), -EPIPE);
	cr_assert_eq(spent(&a), before);
}

static int job_takes(struct ward_task *task)
{
	job_begins(job_of(task));
	job_of(task)->answer =
		ward_limit_take(set_of_one, 1, 1, WARD_FOREVER, NULL);
	return job_ends(job_of(task));
}

static struct ward_limit gone_for_hours;

static void empty(void)
{
	gone_for_hours = limit_of_rate(HOURLY, 1);
	set_of_one[0] = &gone_for_hours;
	cr_assert_eq(try(&gone_for_hours, 1), 0);
}

Test(limit, a_task_is_stopped_by_its_own_token)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_takes);
	struct ward_cancel token = { { 0 } };
	uint64_t before;

	empty();
	before = spent(&gone_for_hours);
	job.task.cancel = &token;
	submitted(pool, &job);
	cr_assert(comes_true(spent(&gone_for_hours) != before));
	ward_cancel_fire(&token, -EINTR);
	job_had(&job, -EINTR);
	cr_assert_eq(spent(&gone_for_hours), before);
	ended(pool);
}

Test(limit, a_task_that_waits_is_no_suspect_and_goes_with_its_pool)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_takes);
	uint64_t before, scans;

	empty();
	before = spent(&gone_for_hours);
	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&job.ran_on))));
	scans = stats_of(pool).scans;
	cr_assert(comes_true(stats_of(pool).scans > scans + 60));
	cr_assert_eq(load_relaxed(&job.dones), 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	job_had(&job, -ESHUTDOWN);
	cr_assert_eq(spent(&gone_for_hours), before);
}

/* ---- several threads ------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50000 };

static struct ward_limit tier[3];
static struct ward_limit *const forth[] = { &tier[0], &tier[1], &tier[2] };
static struct ward_limit *const back[] = { &tier[2], &tier[1], &tier[0] };
static _Atomic uint64_t taken;
static pthread_barrier_t line;

static void *takes(void *arg)
{
	struct ward_limit *const *set = arg ? forth : back;
	uint64_t mine = 0;

	pthread_barrier_wait(&line);
	for (int i = 0; i < ROUNDS; i++) {
		struct limit_hold hold;
		ward_ns grant;

		if (i % 3 == 0) {
			if (!limit_reserve(&hold, set, 3, 1, ward_now(),
					   ward_in(WARD_US(5)), &grant))
				limit_undo(&hold, NULL);
		} else if (!ward_limit_take(set, 3, 1, WARD_NOWAIT, NULL)) {
			mine++;
		}
	}
	add_relaxed(&taken, mine);
	return NULL;
}

Test(limit, many_at_once_stay_within_all)
{
	static const double rate[] = { 3e5, 2e5, 1e6 };
	static const uint32_t burst[] = { 10, 100, 2 };
	ward_ns from = ward_now();
	pthread_t thread[THREADS];
	double s;

	for (int i = 0; i < 3; i++)
		tier[i] = limit_of_rate(rate[i], burst[i]);
	pthread_barrier_init(&line, NULL, THREADS);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, takes, (void *)(i % 2));
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	s = (double)(ward_now() - from) / 1e9;
	cr_assert_gt(taken, 0);
	for (int i = 0; i < 3; i++)
		cr_assert_leq((double)taken, burst[i] + rate[i] * s);
}

/* ---- bad input ------------------------------------------------------- */

#define bad(call, want)                                                        \
	do {                                                                   \
		struct ward_limit before_[2] = { good, blank };                \
		int got_ = (call);                                             \
                                                                               \
		calls++;                                                       \
		cr_expect_eq(got_, (want), "%s: %d", #call, got_);             \
		cr_expect_not(memcmp(&before_[0], &good, sizeof(good)) ||      \
			      memcmp(&before_[1], &blank, sizeof(blank)));     \
	} while (0)

static struct ward_limit good, blank;
static unsigned calls;

static void bad_paces(int (*fn)(struct ward_limit *, double, uint32_t))
{
	static const double rate[] = { 0,	    -0.0, -1,	 -1e-300,
				       1e9 * 1.001, 1e10, 1e300, INFINITY,
				       -INFINITY,   NAN,  -NAN,	 1e9 + 1 };
	static const uint32_t burst[] = { 0, (1u << 31) + 1, UINT32_MAX };
	static const double slow[] = { 1e-8, 1e-9, 1e-100, 1e-300, 4.9e-324 };

	for (unsigned i = 0; i < sizeof(rate) / sizeof(*rate); i++) {
		bad(fn(&good, rate[i], 1), -EINVAL);
		bad(fn(&good, rate[i], 1u << 31), -EINVAL);
		bad(fn(&blank, rate[i], 5), -EINVAL);
	}
	for (unsigned i = 0; i < 3; i++) {
		bad(fn(&good, 1, burst[i]), -EINVAL);
		bad(fn(&good, 1e9, burst[i]), -EINVAL);
	}
	for (unsigned i = 0; i < 5; i++)
		bad(fn(&good, slow[i], 1), -ERANGE);
	for (uint32_t b = 1u << 31; b > 1u << 20; b /= 2)
		bad(fn(&good, b / 8e7, b), -ERANGE);
	bad(fn(NULL, 1, 1), -EINVAL);
	bad(fn(NULL, 0, 0), -EINVAL);
}

static void bad_sets(void)
{
	static const ward_ns until[] = { WARD_NOWAIT, 1, WARD_FOREVER - 1,
					 WARD_FOREVER };
	struct ward_limit *nothing[] = { NULL }, *second[] = { &good, NULL };
	struct ward_limit *raw[] = { &blank }, *last[] = { &good, &blank };
	struct ward_limit *fine[] = { &good };

	for (unsigned i = 0; i < 4; i++)
		for (uint32_t n = 0; n < 3; n++) {
			bad(ward_limit_take(NULL, 1, n, until[i], NULL),
			    -EINVAL);
			bad(ward_limit_take(NULL, -1, n, until[i], NULL),
			    -EINVAL);
			bad(ward_limit_take(nothing, 1, n, until[i], NULL),
			    -EINVAL);
			bad(ward_limit_take(second, 2, n, until[i], NULL),
			    -EINVAL);
			bad(ward_limit_take(raw, 1, n, until[i], NULL),
			    -EINVAL);
			bad(ward_limit_take(last, 2, n, until[i], NULL),
			    -EINVAL);
		}
	for (unsigned i = 0; i < 4; i++) {
		bad(ward_limit_take(fine, 1, 11, until[i], NULL), -EINVAL);
		bad(ward_limit_take(fine, 1, UINT32_MAX, until[i], NULL),
		    -EINVAL);
	}
}

static void too_long(void)
{
	struct ward_limit many[WARD_LIMITS_MAX + 1];
	struct ward_limit *set[WARD_LIMITS_MAX + 1];

	for (unsigned i = 0; i <= WARD_LIMITS_MAX; i++) {
		many[i] = limit_of_rate(1, 1);
		set[i] = &many[i];
	}
	bad(ward_limit_take(set, WARD_LIMITS_MAX + 1, 1, WARD_NOWAIT, NULL),
	    -E2BIG);
	cr_assert_eq(
		ward_limit_take(set, WARD_LIMITS_MAX, 1, WARD_NOWAIT, NULL), 0);
}

Test(limit, bad_input_is_an_error_and_changes_nothing)
{
	good = limit_of_rate(10, 10);
	memset(&blank, 0, sizeof(blank));
	bad_paces(ward_limit_init);
	bad_paces(ward_limit_set);
	bad(ward_limit_set(&blank, 1, 1), -EINVAL);
	bad(ward_limit_under(NULL, NULL), -EINVAL);
	bad(ward_limit_under(NULL, &good), -EINVAL);
	bad(ward_limit_under(&blank, &good), -EINVAL);
	bad(ward_limit_under(&good, &blank), -EINVAL);
	bad(ward_limit_under(&blank, NULL), -EINVAL);
	bad_sets();
	too_long();
	cr_assert_gt(calls, 150, "%u calls", calls);
}
