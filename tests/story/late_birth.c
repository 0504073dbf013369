/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * late_birth.c - the clerk is just making one more thread when the pool is destroyed;
 * and a thread that found another one dead is held until that record is long a third's.
 *
 * Expected: destroy waits for the new thread, which then runs no hook after destroy has
 * returned; the stale reaping touches nobody: the task that runs in that record ends as
 * it should.
 *
 * Both are held at the door to the host: this program is linked with --wrap.
 */
#include "run/run.h"
#include "story.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ward_pool *the_pool;

/* ---- a thread is made beside destroy ------------------------------------------- */

static _Atomic uint32_t hold_birth, held_birth, destroyed, too_late;

WRAPPED(host_spawn);
int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	if (swap_acq_rel(&hold_birth, 0)) {
		struct pool *pool = (struct pool *)the_pool;

		store_release(&held_birth, 1);
		wait_until(load_acquire(&pool->stopping));
	}
	return __real_host_spawn(out, how, fn, last, arg);
}

static void *start(void *arg, unsigned thread)
{
	(void)arg;
	(void)thread;
	if (load_acquire(&held_birth))
		nap(10 * MS);
	if (load_acquire(&destroyed))
		store_release(&too_late, 1);
	return NULL;
}

static int leaves(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static void birth_beside_destroy(void)
{
	const struct ward_hooks hooks = { .start = start,
					  .report = story_report };
	struct ward_pool_config config = story_config();
	unsigned threads = threads_now();
	struct item item;

	config.hooks = &hooks;
	the_pool = pool_up(&config);
	store_release(&hold_birth, 1);
	item_start(the_pool, &item, leaves, NULL, "leaves");
	wait_until(load_acquire(&held_birth));
	pool_leave(the_pool, IN_TIME, 0);
	store_release(&destroyed, 1);
	wait_until(threads_now() == threads);
	expect_equal(load_acquire(&too_late), 0);
	expect_equal(load_acquire(&item.released), 1);
}

/* ---- a reaping that comes too late ------------------------------------------------- */

static _Atomic uint32_t hold_burial, went_on;
static struct slot *_Atomic grave;

/* A record used twice since then, and inside a task. */
static bool reused(struct slot *slot, uint64_t turn)
{
	uint64_t life = load_acquire(&slot->thread.life);

	return LIFE_GEN(life) > turn + 2 && LIFE_STATE(life) == LIFE_SEATED &&
	       slot_inside(load_acquire(&slot->word));
}

WRAPPED(host_life_lost);
bool __wrap_host_life_lost(const struct host_life *life)
{
	bool lost = __real_host_life_lost(life);
	struct slot *slot;
	uint64_t turn;

	if (!lost || !swap_acq_rel(&hold_burial, 0))
		return lost;
	slot = ward_entry(life, struct slot, thread.liveness);
	turn = LIFE_GEN(load_acquire(&slot->thread.life));
	store_release(&grave, slot);
	wait_until(reused(slot, turn));
	store_release(&went_on, 1);
	return true; /* as it was when it looked */
}

static int raw(struct item *item)
{
	(void)item;
	syscall(SYS_exit, 0);
	return 0;
}

/* Everybody leaves but the thread in the grave's record. */
static int stays_in_the_grave(struct item *item)
{
	if ((struct slot *)host_self() != load_acquire(&grave))
		pthread_exit(NULL);
	store_release(&item->mark, 1);
	while (!load_acquire(&went_on)) {
		ward_beat();
		nap(MS);
	}
	for (int i = 0; i < 20; i++) { /* time for the reaping to go wrong */
		ward_beat();
		nap(MS);
	}
	return 4;
}

static void stale_burial(void)
{
	static const struct ward_policy tough = {
		.size = sizeof(tough),
		.busy_within = 60 * MS,
		.blocked_within = SECOND,
		.runs = 1000,
		.deaths = 999,
	};
	struct ward_pool_config config = story_config();
	struct item dead, item;
	struct pool *pool;

	config.spares = 3; /* one is held, the others reap on */
	the_pool = pool_up(&config);
	pool = (struct pool *)the_pool;
	store_release(&hold_burial, 1);
	item_start(the_pool, &dead, raw, NULL, "raw");
	wait_until(load_acquire(&grave));
	spare_lives_changed(pool); /* the others look, too */
	item_ends(&dead, -EOWNERDEAD);
	item_start(the_pool, &item, stays_in_the_grave, &tough, "stays");
	item_ends(&item, 4);
	expect_equal(load_acquire(&item.mark), 1);
	expect_equal(load_acquire(&went_on), 1);
	pool_down(the_pool);
}

int main(void)
{
	birth_beside_destroy();
	/* A sanitizer keeps a record of each thread that its end clears. */
	if (!UNDER_ASAN)
		stale_burial();
	return 0;
}
