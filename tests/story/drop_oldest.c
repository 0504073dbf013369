/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drop_oldest.c - more comes than is done, from several threads, to a lane that drops
 * its oldest.
 *
 * Expected: everything is accepted, and answered once: 0 if it ran, -ENOBUFS if not,
 * and nothing else; what ran, ran in the order of its thread where one runs at a time.
 * With all places held, exactly as many wait as may, and they are the newest of each
 * thread.  At full speed, of what had been submitted when some task began, no more than
 * that, and what its workers had taken, runs later.
 */
#include "story.h"
#include <pthread.h>

enum { PRODUCERS = 4, EACH = 500, BOUND = 16, ROUNDS = 6, MOST_WIDE = 4 };

struct parcel {
	struct ward_task task;
	int by, number;
	int status;
	uint64_t sent, begun; /* when: tickets */
	_Atomic uint32_t runs, done, released;
};

static struct parcel parcel[PRODUCERS][EACH], holder[MOST_WIDE];
static struct ward_pool *pool;
static struct ward_lane *lane;
static uint32_t width, pace;
static _Atomic uint32_t hold; /* futex: holders end when 0 */
static _Atomic uint64_t ticket;
static _Atomic uint32_t inside, answered, dropped, held;
static int last_run[PRODUCERS]; /* where one runs at a time */

static uint64_t take_ticket(void)
{
	return add_acq_rel(&ticket, 1);
}

/* ---- tasks -------------------------------------------------------------------- */

static int holds(struct ward_task *task)
{
	struct parcel *p = ward_entry(task, struct parcel, task);

	add_acq_rel(&p->runs, 1);
	add_acq_rel(&held, 1);
	while (load_acquire(&hold))
		host_wait(&hold, 1, HOST_FOREVER);
	return 0;
}

static int run(struct ward_task *task)
{
	struct parcel *p = ward_entry(task, struct parcel, task);

	p->begun = take_ticket();
	expect(add_acq_rel(&inside, 1) < width);
	expect_equal(add_acq_rel(&p->runs, 1), 0);
	if (width == 1) {
		expect(p->number > last_run[p->by]);
		last_run[p->by] = p->number;
	}
	for (int i = 0; i < 50; i++)
		host_relax();
	sub_acq_rel(&inside, 1);
	return 0;
}

static void done(struct ward_task *task, int status)
{
	struct parcel *p = ward_entry(task, struct parcel, task);

	expect_equal(add_acq_rel(&p->done, 1), 0);
	expect_equal(status, load_relaxed(&p->runs) ? 0 : -ENOBUFS);
	p->status = status;
	if (status)
		add_acq_rel(&dropped, 1);
	add_acq_rel(&answered, 1);
}

static void release(struct ward_task *task)
{
	struct parcel *p = ward_entry(task, struct parcel, task);

	expect_equal(load_relaxed(&p->done), 1);
	expect_equal(add_acq_rel(&p->released, 1), 0);
}

static void prepare(struct parcel *p, int (*what)(struct ward_task *task))
{
	memset(p, 0, sizeof(*p));
	p->task = (struct ward_task){ .run = what,
				      .done = done,
				      .release = release };
}

/* ---- producers ---------------------------------------------------------------- */

static void *produces(void *arg)
{
	int by = (int)(intptr_t)arg;

	for (int i = 0; i < EACH; i++) {
		struct parcel *p = &parcel[by][i];

		prepare(p, run);
		p->by = by;
		p->number = i + 1;
		/* There always is room. */
		expect_equal(ward_lane_submit(lane, &p->task, WARD_NOWAIT), 0);
		p->sent = take_ticket();
		for (uint32_t n = 0; n < pace; n++)
			host_relax();
	}
	return NULL;
}

static void produce(void)
{
	pthread_t thread[PRODUCERS];

	memset(last_run, 0, sizeof(last_run));
	store_relaxed(&answered, 0);
	store_relaxed(&dropped, 0);
	for (intptr_t i = 0; i < PRODUCERS; i++)
		expect_equal(pthread_create(&thread[i], NULL, produces,
					    (void *)i),
			     0);
	for (int i = 0; i < PRODUCERS; i++)
		expect_equal(pthread_join(thread[i], NULL), 0);
}

/* ---- what came of it ---------------------------------------------------------- */

/* How many ran. */
static uint32_t judge_books(void)
{
	uint32_t ran = 0, left = 0;

	for (int by = 0; by < PRODUCERS; by++)
		for (int i = 0; i < EACH; i++) {
			const struct parcel *p = &parcel[by][i];

			expect_equal(load_relaxed(&p->done), 1);
			expect_equal(load_relaxed(&p->released), 1);
			ran += p->status == 0;
			left += p->status == -ENOBUFS;
		}
	expect_equal(ran + left, PRODUCERS * EACH);
	expect_equal(left, load_relaxed(&dropped));
	return ran;
}

/* A dropped task is older than one that ran, of each producer. */
static void judge_newest(void)
{
	for (int by = 0; by < PRODUCERS; by++)
		for (int i = 1; i < EACH; i++)
			expect(parcel[by][i].status == 0 ||
			       parcel[by][i - 1].status != 0);
}

/* Of what had come when 'p' began, and ran later. */
static void judge_wait(const struct parcel *p)
{
	uint32_t waited = 0;

	for (int by = 0; by < PRODUCERS; by++)
		for (int i = 0; i < EACH; i++) {
			const struct parcel *q = &parcel[by][i];

			waited += q->status == 0 && q->sent < p->begun &&
				  q->begun > p->begun;
		}
	/* They waited; or were taken; or became so before the rest was dropped. */
	expect(waited <= BOUND + 2 * width);
}

/* ---- scenes ------------------------------------------------------------------- */

static void hold_all_places(void)
{
	store_release(&hold, 1);
	store_relaxed(&held, 0);
	for (uint32_t i = 0; i < width; i++) {
		prepare(&holder[i], holds);
		expect_equal(ward_lane_submit(lane, &holder[i].task,
					      WARD_NOWAIT),
			     0);
	}
	wait_until(load_acquire(&held) == width);
}

static void with_all_places_held(void)
{
	uint32_t all = PRODUCERS * EACH;

	pace = 0;
	hold_all_places();
	produce();
	wait_until(load_acquire(&answered) >= all - BOUND);
	wait_until(ward_lane_count(lane) == BOUND + width);
	expect_equal(load_acquire(&answered), all - BOUND);
	store_release(&hold, 0);
	host_wake(&hold, INT32_MAX);
	expect_equal(ward_lane_join(lane, ward_in(IN_TIME)), -ENOBUFS);
	expect_equal(judge_books(), BOUND);
	judge_newest();
}

static uint32_t at_full_speed(void)
{
	uint32_t ran;

	produce();
	expect_equal(ward_lane_join(lane, ward_in(IN_TIME)), -ENOBUFS);
	ran = judge_books();
	for (int by = 0; by < PRODUCERS; by++)
		for (int i = 0; i < EACH; i++)
			if (parcel[by][i].status == 0)
				judge_wait(&parcel[by][i]);
	return ran;
}

static void with_width(uint32_t n)
{
	struct ward_pool_config config = story_config();
	struct ward_lane_config c = WARD_LANE_CONFIG_INIT;
	struct ward_policy patient = WARD_POLICY_INIT;
	uint32_t ran = 0;

	width = n;
	patient.busy_within = patient.blocked_within = IN_TIME;
	config.policy = &patient;
	config.workers = n + 1; /* one is left to answer what is dropped */
	c.active = n;
	c.queued = BOUND;
	c.flags = WARD_LANE_DROP_OLDEST;
	pool = pool_up(&config);
	expect_equal(ward_lane_create(&lane, pool, &c), 0);
	for (int round = 0; round < ROUNDS; round++) {
		with_all_places_held();
		pace = (uint32_t)round * 60;
		ran += at_full_speed();
	}
	printf("width %u: at full speed %u of %u ran\n", n, ran,
	       ROUNDS * PRODUCERS * EACH);
	expect_equal(ward_lane_destroy(lane), 0);
	pool_down(pool);
}

int main(void)
{
	with_width(1);
	with_width(MOST_WIDE);
	return 0;
}
