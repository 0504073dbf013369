/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blind.c - scenario 9: real-time hogs on every core keep all others away, the
 * steward too, for most of a second.
 *
 * Expected: no conviction of healthy tasks; the steward's lateness is in the
 * numbers.
 */
#include "story.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD (800 * MS)

static _Atomic int32_t *up; /* the hogs that hold their CPU */

/* The kernel takes it away where others had their real-time share of this second. */
static bool keeps_cpu(uint64_t end)
{
	uint64_t now = host_now(), before, gap = 0;

	while (now < end) {
		before = now;
		now = host_now();
		gap = now - before > gap ? now - before : gap;
	}
	return gap < HELD / 8;
}

/*
 * Holds its CPU until each of all hogs has held its own for a while: not before all
 * are there, and none longer than the kernel gives at once.
 */
static void hog(int cpu, int go, int32_t all)
{
	struct sched_param high = { .sched_priority = 20 };
	uint64_t end, last;
	cpu_set_t set;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setscheduler(0, SCHED_FIFO, &high))
		_exit(77);
	if (read(go, &c, 1) != 1)
		_exit(1);
	last = host_now() + 2 * HELD;
	add_acq_rel(up, 1);
	while (load_acquire(up) < all && host_now() < last)
		;
	end = host_now() + HELD;
	_exit(keeps_cpu(end) ? 0 : 78);
}

/* 0, or the status of one that could not do what it is for. */
static int hogs_end(const pid_t *pid, int n)
{
	int all = 0;

	for (int i = 0; i < n; i++) {
		int status;

		expect_equal(waitpid(pid[i], &status, 0), pid[i]);
		expect(WIFEXITED(status));
		all = status ? WEXITSTATUS(status) : all;
	}
	return all;
}

/* The steward looks from before the hogs begin until they are gone, however late that is. */
static int beats(struct item *item)
{
	while (!load_acquire(&item->gate)) {
		nap(MS);
		ward_beat();
	}
	return 0;
}

int main(void)
{
	struct ward_pool_config config = story_config();
	static pid_t pid[CPU_SETSIZE];
	struct item item[4], beating;
	struct ward_pool *pool;
	struct ward_stats s;
	cpu_set_t mine;
	char gos[CPU_SETSIZE];
	int go[2], n = 0, status;

	expect(!sched_getaffinity(0, sizeof(mine), &mine));
	up = mmap(NULL, sizeof(*up), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(up != MAP_FAILED);
	expect(!pipe(go));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &mine))
			continue;
		pid[n] = fork();
		expect(pid[n] >= 0);
		if (pid[n++] == 0)
			hog(cpu, go[0], CPU_COUNT(&mine));
	}
	config.workers = 5;
	pool = pool_up(&config);
	item_start(pool, &beating, beats, NULL, "beating");
	item_runs(&beating, 1);
	wait_until(stats_of(pool).scans >= 2);
	for (int i = 0; i < 4; i++)
		item_start(pool, &item[i], i % 2 ? task_busy : task_asleep,
			   NULL, "healthy");
	for (int i = 0; i < 4; i++)
		item_runs(&item[i], 1);
	/* All at once: the first hog may keep us away, too. */
	expect_equal(write(go[1], memset(gos, 'x', sizeof(gos)), (size_t)n), n);
	status = hogs_end(pid, n);
	if (status == 77)
		story_skip("no right to real-time priority");
	if (status == 78)
		story_skip("another had the real-time share of the CPUs");
	expect_equal(status, 0);
	for (int i = 0; i < 4; i++)
		item_ends(&item[i], 1);
	gate_open(&beating);
	item_ends(&beating, 0);
	/* It may get its CPU after us. */
	wait_until(stats_of(pool).worst_lateness > HELD / 8);
	s = stats_of(pool);
	printf("the steward was up to %llu ms late\n",
	       (unsigned long long)(s.worst_lateness / MS));
	expect_equal(convicted(&s), 0);
	pool_down(pool);
	return 0;
}
