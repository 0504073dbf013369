/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib - work that is cut in parts: fork, go on, join.
 *
 * Each call forks one half of its work and does the other half itself.  An idle worker
 * may take a fork; one that nobody takes is a plain call in ward_join().  The parts
 * live on their maker's stack, since no call returns before it has joined.
 */
#include <stdio.h>
#include <ward/ward.h>

struct fib {
	struct ward_fork fork;
	unsigned n;
	unsigned long result, forks;
};

static unsigned long fib(unsigned n, unsigned long *forks);

static int fib_run(struct ward_fork *fork)
{
	struct fib *part = ward_entry(fork, struct fib, fork);

	part->result = fib(part->n, &part->forks);
	return 0;
}

/* Adds to *forks how many there were: each part has its own count. */
static unsigned long fib(unsigned n, unsigned long *forks)
{
	struct ward_group group = { { 0 } };
	struct fib left = { .fork.run = fib_run, .n = n - 1 };
	unsigned long right;

	if (n < 2)
		return n;
	if (ward_fork(&group, &left.fork))
		return 0;
	right = fib(n - 2, forks);
	if (ward_join(&group))
		return 0;
	*forks += left.forks + 1;
	return left.result + right;
}

/* ---- an error comes out of the join ----------------------------------------- */

static int refuses(struct ward_fork *fork)
{
	(void)fork;
	return -7;
}

/* ---- the task around it ------------------------------------------------------ */

struct job {
	struct ward_task task;
	unsigned n;
	unsigned long result, forks;
	int error;
};

static int run(struct ward_task *task)
{
	struct job *job = ward_entry(task, struct job, task);
	struct ward_group group = { { 0 } };
	struct ward_fork bad = { .run = refuses };

	job->result = fib(job->n, &job->forks);
	if (ward_fork(&group, &bad) == 0)
		job->error = ward_join(&group);
	return 0;
}

int main(void)
{
	struct job job = { .task = WARD_TASK_INIT(run), .n = 27 };
	unsigned long forks = 0;
	struct ward_pool *pool;

	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool))
		return 1;
	if (ward_submit(pool, &job.task, WARD_FOREVER))
		return 1;
	ward_pool_drain(pool, WARD_FOREVER);
	printf("fib(%u) = %lu, with %lu forks\n", job.n, job.result, job.forks);
	printf("a fork that fails: join says %d\n", job.error);
	/* Where there is no pool, a fork runs at once. */
	printf("fib(20) = %lu, here\n", fib(20, &forks));
	return ward_pool_destroy(pool, WARD_FOREVER);
}
