/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_races.c - everybody at once: threads that start, stop, restart, watch and
 * let go of wards and stewards, while these end in every way by themselves.
 *
 * Expected: every run that began is told to have ended, once; what was stopped is
 * gone; nothing is left.  Run under ThreadSanitizer, too.
 */
#include "wards.h"

enum { THREADS = 4, MINE = 3, SHARED = 4, OPS = 2000 };

static struct ward_steward *root, *all, *rest;
static struct ward *shared[SHARED];
static _Atomic uint64_t began, ended_, started, refused;

static uint64_t roll(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb) >> 16;
}

/* The way is drawn anew for each run. */
static int run(void *arg)
{
	static _Atomic uint64_t runs;
	uint64_t seed = (uintptr_t)arg + add_relaxed(&runs, 1);

	add_acq_rel(&began, 1);
	ward_progress(1);
	switch (roll(&seed) % 8) {
	case 0:
		return 0;
	case 1:
		return 7;
	case 2:
		ward_raise(-EIO, "drawn");
	case 3:
		pthread_exit(NULL);
	case 4:
		ward_pause(ward_in(roll(&seed) % MS));
		return 0;
	default:
		return ward_pause(WARD_FOREVER);
	}
}

static void run_ended(void *arg, int status)
{
	(void)arg;
	(void)status;
	add_acq_rel(&ended_, 1);
}

static struct ward *start(uint64_t *seed)
{
	struct ward_steward *const under[] = { root, all, rest };
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;
	int err;

	spec.run = run;
	spec.ended = run_ended;
	spec.arg = (void *)(uintptr_t)roll(seed);
	spec.restart = (enum ward_restart)(roll(seed) % 3);
	spec.backoff_min = roll(seed) % 2 ? MS / 10 : 0;
	spec.backoff_max = MS;
	err = ward_start(&ward, under[roll(seed) % 3], &spec);
	if (!err) {
		add_relaxed(&started, 1);
		return ward;
	}
	expect_equal(err, -EAGAIN);
	add_relaxed(&refused, 1);
	return NULL;
}

static void watch(struct ward *ward, uint64_t *seed)
{
	uint64_t beats = 0, units = 0;
	struct ward_view view;
	int err;

	switch (roll(seed) % 4) {
	case 0:
		err = ward_restart(ward);
		expect(err == 0 || err == -ESHUTDOWN);
		break;
	case 1:
		view = view_of(ward);
		expect(!(view.gone && view.running));
		expect(view.failures <= view.starts);
		break;
	case 2:
		err = ward_pulse_wait(ward, &beats, &units, ward_in(MS / 10));
		expect(err == 0 || err == -ETIMEDOUT || err == -EPIPE);
		break;
	default:
		err = ward_wait(ward, ward_in(MS / 10), NULL);
		expect(err == 0 || err == -ETIMEDOUT);
	}
}

static void stop(struct ward *ward)
{
	expect_equal(ward_stop(ward, ward_in(IN_TIME)), 0);
	expect(view_of(ward).gone);
}

/* One of its own, for a moment. */
static void steward_of_a_moment(uint64_t *seed)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	struct ward *ward;

	config.parent = roll(seed) % 2 ? root : all;
	config.strategy = (enum ward_strategy)(roll(seed) % 3);
	expect_equal(ward_steward_create(&steward, &config), 0);
	spec.run = run;
	spec.ended = run_ended;
	spec.arg = &config;
	/* This steward gives up soon; then the one above starts it again. */
	if (ward_start(&ward, steward, &spec) == 0) {
		watch(ward, seed);
		ward_put(ward);
	}
	expect_equal(ward_steward_destroy(steward, ward_in(IN_TIME)), 0);
}

static void *racer(void *arg)
{
	uint64_t seed = (uintptr_t)arg * 7919;
	struct ward *mine[MINE] = { NULL };

	for (int i = 0; i < OPS; i++) {
		struct ward **one = &mine[roll(&seed) % MINE];

		if (roll(&seed) % 16 == 0) {
			steward_of_a_moment(&seed);
		} else if (roll(&seed) % 4 == 0) {
			watch(shared[roll(&seed) % SHARED], &seed);
		} else if (!*one) {
			*one = start(&seed);
		} else if (roll(&seed) % 3) {
			watch(*one, &seed);
		} else {
			stop(*one);
			ward_put(*one);
			*one = NULL;
		}
	}
	for (int i = 0; i < MINE; i++)
		if (mine[i]) /* it goes on, or not */
			ward_put(mine[i]);
	return NULL;
}

static void no_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

static void stewards_up(void)
{
	static const struct ward_hooks hooks = { .report = no_report };
	static const struct ward_policy patient = { .size = sizeof(patient),
						    .busy_within = IN_TIME,
						    .blocked_within = IN_TIME };
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();

	pool.hooks = &hooks;
	pool.policy = &patient;
	config.pool = &pool;
	config.restarts = UINT32_MAX;
	config.wards = 10; /* now and then it is full */
	root = supervisor_up(&config);
	config.pool = NULL;
	config.wards = 0;
	config.parent = root;
	config.strategy = WARD_ONE_FOR_ALL;
	all = supervisor_up(&config);
	config.strategy = WARD_REST_FOR_ONE;
	rest = supervisor_up(&config);
}

static void *nothing(void *arg)
{
	return arg;
}

/* A sanitizer has one of its own, from the first that is made. */
static unsigned threads_at_rest(void)
{
	pthread_t thread;

	expect_equal(pthread_create(&thread, NULL, nothing, NULL), 0);
	pthread_join(thread, NULL);
	return threads_now();
}

int main(void)
{
	unsigned threads = threads_at_rest();
	pthread_t thread[THREADS];
	uint64_t seed = 1;

	stewards_up();
	for (int i = 0; i < SHARED; i++) {
		shared[i] = start(&seed);
		expect(shared[i] != NULL);
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		expect_equal(pthread_create(&thread[i], NULL, racer,
					    (void *)(i + 1)),
			     0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < SHARED; i++)
		ward_put(shared[i]);
	expect_equal(ward_steward_stop(root, ward_in(IN_TIME)), 0);
	wait_healed(pool_under(root));
	audit_whole(pool_under(root));
	expect_equal(load_acquire(&began), load_acquire(&ended_));
	printf("%llu wards, %llu refused, %llu runs\n",
	       (unsigned long long)load_relaxed(&started),
	       (unsigned long long)load_relaxed(&refused),
	       (unsigned long long)load_relaxed(&began));
	expect_equal(ward_steward_destroy(root, ward_in(IN_TIME)), 0);
	wait_until(threads_now() == threads);
	return 0;
}
