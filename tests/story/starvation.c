/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * starvation.c - scenario 8: eight spinning processes for each core, healthy
 * tasks among them: short ones, sleeping ones, and some at nice 19 that are
 * silent for seconds because nobody gives them a CPU.
 *
 * Expected: not one conviction.
 */
#include "story.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOR (4 * SECOND)

static void spinners_start(pid_t *pid, unsigned n)
{
	pid_t parent = getpid();

	for (unsigned i = 0; i < n; i++) {
		pid[i] = fork();
		expect(pid[i] >= 0);
		if (pid[i] > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		for (;;)
			;
	}
}

static void spinners_stop(const pid_t *pid, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		kill(pid[i], SIGKILL);
	for (unsigned i = 0; i < n; i++)
		waitpid(pid[i], NULL, 0);
}

/* A little of the budget; at nice 19 that takes its time here. */
static int silent(struct item *item)
{
	setpriority(PRIO_PROCESS, (id_t)host_tid(), (int)item->number);
	burn(item->number ? 2 * MS : story_policy.busy_within / 2);
	setpriority(PRIO_PROCESS, (id_t)host_tid(), 0);
	return 1;
}

static int sleepy(struct item *item)
{
	(void)item;
	nap(story_policy.blocked_within / 10);
	return 1;
}

static int brief(struct item *item)
{
	(void)item;
	burn(MS / 10);
	return 1;
}

static void again(struct ward_pool *pool, struct item *item, unsigned i,
		  uint64_t *longest)
{
	static int (*const what[])(struct item *) = { silent, sleepy, brief };
	static uint64_t since[16];

	if (load_relaxed(&item->runs) && !load_acquire(&item->released))
		return;
	if (load_relaxed(&item->runs)) {
		expect_equal(item->status, 1);
		if (i % 3 == 0 && host_now() - since[i] > *longest)
			*longest = host_now() - since[i];
	}
	since[i] = host_now();
	item_init(item, what[i % 3], NULL, "healthy");
	item->number = i < 3 ? 19 : 0;
	store_relaxed(&item->runs, 1); /* in use */
	item_submit(pool, item);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	unsigned spinners = 8 * host_cpu_present();
	static pid_t pid[8 * 64];
	static struct item item[12];
	uint64_t end, longest = 0;
	struct ward_pool *pool;
	struct ward_stats s;

	if (spinners > sizeof(pid) / sizeof(pid[0]))
		story_skip("too many cores to fill");
	/* Forked before there are threads. */
	spinners_start(pid, spinners);
	config.workers = 6;
	pool = pool_up(&config);
	end = host_now() + FOR;
	while (host_now() < end) {
		for (unsigned i = 0; i < 12; i++)
			again(pool, &item[i], i, &longest);
		nap(MS);
	}
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	spinners_stop(pid, spinners);
	s = stats_of(pool);
	printf("%llu tasks, the longest silence of one %llu ms, the steward up "
	       "to %llu ms late, %llu acquitted\n",
	       (unsigned long long)s.accepted,
	       (unsigned long long)(longest / MS),
	       (unsigned long long)(s.worst_lateness / MS),
	       (unsigned long long)s.acquitted);
	expect_equal(convicted(&s), 0);
	expect_equal(s.stalled, 0);
	pool_down(pool);
	return 0;
}
