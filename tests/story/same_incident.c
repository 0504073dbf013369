/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * same_incident.c - the same incident, in two runs of a program, is taken for two.
 *
 * The program runs itself again and again, each time at other addresses, and
 * compares the hashes of what its runs told.  In each run the incident comes a
 * hundred times, so that some come on the rare ways of the library.
 *
 * Expected: one hash for each incident, counted from 1 to 100, and different ones
 * for different incidents; the addresses did differ.
 */
#include "story.h"

#include <sys/wait.h>
#include <unistd.h>

enum { INCIDENTS = 4, TIMES = 100, RUNS = 4 };

struct run {
	uintptr_t address; /* of some code */
	uint64_t hash[INCIDENTS];
};

static struct run mine;
static uint32_t seen[INCIDENTS];

static __attribute__((noinline)) int deeper(const char *where)
{
	int err = ward_fail(-EXDEV, "%s", where);

	return err ? err : -1; /* not a tail call: the frame stays */
}

static int here(struct item *item)
{
	int err = deeper("here");

	(void)item;
	return err == -EXDEV ? err : -1;
}

static int there(struct item *item)
{
	int err = deeper("there");

	(void)item;
	return err == -EXDEV ? err : -2;
}

static int raised(struct item *item)
{
	(void)item;
	ward_raise(-EXDEV, "raised");
}

static int mere(struct item *item)
{
	(void)item;
	return -EXDEV;
}

static int (*const incident[INCIDENTS])(struct item *) = { here, there,
								raised, mere };
static const char *const name[INCIDENTS] = { "here", "there", "raised",
					     "mere" };

static void hook(void *arg, const struct ward_report *report)
{
	(void)arg;
	for (int i = 0; i < INCIDENTS; i++) {
		if (report->kind != WARD_R_ERROR ||
		    strcmp(report->task, name[i]) != 0)
			continue;
		if (seen[i]++ == 0)
			mine.hash[i] = report->hash;
		expect(report->hash == mine.hash[i]);
		expect_equal(report->seen, seen[i]);
		expect_equal(report->pid, getpid());
	}
}

/* A few at once, so that no report lacks a record. */
static void run_once(void)
{
	struct ward_hooks hooks = { .report = hook };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool = NULL;
	struct item item;

	config.workers = 1;
	config.hooks = &hooks;
	for (int n = 0; n < TIMES; n++) {
		if (n % 10 == 0)
			pool = pool_up(&config);
		for (int i = 0; i < INCIDENTS; i++) {
			item_start(pool, &item, incident[i], NULL, name[i]);
			item_ends(&item, -EXDEV);
		}
		if (n % 10 == 9)
			expect_equal(ward_pool_destroy(pool, WARD_FOREVER), 0);
	}
	for (int i = 0; i < INCIDENTS; i++)
		expect_equal(seen[i], TIMES);
	mine.address = (uintptr_t)here;
}

static void run_again(const char *program, struct run *told)
{
	char fd[16];
	int pipes[2], status;

	expect_equal(pipe(pipes), 0);
	snprintf(fd, sizeof(fd), "%d", pipes[1]);
	if (fork() == 0) {
		execl(program, program, fd, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	expect_equal(read(pipes[0], told, sizeof(*told)), sizeof(*told));
	close(pipes[0]);
	expect(wait(&status) > 0);
	expect_equal(status, 0);
}

int main(int argc, char **argv)
{
	struct run told[RUNS];
	bool moved = false;

	if (argc > 1) {
		run_once();
		expect_equal(write(atoi(argv[1]), &mine, sizeof(mine)),
			     sizeof(mine));
		return 0;
	}
	for (int i = 0; i < RUNS; i++)
		run_again("/proc/self/exe", &told[i]);
	for (int i = 1; i < RUNS; i++) {
		moved = moved || told[i].address != told[0].address;
		expect_equal(memcmp(told[i].hash, told[0].hash,
				    sizeof(told[0].hash)),
			     0);
	}
	for (int i = 0; i < INCIDENTS; i++)
		for (int k = 0; k < i; k++)
			expect(told[0].hash[i] != told[0].hash[k]);
	if (!moved)
		story_skip("programs lie at the same addresses here");
	return 0;
}
