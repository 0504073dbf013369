/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nudge_signal.c - scenario 36: the signal that asks a thread for its backtrace
 * is blocked by the task, or the application has put its own handler in its
 * place, or ignores it.
 *
 * Expected: the same verdict, told after a bounded wait, without a backtrace.
 * Undisturbed, the backtrace is there.
 */
#include "story.h"

#include <pthread.h>
#include <signal.h>

/* Inside until it was told: of one that has left there is no backtrace. */
static int stays(struct item *item)
{
	task_spin_until_fenced(item);
	return task_gate(item);
}

static int blocks_it(struct item *item)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	stays(item);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return 0;
}

static void not_ours(int signo)
{
	(void)signo;
}

static const struct told *convict(struct ward_pool *pool,
				  int (*what)(struct item *item))
{
	const struct told *t;
	struct item item;
	uint64_t began;

	item_start(pool, &item, what, NULL, "spin");
	item_done(&item, -ETIME);
	began = host_now();
	t = told_id(item.incident);
	expect(host_now() - began < 5 * SECOND);
	gate_open(&item);
	item_ends(&item, -ETIME);
	expect_equal(t->report.kind, WARD_R_LIVELOCK);
	expect_equal(t->report.tid, load_relaxed(&item.tid));
	wait_healed(pool);
	return t;
}

/* A thread that gets no CPU in time does not answer: again, then. */
static void answers(struct ward_pool *pool)
{
	for (int i = 0; i < 50; i++)
		if (convict(pool, stays)->report.nframes > 0)
			return;
	story_fail(__FILE__, __LINE__, "never a backtrace");
}

int main(void)
{
	struct sigaction mine = { .sa_handler = not_ours }, library;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	config.trace_signo = SIGRTMIN + 5;
	pool = pool_up(&config);
	answers(pool);
	expect_equal(convict(pool, blocks_it)->report.nframes, 0);
	expect(!sigaction(SIGRTMIN + 5, &mine, &library));
	expect_equal(convict(pool, stays)->report.nframes, 0);
	expect(!sigaction(SIGRTMIN + 5, &ignore, NULL));
	expect_equal(convict(pool, stays)->report.nframes, 0);
	expect(!sigaction(SIGRTMIN + 5, &library, NULL));
	answers(pool);
	pool_down(pool);
	return 0;
}
