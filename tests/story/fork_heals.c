/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_heals.c - forks that end badly, on a thief and on their maker's thread; and
 * makers that leave while others are inside of their forks.
 *
 * Expected: what docs in ward/fork.h say comes out of ward_join(), or of the attempt.
 * No thread leaves a frame while a fork that lies there runs: its task is not given
 * back before.  A fork that has not begun does not run.  Threads, seats and books are
 * as before.
 */
#include "story.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum way { FINE, FAILS, RAISES, EXITS, VANISHES, FAULTS, SPINS, SLEEPS };

static const char *const name[] = { "fine",	"fails",  "raises", "exits",
				    "vanishes", "faults", "spins",  "sleeps" };

#define BAD (-EXDEV)

/* A fork and what it does: in the frame of its maker. */
struct part {
	struct ward_fork fork;
	struct item *item;
	enum way way;
	bool parent; /* its own part does it, on the thread that waits for it */
	_Atomic uint32_t begun;
	int joined;
};

static _Atomic uint32_t inside, ended;

static void vanish(void)
{
	if (!UNDER_ASAN)
		syscall(SYS_exit, 0);
	pthread_exit(NULL);
}

static int behave(enum way way, struct item *item)
{
	static int *volatile nowhere;

	switch (way) {
	case FAILS:
		return BAD;
	case RAISES:
		ward_raise(BAD, "as it shall");
	case EXITS:
		pthread_exit(NULL);
	case VANISHES:
		vanish();
		break;
	case FAULTS:
		*nowhere = 1;
		break;
	case SPINS:
		while (!load_acquire(&item->gate))
			host_relax();
		break;
	case SLEEPS:
		while (!load_acquire(&item->gate))
			host_wait(&item->gate, 0, HOST_FOREVER);
		break;
	default:
		break;
	}
	return 0;
}

static int part_run(struct ward_fork *fork);

/* Until it runs on another thread; a sign of life now and then. */
static void until_begun(const struct part *part)
{
	while (!load_acquire(&part->begun))
		ward_beat();
}

static int part_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);
	struct part own = { .fork.run = part_run, .item = part->item,
			    .way = part->way };
	struct ward_group group = { { 0 } };
	int err;

	store_release(&part->begun, 1);
	if (!part->parent)
		return behave(part->way, part->item);
	expect_equal(ward_fork(&group, &own.fork), 0);
	until_begun(&own);
	err = ward_join(&group);
	add_acq_rel(&ended, 1);
	part->joined = err;
	return 0;
}

/* ---- what comes out of the join --------------------------------------------------- */

static int joined;

/* Somebody else's from the start. */
static int forks(struct item *item)
{
	struct part part = { .fork.run = part_run, .item = item,
			     .way = (enum way)item->number };
	struct ward_group group = { { 0 } };

	expect_equal(ward_fork(&group, &part.fork), 0);
	until_begun(&part);
	joined = ward_join(&group);
	return 0;
}

/* Its own. */
static int forks_alone(struct item *item)
{
	struct part part = { .fork.run = part_run, .item = item,
			     .way = (enum way)item->number };
	struct ward_group group = { { 0 } };

	expect_equal(ward_fork(&group, &part.fork), 0);
	joined = ward_join(&group);
	return joined;
}

static uint64_t convicts(struct ward_pool *pool)
{
	struct ward_stats stats = stats_of(pool);

	return convicted(&stats);
}

/* Of two, each waits for the other: both are convicted, one after the other. */
static void ends(struct ward_pool *pool, int (*what)(struct item *),
		 enum way way, int status, int join)
{
	uint64_t before = convicts(pool);
	struct item item;

	fprintf(stderr, "%s\n", name[way]);
	item_init(&item, what, NULL, "forks");
	item.number = way;
	joined = 1;
	item_submit(pool, &item);
	if (way == SPINS || way == SLEEPS) {
		item_done(&item, status);
		expect(!load_acquire(&item.released));
		wait_until(convicts(pool) ==
			   before + (what == forks_alone ? 1 : 2));
		gate_open(&item);
	}
	item_ends(&item, status);
	wait_healed(pool);
	expect_equal(joined, join);
}

static struct ward_pool *pool_of(unsigned workers)
{
	struct ward_pool_config config = story_config();

	config.workers = workers;
	/* Forks that spin are waited for: see livelock.c. */
	config.flags = WARD_POOL_KEEP_PRIORITY;
	if (!UNDER_ASAN)
		config.flags |= WARD_POOL_CATCH_FAULTS;
	return pool_up(&config);
}

static void stolen(void)
{
	struct ward_pool *pool = pool_of(2);

	ends(pool, forks, FINE, 0, 0);
	ends(pool, forks, FAILS, 0, BAD);
	ends(pool, forks, RAISES, 0, BAD);
	ends(pool, forks, EXITS, 0, -EOWNERDEAD);
	ends(pool, forks, VANISHES, 0, -EOWNERDEAD);
	if (!UNDER_ASAN)
		ends(pool, forks, FAULTS, 0, -EFAULT);
	/* The join returns when the zombie is home, to nobody. */
	ends(pool, forks, SPINS, -ETIME, -ETIME);
	ends(pool, forks, SLEEPS, -ETIME, -ETIME);
	pool_down(pool);
}

static void alone(void)
{
	struct ward_pool *pool = pool_of(1);

	ends(pool, forks_alone, FINE, 0, 0);
	ends(pool, forks_alone, FAILS, BAD, BAD);
	ends(pool, forks_alone, RAISES, BAD, 1);
	ends(pool, forks_alone, EXITS, -EOWNERDEAD, 1);
	ends(pool, forks_alone, VANISHES, -EOWNERDEAD, 1);
	if (!UNDER_ASAN)
		ends(pool, forks_alone, FAULTS, -EFAULT, 1);
	ends(pool, forks_alone, SPINS, -ETIME, 0);
	pool_down(pool);
}

/* ---- a waiting thread runs a part of what it waits for ------------------------- */

static int forks_parent(struct item *item)
{
	struct part part = { .fork.run = part_run, .item = item,
			     .way = (enum way)item->number, .parent = true };
	struct ward_group group = { { 0 } };

	expect_equal(ward_fork(&group, &part.fork), 0);
	until_begun(&part);
	joined = ward_join(&group);
	if (!joined)
		joined = part.joined;
	return 0;
}

static void helped(void)
{
	struct ward_pool *pool = pool_of(2);

	ends(pool, forks_parent, FINE, 0, 0);
	ends(pool, forks_parent, FAILS, 0, BAD);
	ends(pool, forks_parent, RAISES, 0, BAD);
	/* These end the thread that helped, and so the whole. */
	ends(pool, forks_parent, EXITS, -EOWNERDEAD, 1);
	ends(pool, forks_parent, VANISHES, -EOWNERDEAD, 1);
	if (!UNDER_ASAN)
		ends(pool, forks_parent, FAULTS, -EFAULT, 1);
	ends(pool, forks_parent, SPINS, -ETIME, -ETIME);
	expect_equal(load_relaxed(&ended), UNDER_ASAN ? 6 : 7);
	pool_down(pool);
}

/* ---- makers that leave --------------------------------------------------------------- */

static int long_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	add_acq_rel(&inside, 1);
	store_release(&part->begun, 1);
	for (int i = 0; i < 20; i++) {
		ward_check();
		nap(1 * MS);
	}
	expect_equal(part->way, RAISES + 77); /* the frame is still there */
	sub_acq_rel(&inside, 1);
	add_acq_rel(&ended, 1);
	return 0;
}

static _Atomic uint32_t never;

static int never_run(struct ward_fork *fork)
{
	(void)fork;
	add_relaxed(&never, 1);
	return 0;
}

static int leaves(struct item *item)
{
	struct part part[2] = { { .fork.run = long_run, .way = RAISES + 77 },
				{ .fork.run = never_run } };
	struct ward_group group = { { 0 } };

	expect_equal(ward_fork(&group, &part[0].fork), 0);
	until_begun(&part[0]);
	/* The other worker is inside the first: nobody takes this one. */
	expect_equal(ward_fork(&group, &part[1].fork), 0);
	return behave((enum way)item->number, item);
}

static void maker_leaves(struct ward_pool *pool, enum way way, int status)
{
	struct item item;

	fprintf(stderr, "maker %s\n", name[way]);
	item_init(&item, leaves, NULL, "leaves");
	item.number = way;
	item_submit(pool, &item);
	item_ends(&item, status);
	expect_equal(load_acquire(&inside), 0);
	wait_healed(pool);
}

static void left(void)
{
	struct ward_pool *pool = pool_of(2);

	store_relaxed(&ended, 0);
	maker_leaves(pool, RAISES, BAD);
	maker_leaves(pool, EXITS, -EOWNERDEAD);
	maker_leaves(pool, VANISHES, -EOWNERDEAD);
	if (!UNDER_ASAN)
		maker_leaves(pool, FAULTS, -EFAULT);
	expect_equal(load_relaxed(&ended), UNDER_ASAN ? 3 : 4);
	expect_equal(load_relaxed(&never), 0);
	pool_down(pool);
}

int main(void)
{
	stolen();
	alone();
	helped();
	left();
	return 0;
}
