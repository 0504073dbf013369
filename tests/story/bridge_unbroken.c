/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge_unbroken.c - a ward that hands on a stream is raised, leaves its thread in
 * every way, fails, and is fenced while it is at it, thousands of times, and as a
 * zombie goes on putting and keeping until it is refused.
 *
 * Expected: its reader gets 1, 2, 3 ... to the end, nothing twice, nothing missing,
 * each with its own item; and each incarnation finds a checkpoint that is whole, and
 * not behind an earlier one.  Then the ward returns 0, and the stream ends.  The same
 * of four threads that all put the same.
 */
#include "flow/ward.h"
#include "heal/heal.h"
#include "wards.h"

enum {
	ITEMS = UNDER_TSAN ? 3000 : 20000,
	WORDS = 100, /* of a checkpoint */
	ROOM = 4
};

enum way { RAISE, FAIL, LEAVE, RAW_EXIT, FENCED, WAYS };

static uint64_t values[ITEMS + 1];
static struct ward_bridge *bridge;
static struct ward_steward *root;

/* The items that were seen. */
static _Atomic uint32_t ways[WAYS], again, stale_puts, stale_keeps, stale_asks;
static _Atomic uint64_t highest; /* that was resumed from */

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* All words of a checkpoint are the number of the last item. */
static int resumes(uint64_t *seq)
{
	uint64_t words[WORDS], number, before;
	size_t len = sizeof(words);
	int err = ward_resume(words, &len, &number);

	*seq = 0;
	if (err == -ESTALE)
		add_relaxed(&stale_asks, 1);
	if (err)
		return err == -ENODATA ? 0 : err;
	expect_equal(len, sizeof(words));
	for (int i = 0; i < WORDS; i++)
		expect_equal(words[i], number);
	*seq = number;
	/* A writer that resumes comes after all that have resumed before. */
	before = swap_acq_rel(&highest, number);
	if (before > number)
		story_fail(__FILE__, __LINE__, "the checkpoint went back");
	return 0;
}

static int keeps(uint64_t seq)
{
	uint64_t words[WORDS];
	int err;

	for (int i = 0; i < WORDS; i++)
		words[i] = seq;
	err = ward_checkpoint(words, sizeof(words), seq);
	if (err == -ESTALE)
		add_relaxed(&stale_keeps, 1);
	return err;
}

static int puts_it(uint64_t seq)
{
	int err = ward_bridge_put(bridge, seq, &values[seq], WARD_FOREVER);

	if (err == -EALREADY)
		add_relaxed(&again, 1);
	if (err == -ESTALE)
		add_relaxed(&stale_puts, 1);
	return err == -EALREADY ? 0 : err;
}

/* One run of the ward. */
struct run {
	uint32_t seed;
	bool doomed;	/* its steward has been asked to fence it */
	uint32_t hurry; /* items until it waits for that; 0: it does not */
};

/*
 * Its right is taken away at the next scan.  Until then it goes on; and then, most
 * often, as soon as it has lost it.
 */
static int is_to_be_fenced(struct run *run)
{
	struct slot *slot = host_self();

	run->doomed = true;
	run->hurry = draw(&run->seed) % 16;
	steward_request_fence(slot->pool, &incarnation_here()->task);
	return 0;
}

static int goes_on(struct run *run)
{
	if (run->hurry && !--run->hurry)
		while (!fenced())
			host_relax();
	return 0;
}

static int comes_to_grief(struct run *run, enum way way)
{
	add_relaxed(&ways[way], 1);
	if (way == RAISE)
		ward_raise(-EIO, "drawn");
	if (way == FAIL)
		return -EPROTO;
	if (way == FENCED)
		return is_to_be_fenced(run);
#if !UNDER_ASAN && !UNDER_TSAN
	if (way == RAW_EXIT)
		syscall(SYS_exit, 0);
#endif
	pthread_exit(NULL);
}

/* Now and then, before or after what it does. */
static int perhaps(struct run *run)
{
	if (run->doomed)
		return goes_on(run);
	if (draw(&run->seed) % 16)
		return 0;
	return comes_to_grief(run, draw(&run->seed) % WAYS);
}

static int produce(void *arg)
{
	static _Atomic uint32_t seeds;
	struct run run = { add_relaxed(&seeds, 1) * 2654435761u, false, 0 };
	uint64_t seq, last;
	int err = resumes(&seq);

	(void)arg;
	if (!err && draw(&run.seed) % 2) {
		err = ward_bridge_open(bridge, &last);
		/* At most one was put and not kept. */
		expect(err || last == seq || last == seq + 1);
	}
	while (!err && seq < ITEMS) {
		err = perhaps(&run);
		if (!err)
			err = puts_it(++seq);
		if (!err)
			err = perhaps(&run);
		if (!err)
			err = keeps(seq);
	}
	return err;
}

static void reads_all(void)
{
	uint64_t seq;
	void *item;
	int err;

	for (uint64_t n = 1; n <= ITEMS; n++) {
		err = ward_bridge_get(bridge, &item, &seq, ward_in(IN_TIME));
		expect_equal(err, 0);
		expect_equal(seq, n);
		expect(item == &values[n]);
		if (n % 1000 == 0)
			nap(MS); /* until it is full */
	}
	err = ward_bridge_get(bridge, &item, &seq, ward_in(IN_TIME));
	expect_equal(err, -EPIPE);
	expect_equal(ward_bridge_cause(bridge), 0);
}

static void dropped(void *item)
{
	story_fail(__FILE__, __LINE__, "%p was not read", item);
}

/* ---- threads that are no workers, all with the same numbers ---------------------- */

static void *puts_all(void *arg)
{
	for (uint64_t n = 1; n <= ITEMS; n++)
		expect_equal(puts_it(n), 0);
	return arg;
}

static void side_by_side(void)
{
	pthread_t thread[4];
	uint64_t seq;
	void *item;

	expect_equal(ward_bridge_create(&bridge, ROOM, dropped), 0);
	for (int i = 0; i < 4; i++)
		expect_equal(pthread_create(&thread[i], NULL, puts_all, NULL),
			     0);
	for (uint64_t n = 1; n <= ITEMS; n++) {
		expect_equal(ward_bridge_get(bridge, &item, &seq,
					     ward_in(IN_TIME)), 0);
		expect_equal(seq, n);
		expect(item == &values[n]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	expect_equal(ward_bridge_get(bridge, &item, &seq, WARD_NOWAIT),
		     -EAGAIN);
	ward_bridge_destroy(bridge);
}

static void hears_nothing(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

int main(void)
{
	struct ward_hooks deaf = { .report = hears_nothing };
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;
	uint32_t n[WAYS], ends = 0;
	int status;

	pool.scan = MS;
	pool.hooks = &deaf;
	pool.policy = NULL;
	config.pool = &pool;
	config.restarts = 1000000;
	root = supervisor_up(&config);
	expect_equal(ward_bridge_create(&bridge, ROOM, dropped), 0);
	spec.name = "producer";
	spec.run = produce;
	spec.restart = WARD_ON_FAILURE;
	spec.state = WORDS * 8;
	spec.bridge = bridge;
	expect_equal(ward_start(&ward, root, &spec), 0);
	reads_all();
	expect_equal(ward_wait(ward, ward_in(IN_TIME), &status), 0);
	expect_equal(status, 0);
	expect_equal(load_relaxed(&highest) <= ITEMS, 1);
	for (int i = 0; i < WAYS; i++) {
		n[i] = load_relaxed(&ways[i]);
		expect(n[i] > ITEMS / 200);
		ends += n[i];
	}
	expect(load_relaxed(&again));
	expect(load_relaxed(&stale_puts) && load_relaxed(&stale_keeps));
	printf("%d items; %u ends: raised %u, failed %u, left %u, raw %u, "
	       "fenced %u; put again %u; refused: puts %u, checkpoints %u, "
	       "resumes %u\n",
	       ITEMS, ends, n[RAISE], n[FAIL], n[LEAVE], n[RAW_EXIT],
	       n[FENCED], load_relaxed(&again), load_relaxed(&stale_puts),
	       load_relaxed(&stale_keeps), load_relaxed(&stale_asks));
	ward_put(ward);
	steward_gone(root);
	ward_bridge_destroy(bridge);
	side_by_side();
	return 0;
}
