/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - scenario 12: the monotonic clock jumps an hour ahead, as when the
 * machine slept; the wall clock is set back and forth.
 *
 * Expected: the hour is blind: it is held against nobody, and its lateness is
 * told; the wall clock changes nothing.
 *
 * The linker puts this file's clocks in front of the library's.
 */
#include "story.h"

#include <pthread.h>

static _Atomic uint64_t ahead; /* ns, of the clock that the library sees */
static _Atomic int64_t wall;   /* s */

WRAPPED(host_now);
uint64_t __wrap_host_now(void)
{
	return __real_host_now() + load_acquire(&ahead);
}

WRAPPED(host_utc);
void __wrap_host_utc(int64_t *s, uint32_t *ns)
{
	__real_host_utc(s, ns);
	*s += load_relaxed(&wall);
}

static uint64_t real(uint64_t until)
{
	uint64_t by = load_acquire(&ahead);

	return until == HOST_FOREVER ? until : until > by ? until - by : 0;
}

WRAPPED(host_wait);
int __wrap_host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	return __real_host_wait(word, seen, real(until));
}

WRAPPED(host_join);
int __wrap_host_join(host_thread thread, uint64_t until)
{
	return __real_host_join(thread, real(until));
}

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void jump_among_tasks(struct ward_pool *pool)
{
	struct item item[4];

	for (int i = 0; i < 4; i++)
		item_start(pool, &item[i], i % 2 ? task_busy : task_asleep,
			   NULL, "healthy");
	for (int i = 0; i < 4; i++)
		item_runs(&item[i], 1);
	add_acq_rel(&ahead, 3600 * SECOND);
	for (int i = 0; i < 4; i++)
		item_ends(&item[i], 1);
}

static void wall_clock(struct ward_pool *pool)
{
	static const int64_t set[] = { -86400, 86400 * 365, 0 };

	for (int i = 0; i < 3; i++) {
		struct item item;

		store_relaxed(&wall, set[i]);
		item_start(pool, &item, dies, NULL, "dies");
		item_ends(&item, -EOWNERDEAD);
		told_id(item.incident);
		item_start(pool, &item, task_asleep, NULL, "healthy");
		item_ends(&item, 1);
		wait_healed(pool);
	}
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct ward_stats s;

	config.workers = 4;
	pool = pool_up(&config);
	for (int i = 0; i < 5; i++)
		jump_among_tasks(pool);
	s = stats_of(pool);
	expect(s.worst_lateness > 3599 * SECOND);
	told(WARD_R_ENVIRONMENT, 0);
	wall_clock(pool);
	s = stats_of(pool);
	expect_equal(convicted(&s), 0);
	/* A spinner is convicted all the same. */
	{
		struct item item;

		item_start(pool, &item, task_spin_until_fenced, NULL, "spins");
		item_ends(&item, -ETIME);
	}
	pool_down(pool);
	return 0;
}
