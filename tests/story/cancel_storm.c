/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel_storm.c - a tree of tokens under everything at once: it is fired from
 * many threads, at its root, in the middle, by deadlines, while others link and
 * end children, watch and take back, and submit tasks that carry the tokens.
 *
 * Expected: every watch is told exactly once or taken back, and not told after
 * that; a child has fired when its parent has and every call on the two is over;
 * every accepted task is answered; nothing is left.  Run under ThreadSanitizer, too.
 */
#include "story.h"
#include <pthread.h>

enum { THREADS = 4, BRANCHES = 3, ROUNDS = 150, OPS = 24 };

static struct ward_cancel root, branch[BRANCHES];
static struct ward_watch branch_link[BRANCHES];
static struct ward_pool *pool;
static pthread_barrier_t line;
static _Atomic uint64_t told_n, kept, watched, accepted, answered, refused, links;
static _Atomic uint64_t ended; /* deferred calls: no call on their tokens any more */

struct seer {
	struct ward_watch watch;
	_Atomic uint32_t told;
	bool over; /* taken back: it must not be told any more */
};

struct errand {
	struct ward_task task;
	struct ward_cancel token;
	struct ward_watch link;
};

static uint64_t roll(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb) >> 16;
}

static void hears(struct ward_watch *watch, int cause)
{
	struct seer *seer = ward_entry(watch, struct seer, watch);

	expect(cause < 0);
	expect(!seer->over);
	expect_equal(add_acq_rel(&seer->told, 1), 0);
	add_relaxed(&told_n, 1);
}

static struct ward_cancel *any(uint64_t *seed)
{
	uint64_t i = roll(seed) % (BRANCHES + 1);

	return i ? &branch[i - 1] : &root;
}

/* ---- what threads do ----------------------------------------------------------- */

static void fires(uint64_t *seed)
{
	struct ward_cancel *token = any(seed);

	if (roll(seed) % 2)
		ward_cancel_fire(token, -EPIPE);
	else
		ward_cancel_deadline(token, ward_in(roll(seed) % 100000));
}

static void watches(uint64_t *seed)
{
	struct ward_cancel *token = any(seed);
	struct seer seer = { .watch = { .fn = hears } };
	bool taken;

	add_relaxed(&watched, 1);
	expect_equal(ward_cancel_watch(token, &seer.watch), 0);
	for (uint64_t n = roll(seed) % 64; n; n--)
		host_relax();
	taken = ward_cancel_unwatch(token, &seer.watch);
	expect_equal(load_acquire(&seer.told) + taken, 1);
	seer.over = true; /* and it goes with this frame */
	add_relaxed(&kept, taken);
}

/* A child of several, with a child of its own, for a moment. */
static void links_some(uint64_t *seed)
{
	struct ward_cancel child = { { 0 } }, below = { { 0 } };
	struct ward_watch link[BRANCHES + 1] = { { 0 } }, down = { 0 };
	struct seer seer = { .watch = { .fn = hears } };
	bool must = false, taken;

	add_relaxed(&watched, 1);
	expect_equal(ward_cancel_watch(&below, &seer.watch), 0);
	expect_equal(ward_cancel_link(&below, &child, &down), 0);
	for (int i = 0; i < BRANCHES; i++) {
		must |= ward_cancel_cause(&branch[i]) != 0;
		expect_equal(ward_cancel_link(&child, &branch[i], &link[i]), 0);
		expect(!must || ward_cancel_cause(&child));
		add_relaxed(&links, 1);
	}
	if (roll(seed) % 4 == 0)
		ward_cancel_fire(&child, 0);
	if (roll(seed) % 4 == 0)
		ward_cancel_unwatch(&branch[0], &link[0]);
	taken = ward_cancel_unwatch(&below, &seer.watch);
	expect_equal(load_acquire(&seer.told) + taken, 1);
	seer.over = true;
	add_relaxed(&kept, taken);
	expect_equal(ward_cancel_fini(&child), -EBUSY);
	expect_equal(ward_cancel_fini(&below), 0);
	expect_equal(ward_cancel_fini(&child), 0);
}

static int until_told(struct ward_task *task)
{
	(void)task;
	return ward_pause(WARD_FOREVER) ? -ECANCELED : 0;
}

static void done(struct ward_task *task, int status)
{
	(void)task;
	expect(status == -ECANCELED || status == -EPIPE ||
	       status == -ETIMEDOUT);
	add_relaxed(&answered, 1);
}

static void release(struct ward_task *task)
{
	struct errand *errand = ward_entry(task, struct errand, task);

	expect_equal(ward_cancel_fini(&errand->token), 0);
	free(errand);
	add_acq_rel(&ended, 1);
}

/*
 * It ends when its token's parent fires, or in time: on its way, in the queue, or
 * inside.
 */
static void submits(uint64_t *seed)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	int err;

	errand->task = (struct ward_task){ .run = until_told,
					   .done = done,
					   .release = release,
					   .cancel = &errand->token,
					   .name = "errand" };
	expect_equal(ward_cancel_link(&errand->token, any(seed), &errand->link),
		     0);
	ward_cancel_deadline(&errand->token, ward_in(roll(seed) % (2 * MS)));
	err = ward_submit(pool, &errand->task, WARD_FOREVER);
	expect(err == 0 || err == -EPIPE || err == -ETIMEDOUT);
	add_relaxed(err ? &refused : &accepted, 1);
	if (err)
		release(&errand->task);
}

/* ---- rounds ----------------------------------------------------------------------- */

static void round_up(void)
{
	ward_cancel_init(&root);
	for (int i = 0; i < BRANCHES; i++) {
		ward_cancel_init(&branch[i]);
		expect_equal(ward_cancel_link(&branch[i], &root,
					      &branch_link[i]),
			     0);
	}
}

/*
 * A worker in release() may be inside of the root just when that is fired: then the
 * telling is its, and the children have fired when its call is over, not before.
 */
static void round_down(void)
{
	wait_until(load_acquire(&ended) ==
		   load_acquire(&accepted) + load_acquire(&refused));
	expect_equal(load_acquire(&answered), load_acquire(&accepted));
	for (int i = 0; i < BRANCHES; i++)
		expect(ward_cancel_cause(&branch[i]) < 0);
	for (int i = 0; i < BRANCHES; i++)
		expect_equal(ward_cancel_fini(&branch[i]), 0);
	expect_equal(ward_cancel_fini(&root), 0);
}

static void *storms(void *arg)
{
	uint64_t seed = (uintptr_t)arg * 7919;

	for (int round = 0; round < ROUNDS; round++) {
		if (arg == (void *)1)
			round_up();
		pthread_barrier_wait(&line);
		for (int i = 0; i < OPS; i++) {
			uint64_t what = roll(&seed) % 16;

			if (what < 6)
				watches(&seed);
			else if (what < 10)
				links_some(&seed);
			else if (what < 15)
				submits(&seed);
			else
				fires(&seed);
		}
		if (arg == (void *)THREADS) /* all that are left */
			ward_cancel_fire(&root, -EPIPE);
		pthread_barrier_wait(&line);
		if (arg == (void *)1)
			round_down();
	}
	return NULL;
}

int main(void)
{
	struct ward_policy patient = WARD_POLICY_INIT;
	struct ward_pool_config config = story_config();
	pthread_t thread[THREADS];

	patient.busy_within = patient.blocked_within = IN_TIME;
	patient.flags = WARD_POLICY_QUIET;
	config.policy = &patient;
	config.workers = 2;
	config.ring = 8; /* submits wait for room, too */
	pool = pool_up(&config);
	pthread_barrier_init(&line, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		expect_equal(pthread_create(&thread[i], NULL, storms,
					    (void *)(i + 1)),
			     0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	expect_equal(load_relaxed(&told_n) + load_relaxed(&kept),
		     load_relaxed(&watched));
	printf("%llu watches: %llu told, %llu taken back; %llu links; "
	       "%llu tasks, %llu refused\n",
	       (unsigned long long)load_relaxed(&watched),
	       (unsigned long long)load_relaxed(&told_n),
	       (unsigned long long)load_relaxed(&kept),
	       (unsigned long long)load_relaxed(&links),
	       (unsigned long long)load_relaxed(&accepted),
	       (unsigned long long)load_relaxed(&refused));
	pool_down(pool);
	return 0;
}
