/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_fence.c - the end of an attempt against its fence: each has one answer, by its
 * worker or by the thread that fenced it, and never that of another epoch.
 */
#include "base/host.h"
#include "sim.h"
#include "task/slot.h"
#include <string.h>

#define EPOCHS 3

static struct slot slot;
static struct ward_task task[EPOCHS];
static struct {
	uint32_t by_worker, by_fence; /* plain: owned by the thread that has the answer */
} priv[EPOCHS];
static _Atomic uint32_t over;

static void set_up(void)
{
	memset(&slot, 0, sizeof(slot));
	memset(task, 0, sizeof(task));
	memset(priv, 0, sizeof(priv));
	atomic_init(&over, 0);
	sim_name((void *)(uintptr_t)&slot.word, "slot.word");
	sim_name((void *)(uintptr_t)&slot.task, "slot.task");
	sim_name((void *)(uintptr_t)&slot.fence, "slot.fence");
	sim_name(priv, "book");
}

/* As worker.c: begin, run, end; home again if the answer is gone. */
static void worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < EPOCHS; i++) {
		slot_begin(&slot, &task[i], SLOT_RUN);
		for (uint32_t k = sim_choose(3); k; k--)
			host_relax();
		if (slot_end(&slot)) {
			priv[i].by_worker++;
			continue;
		}
		check(load_relaxed(&slot.task) == &task[i]);
		check(slot_taken(&slot));
		store_release(&slot.fence, 0); /* [H] */
	}
	store_release(&over, 1);
}

/*
 * As the steward: looks, and later takes.  The task is looked at before,
 * between two looks at the epoch: once the fence stands, its worker may be home
 * and begin another.
 */
static void steward(void *arg)
{
	uint32_t asker = (uint32_t)(uintptr_t)arg;

	/* Two would go on replacing each other's question for ever; only one has
	 * the time to. */
	for (int i = 0; !load_acquire(&over) && (!asker || i < 4); i++) {
		uint64_t epoch = load_acquire(&slot.word); /* [E] */
		struct ward_task *seen;
		ptrdiff_t at;

		host_relax();
		if (!slot_inside(epoch))
			continue;
		seen = load_relaxed(&slot.task);
		for (uint32_t k = sim_choose(3); k; k--)
			host_relax();
		if (load_relaxed(&slot.word) != epoch ||
		    !slot_fence(&slot, epoch, asker))
			continue;
		at = (ptrdiff_t)((epoch / SLOT_PHASES - 1) / 2);
		check(seen == &task[at]);
		priv[at].by_fence++;
	}
}

static offstage void balance(bool all)
{
	for (int i = 0; i < EPOCHS; i++) {
		uint32_t n = priv[i].by_worker + priv[i].by_fence;

		check(n <= 1);
		check(n == 1 || !all);
	}
}

/* A thread that asks, while the worker lives. */
static void fence_end(void)
{
	host_thread w, s;

	set_up();
	check(!host_spawn(&w, NULL, worker, NULL, NULL));
	check(!host_spawn(&s, NULL, steward, NULL, NULL));
	host_join(w, HOST_FOREVER);
	store_release(&over, 1); /* in case the worker was stopped */
	host_join(s, HOST_FOREVER);
	balance(sim_stopped() < 0);
}
SCENARIO(fence_end, "an attempt has two answers, or none", .bound = 2,
	 .stop = 0x6, .share = 2);

/* A steward that was held, perhaps, and the one that took over from it. */
static void fence_terms(void)
{
	host_thread w, s[2];

	set_up();
	check(!host_spawn(&w, NULL, worker, NULL, NULL));
	for (uintptr_t i = 0; i < 2; i++)
		check(!host_spawn(&s[i], NULL, steward, NULL, (void *)(i + 1)));
	host_join(w, HOST_FOREVER);
	store_release(&over, 1); /* in case the worker was stopped */
	for (int i = 0; i < 2; i++)
		host_join(s[i], HOST_FOREVER);
	balance(sim_stopped() < 0);
}
SCENARIO(fence_terms, "of two stewards both take an answer, or neither may any more",
	 .bound = 2, .stop = 0xe, .share = 2);

/* ---- a thread that vanished inside --------------------------------------- */

static _Atomic uint32_t vanished, owners;

static void mortal(void *arg)
{
	(void)arg;
	slot_begin(&slot, &task[0], SLOT_RUN);
	store_release(&vanished, 1);
	sim_vanish();
}

/* As lost.c: the word stands still. */
static void undertaker(void *arg)
{
	uint64_t epoch;

	(void)arg;
	while (!load_acquire(&vanished))
		host_relax();
	epoch = load_acquire(&slot.word);
	check(slot_inside(epoch));
	if (slot_fence(&slot, epoch, ASKER_REAP))
		add_acq_rel(&owners, 1);
}

static void late_steward(void *arg)
{
	(void)arg;
	if (slot_fence(&slot, slot_next(0, SLOT_RUN), 0))
		add_acq_rel(&owners, 1);
}

static void fence_dead(void)
{
	host_thread t[4];

	set_up();
	atomic_init(&vanished, 0);
	atomic_init(&owners, 0);
	check(!host_spawn(&t[0], NULL, mortal, NULL, NULL));
	check(!host_spawn(&t[1], NULL, undertaker, NULL, NULL));
	check(!host_spawn(&t[2], NULL, undertaker, NULL, NULL));
	check(!host_spawn(&t[3], NULL, late_steward, NULL, NULL));
	for (int i = 0; i < 4; i++)
		host_join(t[i], HOST_FOREVER);
	check(load_acquire(&owners) == 1);
}
SCENARIO(fence_dead, "a dead thread's attempt is claimed twice, or by nobody");
