/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit finds what does not add up: each number is falsified in turn.
 */
#include "heal/heal.h"
#include "job.h"
#include "task/task_priv.h"
#include "pool/pool.h"

#define BIT(n) (1u << (n))
#define ALWAYS (BIT(1) | BIT(3) | BIT(6) | BIT(8))
#define STILL                                                                  \
	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) |        \
	 BIT(8) | BIT(9) | BIT(10))

static struct ward_audit audit_of(struct ward_pool *pool, int want)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	cr_assert_eq(ward_audit(pool, &audit), want, "%s", audit.first);
	cr_assert_eq(audit.size, sizeof(audit));
	return audit;
}

/* Nothing is going on: everything can be checked. */
static bool is_still(struct ward_pool *pool)
{
	return comes_true(audit_of(pool, 0).checked == STILL);
}

Test(audit, a_pool_at_rest_is_checked_whole)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_audit audit;

	cr_assert(is_still(pool));
	audit = audit_of(pool, 0);
	cr_assert_eq(audit.broken, 0);
	cr_assert_str_empty(audit.first);
	ended(pool);
}

Test(audit, a_pool_that_has_not_begun_is_checked)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool = created(&config);
	struct job job = job_of_kind(job_run);

	submitted(pool, &job);
	cr_assert_eq(audit_of(pool, 0).checked & ~BIT(10), STILL & ~BIT(10));
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
	job_had(&job, -ECANCELED);
}

/* A task that lies beside sleepers proves nothing. */
static bool adds_up(struct ward_pool *pool)
{
	return comes_true((audit_of(pool, 0).checked | BIT(10)) == STILL);
}

/* A submitter that stands between its count and its task, for as long as it likes. */
Test(audit, who_is_on_his_way_is_in_the_books)
{
	struct ward_pool *pool = pool_of(2);
	struct pool *inner = (struct pool *)pool;

	cr_assert(is_still(pool));
	add_relaxed(&inner->inbox.prio[2].in, 1); /* as prio_put() */
	cr_assert(adds_up(pool));
	cr_assert_not(inbox_anything(&inner->inbox), "nobody searches for it");
	add_relaxed(&inner->inbox.requeued_fresh, 1); /* as later_put() */
	cr_assert(adds_up(pool));
	cr_assert_not(inbox_anything(&inner->inbox));
	add_relaxed(&inner->inbox.prio[2].in, -(uint64_t)1);
	add_relaxed(&inner->inbox.requeued_fresh, -(uint64_t)1);
	ended(pool);
}

Test(audit, tasks_that_run_are_in_the_books)
{
	struct ward_pool *pool = pool_of(2);
	struct job job[3] = { job_of_kind(job_sleep), job_of_kind(job_sleep),
			      job_of_kind(job_run) };

	for (int i = 0; i < 3; i++)
		submitted(pool, &job[i]);
	for (int i = 0; i < 2; i++)
		cr_assert(gate_came(&job[i].gate));
	cr_assert(is_still(pool));
	for (int i = 0; i < 2; i++)
		gate_open(&job[i].gate);
	ended(pool);
}

Test(audit, zombies_are_in_the_books)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_sleep);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert(is_still(pool));
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	cr_assert(is_still(pool));
	ended(pool);
}

static void hangs_in_done(struct ward_task *task, int status)
{
	job_done(task, status);
	gate_pass(&job_of(task)->gate);
}

Test(audit, callbacks_are_in_the_books)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run);

	job.task.done = hangs_in_done;
	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	cr_assert(is_still(pool));
	gate_open(&job.gate);
	ended(pool);
	job_had(&job, 0);
}

/* ---- what is wrong is found ------------------------------------------ */

static struct ward_pool *broken_pool;
static struct pool *inner;

static void setup(void)
{
	broken_pool = pool_of(2);
	inner = (struct pool *)broken_pool;
	cr_assert(is_still(broken_pool));
}

static void teardown(void)
{
	ended(broken_pool);
}

static void is_found(uint32_t n)
{
	struct ward_audit audit;
	char name[8];

	cr_assert(comes_true(({
		audit = (struct ward_audit)WARD_AUDIT_INIT;
		ward_audit(broken_pool, &audit) == -EUCLEAN;
	})));
	cr_assert_eq(audit.broken, BIT(n), "%x: %s", audit.broken, audit.first);
	cr_assert(audit.checked & BIT(n));
	snprintf(name, sizeof(name), "A%u: ", n);
	cr_assert_eq(strncmp(audit.first, name, strlen(name)), 0, "%s",
		     audit.first);
}

/* Wrong by so much for a while, and right again after it. */
#define falsified(field, by, n)                                                \
	do {                                                                   \
		add_acq_rel(&(field), by);                                     \
		is_found(n);                                                   \
		sub_acq_rel(&(field), by);                                     \
		cr_assert(is_still(broken_pool));                              \
	} while (0)

Test(audit, a_task_that_was_lost_is_found, .init = setup, .fini = teardown)
{
	falsified(inner->inbox.ring[0].accepted, 1, 1);
	falsified(inner->released, 1, 1);
	falsified(inner->unreleased, 1, 1);
	falsified(inner->inbox.requeued_in, 1, 1);
}

Test(audit, an_attempt_that_was_lost_is_found, .init = setup, .fini = teardown)
{
	falsified(inner->slot[0].started, 1, 2);
	falsified(inner->slot[1].ended, 1, 2);
	falsified(inner->stalled, 1, 2);
	falsified(inner->died, 1, 2);
}

Test(audit, a_thread_that_was_lost_is_found, .init = setup, .fini = teardown)
{
	falsified(inner->threads_created, 1, 4);
	falsified(inner->threads_joined, 1, 4);
}

Test(audit, a_zombie_that_was_lost_is_found, .init = setup, .fini = teardown)
{
	falsified(inner->zombies_entered, 1, 6);
	falsified(inner->zombies_returned, 1, 6);
	falsified(inner->zombies_reaped, 1, 6);
	falsified(inner->zombies_out, 1, 6);
	falsified(inner->zombies_out, inner->zombie_cap + inner->asleep_cap + 1, 6);
}

Test(audit, a_report_that_was_lost_is_found, .init = setup, .fini = teardown)
{
	falsified(inner->tell.told, 1, 9);
	falsified(inner->tell.suppressed, 1, 9);
	falsified(inner->tell.raised, TELL_ROOM + 1, 9);
}

Test(audit, a_seat_taken_from_under_a_worker_is_found, .init = setup,
     .fini = teardown)
{
	struct slot *slot = load_relaxed(&inner->seat[1]);

	store_release(&inner->seat[1], NULL);
	is_found(5);
	store_release(&inner->seat[1], slot);
	cr_assert(is_still(broken_pool));
}

Test(audit, what_was_found_on_the_way_is_told, .init = setup)
{
	or_relaxed(&inner->broken, BIT(3));
	is_found(3);
	store_relaxed(&inner->broken, 0);
	cr_assert(is_still(broken_pool));
	or_relaxed(&inner->broken, BIT(8));
	is_found(8);
	store_relaxed(&inner->broken, 0);
	ended(broken_pool);
}

/*
 * Work beside a sleeper, and nobody called it: the steward does, if it is awake,
 * and that it had to is told.
 */
Test(audit, a_lost_wakeup_is_found, .init = setup)
{
	struct job awake = job_of_kind(job_sleep), job = job_of_kind(job_run);
	struct ring *ring = &inner->inbox.ring[0];
	void *item = &job.task;

	submitted(broken_pool, &awake);
	cr_assert(gate_came(&awake.gate));
	cr_assert(is_still(broken_pool));
	or_relaxed(&inner->inbox.used, 1);
	task_open(task_priv(&job.task));
	add_relaxed(&ring->accepted, 1);
	cr_assert(ring_claim(ring));
	cr_assert_eq(ring_put(ring, &item, 1), 1); /* and no bell is rung */
	ring_drop(ring);
	job_had(&job, 0);
	is_found(10);
	cr_assert_eq(stats_of(broken_pool).rescues, 1);
	gate_open(&awake.gate);
	job_had(&awake, 0);
	cr_assert_eq(ward_pool_drain(broken_pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_destroy(broken_pool, ward_in(IN_TIME)), 0);
}

/* ---- under load nothing is wrong ------------------------------------- */

static struct ward_pool *load_pool;
static _Atomic uint32_t enough;

static void again(struct ward_task *task)
{
	if (load_relaxed(&enough) || ward_submit(load_pool, task, 0))
		job_release(task);
}

/* Some die, some are convicted, most are well. */
static int mixed(struct ward_task *task)
{
	struct job *job = job_of(task);
	uint32_t n = add_relaxed(&job->runs, 1);

	if (job->answer == 1 && n % 50 == 0)
		pthread_exit(NULL);
	while (job->answer == 2 && n % 2000 == 0 && n &&
	       !load_relaxed(&enough) && !slot_taken(host_self()))
		host_relax();
	return 0;
}

Test(audit, holds_at_any_time)
{
	enum { N = 8, AUDITS = 3000 };
	struct job job[N];
	uint32_t still = 0;

	load_pool = pool_of(3);
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(mixed);
		job[i].answer = i % 3;
		job[i].task.policy = i % 3 == 2 ? &hasty : NULL;
		job[i].task.done = NULL;
		job[i].task.release = again;
		submitted(load_pool, &job[i]);
	}
	for (int i = 0; i < AUDITS; i++)
		still += audit_of(load_pool, 0).checked == STILL;
	store_relaxed(&enough, 1);
	for (int i = 0; i < N; i++)
		cr_assert(job_is_released(&job[i]));
	cr_assert(is_still(load_pool));
	cr_assert_lt(still, AUDITS);
	ended(load_pool);
}
