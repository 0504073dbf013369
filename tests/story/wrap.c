/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wrap.c - scenario 30: counters, epochs, tags and turns start a few steps before
 * they come round.
 *
 * Expected: nothing changes: tasks run, rings fill and empty, workers park and
 * wake, threads die, stall, come home and are replaced, and the books are right.
 */
#include "story.h"

#include <pthread.h>

enum { ITEMS = 600, ROUNDS = 4 };

static void wind_ring(struct ring *ring, uint32_t at)
{
	ring->ck.c_head = at;
	ring->ck.p_tail = at;
	ring->head_seen = at;
	store_relaxed(&ring->room.word, at);
}

static void wind_owned(struct owned_ring *ring, uint32_t at)
{
	expect_equal(owned_count(ring), 0);
	store_relaxed(&ring->head, at);
	store_relaxed(&ring->tail, at);
	ring->seen = at;
	ring->bias = 0;
	ring->biases = 0u - 3;
}

/* Before the start: nobody looks. */
static void wind_pool(struct pool *pool, uint32_t steps)
{
	const uint64_t tag = ((uint64_t)1 << 25) - steps;

	for (uint32_t i = 0; i < pool->inbox.rings; i++)
		wind_ring(&pool->inbox.ring[i], 0u - steps - i);
	store_relaxed(&pool->inbox.bell.word, tag << BELL_TAG_SHIFT);
	store_relaxed(&pool->inbox.settled, 0u - steps);
	store_relaxed(&pool->spares.top, (uint64_t)(0u - steps) << 32);
	store_relaxed(&pool->tell.ready.top, (uint64_t)(0u - steps) << 32);
	store_relaxed(&pool->tell.word, 0u - steps);
	store_relaxed(&pool->lives_changed, 0u - steps);
	store_relaxed(&pool->steward_word, 0u - steps);
	store_relaxed(&pool->clerk_word, 0u - steps);
	for (uint32_t i = 0; i < pool->slots; i++) {
		/* Outside; 56 bits of turn above the state. */
		store_relaxed(&pool->slot[i].word,
			      0u - 2 * steps * SLOT_PHASES);
		store_relaxed(&pool->slot[i].thread.life,
			      ((uint64_t)0 - steps) << 8 | LIFE_FREE);
		pool->slot[i].pulse.beats = 0u - (uint64_t)steps;
		store_relaxed(&pool->slot[i].wait.pause, 0u - steps);
	}
}

/* All workers are parked, so nobody takes or puts. */
static void wind_hands(struct ward_pool *pool, uint32_t steps)
{
	struct pool *inside = (struct pool *)pool;

	wait_until(stats_of(pool).idle == stats_of(pool).wanted);
	for (uint32_t i = 0; i < inside->slots; i++)
		if (inside->slot[i].pool)
			wind_owned(&inside->slot[i].local.ring, 0u - steps);
}

static const struct ward_policy trying = {
	.size = sizeof(trying),
	.runs = 4,
	.errors = 3,
	.backoff_min = 1 * MS,
};

static _Atomic uint64_t ran;

static int counts(struct item *item)
{
	(void)item;
	add_relaxed(&ran, 1);
	ward_beat();
	return 0;
}

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

/* Fails until its last attempt, each time after a pause and a wait. */
static int tries(struct item *item)
{
	ward_pause(ward_in(100000));
	if (ward_self()->attempt < 4)
		return item->number ? -EIO : ward_fail(-EIO, "once more");
	return 0;
}

static struct item item[ITEMS];

static void much_work(struct ward_pool *pool)
{
	for (int i = 0; i < ITEMS; i++) {
		item_start(pool, &item[i], counts, NULL, "count");
		if (i % 50 == 0) /* so that they park now and then */
			item_ends(&item[i], 0);
	}
	for (int i = 0; i < ITEMS; i++)
		item_ends(&item[i], 0);
}

static void some_faults(struct ward_pool *pool)
{
	struct item bad;

	for (int i = 0; i < 5; i++) {
		item_start(pool, &bad, dies, NULL, "dies");
		item_ends(&bad, -EOWNERDEAD);
	}
	for (uint64_t i = 0; i < 4; i++) {
		item_init(&bad, tries, &trying, "tries");
		bad.number = i % 2;
		item_submit(pool, &bad);
		item_ends(&bad, 0);
	}
	item_start(pool, &bad, task_spin_until_fenced, NULL, "spins");
	item_ends(&bad, -ETIME);
	wait_healed(pool);
}

static void near_the_end(const struct ward_pool_config *config, uint32_t steps)
{
	struct ward_pool *pool;
	struct ward_stats s;

	expect_equal(ward_pool_create(&pool, config), 0);
	wind_pool((struct pool *)pool, steps);
	expect_equal(ward_pool_start(pool), 0);
	wind_hands(pool, steps);
	store_relaxed(&ran, 0);
	for (int i = 0; i < ROUNDS; i++) {
		much_work(pool);
		some_faults(pool);
		audit_whole(pool);
	}
	expect_equal(load_relaxed(&ran), ITEMS * ROUNDS);
	s = stats_of(pool);
	expect_equal(s.convicted_livelock, ROUNDS);
	expect_equal(convicted(&s), ROUNDS);
	expect_equal(s.deaths, 5 * ROUNDS);
	pool_down(pool);
}

int main(void)
{
	static const uint32_t steps[] = { 2, 7, 40 };
	struct ward_policy policy = story_policy;
	struct ward_pool_config config = story_config();

	policy.busy_within = 20 * MS;
	config.policy = &policy;
	config.ring = 8;
	for (int i = 0; i < 3; i++)
		near_the_end(&config, steps[i]);
	return 0;
}
