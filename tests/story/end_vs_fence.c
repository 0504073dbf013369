/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * end_vs_fence.c - scenario 24: a task ends, or its thread dies, exactly while it
 * is fenced: after the steward has asked, before it looks whether the worker is
 * still there.
 *
 * Expected: one outcome.  A task that ended keeps its own status and the steward
 * acquits; one whose thread died is dead and not convicted; one whose thread
 * left by a raw exit is either, once.
 *
 * The linker puts this file's host_barrier_heavy in front of the library's: the
 * steward calls it at just that moment.
 */
#include "story.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum way { ENDS, EXITS, RAW, WAYS };
enum { TIMES = 10 };

static struct item *_Atomic victim;
static _Atomic uint32_t held;

static bool is_steward(void)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	return !strcmp(name, "story/steward");
}

/* The victim is asked now: lets it end, and waits until it has. */
static void end_it(struct item *item)
{
	store_release(&victim, NULL);
	add_acq_rel(&held, 1);
	store_release(&item->gate, 1);
	if (item->number == RAW)
		wait_until(load_acquire(&item->mark) &&
			   syscall(SYS_tgkill, getpid(),
				   load_relaxed(&item->tid), 0) != 0);
	else
		wait_until(load_acquire(&item->done));
}

WRAPPED(host_barrier_heavy);
bool __wrap_host_barrier_heavy(void)
{
	struct item *item = load_acquire(&victim);
	bool ordered = __real_host_barrier_heavy();

	if (item && load_acquire(&item->runs) && is_steward())
		end_it(item);
	return ordered;
}

/* Silent and spinning, until it is let go. */
static int spin_until_let_go(struct item *item)
{
	while (!load_acquire(&item->gate))
		;
	if (item->number == EXITS)
		pthread_exit(NULL);
	store_release(&item->mark, 1);
	if (item->number == RAW)
		syscall(SYS_exit, 0);
	return 1;
}

static void race(struct ward_pool *pool, enum way way)
{
	struct ward_stats before = stats_of(pool), after;
	struct item item;

	item_init(&item, spin_until_let_go, NULL, "race");
	item.number = way;
	item_submit(pool, &item);
	item_runs(&item, 1);
	store_release(&victim, &item);
	wait_until(load_acquire(&item.released));
	if (way != RAW) /* the steward is told by its own look */
		wait_until(stats_of(pool).acquitted > before.acquitted);
	if (way == RAW) /* its thread is reaped some time after its answer */
		wait_until(stats_of(pool).deaths > before.deaths);
	wait_healed(pool);
	after = stats_of(pool);
	switch (way) {
	case ENDS:
		expect_equal(item.status, 1);
		expect_equal(after.acquitted, before.acquitted + 1);
		expect_equal(after.stalled, before.stalled);
		break;
	case EXITS:
		expect_equal(item.status, -EOWNERDEAD);
		expect_equal(after.acquitted, before.acquitted + 1);
		expect_equal(after.deaths, before.deaths + 1);
		expect_equal(after.died, before.died + 1);
		break;
	default:
		expect(item.status == -EOWNERDEAD || item.status == -ETIME);
		expect_equal(after.deaths, before.deaths + 1);
		expect_equal(after.died + after.stalled,
			     before.died + before.stalled + 1);
	}
	audit_whole(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);
	int ways = UNDER_ASAN ? RAW : WAYS;

	for (int i = 0; i < TIMES; i++)
		for (int way = 0; way < ways; way++)
			race(pool, (enum way)way);
	expect_equal(load_acquire(&held), TIMES * ways);
	pool_down(pool);
	return 0;
}
