/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stopped_lane.c - scenario 31 for lanes: a thread is held while it dispatches a lane,
 * by a debugger, say.
 *
 * Expected: other lanes and the pool go on, and so do submitters to the held lane; when
 * it is let go, the held lane's tasks run, in order.
 *
 * The linker puts this file's inbox_pass in front of the library's: that is where a
 * dispatch hands a task on.
 */
#include "story.h"

#include "queue/inbox.h"
#include <pthread.h>

enum { BEHIND = 50 };

static _Atomic uint32_t held, go; /* 1: to be held; 2: it is */
static __thread bool victim;

WRAPPED(inbox_pass);
void __wrap_inbox_pass(struct inbox *inbox, struct local_queue *mine,
		       struct ward_task *task, uint32_t rank)
{
	if (victim) {
		victim = false;
		store_release(&held, 1);
		wait_until(load_acquire(&go));
	}
	__real_inbox_pass(inbox, mine, task, rank);
}

static _Atomic uint32_t order;

struct link {
	struct ward_task task;
	struct ward_lane *lane;
	uint32_t ran_at;
};

static int run(struct ward_task *task)
{
	ward_entry(task, struct link, task)->ran_at = add_relaxed(&order, 1);
	return 0;
}

static void *submit_held(void *arg)
{
	struct link *link = arg;

	victim = true;
	expect_equal(ward_lane_submit(link->lane, &link->task, WARD_FOREVER), 0);
	return NULL;
}

static void submit(struct ward_lane *lane, struct link *link)
{
	link->task.run = run;
	link->lane = lane;
	expect_equal(ward_lane_submit(lane, &link->task, WARD_NOWAIT), 0);
}

int main(void)
{
	static struct link first = { .task.run = run }, behind[BEHIND], other[BEHIND];
	struct ward_pool_config config = story_config();
	struct ward_lane_config width = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool = pool_up(&config);
	struct ward_lane *lane, *beside;
	pthread_t thread;

	width.active = 1;
	expect_equal(ward_lane_create(&lane, pool, &width), 0);
	expect_equal(ward_lane_create(&beside, pool, &width), 0);
	first.lane = lane;
	expect(!pthread_create(&thread, NULL, submit_held, &first));
	wait_until(load_acquire(&held));
	for (int i = 0; i < BEHIND; i++)
		submit(lane, &behind[i]);
	for (int i = 0; i < BEHIND; i++)
		submit(beside, &other[i]);
	expect_equal(ward_lane_join(beside, ward_in(IN_TIME)), 0);
	expect_equal(load_relaxed(&order), BEHIND);
	expect_equal(ward_lane_count(lane), 1 + BEHIND);
	store_release(&go, 1);
	expect_equal(ward_lane_join(lane, ward_in(IN_TIME)), 0);
	pthread_join(thread, NULL);
	expect_equal(first.ran_at, BEHIND);
	for (uint32_t i = 0; i < BEHIND; i++)
		expect_equal(behind[i].ran_at, BEHIND + 1 + i);
	expect_equal(ward_lane_destroy(lane), 0);
	expect_equal(ward_lane_destroy(beside), 0);
	pool_down(pool);
	return 0;
}
