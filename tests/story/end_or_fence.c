/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * end_or_fence.c - scenario 24: an attempt ends exactly while it is fenced:
 * between the steward's ASK and its last look, before and after the heavy fence;
 * and just after it was taken.
 *
 * Expected: one outcome.  Asked and gone: its own answer, acquitted, no thread
 * lost.  Taken: -ETIME, what it returned is late.
 *
 * The steward is held in its heavy fence: this program is linked with --wrap.
 */
#include "story.h"

enum when { NOT, BEFORE, AFTER };

static _Atomic uint32_t armed; /* enum when */
static struct slot *_Atomic judged;
static struct item *culprit;

void __real_host_fence_heavy(void);
void __wrap_host_fence_heavy(void);

/* The steward has asked, and the attempt it asks for is the culprit's. */
static bool asked(const struct slot *slot)
{
	return slot && slot_inside(load_acquire(&slot->word)) &&
	       load_acquire(&slot->fence) ==
		       FENCE_ASK(load_acquire(&slot->word));
}

static void let_it_end(void)
{
	store_release(&culprit->gate, 1);
	/* Its worker has then been through slot_end(). */
	wait_until(load_acquire(&culprit->released));
}

void __wrap_host_fence_heavy(void)
{
	bool here = !host_self() && asked(load_acquire(&judged));
	enum when when = here ? (enum when)swap_acq_rel(&armed, NOT) : NOT;

	if (when == BEFORE)
		let_it_end();
	__real_host_fence_heavy();
	if (when == AFTER)
		let_it_end();
}

static int silent(struct item *item)
{
	store_release(&judged, (struct slot *)host_self());
	while (!load_acquire(&item->gate) && !fenced())
		;
	return 5;
}

static void ends_while_asked(struct ward_pool *pool, enum when when)
{
	struct ward_stats before = stats_of(pool), after;
	struct item item;

	culprit = &item;
	store_release(&judged, NULL);
	item_init(&item, silent, NULL, "silent");
	store_release(&armed, when);
	item_submit(pool, &item);
	item_ends(&item, 5);
	expect_equal(load_acquire(&armed), NOT);
	wait_until(stats_of(pool).acquitted == before.acquitted + 1);
	after = stats_of(pool);
	expect_equal(convicted(&after), convicted(&before));
	expect_equal(after.late, before.late);
	expect_equal(after.heals, before.heals);
	expect_equal(item.incident, 0);
	audit_whole(pool);
}

static void ends_when_taken(struct ward_pool *pool)
{
	struct ward_stats before = stats_of(pool), after;
	struct item item;

	item_init(&item, silent, NULL, "silent");
	item_submit(pool, &item);
	item_ends(&item, -ETIME);
	wait_healed(pool);
	after = stats_of(pool);
	expect_equal(convicted(&after), convicted(&before) + 1);
	expect_equal(after.late, before.late + 1);
	expect_equal(after.acquitted, before.acquitted);
	audit_whole(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool = pool_up(&config);

	for (int i = 0; i < 3; i++) {
		ends_while_asked(pool, BEFORE);
		ends_while_asked(pool, AFTER);
		ends_when_taken(pool);
	}
	pool_down(pool);
	return 0;
}
