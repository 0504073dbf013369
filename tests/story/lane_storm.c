/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane_storm.c - lanes of several widths, ranks and bounds, one with a port, under
 * everything at once: threads fill them, cancel single tasks and whole lanes, close,
 * join and destroy them and make new ones; a loop answers; some tasks are delayed or
 * periodic; and in the end conviction, cancel and drain meet at the same tasks.
 *
 * Expected: every accepted task is done once and released once, after that; of a
 * width of 1 no two run at once; the books are right.  Run under ThreadSanitizer, too.
 */
#include "story.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>

enum { THREADS = 3, ROUNDS = 30, TASKS = 24, STUCK = 3 };

static struct ward_pool *pool;
static struct ward_port *port;
static pthread_barrier_t line;
static _Atomic uint32_t over;
static _Atomic uint64_t ran, unwanted;

struct piece {
	struct ward_task task;
	_Atomic uint32_t done, released;
	struct pool_load *crowd; /* of a lane of width 1 */
	bool accepted;
};

struct pool_load {
	_Atomic uint32_t inside;
	uint32_t turns; /* plain: one after the other */
};

static uint64_t roll(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb) >> 16;
}

static struct piece *piece_of(struct ward_task *task)
{
	return ward_entry(task, struct piece, task);
}

static int run(struct ward_task *task)
{
	struct pool_load *crowd = piece_of(task)->crowd;

	add_relaxed(&ran, 1);
	if (!crowd)
		return 0;
	expect_equal(add_acq_rel(&crowd->inside, 1), 0);
	crowd->turns++;
	sub_acq_rel(&crowd->inside, 1);
	return 0;
}

static void done(struct ward_task *task, int status)
{
	expect_equal(add_acq_rel(&piece_of(task)->done, 1), 0);
	expect_equal(load_acquire(&piece_of(task)->released), 0);
	add_relaxed(&unwanted, status != 0);
}

static void release(struct ward_task *task)
{
	expect_equal(load_acquire(&piece_of(task)->done), 1);
	add_acq_rel(&piece_of(task)->released, 1);
}

static struct ward_lane *some_lane(uint64_t *seed, bool *key)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_lane *lane;

	config.active = (uint32_t)(roll(seed) % 3);
	config.prio = (uint32_t)(roll(seed) % 4);
	config.queued = config.active && roll(seed) % 2 ? 4 : 0;
	if (config.queued && roll(seed) % 2)
		config.flags = WARD_LANE_DROP_OLDEST;
	if (roll(seed) % 3 == 0)
		config.port = port;
	expect_equal(ward_lane_create(&lane, pool, &config), 0);
	*key = config.active == 1;
	return lane;
}

/* Some of them past the lane, later. */
static void put(struct ward_lane *lane, struct piece *piece,
		struct pool_load *crowd, uint64_t *seed)
{
	int err;

	piece->crowd = crowd;

	switch (roll(seed) % 8) {
	case 0:
		piece->crowd = NULL;
		err = ward_submit_at(pool, &piece->task,
				     ward_in(roll(seed) % 1000000),
				     roll(seed) % 2 ? WARD_S(100) : 0);
		break;
	case 1:
		err = ward_lane_submit(lane, &piece->task, WARD_NOWAIT);
		break;
	default:
		err = ward_lane_submit(lane, &piece->task, WARD_FOREVER);
	}
	expect(!err || err == -EAGAIN || err == -EINTR || err == -ESHUTDOWN);
	piece->accepted = !err;
}

static void meddle(struct ward_lane *lane, struct piece *piece, uint64_t *seed)
{
	switch (roll(seed) % 24) {
	case 0:
		ward_lane_cancel(lane, -EINTR);
		break;
	case 1:
		ward_lane_close(lane, 0);
		break;
	case 2 ... 6:
		ward_task_cancel(pool, &piece[roll(seed) % TASKS].task, -EINTR);
		break;
	default:
		break;
	}
}

static void one_lane(uint64_t *seed)
{
	struct piece piece[TASKS] = { 0 };
	struct pool_load crowd = { 0 };
	struct ward_lane *lane;
	bool key;

	lane = some_lane(seed, &key);
	for (int i = 0; i < TASKS; i++) {
		piece[i].task = (struct ward_task){ .run = run,
						    .done = done,
						    .release = release };
		put(lane, &piece[i], key ? &crowd : NULL, seed);
		meddle(lane, piece, seed);
	}
	for (int i = 0; i < TASKS; i++) /* what is periodic ends by that */
		if (piece[i].accepted)
			ward_task_cancel(pool, &piece[i].task, -EINTR);
	for (int i = 0; i < TASKS; i++)
		if (piece[i].accepted)
			wait_until(load_acquire(&piece[i].released) == 1);
	ward_lane_join(lane, WARD_FOREVER);
	expect_equal(ward_lane_destroy(lane), 0);
}

static void *storms(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;

	pthread_barrier_wait(&line);
	for (int i = 0; i < ROUNDS; i++)
		one_lane(&seed);
	return NULL;
}

/* The event loop. */
static void *answers(void *arg)
{
	struct pollfd fd = { .fd = ward_port_fd(port), .events = POLLIN };

	(void)arg;
	while (!load_acquire(&over)) {
		if (poll(&fd, 1, 10) == 1)
			expect(ward_port_run(port, 3) >= 0);
	}
	return NULL;
}

/* ---- conviction, the user's cancel, and a drain, of the same tasks ------------------- */

static int hangs(struct ward_task *task)
{
	(void)task;
	while (!fenced())
		nap(WARD_MS(1));
	return 0;
}

static void *cancels(void *arg)
{
	struct piece *piece = arg;

	for (int i = 0; i < STUCK; i++)
		ward_task_cancel(pool, &piece[i].task, -EINTR);
	return NULL;
}

static void all_at_once(void)
{
	struct piece piece[STUCK] = { 0 };
	struct ward_lane *lane;
	pthread_t thread;

	expect_equal(ward_lane_create(&lane, pool, NULL), 0);
	for (int i = 0; i < STUCK; i++) {
		piece[i].task = (struct ward_task){ .run = hangs,
						    .done = done,
						    .release = release };
		expect_equal(ward_lane_submit(lane, &piece[i].task,
					      WARD_FOREVER),
			     0);
	}
	nap(WARD_MS(50)); /* about when they are convicted, or not yet */
	expect_equal(pthread_create(&thread, NULL, cancels, piece), 0);
	expect_equal(ward_pool_drain(pool, WARD_FOREVER), 0);
	pthread_join(thread, NULL);
	for (int i = 0; i < STUCK; i++) {
		expect_equal(load_acquire(&piece[i].done), 1);
		expect_equal(load_acquire(&piece[i].released), 1);
	}
	expect_equal(ward_lane_destroy(lane), 0);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	pthread_t thread[THREADS], loop;

	/* The scribe's stack is none for all that a sanitizer has in its symbols. */
	config.trace_signo = WARD_TRACE_NONE;
	pool = pool_up(&config);
	expect_equal(ward_port_create(&port), 0);
	pthread_barrier_init(&line, NULL, THREADS);
	expect_equal(pthread_create(&loop, NULL, answers, NULL), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		expect_equal(pthread_create(&thread[i], NULL, storms,
					    (void *)(i + 1)),
			     0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	store_release(&over, 1);
	pthread_join(loop, NULL);
	expect_equal(ward_port_destroy(port), 0);
	expect(load_relaxed(&ran) && load_relaxed(&unwanted));
	all_at_once();
	pool_down(pool);
	return 0;
}
