/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward.c - libward as it comes: the default pool, all healing on.
 */
#include "bench.h"

#include <inttypes.h>

struct ward_pool *bench_pool;

static bool complain(const char *what, int err)
{
	if (err)
		fprintf(stderr, "ward: %s: %d\n", what, err);
	return err == 0;
}

static bool start(const struct setup *setup, uint32_t flags)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.name = "bench";
	config.flags = flags | machine_flags();
	config.workers = setup->workers;
	config.ring = setup->ring;
	return complain("create", ward_pool_create(&bench_pool, &config)) &&
	       complain("start", ward_pool_start(bench_pool));
}

static bool start_plain(const struct setup *setup)
{
	return start(setup, 0);
}

static bool start_catching(const struct setup *setup)
{
	return start(setup, WARD_POOL_CATCH_FAULTS);
}

static void put(unsigned producer, struct job *job)
{
	(void)producer;
	if (!complain("submit",
		      ward_submit(bench_pool, &job->task, WARD_FOREVER)))
		_exit(1);
}

static void put_n(unsigned producer, struct ward_task **task, unsigned n)
{
	(void)producer;
	if (ward_submit_n(bench_pool, task, n, WARD_FOREVER) != (int)n)
		_exit(1);
}

/* A quick pool that keeps its books wrong is no result. */
static bool books_are_right(void)
{
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct ward_stats stats = WARD_STATS_INIT;

	if (!complain("stats", ward_pool_stats(bench_pool, &stats)))
		return false;
	if (ward_audit(bench_pool, &audit)) {
		fprintf(stderr, "ward: audit: %s\n", audit.first);
		return false;
	}
	/* a woken worker that got no CPU for a scan: told, but no mistake */
	if (stats.rescues)
		fprintf(stderr,
			"ward: %" PRIu64 " wakeups were the steward's\n",
			stats.rescues);
	if (stats.accepted == stats.answered && stats.heals == 0)
		return true;
	fprintf(stderr,
		"ward: accepted %" PRIu64 ", answered %" PRIu64
		", heals %" PRIu64 "\n",
		stats.accepted, stats.answered, stats.heals);
	return false;
}

static bool finish(void)
{
	bool ok = complain("drain", ward_pool_drain(bench_pool, WARD_FOREVER));

	ok = ok && books_are_right();
	return complain("destroy",
			ward_pool_destroy(bench_pool, WARD_FOREVER)) &&
	       ok;
}

const struct rival rival_ward = {
	.name = "ward",
	.what = "libward, all healing on",
	.start = start_plain,
	.submit = put,
	.submit_n = put_n,
	.finish = finish,
};

const struct rival ward_catching = {
	.name = "catching",
	.what = "the same, and faults are caught",
	.start = start_catching,
	.submit = put,
	.submit_n = put_n,
	.finish = finish,
};
