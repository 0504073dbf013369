/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abba.c - scenario 5: two tasks, two mutexes, each holds one and wants the
 * other.
 *
 * Expected: convicted as blocked; the report names the holder and the cycle,
 * which ends with the thread it began with; the pool goes on with two others.
 * The two threads never come back, and destroy says so.
 */
#include "story.h"

#include <pthread.h>

static pthread_mutex_t mutex[2] = { PTHREAD_MUTEX_INITIALIZER,
				    PTHREAD_MUTEX_INITIALIZER };
static _Atomic uint32_t have_one;

static int embrace(struct item *item)
{
	pthread_mutex_lock(&mutex[item->number]);
	add_acq_rel(&have_one, 1);
	wait_until(load_acquire(&have_one) == 2);
	pthread_mutex_lock(&mutex[!item->number]);
	return 0; /* never */
}

static void check_report(const struct item *one, const struct item *other)
{
	const struct told *t = told_id(one->incident);
	char cycle[64];

	expect_equal(t->report.kind, WARD_R_BLOCKED);
	expect_equal(t->report.tid, load_relaxed(&one->tid));
	expect_equal(t->report.holder, load_relaxed(&other->tid));
	expect(host_is_futex(t->report.syscall));
	expect_equal(t->report.syscall_arg, (uintptr_t)&mutex[other->number]);
	snprintf(cycle, sizeof(cycle), "%d > %d > %d",
		 load_relaxed(&one->tid), load_relaxed(&other->tid),
		 load_relaxed(&one->tid));
	if (strcmp(t->chain, cycle))
		story_fail(__FILE__, __LINE__, "chain '%s' is not '%s'",
			   t->chain, cycle);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	static struct item item[2], more[50];
	struct ward_stats s;

	for (unsigned i = 0; i < 2; i++) {
		item_init(&item[i], embrace, NULL, "embrace");
		item[i].number = i;
		item_submit(pool, &item[i]);
	}
	for (int i = 0; i < 50; i++)
		item_start(pool, &more[i], task_nothing, NULL, "more");
	for (int i = 0; i < 2; i++)
		item_done(&item[i], -ETIME);
	for (int i = 0; i < 50; i++)
		item_ends(&more[i], 0);
	check_report(&item[0], &item[1]);
	check_report(&item[1], &item[0]);
	wait_until(books_closed(pool) && stats_of(pool).workers == 2 &&
		   stats_of(pool).spares >= 1 && books_closed(pool));
	s = stats_of(pool);
	expect_equal(s.convicted_blocked, 2);
	expect_equal(s.zombies, 2);
	expect_equal(s.heals, 2);
	audit_whole(pool);
	expect_equal(load_acquire(&item[0].released), 0);
	pool_leave(pool, 50 * MS, 2);
	return 0;
}
