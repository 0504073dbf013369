/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poison.c - scenario 21: a poison task kills, fails, faults or stalls every one
 * of its attempts, in the middle of healthy work.
 *
 * Expected: it stops at its budget and goes to the hook for dead letters, once,
 * before done(), with its last report; no worker more is lost to it; the others
 * never hear of it.
 */
#include "story.h"

#include <pthread.h>
#include <unistd.h>

enum { HEALTHY = 2000 };

static struct dead {
	_Atomic uint32_t n;
	struct ward_task *task;
	uint64_t id;
	int err;
	enum ward_kind kind;
	uint32_t attempt, done;
} dead;

static void on_dead(void *arg, struct ward_task *task,
		    const struct ward_report *report)
{
	struct item *item = (struct item *)task;

	(void)arg;
	dead.task = task;
	dead.id = report->id;
	dead.err = report->err;
	dead.kind = report->kind;
	dead.attempt = report->attempt;
	dead.done = load_acquire(&item->done);
	add_acq_rel(&dead.n, 1);
}

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static int fails(struct item *item)
{
	return ward_fail(-EIO, "attempt %u failed", load_relaxed(&item->runs));
}

static int raises(struct item *item)
{
	ward_raise(-EPROTO, "attempt %u raised", load_relaxed(&item->runs));
}

#if !UNDER_ASAN
static int faults(struct item *item)
{
	*(volatile char *)(uintptr_t)item->number = 1;
	return 0;
}
#endif

static int counts(struct item *item)
{
	add_relaxed((_Atomic uint64_t *)(uintptr_t)item->number, 1);
	return 0;
}

struct poison {
	const char *name;
	int (*run)(struct item *item);
	int status;
	enum ward_kind kind;
	bool lethal; /* to its worker's thread */
};

static const struct poison poisons[] = {
	{ "dies", dies, -EOWNERDEAD, WARD_R_DEATH, true },
	{ "fails", fails, -EIO, WARD_R_ERROR, false },
	{ "raises", raises, -EPROTO, WARD_R_ERROR, false },
	{ "spins", task_spin_until_fenced, -ETIME, WARD_R_BLOCKED, true },
#if !UNDER_ASAN
	{ "faults", faults, -EFAULT, WARD_R_FAULT, true },
#endif
};

static void one(const struct poison *poison, uint32_t reruns, uint64_t backoff)
{
	static struct item healthy[HEALTHY];
	static _Atomic uint64_t ran;
	struct ward_policy policy = story_policy, healthy_policy = story_policy;
	struct ward_hooks hooks = story_hooks;
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;
	struct ward_stats s;
	struct item item;

	memset(&dead, 0, sizeof(dead));
	store_relaxed(&ran, 0);
	hooks.dead = on_dead;
	config.hooks = &hooks;
	config.flags = UNDER_ASAN ? 0 : WARD_POOL_CATCH_FAULTS;
	config.policy = &healthy_policy;
	policy.runs = 100;
	policy.errors = policy.deaths = reruns;
	policy.stalls = policy.faults = reruns;
	policy.backoff_min = backoff;
	healthy_policy.busy_within = healthy_policy.blocked_within = IN_TIME;
	pool = pool_up(&config);
	item_init(&item, poison->run, &policy, poison->name);
	item.number = 16; /* an address that nobody has */
	for (int i = 0; i < HEALTHY; i++) {
		item_init(&healthy[i], counts, NULL, "healthy");
		healthy[i].number = (uint64_t)(uintptr_t)&ran;
		item_submit(pool, &healthy[i]);
		if (i == HEALTHY / 2)
			item_submit(pool, &item);
	}
	item_ends(&item, poison->status);
	for (int i = 0; i < HEALTHY; i++)
		item_ends(&healthy[i], 0);
	expect_equal(load_relaxed(&ran), HEALTHY);
	expect_equal(load_acquire(&item.runs), reruns + 1);
	expect_equal(load_acquire(&dead.n), 1);
	expect(dead.task == &item.task);
	expect_equal(dead.err, poison->status);
	expect_equal(dead.kind, poison->kind);
	expect_equal(dead.attempt, reruns + 1);
	expect_equal(dead.done, 0);
	expect_equal(dead.id, item.incident);
	expect_equal(told_id(dead.id)->report.attempt, reruns + 1);
	wait_healed(pool);
	s = stats_of(pool);
	expect_equal(s.dead_letters, 1);
	expect_equal(s.reruns, reruns);
	/* A fenced thread may come home before its seat is taken. */
	expect(s.heals <= (poison->lethal ? reruns + 1 : 0));
	if (poison->lethal && poison->status != -ETIME)
		expect_equal(s.heals, reruns + 1);
	expect_equal(s.started, HEALTHY + reruns + 1);
	pool_down(pool);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(poisons) / sizeof(poisons[0]); i++) {
		one(&poisons[i], 0, 0);
		one(&poisons[i], 1, 0);
		one(&poisons[i], 3, 2 * MS);
	}
	return 0;
}
