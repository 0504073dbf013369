/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <ward/ward.h>

struct square { /* a task inside of your own struct */
	struct ward_task task;
	long number, result;
};
static atomic_long sum, freed;

static int run(struct ward_task *task)
{
	struct square *s = ward_entry(task, struct square, task);

	s->result = s->number * s->number;
	return 0;
}

static void done(struct ward_task *task, int status)
{
	if (status == 0)
		sum += ward_entry(task, struct square, task)->result;
}

static void release(struct ward_task *task)
{
	free(ward_entry(task, struct square, task));
	freed++;
}

int main(void)
{
	struct ward_pool *pool;

	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool))
		return 1;
	for (long n = 1; n <= 100; n++) {
		struct square *s = calloc(1, sizeof(*s));

		if (!s)
			return 1;
		s->task = (struct ward_task){ run, done, release, .name = "square" };
		s->number = n;
		if (ward_submit(pool, &s->task, WARD_FOREVER))
			free(s); /* refused: it was never the pool's */
	}
	ward_pool_drain(pool, WARD_FOREVER);
	printf("the sum is %ld, and %ld tasks were freed\n", sum, freed);
	return ward_pool_destroy(pool, WARD_FOREVER);
}
