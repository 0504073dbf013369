/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <ward/ward.h>

enum { STEPS = 5 };

struct account {
	struct ward_lane *lane;
	char log[4 * STEPS]; /* no lock guards these two */
	int len;
} account[2];

static struct step {
	struct ward_task task;
	struct account *of;
	int number;
} step[2][STEPS];

static int run(struct ward_task *task)
{
	struct step *s = ward_entry(task, struct step, task);

	s->of->len += sprintf(s->of->log + s->of->len, " %d", s->number);
	return 0;
}

/* Five steps of each account, by turns. */
static int keyed(struct ward_pool *pool)
{
	struct ward_lane_config one = WARD_LANE_CONFIG_INIT;

	one.active = 1; /* one at a time, in order */
	if (ward_lane_create(&account[0].lane, pool, &one) ||
	    ward_lane_create(&account[1].lane, pool, &one))
		return 1;
	for (int i = 0; i < 2 * STEPS; i++) {
		struct step *s = &step[i % 2][i / 2];

		*s = (struct step){ WARD_TASK_INIT(run), &account[i % 2], i / 2 };
		if (ward_lane_submit(s->of->lane, &s->task, WARD_FOREVER))
			return 1;
	}
	for (int a = 0; a < 2; a++) {
		ward_lane_join(account[a].lane, WARD_FOREVER);
		printf("account %d:%s\n", a, account[a].log);
		ward_lane_destroy(account[a].lane);
	}
	return 0;
}

static atomic_bool answered;

static int call(struct ward_task *task)
{
	(void)task;
	while (!answered)
		ward_pause(ward_in(WARD_MS(1)));
	return 0;
}

/* Three calls at once of a backend that is slow. */
static int bounded(struct ward_pool *pool)
{
	static struct ward_task three[3] = { WARD_TASK_INIT(call), WARD_TASK_INIT(call),
					     WARD_TASK_INIT(call) };
	struct ward_lane_config narrow = WARD_LANE_CONFIG_INIT;
	struct ward_limit limit, *limits[] = { &limit };
	struct ward_lane *backend;
	int refused = 0, granted = 0;

	narrow.active = 1;
	narrow.queued = 1; /* and one that waits */
	if (ward_lane_create(&backend, pool, &narrow) ||
	    ward_limit_init(&limit, 0.01, 2)) /* two, then one in 100 s */
		return 1;
	for (int i = 0; i < 3; i++) {
		refused += ward_lane_submit(backend, &three[i], WARD_NOWAIT) ==
			   -EAGAIN;
		granted += ward_limit_take(limits, 1, 1, WARD_NOWAIT, NULL) == 0;
	}
	printf("backend: %d of 3 refused; limit: %d of 3 granted\n", refused,
	       granted);
	answered = true;
	ward_lane_join(backend, WARD_FOREVER);
	return ward_lane_destroy(backend);
}

int main(void)
{
	struct ward_pool *pool;

	if (ward_pool_create(&pool, NULL) || ward_pool_start(pool) ||
	    keyed(pool) || bounded(pool))
		return 1;
	return ward_pool_destroy(pool, WARD_FOREVER);
}
