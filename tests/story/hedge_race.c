/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hedge_race.c - scenario 27: hedged attempts commit in the same instant, again and
 * again; some fail after it, some are lost, some never ask.
 *
 * Expected: of each hedge at most one commits, and if one does, it is the winner; the
 * others are told -ESTALE.  It is decided once, and released once when nobody is
 * inside any more.
 */
#include "story.h"

#include <pthread.h>
#include <string.h>

enum { TRIES = 4, ROUNDS = 3000 };

struct race {
	_Atomic uint32_t ready, commits, refused, inside, decided, released;
	_Atomic int32_t first; /* the try that has committed, from 0; -1: none */
	_Atomic int32_t winner;
	unsigned round;
};

/* All that have begun come to the line at about the same time. */
static void line_up(struct race *race)
{
	add_acq_rel(&race->ready, 1);
	for (int i = 0; i < 200 && load_acquire(&race->ready) < TRIES; i++)
		host_relax();
}

static void commit(struct race *race, unsigned n)
{
	int err = ward_commit();

	expect(err == 0 || err == -ESTALE);
	if (err) {
		add_acq_rel(&race->refused, 1);
		return;
	}
	expect_equal(add_acq_rel(&race->commits, 1), 0);
	store_release(&race->first, (int32_t)n);
}

static int try_it(void *arg, unsigned n)
{
	struct race *race = arg;

	expect(!load_acquire(&race->released));
	add_acq_rel(&race->inside, 1);
	line_up(race);
	if ((race->round + n) % 7)
		commit(race, n);
	sub_acq_rel(&race->inside, 1);
	if (race->round % 50 == 1 && n == race->round / 50 % TRIES)
		pthread_exit(NULL);
	return (race->round + n) % 11 ? 0 : -EIO;
}

static void decided(void *arg, int winner, int status)
{
	struct race *race = arg;
	int32_t first = load_acquire(&race->first);

	store_release(&race->winner, winner);
	expect_equal(add_acq_rel(&race->decided, 1), 0);
	expect(winner >= 0 || status);
	if (first >= 0)
		expect_equal(winner, first);
}

static void released(void *arg)
{
	struct race *race = arg;

	expect_equal(load_acquire(&race->inside), 0);
	expect_equal(add_acq_rel(&race->released, 1), 0);
}

static void run(struct ward_pool *pool, struct race *race, unsigned round)
{
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;
	struct ward_hedge *hedge;
	int winner;

	memset(race, 0, sizeof(*race));
	store_relaxed(&race->first, -1);
	race->round = round;
	config.tries = TRIES;
	config.run = try_it;
	config.done = decided;
	config.release = released;
	config.arg = race;
	config.name = "race";
	config.delay = round % 3 == 2 ? 1 : 0;
	expect_equal(ward_hedge_start(&hedge, pool, &config), 0);
	winner = ward_hedge_wait(hedge, ward_in(IN_TIME));
	ward_hedge_put(hedge);
	wait_until(load_acquire(&race->released));
	expect_equal(load_acquire(&race->decided), 1);
	expect(load_acquire(&race->commits) <= 1);
	if (winner >= 0)
		expect_equal(winner, load_acquire(&race->winner));
}

int main(void)
{
	struct ward_pool_config config = story_config();
	static struct race race;
	struct ward_pool *pool;

	config.workers = TRIES;
	pool = pool_up(&config);
	for (unsigned i = 0; i < ROUNDS / (UNDER_ASAN ? 10 : 1); i++)
		run(pool, &race, i);
	pool_down(pool);
	return 0;
}
