/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zombie_holder.c - scenario 7: tasks wait for a lock that a zombie holds.
 *
 * Expected: told as such, once for each that waits; no storm of replacements: a waiting
 * worker stays in its seat.  When all seats wait so, the pool says that it is
 * degraded.  When the zombie lets go, all goes on; when it comes home and has kept the
 * lock, the waiting ones are convicted as any.
 */
#include "lock.h"
#include "story.h"

#define WAITERS 6u

static const struct ward_policy hasty = {
	.size = sizeof(hasty),
	.busy_within = 40 * MS,
	.blocked_within = 40 * MS,
};

static _Atomic uint32_t lock;

/* Silent on its CPU with the lock until the gate opens; number: lets go of it. */
static int keeps(struct item *item)
{
	lock_take(&lock);
	while (!load_acquire(&item->gate))
		;
	if (item->number)
		lock_open(&lock);
	return 0;
}

static int wants(struct item *item)
{
	lock_take(&lock);
	lock_open(&lock);
	return (int)item->number;
}

static unsigned told_of_zombie(const struct item *zombie)
{
	unsigned n = 0;

	for (unsigned i = 0; i < told_count(WARD_R_SLOW); i++) {
		const struct told *t = told(WARD_R_SLOW, i);

		n += strstr(t->what, "held by a zombie") &&
		     t->report.holder == load_relaxed(&zombie->tid);
	}
	return n;
}

static void become_zombie(struct ward_pool *pool, struct item *item,
			  bool lets_go)
{
	item_init(item, keeps, NULL, "keeps");
	item->number = lets_go;
	item_submit(pool, item);
	item_done(item, -ETIME);
	wait_until(stats_of(pool).workers == 2);
}

static void no_storm(struct ward_pool *pool)
{
	struct item zombie, item[WAITERS];
	struct ward_stats s;
	uint64_t looks;

	become_zombie(pool, &zombie, true);
	for (unsigned i = 0; i < WAITERS; i++) {
		item_init(&item[i], wants, NULL, "wants");
		item[i].number = i;
		item_submit(pool, &item[i]);
	}
	wait_until(told_of_zombie(&zombie) == 2);
	told(WARD_R_DEGRADED, 0);
	/* Each is asked about once in a budget: let that be some times. */
	looks = stats_of(pool).looks;
	wait_until(stats_of(pool).looks >= looks + 16);
	s = stats_of(pool);
	expect_equal(convicted(&s), 1);
	expect_equal(s.zombies, 1);
	expect_equal(s.workers, 2);
	expect_equal(s.degraded, 1);
	expect_equal(told_of_zombie(&zombie), 2);
	audit_now(pool);

	gate_open(&zombie);
	for (unsigned i = 0; i < WAITERS; i++)
		item_ends(&item[i], (int)i);
	item_ends(&zombie, -ETIME);
	told(WARD_R_RECOVERED, 0);
	s = stats_of(pool);
	expect_equal(convicted(&s), 1);
}

static void home_without_it(struct ward_pool *pool)
{
	uint64_t before = stats_of(pool).convicted_blocked;
	struct item zombie, item;

	wait_healed(pool);
	become_zombie(pool, &zombie, false);
	item_start(pool, &item, wants, NULL, "wants");
	wait_until(told_of_zombie(&zombie) == 1);
	expect_equal(stats_of(pool).convicted_blocked, before);
	gate_open(&zombie);
	item_ends(&zombie, -ETIME);
	item_done(&item, -ETIME);
	expect_equal(told_id(item.incident)->report.kind, WARD_R_BLOCKED);
	lock_open(&lock);
	item_ends(&item, -ETIME);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	config.policy = &hasty;
	pool = pool_up(&config);
	no_storm(pool);
	pool_down(pool);
	pool = pool_up(&config);
	home_without_it(pool);
	pool_down(pool);
	return 0;
}
