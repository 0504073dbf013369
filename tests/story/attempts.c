/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attempts.c - the number of a task's attempt has 16 bits, and its policy allows
 * more attempts than that.
 *
 * Expected: its last attempt comes before the number would come round; it is
 * answered, once, and given back.
 */
#include "story.h"
#include "task/task_priv.h"

#include <pthread.h>

static const struct ward_policy patient = {
	.size = sizeof(patient),
	.busy_within = 20 * MS,
	.blocked_within = 150 * MS,
	.runs = 70000,
	.deaths = 70000,
	.stalls = 70000,
	.errors = 70000,
};

enum { SPINS, DIES, FAILS, RAISES };

static _Atomic uint32_t last_attempt;

/* In its first attempt it makes itself old, and ends each as 'number' says. */
static int grows_old(struct item *item)
{
	struct task_priv *priv = task_priv(&item->task);
	uint32_t attempt = ward_self()->attempt;

	if (attempt == 1) /* 65529: six more */
		add_relaxed(&priv->word, 65528 * TASK_ATTEMPT_ONE);
	else
		expect_equal(attempt, load_relaxed(&last_attempt) + 1);
	store_relaxed(&last_attempt, attempt == 1 ? 65529 : attempt);
	if (item->number == DIES)
		pthread_exit(NULL);
	if (item->number == FAILS)
		return -EIO;
	if (item->number == RAISES)
		ward_raise(-EIO, "attempt %u", attempt);
	return task_spin_until_fenced(item);
}

static void goes_round(uint64_t how, int status)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct item item;

	config.policy = &patient;
	pool = pool_up(&config);
	item_init(&item, grows_old, NULL, "old");
	item.number = how;
	item_submit(pool, &item);
	item_ends(&item, status);
	expect(load_relaxed(&last_attempt) >= 65530);
	expect(load_relaxed(&last_attempt) <= UINT16_MAX);
	expect_equal(load_acquire(&item.runs),
		     load_relaxed(&last_attempt) - 65528);
	pool_down(pool);
}

int main(void)
{
	goes_round(DIES, -EOWNERDEAD);
	goes_round(SPINS, -ETIME);
	goes_round(FAILS, -EIO);
	goes_round(RAISES, -EIO);
	return 0;
}
