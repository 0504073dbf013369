/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_limit.c - limits: whatever is drawn, undone and drawn again by several, in no
 * window is it more than the limit; several are taken all or none; and a caller that is
 * told to stop waiting stops, and gives back.
 */
#include "lane/limit.h"
#include "base/host.h"
#include "sim.h"
#include "pool/pool.h"
#include <errno.h>
#include <string.h>

#define US UINT64_C(1000)
#define DRAWS 12
#define BURST 2

static struct ward_limit a, b;
static struct ward_limit *const both[] = { &a, &b };
static struct ward_limit *const turned[] = { &b, &a };

/* A clock that the threads move. */
static uint64_t clock_us;

static offstage uint64_t some_time_later(void)
{
	clock_us += sim_choose(3);
	return clock_us * US;
}

static struct granted {
	uint64_t at, n; /* ns */
} granted[DRAWS];
static uint32_t grants;

static offstage void grant(uint64_t at, uint64_t n)
{
	granted[grants++] = (struct granted){ at, n };
}

static _Atomic uint64_t *word(struct ward_limit *limit)
{
	return &((struct limit *)limit)->bucket.spent;
}

/* A token each microsecond. */
static void make(struct ward_limit *limit, uint32_t burst, const char *name)
{
	memset(limit, 0, sizeof(*limit));
	bucket_init(&((struct limit *)limit)->bucket, pace_of(1e6, burst),
		    clock_us * US);
	sim_name((void *)(uintptr_t)word(limit), "%s", name);
}

static void set_up(uint32_t burst_a, uint32_t burst_b)
{
	grants = 0;
	clock_us = 1000;
	make(&a, burst_a, "a");
	make(&b, burst_b, "b");
}

static void within(uint64_t burst)
{
	for (uint32_t i = 0; i < grants; i++)
		for (uint32_t k = 0; k < grants; k++) {
			uint64_t from = granted[i].at, to = granted[k].at;
			uint64_t sum = 0;

			for (uint32_t j = 0; j < grants && from <= to; j++)
				if (granted[j].at >= from &&
				    granted[j].at <= to)
					sum += granted[j].n;
			check(from > to || sum <= burst + (to - from) / US);
		}
}

static void go(uint32_t n, void (*const *fn)(void *))
{
	host_thread t[4];

	for (uint32_t i = 0; i < n; i++)
		check(!host_spawn(&t[i], NULL, fn[i], NULL, NULL));
	for (uint32_t i = 0; i < n; i++)
		host_join(t[i], HOST_FOREVER);
}

/* ---- one limit ---------------------------------------------------------------- */

static void draws(void *arg)
{
	struct ward_limit *set[] = { &a };

	(void)arg;
	for (int i = 0; i < 3; i++) {
		uint64_t now = some_time_later(), n = 1 + sim_choose(BURST), at;
		uint64_t until = sim_choose(2) ? HOST_FOREVER : 0;
		struct limit_hold hold;

		if (limit_reserve(&hold, set, 1, (uint32_t)n, now, until, &at))
			continue;
		if (sim_choose(2) &&
		    bucket_undo(&((struct limit *)&a)->bucket, &hold.draw[0]))
			continue;
		grant(at, n);
	}
}

static void limit_one(void)
{
	set_up(BURST, 1);
	go(3, (void (*[])(void *)){ draws, draws, draws });
	within(BURST);
}
SCENARIO(limit_one, "more is granted than the limit", .bound = 1, .stop = 0x2,
	 .share = 2);

/* ---- all or none ----------------------------------------------------------------- */

static void takes_set(void *arg)
{
	struct ward_limit *const *set = arg ? both : turned;

	for (int i = 0; i < 2; i++) {
		uint64_t now = some_time_later(), at;
		struct limit_hold hold;

		if (!limit_reserve(&hold, set, 2, 1, now, 0, &at))
			grant(at, 1);
	}
}

static void takes_one_way(void *arg)
{
	(void)arg;
	takes_set(&a);
}

static void takes_other_way(void *arg)
{
	(void)arg;
	takes_set(NULL);
}

static void limit_both(void)
{
	set_up(1, 2);
	go(2, (void (*[])(void *)){ takes_one_way, takes_other_way });
	within(1);
}
SCENARIO(limit_both, "of two limits one lets through more", .bound = 2,
	 .stop = 0x2);

/* Only one thread draws from a: what it has of a, it has of b. */
static void takes_both(void *arg)
{
	struct limit_hold hold;
	uint64_t before, at;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		before = load_relaxed(word(&a));
		if (limit_reserve(&hold, both, 2, 1, clock_us * US, 0, &at))
			check(load_relaxed(word(&a)) == before);
		else
			check(load_relaxed(word(&a)) != before);
	}
}

static void takes_b(void *arg)
{
	struct ward_limit *set[] = { &b };
	struct limit_hold hold;
	uint64_t at;

	(void)arg;
	for (int i = 0; i < 2; i++)
		if (!limit_reserve(&hold, set, 1, 1, clock_us * US, 0, &at) &&
		    sim_choose(2))
			limit_undo(&hold, NULL);
}

static void limit_none(void)
{
	set_up(3, 2);
	go(2, (void (*[])(void *)){ takes_both, takes_b });
}
SCENARIO(limit_none, "one limit is taken from, though the other refused",
	 .bound = 2, .stop = 0x4);

/* ---- waiting ---------------------------------------------------------------------- */

static struct ward_cancel token;
static struct pool pool;
static struct slot slot;
static struct ward_task task;
static int why;

static void set_up_wait(void)
{
	uint64_t hourly = pace_of(1.0 / 3600, 1);

	memset(&token, 0, sizeof(token));
	memset(&pool, 0, sizeof(pool));
	memset(&slot, 0, sizeof(slot));
	memset(&task, 0, sizeof(task));
	slot.pool = &pool;
	sim_private(&ward_pulse_);
	set_up(1, 1);
	bucket_init(&((struct limit *)&a)->bucket, hourly, host_now());
	sim_name((void *)(uintptr_t)&token, "token");
	sim_name((void *)(uintptr_t)&slot.wait.pause, "slot.wait.pause");
}

/* The time goes on by itself while all sleep: only a wait for ever is seen. */
static void waits(void *arg)
{
	(void)arg;
	why = limit_wait(HOST_FOREVER, NULL, &token, NULL);
}

static void takes(void *arg)
{
	uint64_t before = load_relaxed(word(&a));

	(void)arg;
	why = ward_limit_take((struct ward_limit *const[]){ &a }, 1, 1,
			      WARD_FOREVER, &token);
	check(load_relaxed(word(&a)) == before || !why);
	check(why || host_now() >= 3600 * (1000000 * US));
}

static void in_task(void (*fn)(void *))
{
	host_set_self(&slot);
	slot_begin(&slot, &task, SLOT_RUN);
	slot.self.attempt = 1;
	fn(NULL);
	slot_end(&slot);
}

static void waits_in_task(void *arg)
{
	(void)arg;
	in_task(waits);
}

static void takes_in_task(void *arg)
{
	(void)arg;
	in_task(takes);
}

static void fires(void *arg)
{
	(void)arg;
	check(ward_cancel_fire(&token, -EINTR));
}

/* As the steward, when it has found somebody inside. */
static void fences(void *arg)
{
	uint64_t inside, none = 0;

	(void)arg;
	while (!slot_inside(inside = load_acquire(&slot.word))) {
		if (inside)
			return; /* it has left */
		host_relax();
	}
	check(cas_acq_rel(&slot.fence, &none, FENCE_TAKEN(inside)));
	slot_wake_waiter(&slot);
}

static void limit_told(void)
{
	set_up_wait();
	task.cancel = sim_choose(2) ? &token : NULL;
	go(2, (void (*[])(void *)){ sim_choose(2) ? waits_in_task : waits,
				    fires });
	check(why == -EINTR);
}
SCENARIO(limit_told,
	 "who waits for a limit sleeps on though its token was fired",
	 .bound = 1);

static void limit_fenced(void)
{
	set_up_wait();
	go(2, (void (*[])(void *)){ waits_in_task, fences });
	check(why == -ESTALE);
}
SCENARIO(limit_fenced, "who waits for a limit sleeps on though it was fenced",
	 .bound = 1);

static void limit_back(void)
{
	set_up_wait();
	check(!ward_limit_take((struct ward_limit *const[]){ &a }, 1, 1, 0,
			       NULL));
	if (sim_choose(2))
		go(2, (void (*[])(void *)){ takes, fires });
	else
		go(2, (void (*[])(void *)){ takes_in_task,
					    sim_choose(2) ? fires : fences });
	check(!why || why == -EINTR || why == -ESTALE);
}
SCENARIO(limit_back, "who is stopped keeps what it waited for");
