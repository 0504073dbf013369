/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c - hundreds of tasks wait for two limits that are under a third, while
 * others ask without waiting, and while the tokens of half of them are fired, at any
 * moment.
 *
 * Expected: each ends as it was told, granted or stopped; at no time have more been
 * granted than any of the limits allows; and when all is over the limits are in
 * reference to nobody for longer than what the stopped ones may have left behind.
 */
#include "lane/limit.h"
#include "story.h"
#include <pthread.h>

enum { TASKS = 400, WORKERS = 16, IMPATIENT = 2 };

static const struct {
	double per_s;
	uint32_t burst;
} rule[] = { { 2000, 5 }, { 3000, 1 }, { 1500, 20 } };

static struct ward_limit limit[3]; /* the first two are under the third */
static struct ward_limit *const both[] = { &limit[0], &limit[1] };
static uint64_t start;

static struct taker {
	struct ward_task task;
	struct ward_cancel token, own;
	int said;
	uint64_t at;
} taker[TASKS];

/* Of those that do not wait. */
static _Atomic uint32_t granted_at_once, over;

static int takes(struct ward_task *task)
{
	struct taker *t = ward_entry(task, struct taker, task);

	t->said = ward_limit_take(both, 2, 1, WARD_FOREVER, &t->token);
	t->at = host_now();
	return 0;
}

static void *asks(void *arg)
{
	(void)arg;
	while (!load_acquire(&over)) {
		int err = ward_limit_take(both, 2, 1, WARD_NOWAIT, NULL);

		expect(err == 0 || err == -EAGAIN);
		if (err == 0)
			add_relaxed(&granted_at_once, 1);
	}
	return NULL;
}

/* Every second one is told, by one token or by the other, sooner or later. */
static void tell_some(void)
{
	for (unsigned i = 0; i < TASKS; i += 2) {
		ward_cancel_fire(i % 4 ? &taker[i].token : &taker[i].own,
				 -EINTR);
		if (i % 16 == 0)
			story_breathe();
	}
}

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of those that waited, in order; all of them drew from all limits. */
static void within(void)
{
	uint64_t at[TASKS];
	unsigned n = 0;

	for (unsigned i = 0; i < TASKS; i++) {
		expect(taker[i].said == 0 ||
		       (i % 2 == 0 && taker[i].said == -EINTR));
		if (taker[i].said == 0)
			at[n++] = taker[i].at;
	}
	qsort(at, n, sizeof(*at), by_time);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < 3; k++)
			expect(i + 1 <=
			       rule[k].burst + rule[k].per_s *
						       (double)(at[i] - start) /
						       1e9);
}

static void all_within(void)
{
	uint32_t n = load_relaxed(&granted_at_once);

	for (unsigned i = 0; i < TASKS; i++)
		n += taker[i].said == 0;
	for (unsigned k = 0; k < 3; k++)
		expect(n <= rule[k].burst +
				    rule[k].per_s *
					    (double)(host_now() - start) / 1e9);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct ward_stats stats;
	pthread_t thread[IMPATIENT];
	uint64_t late;

	start = host_now();
	for (unsigned k = 0; k < 3; k++)
		expect(!ward_limit_init(&limit[k], rule[k].per_s,
					rule[k].burst));
	expect(!ward_limit_under(&limit[0], &limit[2]));
	expect(!ward_limit_under(&limit[1], &limit[2]));
	config.workers = WORKERS;
	pool = pool_up(&config);
	for (unsigned i = 0; i < IMPATIENT; i++)
		expect(!pthread_create(&thread[i], NULL, asks, NULL));
	for (unsigned i = 0; i < TASKS; i++) {
		taker[i].task = (struct ward_task)WARD_TASK_INIT(takes);
		taker[i].task.cancel = &taker[i].own;
		taker[i].said = -EINTR; /* where it never runs */
		expect(!ward_submit(pool, &taker[i].task, WARD_FOREVER));
	}
	tell_some();
	expect(!ward_pool_drain(pool, host_now() + IN_TIME));
	store_release(&over, 1);
	for (unsigned i = 0; i < IMPATIENT; i++)
		pthread_join(thread[i], NULL);
	within();
	all_within();
	/* Not one of them may have given anything back. */
	late = host_now() + (TASKS + 1) * SECOND / 1500;
	expect(!ward_limit_take(both, 2, 1, late, NULL));
	stats = stats_of(pool);
	expect_equal(convicted(&stats), 0);
	pool_down(pool);
	return 0;
}
