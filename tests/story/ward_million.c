/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_million.c - scenario 39 for wards: a million restarts, or as many as
 * WARD_RESTARTS says, by return, raise, backoff, request, and death.
 *
 * Expected: threads, descriptors and memory are as they were.
 */
#include "wards.h"

static uint64_t goal = UNDER_ASAN ? 100000 : 1000000;

struct restless {
	struct ward *ward;
	_Atomic uint64_t runs;
	int way;
};

enum { RETURNS, RAISES, BACKS_OFF, ASKS, DIES, RESTLESS };

static int run(void *arg)
{
	struct restless *me = arg;
	int err;

	add_relaxed(&me->runs, 1);
	switch (me->way) {
	case RAISES:
		ward_raise(-EIO, "again");
	case ASKS:
		err = ward_restart(me->ward);
		expect(!err || err == -ESHUTDOWN); /* it is the end just now */
		return ward_pause(WARD_FOREVER);
	case DIES:
		nap(MS);
		pthread_exit(NULL);
	default:
		return 0;
	}
}

static uint64_t all_runs(struct restless *r)
{
	uint64_t n = 0;

	for (int i = 0; i < RESTLESS; i++)
		n += load_relaxed(&r[i].runs);
	return n;
}

static void no_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long size, pages;

	expect(file && fscanf(file, "%lu %lu", &size, &pages) == 2);
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void restless_start(struct restless *r, struct ward_steward *root)
{
	struct ward_spec spec = WARD_SPEC_INIT;

	spec.run = run;
	for (int i = 0; i < RESTLESS; i++) {
		r[i].way = i;
		spec.arg = &r[i];
		spec.backoff_min = i == BACKS_OFF ? 1000 : 0;
		spec.backoff_max = i == BACKS_OFF ? 2000 : 0;
		expect_equal(ward_start(&r[i].ward, root, &spec), 0);
	}
}

int main(void)
{
	static const struct ward_hooks hooks = { .report = no_report };
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();
	struct restless r[RESTLESS] = { 0 };
	const char *wish = getenv("WARD_RESTARTS");
	unsigned threads, descriptors;
	struct ward_steward *root;
	uint64_t memory, start = host_now();

	if (wish)
		goal = strtoull(wish, NULL, 10);
	pool.hooks = &hooks;
	config.pool = &pool;
	config.restarts = UINT32_MAX;
	root = supervisor_up(&config);
	threads = threads_now();
	descriptors = descriptors_now();
	restless_start(r, root);
	while (all_runs(r) < goal / 10) /* until every arena was seen */
		story_breathe();
	memory = resident();
	while (all_runs(r) < goal)
		story_breathe();
	printf("%llu restarts in %.1f s:",
	       (unsigned long long)all_runs(r),
	       (double)(host_now() - start) / 1e9);
	for (int i = 0; i < RESTLESS; i++) {
		printf(" %llu", (unsigned long long)load_relaxed(&r[i].runs));
		expect(load_relaxed(&r[i].runs) > 1);
		expect_equal(ward_stop(r[i].ward, ward_in(IN_TIME)), 0);
		ward_put(r[i].ward);
	}
	wait_healed(pool_under(root));
	wait_until(threads_now() == threads);
	wait_until(descriptors_now() == descriptors);
	printf("; memory %+lld KiB\n",
	       ((long long)resident() - (long long)memory) / 1024);
	if (!UNDER_ASAN)
		expect(resident() < memory + (4u << 20));
	steward_gone(root);
	wait_until(threads_now() == 1);
	return 0;
}
