/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * close_blocked.c - a lane ends while many threads wait for room in it: it is closed,
 * closed and cancelled, its pool drains, its pool is destroyed.
 *
 * Expected: while not one place becomes free, all of them are refused; what had been
 * accepted is answered, once, and what had not is untouched.  As before when they are
 * not waiting yet, or not any more: at any moment of a run at full speed.
 */
#include "story.h"
#include "lane/lane.h"
#include <pthread.h>

enum { PRODUCERS = 8, WIDTH = 2, QUEUED = 3, EACH = 64, ROUNDS = 60 };

enum ending { CLOSE, CANCEL, DRAIN, DESTROY, ENDINGS };
static const char *const name[ENDINGS] = { "closed", "cancelled", "drains",
					   "destroyed" };

static struct ward_pool *pool;
static struct ward_lane *lane;
static _Atomic uint32_t hold; /* futex: tasks end when 0 */

static struct producer {
	pthread_t thread;
	struct item item[EACH];
	unsigned accepted;
	int refused;
} producer[PRODUCERS];

/* ---- its submitters ------------------------------------------------------------ */

static int held(struct item *item)
{
	(void)item;
	while (load_acquire(&hold))
		host_wait(&hold, 1, HOST_FOREVER);
	return 0;
}

static void *produces(void *arg)
{
	struct producer *p = arg;
	bool timed = (p - producer) % 2;
	int err = 0;

	p->accepted = 0;
	for (unsigned i = 0; i < EACH && !err; i++) {
		item_init(&p->item[i], held, NULL, "held");
		err = ward_lane_submit(lane, &p->item[i].task,
				       timed ? ward_in(IN_TIME) : WARD_FOREVER);
		p->accepted += !err;
	}
	p->refused = err;
	return NULL;
}

static void producers_begin(void)
{
	for (int i = 0; i < PRODUCERS; i++)
		expect_equal(pthread_create(&producer[i].thread, NULL, produces,
					    &producer[i]),
			     0);
}

static void producers_end(void)
{
	for (int i = 0; i < PRODUCERS; i++)
		expect_equal(pthread_join(producer[i].thread, NULL), 0);
}

/* ---- how it ends -------------------------------------------------------------- */

static void *drains(void *arg)
{
	(void)arg;
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	return NULL;
}

static void *destroys(void *arg)
{
	(void)arg;
	expect_equal(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	pool = NULL;
	return NULL;
}

static pthread_t ender;

static void end(enum ending how)
{
	if (how == CLOSE || how == CANCEL)
		expect_equal(ward_lane_close(lane, how == CLOSE ? 0 : -EINTR),
			     0);
	else
		expect_equal(pthread_create(&ender, NULL,
					    how == DRAIN ? drains : destroys,
					    NULL),
			     0);
}

static void ended(enum ending how)
{
	if (how == DRAIN || how == DESTROY)
		expect_equal(pthread_join(ender, NULL), 0);
}

/* ---- what came of it ---------------------------------------------------------- */

static int of_who_never_ran(enum ending how)
{
	return how == CANCEL ? -EINTR : how == DESTROY ? -ECANCELED : 0;
}

static void judge_item(struct item *item, enum ending how)
{
	wait_until(load_acquire(&item->released));
	expect_equal(load_relaxed(&item->done), 1);
	expect_equal(load_relaxed(&item->released), 1);
	if (load_relaxed(&item->runs))
		expect_equal(item->status, 0);
	else
		expect(item->status < 0 &&
		       item->status == of_who_never_ran(how));
}

/* How many were accepted in all. */
static unsigned judge(enum ending how)
{
	unsigned accepted = 0;

	for (int i = 0; i < PRODUCERS; i++) {
		struct producer *p = &producer[i];

		for (unsigned n = 0; n < p->accepted; n++)
			judge_item(&p->item[n], how);
		accepted += p->accepted;
		if (p->accepted == EACH)
			continue;
		expect(p->refused == -ESHUTDOWN ||
		       (how == CANCEL && p->refused == -EINTR));
		expect_equal(load_relaxed(&p->item[p->accepted].done), 0);
		expect_equal(load_relaxed(&p->item[p->accepted].runs), 0);
	}
	return accepted;
}

/* ---- scenes ------------------------------------------------------------------- */

static void up(void)
{
	struct ward_policy patient = WARD_POLICY_INIT;
	struct ward_pool_config config = story_config();
	struct ward_lane_config c = WARD_LANE_CONFIG_INIT;

	patient.busy_within = patient.blocked_within = IN_TIME;
	config.policy = &patient;
	config.workers = WIDTH;
	c.active = WIDTH;
	c.queued = QUEUED;
	if (!pool)
		pool = pool_up(&config);
	expect_equal(ward_lane_create(&lane, pool, &c), 0);
}

static void down(enum ending how)
{
	wait_until(ward_lane_count(lane) == 0);
	expect_equal(ward_lane_destroy(lane), 0);
	if (how == DRAIN) {
		pool_down(pool);
		pool = NULL;
	}
}

/* No place becomes free before all of them are out. */
static void while_they_wait(enum ending how)
{
	const struct lane *inside = (const struct lane *)lane;

	store_release(&hold, 1);
	producers_begin();
	wait_until(load_acquire(&inside->room.inside) == PRODUCERS &&
		   ward_lane_count(lane) == WIDTH + QUEUED);
	end(how);
	producers_end();
	store_release(&hold, 0);
	host_wake(&hold, INT32_MAX);
	ended(how);
	expect_equal(judge(how), WIDTH + QUEUED);
}

static unsigned at_full_speed(enum ending how, unsigned round)
{
	store_release(&hold, 0);
	producers_begin();
	for (unsigned n = round * 997 % 20000; n; n--)
		host_relax();
	end(how);
	producers_end();
	ended(how);
	return judge(how);
}

int main(void)
{
	unsigned accepted[ENDINGS] = { 0 };

	for (enum ending how = CLOSE; how < ENDINGS; how++) {
		up();
		while_they_wait(how);
		down(how);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum ending how = round % ENDINGS;

		up();
		accepted[how] += at_full_speed(how, round);
		down(how);
	}
	for (enum ending how = CLOSE; how < ENDINGS; how++)
		printf("%s: %u of %u had been accepted, and were answered\n",
		       name[how], accepted[how],
		       ROUNDS / ENDINGS * PRODUCERS * EACH);
	if (pool)
		pool_down(pool);
	return 0;
}
