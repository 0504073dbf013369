/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_task_priv.c - a task's private words: done once, release once and after it, and
 * not before every thread that lost an attempt has left run().
 */
#include "base/host.h"
#include "sim.h"
#include "task/task_priv.h"
#include <string.h>

#define ATTEMPTS 3

static struct ward_task task;
static _Atomic uint32_t owner[ATTEMPTS + 2]; /* of the answer; by slot.h */
static _Atomic uint32_t begun;		     /* the attempt that is in run() */
static _Atomic uint32_t handed;	  /* the attempt that may be picked up */
static _Atomic uint32_t released; /* the user's again */
static bool lost[ATTEMPTS + 2];
static uint32_t done_calls, release_calls, commits, inside;
static uint32_t last_inside; /* plain: written in run(), read in release() */

static void set_up(void)
{
	memset(&task, 0, sizeof(task));
	for (int i = 0; i <= ATTEMPTS + 1; i++)
		atomic_init(&owner[i], 0);
	atomic_init(&begun, 0);
	atomic_init(&handed, 0);
	atomic_init(&released, 0);
	done_calls = release_calls = commits = inside = 0;
	last_inside = 0;
	memset(lost, 0, sizeof(lost));
	sim_name(task_priv(&task), "book.word");
	sim_name((void *)(uintptr_t)&begun, "begun");
	sim_name((void *)(uintptr_t)&handed, "handed");
	sim_name((void *)(uintptr_t)&released, "released");
	sim_name((void *)(uintptr_t)&owner[0], "owner");
	sim_name(&last_inside, "last_inside");
}

/* ---- what the user sees -------------------------------------------------- */

static offstage void count(uint32_t *n, int by)
{
	*n += (uint32_t)by;
}

static offstage void done_is_due(void)
{
	check(!done_calls++);
	check(!release_calls);
}

static offstage void release_is_due(void)
{
	check(done_calls == 1);
	check(!release_calls++);
	check(!inside);
}

static void release(void)
{
	release_is_due();
	last_inside++; /* the memory is the user's: after all that run() did */
	store_release(&released, 1);
}

static void answer(void)
{
	done_is_due();
	if (task_answer(task_priv(&task)))
		release();
}

/* A thread that has lost the attempt commits no more. */
static offstage void committed(uint32_t attempt)
{
	check(!commits++);
	check(!lost[attempt]);
}

static void run(uint32_t attempt)
{
	for (uint32_t k = sim_choose(3); k; k--)
		if (task_commit(task_priv(&task), attempt))
			committed(attempt);
	if (attempt == 1)
		last_inside = attempt;
}

/* ---- threads ------------------------------------------------------------- */

static bool take_answer(uint32_t attempt)
{
	uint32_t nobody = 0;

	return cas_acq_rel(&owner[attempt], &nobody, 1);
}

/* Runs one attempt; may find it taken when it comes out of run(). */
static void work(uint32_t attempt)
{
	store_release(&begun, attempt);
	count(&inside, 1);
	run(attempt);
	count(&inside, -1);
	if (take_answer(attempt))
		answer();
	else if (task_put(task_priv(&task)))
		release();
}

static void first(void *arg)
{
	(void)arg;
	work(1);
}

/* Takes an attempt away while its thread is inside, and local queues the task on. */
static offstage void it_lost(uint32_t attempt)
{
	lost[attempt] = true;
}

static void take_away(uint32_t attempt)
{
	if (!take_answer(attempt))
		return;
	task_lose(task_priv(&task), true,
		  attempt < ATTEMPTS ? TASK_RERUN : TASK_LOST, TASK_LOST);
	it_lost(attempt);
	store_release(&handed, attempt + 1);
}

static void steward(void *arg)
{
	uint32_t taken = 0;

	(void)arg;
	while (!load_acquire(&released)) {
		uint32_t n = load_acquire(&begun);

		if (n > taken && sim_choose(2)) {
			taken = n;
			take_away(n);
		}
		host_relax();
	}
}

/* Picks up what was lost, as attempt number arg if it may run again. */
static void another(void *arg)
{
	uint32_t mine = (uint32_t)(uintptr_t)arg;
	struct task_priv *priv = task_priv(&task);
	uint64_t word;

	while (load_acquire(&handed) < mine) {
		if (load_acquire(&released))
			return;
		host_relax();
	}
	if (task_state(load_acquire(&priv->word)) == TASK_LOST) {
		if (take_answer(mine))
			answer();
		return;
	}
	/* As worker.c: a zombie of an earlier attempt may come home now. */
	word = load_relaxed(&priv->word);
	while (!cas_acq_rel(&priv->word, &word,
			    task_with_state(word, TASK_QUEUED)))
		;
	work(mine);
}

static void task_lost(void)
{
	host_thread t[5];

	set_up();
	task_open(task_priv(&task));
	check(!host_spawn(&t[0], NULL, first, NULL, NULL));
	check(!host_spawn(&t[1], NULL, steward, NULL, NULL));
	check(!host_spawn(&t[2], NULL, another, NULL, (void *)2));
	check(!host_spawn(&t[3], NULL, another, NULL, (void *)3));
	check(!host_spawn(&t[4], NULL, another, NULL, (void *)4));
	for (int i = 0; i < 5; i++)
		host_join(t[i], HOST_FOREVER);
	check(done_calls == 1);
	check(release_calls == 1);
	check(commits <= 1);
	check(task_state(load_acquire(&task_priv(&task)->word)) == TASK_FREE);
}
SCENARIO(task_lost, "done or release comes twice, never, or too early",
	 .share = 2);
