/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * starved_holder.c - scenario 6: a task waits for a lock whose owner could run,
 * but is given no CPU.
 *
 * Expected: excused, and the owner is named, once; the task ends by itself when
 * the owner has got on.  Not for ever: after so many budgets it is convicted.
 * An owner that is busy is no excuse.
 */
#include "heal/excuse.h"
#include "lock.h"
#include "story.h"

#include <pthread.h>
#include <sched.h>

/*
 * Long enough for the slices of the machine's scheduler: a starved owner gets one
 * now and then, a busy one beside others does not get one at once.
 */
static const struct ward_policy steady = {
	.size = sizeof(steady),
	.busy_within = 10 * SECOND,
	.blocked_within = 150 * MS,
};

static _Atomic uint32_t lock, dismissed, stop;
static _Atomic int32_t owner;
static int cpu; /* where the owner and the hog fight */

/* The last CPU that we may use. */
static int some_cpu(void)
{
	cpu_set_t set;
	int last = -1;

	expect_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			last = i;
	return last;
}

static void stay(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	expect_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void *hog(void *arg)
{
	(void)arg;
	stay();
	while (!load_relaxed(&stop))
		;
	return NULL;
}

/* Takes the lock, says so, then needs the CPU to give it back. */
static void *own(void *starved)
{
	static const struct sched_param none, first = { .sched_priority = 1 };

	stay();
	lock_take(&lock);
	if (starved)
		expect_equal(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	else /* before whatever else runs on this machine, where we may */
		sched_setscheduler(0, SCHED_FIFO, &first);
	store_release(&owner, host_tid());
	while (!load_relaxed(&dismissed))
		;
	lock_open(&lock);
	return NULL;
}

static pthread_t thread[2];

static void begin(bool starved)
{
	static char yes;

	store_relaxed(&dismissed, 0);
	store_relaxed(&stop, 0);
	store_relaxed(&owner, 0);
	pthread_create(&thread[0], NULL, own, starved ? &yes : NULL);
	wait_until(load_acquire(&owner));
	if (starved)
		pthread_create(&thread[1], NULL, hog, NULL);
}

static void end(bool starved)
{
	store_relaxed(&dismissed, 1);
	store_relaxed(&stop, 1);
	pthread_join(thread[0], NULL);
	if (starved)
		pthread_join(thread[1], NULL);
}

static int wants(struct item *item)
{
	lock_take(&lock);
	lock_open(&lock);
	return (int)item->number;
}

/* Excuses told that name this owner. */
static unsigned excuses(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < told_count(WARD_R_SLOW); i++) {
		const struct told *t = told(WARD_R_SLOW, i);

		n += strstr(t->what, "given no CPU") &&
		     t->report.holder == load_relaxed(&owner);
	}
	return n;
}

static void excused_until_it_gets_on(struct ward_pool *pool)
{
	struct ward_stats s;
	struct item item;

	begin(true);
	item_init(&item, wants, NULL, "wants");
	item.number = 7;
	item_submit(pool, &item);
	wait_until(excuses() == 1);
	end(true);
	item_ends(&item, 7);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
}

static void not_for_ever(struct ward_pool *pool)
{
	uint64_t began = host_now();
	struct item item;

	begin(true);
	item_start(pool, &item, wants, NULL, "wants");
	item_done(&item, -ETIME);
	expect(host_now() - began >=
	       EXCUSE_TIMES * steady.blocked_within);
	expect_equal(excuses(), 1);
	end(true);
	item_ends(&item, -ETIME);
	expect_equal(told_id(item.incident)->report.kind, WARD_R_BLOCKED);
}

static void busy_is_no_excuse(struct ward_pool *pool)
{
	struct item item;

	begin(false);
	item_start(pool, &item, wants, NULL, "wants");
	item_done(&item, -ETIME);
	expect_equal(told_id(item.incident)->report.holder,
		     load_relaxed(&owner));
	expect_equal(excuses(), 0);
	end(false);
	item_ends(&item, -ETIME);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	cpu = some_cpu();
	config.policy = &steady;
	pool = pool_up(&config);
	excused_until_it_gets_on(pool);
	busy_is_no_excuse(pool);
	not_for_ever(pool);
	expect_equal(stats_of(pool).convicted_blocked, 2);
	pool_down(pool);
	return 0;
}
