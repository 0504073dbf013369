/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An attempt's words on its failure, in every place where it can say them, and the end
 * of an attempt that raises there.
 */
#include "lane_job.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* ---- reports, with their words --------------------------------------- */

enum { HEARD = 256 };

static struct heard {
	struct ward_report report; /* its strings are these */
	char message[300], task[16], what[128];
} heard[HEARD];
static _Atomic uint32_t heard_n;

static void hear(void *arg, const struct ward_report *report)
{
	uint32_t n = load_relaxed(&heard_n);
	struct heard *h = &heard[n];

	(void)arg;
	if (n == HEARD)
		return;
	h->report = *report;
	snprintf(h->message, sizeof(h->message), "%s", report->message);
	snprintf(h->task, sizeof(h->task), "%s", report->task);
	snprintf(h->what, sizeof(h->what), "%s", report->what);
	store_release(&heard_n, n + 1);
}

static const struct heard *with_id(uint64_t id)
{
	for (uint32_t n = load_acquire(&heard_n); n--;)
		if (heard[n].report.id == id)
			return &heard[n];
	return NULL;
}

static const struct heard *hears(uint64_t id)
{
	cr_assert_neq(id, 0);
	cr_assert(comes_true(with_id(id)));
	return with_id(id);
}

/* Of a pool that was destroyed: all that there was is heard. */
static uint32_t heard_of(enum ward_kind kind)
{
	uint32_t times = 0;

	for (uint32_t n = load_acquire(&heard_n); n--;)
		times += heard[n].report.kind == kind;
	return times;
}

static const struct ward_hooks hearing = { .report = hear };

static struct ward_pool *pool_with(const struct ward_hooks *hooks)
{
	struct ward_pool_config config = job_config(1);

	config.hooks = hooks;
	return started(&config);
}

/* ---- what a task says, and what it sees of it ------------------------ */

static struct say {
	uint64_t first, second, before; /* ward_failure() */
	int got, again;
} said;

static int fails(struct ward_task *task)
{
	job_begins(job_of(task));
	said.before = ward_failure();
	said.got = ward_fail(-EIO, "%s %d", "sector", 17);
	said.first = ward_failure();
	return said.got;
}

Test(fail, says_what_where_and_who)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(fails);
	const struct heard *h;

	submitted(pool, &job);
	job_had(&job, -EIO);
	cr_assert_eq(said.got, -EIO);
	cr_assert_eq(said.before, 0);
	h = hears(said.first);
	cr_assert_eq(load_relaxed(&job.incident), said.first);
	cr_assert_eq(h->report.kind, WARD_R_ERROR);
	cr_assert_eq(h->report.err, -EIO);
	cr_assert_eq(h->report.cause, 0);
	cr_assert_not(h->report.known);
	cr_assert_eq(h->report.attempt, 1);
	cr_assert_eq(h->report.worker, 0);
	cr_assert_eq(h->report.tid, load_relaxed(&job.ran_on));
	cr_assert_gt(h->report.nframes, 0);
	cr_assert_str_eq(h->message, "sector 17");
	cr_assert_str_eq(h->task, "job");
	cr_assert_eq(stats_of(pool).failed, 1);
	cr_assert_eq(stats_of(pool).ended, 1);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 1, "what was said is said once");
}

static int wraps(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_fail(-EIO, "low");
	said.first = ward_failure();
	said.got = ward_wrap(said.first, -EPROTO, "the %s is unreadable",
			     "order");
	said.second = ward_failure();
	return said.got;
}

Test(fail, a_wrap_is_known_and_names_its_cause)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(wraps);

	submitted(pool, &job);
	job_had(&job, -EPROTO);
	cr_assert_eq(said.got, -EPROTO);
	cr_assert_gt(said.second, said.first);
	cr_assert_eq(load_relaxed(&job.incident), said.second);
	cr_assert(hears(said.second)->report.known);
	cr_assert_eq(hears(said.second)->report.cause, said.first);
	cr_assert_eq(hears(said.second)->report.err, -EPROTO);
	cr_assert_str_eq(hears(said.second)->message,
			 "the order is unreadable");
	cr_assert_not(hears(said.first)->report.known);
	cr_assert_eq(hears(said.first)->report.err, -EIO);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 2);
}

static int says_nothing_wrong(struct ward_task *task)
{
	job_begins(job_of(task));
	said.got = ward_fail(0, "zero");
	said.again = ward_wrap(0, 0, "zero");
	return ward_fail(5, "five");
}

Test(fail, zero_is_no_error_and_others_stay)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(says_nothing_wrong);

	submitted(pool, &job);
	job_had(&job, 5);
	cr_assert_eq(said.got, -EINVAL);
	cr_assert_eq(said.again, -EINVAL);
	ended(pool);
}

static int says_much(struct ward_task *task)
{
	char words[1000];

	job_begins(job_of(task));
	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	said.got = ward_fail(-EIO, "%s", words + sizeof(words) - 1 - 255);
	said.first = ward_failure();
	ward_fail(-EIO, "%s", words);
	said.second = ward_failure();
	return -EIO;
}

Test(fail, words_are_cut_at_255_bytes)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(says_much);

	submitted(pool, &job);
	job_had(&job, -EIO);
	cr_assert_eq(strlen(hears(said.first)->message), 255);
	cr_assert_eq(strlen(hears(said.second)->message), 255);
	ended(pool);
}

/* ---- what nobody has spoken of --------------------------------------- */

static int returns_it(struct ward_task *task)
{
	job_begins(job_of(task));
	return job_of(task)->answer;
}

Test(fail, an_error_that_nobody_speaks_of_is_told_raw)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(returns_it);
	const struct heard *h;

	job.answer = -ENODEV;
	submitted(pool, &job);
	job_had(&job, -ENODEV);
	h = hears(load_relaxed(&job.incident));
	cr_assert_eq(h->report.kind, WARD_R_ERROR);
	cr_assert_eq(h->report.err, -ENODEV);
	cr_assert_not(h->report.known);
	cr_assert_eq(h->report.attempt, 1);
	cr_assert_eq(h->report.worker, 0);
	cr_assert_str_eq(h->message, "");
	cr_assert_str_eq(h->task, "job");
	cr_assert_neq(strstr(h->what, "nobody"), NULL);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 1);
}

static int says_one_and_means_another(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_fail(-EIO, "this");
	said.first = ward_failure();
	return -EPIPE;
}

Test(fail, who_speaks_of_another_error_has_not_spoken)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(says_one_and_means_another);

	submitted(pool, &job);
	job_had(&job, -EPIPE);
	cr_assert_gt(load_relaxed(&job.incident), said.first);
	cr_assert_eq(hears(load_relaxed(&job.incident))->report.err, -EPIPE);
	cr_assert_str_eq(hears(said.first)->message, "this");
	ended(pool);
}

static int says_it_and_gets_over_it(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_fail(-EIO, "mended");
	said.first = ward_failure();
	return 0;
}

Test(fail, who_speaks_of_an_error_and_ends_well_has_not_failed)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(says_it_and_gets_over_it);

	submitted(pool, &job);
	job_had(&job, 0);
	hears(said.first);
	cr_assert_eq(load_relaxed(&job.incident), 0);
	cr_assert_eq(stats_of(pool).failed, 0);
	cr_assert_eq(stats_of(pool).dead_letters, 0);
	ended(pool);
}

/* The words of the last task are not the next one's. */
Test(fail, each_attempt_speaks_for_itself)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(fails), next = job_of_kind(returns_it);

	submitted(pool, &job);
	job_had(&job, -EIO);
	next.answer = -EIO;
	submitted(pool, &next);
	job_had(&next, -EIO);
	cr_assert_gt(load_relaxed(&next.incident), said.first);
	submitted(pool, &next);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 3);
}

/* ---- -ECANCELED ------------------------------------------------------ */

static struct ward_policy again = { .size = sizeof(again),
				    .runs = 3,
				    .errors = 2,
				    .busy_within = WARD_S(60),
				    .blocked_within = WARD_S(60) };

static int raises_it(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_raise(job_of(task)->answer, "raised");
}

Test(fail, canceled_is_no_failure)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(returns_it);
	struct job raised = job_of_kind(raises_it);

	job.answer = raised.answer = -ECANCELED;
	job.task.policy = raised.task.policy = &again;
	submitted(pool, &job);
	job_had(&job, -ECANCELED);
	submitted(pool, &raised);
	job_had(&raised, -ECANCELED);
	cr_assert_eq(job.runs, 1);
	cr_assert_eq(raised.runs, 1);
	cr_assert_eq(load_relaxed(&job.incident), 0);
	cr_assert_eq(load_relaxed(&raised.incident), 0);
	cr_assert_eq(stats_of(pool).ended, 2);
	cr_assert_eq(stats_of(pool).failed, 0);
	cr_assert_eq(stats_of(pool).dead_letters, 0);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 1, "the raise has words");
}

/* ---- raise ----------------------------------------------------------- */

/* ---- told to stop --------------------------------------------------------------------- */

static _Atomic uint32_t letters;

static void counts_letters(void *arg, struct ward_task *task,
			   const struct ward_report *report)
{
	(void)arg;
	(void)task;
	(void)report;
	add_relaxed(&letters, 1);
}

static struct ward_pool *lettered_pool(void)
{
	static const struct ward_hooks hooks = { .report = hear,
						 .dead = counts_letters };

	return pool_with(&hooks);
}

static int stops_with_cause(struct ward_task *task)
{
	int err;

	job_begins(job_of(task));
	err = ward_pause(WARD_FOREVER);
	job_ends(job_of(task));
	return err;
}

static int stops_stale(struct ward_task *task)
{
	stops_with_cause(task);
	return ward_commit();
}

static int stops_otherwise(struct ward_task *task)
{
	stops_with_cause(task);
	return -EIO;
}

/* Told to stop by its token, its lane's, or itself; once, whatever may run again. */
static void told_to_stop(int (*run)(struct ward_task *), int by, int status, bool failed)
{
	struct ward_pool *pool = lettered_pool();
	struct ward_cancel token = { { 0 } };
	struct ward_lane *lane = NULL;
	struct job job = job_of_kind(run);

	job.task.policy = &again;
	if (by == 0)
		job.task.cancel = &token;
	cr_assert_eq(ward_lane_create(&lane, pool, NULL), 0);
	if (by == 1)
		cr_assert_eq(ward_lane_submit(lane, &job.task, 0), 0);
	else
		submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.runs) == 1));
	cr_assert(comes_true(sleeps_in_futex(load_relaxed(&job.ran_on))));
	if (by == 0)
		ward_cancel_fire(&token, -EINTR);
	else if (by == 1)
		ward_lane_cancel(lane, -EINTR);
	else
		cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR),
			     -EINPROGRESS);
	job_had(&job, status);
	cr_assert_eq(job.runs, 1);
	cr_assert_eq(stats_of(pool).failed, failed);
	cr_assert_eq(stats_of(pool).dead_letters, 0);
	cr_assert_eq(letters, 0);
	given_back(lane);
	ended(pool);
}

Test(fail, what_was_told_to_stop_has_not_failed)
{
	for (int by = 0; by < 3; by++) {
		told_to_stop(stops_with_cause, by, -EINTR, false);
		told_to_stop(stops_stale, by, -ESTALE, false);
		if (by < 2) /* it fails, but does not run again */
			told_to_stop(stops_otherwise, by, -EINTR, true);
	}
}

Test(fail, what_ends_with_its_pool_has_not_failed)
{
	struct ward_pool *pool = lettered_pool();
	struct job job = job_of_kind(stops_with_cause);

	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.runs) == 1));
	cr_assert_eq(ward_pool_destroy(pool, WARD_FOREVER), 0);
	job_had(&job, -ESHUTDOWN);
	cr_assert_eq(letters, 0);
}

static int returns_shutdown(struct ward_task *task)
{
	(void)task;
	return -ESHUTDOWN;
}

static int returns_stale(struct ward_task *task)
{
	(void)task;
	return -ESTALE;
}

Test(fail, who_was_not_told_to_stop_has_failed)
{
	struct ward_pool *pool = lettered_pool();
	struct job job = job_of_kind(returns_shutdown);

	submitted(pool, &job);
	job_had(&job, -ESHUTDOWN);
	job = job_of_kind(returns_stale);
	submitted(pool, &job);
	job_had(&job, -ESTALE);
	cr_assert_eq(letters, 2);
	cr_assert_eq(stats_of(pool).failed, 2);
	ended(pool);
}

static __attribute__((noinline)) int deep(struct job *job, int depth)
{
	volatile char here[64];

	here[0] = (char)depth;
	if (depth)
		return deep(job, depth - 1) + here[0];
	if (here[0] == 0)
		ward_raise(job->answer, "from depth %d", 50);
	return 0;
}

static int raises_deep(struct ward_task *task)
{
	job_begins(job_of(task));
	return deep(job_of(task), 50);
}

Test(fail, a_raise_ends_the_attempt_from_any_depth)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(raises_deep), next = job_of_kind(job_run);
	const struct heard *h;

	job.answer = -EDOM;
	submitted(pool, &job);
	job_had(&job, -EDOM);
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert_eq(job.runs, 1);
	cr_assert_eq(job.homes, 0, "it did not return");
	cr_assert_eq(load_relaxed(&next.ran_on), load_relaxed(&job.ran_on),
		     "the worker goes on");
	h = hears(load_relaxed(&job.incident));
	cr_assert_eq(h->report.kind, WARD_R_ERROR);
	cr_assert_eq(h->report.err, -EDOM);
	cr_assert_not(h->report.known);
	cr_assert_gt(h->report.nframes, 10);
	cr_assert_str_eq(h->message, "from depth 50");
	cr_assert_eq(stats_of(pool).ended, 2);
	cr_assert_eq(stats_of(pool).deaths, 0);
	cr_assert_eq(stats_of(pool).heals, 0);
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_ERROR), 1);
}

Test(fail, a_raise_of_nothing_is_invalid)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(raises_it);

	submitted(pool, &job);
	job_had(&job, -EINVAL);
	ended(pool);
}

/* One thread, one place to come back to: it holds for as many as come. */
Test(fail, a_worker_may_raise_for_ever)
{
	enum { TIMES = 20000 };
	struct ward_policy quiet = again;
	struct ward_hooks none = { .report = NULL };
	struct ward_pool *pool = pool_with(&none);
	struct job job = job_of_kind(raises_it);

	quiet.runs = 1;
	quiet.flags = WARD_POLICY_QUIET;
	job.answer = -EDOM;
	job.task.policy = &quiet;
	for (int i = 0; i < TIMES; i++) {
		store_relaxed(&job.releases, 0);
		store_relaxed(&job.dones, 0);
		submitted(pool, &job);
		job_had(&job, -EDOM);
	}
	cr_assert_eq(job.runs, TIMES);
	cr_assert_eq(stats_of(pool).threads_created, 2);
	cr_assert_eq(stats_of(pool).failed, TIMES);
	ended(pool);
}

static int raises_at_first(struct ward_task *task)
{
	job_begins(job_of(task));
	if (ward_self()->attempt == 1)
		ward_raise(-EAGAIN, "not yet");
	said.before = ward_failure();
	return 0;
}

Test(fail, what_was_raised_may_run_again)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(raises_at_first);

	job.task.policy = &again;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(job.runs, 2);
	cr_assert_eq(said.before, 0);
	cr_assert_str_eq(hears(load_relaxed(&job.incident))->message,
			 "not yet");
	cr_assert_eq(stats_of(pool).reruns, 1);
	ended(pool);
}

/* Its hook and its declared wait end with it. */
static void never(void *arg)
{
	(void)arg;
	cr_assert_fail("an unblock hook outlived its task");
}

static int raises_with_a_hook(struct ward_task *task)
{
	job_begins(job_of(task));
	cr_assert_eq(ward_unblock(never, NULL), 0);
	ward_block_enter(WARD_FOREVER);
	ward_raise(-EIO, "amid a wait");
}

Test(fail, a_raise_takes_back_what_run_would)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(raises_with_a_hook);
	struct job next = job_of_kind(job_sleep);

	submitted(pool, &job);
	job_had(&job, -EIO);
	next.task.policy = &hasty;
	submitted(pool, &next); /* not excused by the last one's wait */
	cr_assert(comes_true(load_acquire(&next.dones)));
	gate_open(&next.gate);
	job_had(&next, -ETIME);
	ended(pool);
}

/* ---- raise where the answer is another's ----------------------------- */

static int raises_when_fenced(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!load_relaxed(&job_of(task)->stop))
		host_relax();
	cr_assert_eq(ward_check(), -ESTALE);
	ward_raise(-EDOM, "too late");
}

Test(fail, a_zombie_may_raise_and_comes_home)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(raises_when_fenced);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones)));
	cr_assert_eq(job.releases, 0, "it is still inside");
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert(stat_is(pool, zombies_returned, 1));
	cr_assert_eq(stats_of(pool).late, 1);
	cr_assert_eq(stats_of(pool).failed, 0);
	cr_assert_eq(stats_of(pool).deaths, 0);
	ended(pool);
}

static int child_raises(struct ward_task *task)
{
	pid_t child;
	int status = -1;

	job_begins(job_of(task));
	child = fork();
	if (child == 0)
		ward_raise(-EDOM, "in a copy");
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return job_ends(job_of(task));
}

Test(fail, a_copy_in_a_child_ends_and_harms_nobody)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(child_raises);

	needs_a_whole_child();
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- raise in callbacks and hooks ------------------------------------ */

/* The thread ends, which is healed; its requeued task is another worker's. */
static void is_healed(struct ward_pool *pool)
{
	struct job next = job_of_kind(job_run);

	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert(stat_is(pool, deaths, 1));
	cr_assert(stat_is(pool, workers, 1));
	cr_assert(stat_is(pool, spares, 1));
	ended(pool);
	cr_assert_eq(heard_of(WARD_R_DEATH), 1);
	cr_assert_eq(heard_of(WARD_R_ERROR), 1);
}

static void done_raises(struct ward_task *task, int status)
{
	job_done(task, status);
	ward_raise(-EDOM, "in done");
}

Test(fail, in_done)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(job_run);

	job.task.done = done_raises;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_neq(load_relaxed(&job.released_on),
		      load_relaxed(&job.done_on));
	is_healed(pool);
	cr_assert_eq(job.runs, 1);
	cr_assert_eq(job.dones, 1);
}

static void release_raises(struct ward_task *task)
{
	job_release(task);
	ward_raise(-EDOM, "in release");
}

Test(fail, in_release)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(job_run);

	job.task.release = release_raises;
	submitted(pool, &job);
	job_had(&job, 0);
	is_healed(pool);
	cr_assert_eq(job.releases, 1);
}

static _Atomic uint32_t letters;

static void dead_raises(void *arg, struct ward_task *task,
			const struct ward_report *report)
{
	(void)arg;
	(void)report;
	add_relaxed(&letters, 1);
	cr_assert_eq(job_of(task)->dones, 0);
	ward_raise(-EDOM, "in the hook for dead letters");
}

/* done() is due once, whatever happened. */
Test(fail, in_the_hook_for_dead_letters)
{
	struct ward_hooks hooks = { .report = hear, .dead = dead_raises };
	struct ward_pool *pool = pool_with(&hooks);
	struct job job = job_of_kind(raises_it), next = job_of_kind(job_run);

	job.answer = -EIO;
	submitted(pool, &job);
	job_had(&job, -EIO);
	cr_assert_eq(letters, 1, "it was told once");
	cr_assert_eq(stats_of(pool).dead_letters, 1);
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert(stat_is(pool, deaths, 1));
	ended(pool);
	cr_assert_eq(job.runs, 1);
}

static _Atomic uint32_t births;

static void *start_raises(void *arg, unsigned thread)
{
	(void)arg;
	(void)thread;
	if (add_relaxed(&births, 1) == 0)
		ward_raise(-EDOM, "in the start hook");
	return NULL;
}

Test(fail, in_the_start_hook)
{
	struct ward_hooks hooks = { .report = hear, .start = start_raises };
	struct ward_pool *pool = pool_with(&hooks);

	is_healed(pool);
	cr_assert_eq(births, 3);
}

static _Atomic uint32_t stops;

static void stop_raises(void *arg, unsigned thread, void *local)
{
	(void)arg;
	(void)thread;
	(void)local;
	add_relaxed(&stops, 1);
	ward_raise(-EDOM, "in the stop hook");
}

Test(fail, in_the_stop_hook)
{
	struct ward_hooks hooks = { .report = hear, .stop = stop_raises };
	struct ward_pool *pool = pool_with(&hooks);
	struct job job = job_of_kind(job_run);

	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
	cr_assert_eq(stops, 2);
}

static void fails_in_done(struct ward_task *task, int status)
{
	said.got = ward_fail(-ENOSPC, "cannot say how it went");
	said.first = ward_failure();
	job_done(task, status);
}

/* A failure in a callback is none of the task, which has ended. */
Test(fail, may_be_said_in_a_callback)
{
	struct ward_pool *pool = pool_with(&hearing);
	struct job job = job_of_kind(job_run);

	job.task.done = fails_in_done;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(said.got, -ENOSPC);
	cr_assert_str_eq(hears(said.first)->message,
			 "cannot say how it went");
	cr_assert_str_eq(hears(said.first)->task, "");
	cr_assert_eq(hears(said.first)->report.attempt, 0);
	cr_assert_eq(load_relaxed(&job.incident), 0);
	cr_assert_eq(stats_of(pool).failed, 0);
	ended(pool);
}

/* ---- on other threads ------------------------------------------------ */

Test(fail, elsewhere_the_code_is_all)
{
	cr_assert_eq(ward_fail(-EIO, "nobody hears"), -EIO);
	cr_assert_eq(ward_fail(0, "nobody hears"), -EINVAL);
	cr_assert_eq(ward_fail(3, "nobody hears"), 3);
	cr_assert_eq(ward_wrap(7, -EIO, "nobody hears"), -EIO);
	cr_assert_eq(ward_wrap(7, 0, "nobody hears"), -EINVAL);
	cr_assert_eq(ward_failure(), 0);
}

Test(fail, a_raise_elsewhere_is_the_end, .signal = SIGABRT)
{
	ward_raise(-EIO, "nobody hears");
}

/* ---- without a report hook: where it is told anyhow ------------------ */

static int caught; /* what goes to stderr */

static struct ward_pool *pool_on_stderr(const struct ward_hooks *hooks,
					const struct ward_policy *policy)
{
	struct ward_pool_config config = job_config(1);
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_neq(dup2(ends[1], STDERR_FILENO), -1);
	close(ends[1]);
	caught = ends[0];
	config.hooks = hooks;
	config.policy = policy;
	return started(&config);
}

/* Lines, of a pool that was destroyed: all that there was is told. */
static uint32_t lines(char *buf, size_t size)
{
	ssize_t len = read(caught, buf, size - 1);
	uint32_t n = 0;

	buf[len > 0 ? len : 0] = '\0';
	for (char *p = buf; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static uint32_t lines_of(const struct ward_hooks *hooks,
			 const struct ward_policy *policy,
			 const struct ward_policy *own, bool done)
{
	static char buf[4096];
	struct ward_pool *pool = pool_on_stderr(hooks, policy);
	struct job job = job_of_kind(returns_it);

	job.answer = -ENXIO;
	job.task.policy = own;
	job.task.done = done ? job_done : NULL;
	submitted(pool, &job);
	cr_assert(job_is_released(&job));
	ended(pool);
	return lines(buf, sizeof(buf));
}

static struct ward_policy quiet = { .size = sizeof(quiet),
				    .flags = WARD_POLICY_QUIET };

Test(fail, a_failure_that_nobody_hears_is_a_line_on_stderr)
{
	cr_assert_eq(lines_of(NULL, NULL, NULL, false), 1);
	cr_assert_eq(lines_of(NULL, NULL, &patient, false), 1);
}

Test(fail, who_has_a_done_hears_of_it_there)
{
	cr_assert_eq(lines_of(NULL, NULL, NULL, true), 0);
}

Test(fail, silence_is_opted_into)
{
	cr_assert_eq(lines_of(NULL, &quiet, NULL, false), 0);
	cr_assert_eq(lines_of(NULL, NULL, &quiet, false), 0);
	cr_assert_eq(lines_of(NULL, &quiet, &patient, false), 0,
		     "a task's own flags add to the pool's");
}

static uint64_t letter_id;

static void keeps_letter(void *arg, struct ward_task *task,
			 const struct ward_report *report)
{
	(void)arg;
	(void)task;
	letter_id = report->id;
}

Test(fail, dead_letters_are_heard)
{
	static const struct ward_hooks hooks = { .dead = keeps_letter };

	cr_assert_eq(lines_of(&hooks, NULL, NULL, false), 0);
	cr_assert_neq(letter_id, 0);
}
