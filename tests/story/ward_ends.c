/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_ends.c - scenario 16 and the like for wards: a ward returns, raises, leaves its
 * thread in every way, spins deaf, sleeps deaf.
 *
 * Expected: each end is told once, with its status, and again by a report that
 * names the one of the lost run; then the same ward is started again, with its
 * name, on a healthy thread.  One that is to run on failure only ends for good
 * with 0, one that is to run never is not started again.  One that waits for the pulse
 * of a silent one is not blocked, and hears of its stop; one that was stopped leaves
 * nothing behind that waits for its deadline.
 */
#include "wards.h"
#include "flow/tree.h"

struct way {
	enum deed deed;
	int status;
	bool stays; /* its thread stays inside until its gate opens */
};

static const struct way ways[] = {
	{ DEED_RETURN_0, 0, false },
	{ DEED_RETURN_7, 7, false },
	{ DEED_RAISE, -EIO, false },
	{ DEED_EXIT, -EOWNERDEAD, false },
	{ DEED_CANCEL, -EOWNERDEAD, false },
	{ DEED_RAW_EXIT, -EOWNERDEAD, false },
	{ DEED_SPIN, -ETIME, true },
	{ DEED_SLEEP, -ETIME, true },
};

static void ends_and_begins(struct actor *actor, const struct way *way,
			    unsigned n)
{
	uint32_t failures = view_of(actor->ward).failures;
	const struct told *report;

	store_relaxed(&actor->gate, 0);
	store_relaxed(&actor->homes, 0);
	actor_told(actor, way->deed);
	wait_until(load_acquire(&actor->ends) == n);
	wait_until(load_acquire(&actor->runs) == n + 1);
	expect_equal(actor->status, way->status);
	report = told(WARD_R_RESTART, n - 1);
	expect_equal(report->report.err, way->status);
	expect(!strcmp(report->task, "a"));
	if (way->status)
		told_id(report->report.cause);
	if (way->stays) {
		store_release(&actor->gate, 1);
		host_wake(&actor->gate, 1);
		wait_until(load_acquire(&actor->homes) == 1);
	}
	expect_equal(view_of(actor->ward).failures,
		     failures + (way->status != 0));
	expect_equal(view_of(actor->ward).starts, n + 1);
	expect(view_of(actor->ward).running);
}

static void all_ways(struct ward_steward *root)
{
	struct actor a;
	unsigned n = 0;
	int status;

	actor_start(&a, 'a', root);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		ends_and_begins(&a, &ways[i], ++n);
	expect_equal(ward_stop(a.ward, ward_in(IN_TIME)), 0);
	expect_equal(load_acquire(&a.ends), n + 1);
	expect(view_of(a.ward).gone && !view_of(a.ward).running);
	expect_equal(ward_wait(a.ward, WARD_NOWAIT, &status), 0);
	expect_equal(status, 0);
	ward_put(a.ward);
}

static void ends_for_good(struct ward_steward *root, enum ward_restart restart,
			  enum deed deed, int want)
{
	struct actor b;
	int status;

	actor_init(&b, 'b');
	b.spec.restart = restart;
	expect_equal(ward_start(&b.ward, root, &b.spec), 0);
	actor_told(&b, deed);
	expect_equal(ward_wait(b.ward, ward_in(IN_TIME), &status), 0);
	expect_equal(status, want);
	expect_equal(load_acquire(&b.runs), 1);
	expect_equal(load_acquire(&b.ends), 1);
	expect_equal(ward_restart(b.ward), -ESHUTDOWN);
	ward_put(b.ward);
}

static void fails_and_then_succeeds(struct ward_steward *root)
{
	struct actor b;

	actor_init(&b, 'b');
	b.spec.restart = WARD_ON_FAILURE;
	expect_equal(ward_start(&b.ward, root, &b.spec), 0);
	actor_told(&b, DEED_RETURN_7);
	wait_until(load_acquire(&b.runs) == 2);
	actor_told(&b, DEED_RETURN_0);
	expect_equal(ward_wait(b.ward, ward_in(IN_TIME), NULL), 0);
	expect_equal(view_of(b.ward).failures, 1);
	expect_equal(view_of(b.ward).starts, 2);
	ward_put(b.ward);
}

/* Neither a failure nor a restart that counts. */
static void asked_to(struct ward_steward *root)
{
	struct actor b;
	unsigned restarts = sizeof(ways) / sizeof(*ways) + 1;

	told(WARD_R_RESTART, restarts - 1); /* of those before */
	actor_start(&b, 'b', root);
	for (uint32_t n = 1; n <= 50; n++) {
		expect_equal(ward_restart(b.ward), 0);
		wait_until(load_acquire(&b.runs) == n + 1);
	}
	expect_equal(view_of(b.ward).failures, 0);
	expect_equal(told_count(WARD_R_RESTART), restarts);
	expect_equal(ward_stop(b.ward, ward_in(IN_TIME)), 0);
	ward_put(b.ward);
}

static struct ward *silent;
static _Atomic uint32_t waits;

static int is_silent(void *arg)
{
	(void)arg;
	ward_block_enter(WARD_FOREVER);
	return ward_pause(WARD_FOREVER);
}

static int waits_for_a_pulse(void *arg)
{
	uint64_t beats = 0, units = 0;
	int err;

	(void)arg;
	do {
		store_release(&waits, 1);
		err = ward_pulse_wait(silent, &beats, &units, WARD_FOREVER);
	} while (!err);
	return err;
}

static uint64_t waiting(struct ward_steward *root)
{
	struct ward_stats stats = WARD_STATS_INIT;

	expect_equal(ward_pool_stats((struct ward_pool *)root->tree->pool,
				     &stats), 0);
	return stats.waiting;
}

static void hears_of_its_stop(struct ward_steward *root)
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *reader;
	int status = 0;

	spec.run = is_silent;
	spec.stop_within = WARD_S(3600);
	expect_equal(ward_start(&silent, root, &spec), 0);
	spec.run = waits_for_a_pulse;
	spec.restart = WARD_NEVER;
	spec.blocked_within = spec.busy_within = WARD_MS(50);
	expect_equal(ward_start(&reader, root, &spec), 0);
	wait_until(load_acquire(&waits));
	expect_equal(ward_wait(reader, ward_in(WARD_MS(150)), NULL),
		     -ETIMEDOUT);
	expect_equal(ward_stop(reader, ward_in(IN_TIME)), 0);
	expect_equal(ward_wait(reader, WARD_NOWAIT, &status), 0);
	expect_equal(status, -ECANCELED);
	expect_equal(ward_stop(silent, ward_in(IN_TIME)), 0);
	ward_put(reader);
	ward_put(silent);
	/* Nothing of them waits for 'stop_within'. */
	wait_until(waiting(root) == 0);
}

int main(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root;

	config.restarts = 1000;
	root = supervisor_up(&config);
	all_ways(root);
	ends_for_good(root, WARD_ON_FAILURE, DEED_RETURN_0, 0);
	ends_for_good(root, WARD_NEVER, DEED_RETURN_7, 7);
	ends_for_good(root, WARD_NEVER, DEED_EXIT, -EOWNERDEAD);
	fails_and_then_succeeds(root);
	asked_to(root);
	hears_of_its_stop(root);
	steward_gone(root);
	wait_until(threads_now() == 1);
	return 0;
}
