/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool from create to destroy: orders, statuses, and what the process has
 * before and after.
 */
#include "job.h"
#include <criterion/logging.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- the steps in their order ---------------------------------------- */

Test(pool, defaults_are_good)
{
	struct ward_pool *pool = created(NULL);
	struct job job = job_of_kind(job_run);
	struct ward_stats stats;

	cr_assert_eq(ward_pool_start(pool), 0);
	stats = stats_of(pool);
	cr_assert_eq(stats.workers, host_cpu_count());
	cr_assert_eq(stats.spares, 1 + host_cpu_count() / 16);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

Test(pool, create_makes_no_thread)
{
	uint32_t before = threads();
	struct ward_pool *pool = created(NULL);

	cr_assert_eq(threads(), before);
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 0);
}

Test(pool, start_returns_when_each_thread_is_there)
{
	struct ward_pool_config config = job_config(3);
	uint32_t before = threads();
	struct ward_pool *pool;
	struct ward_stats stats;

	config.spares = 2;
	pool = started(&config);
	stats = stats_of(pool);
	cr_assert_eq(stats.workers, 3);
	cr_assert_eq(stats.vacant, 0);
	cr_assert_eq(stats.spares, 2);
	cr_assert_eq(stats.threads_created, 5);
	cr_assert_eq(threads(), before + 5 + 4,
		     "steward, deputy, clerk, scribe");
	ended(pool);
}

Test(pool, starts_once)
{
	struct ward_pool *pool = pool_of(1);

	cr_assert_eq(ward_pool_start(pool), -EALREADY);
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_start(pool), -EALREADY);
	ended(pool);
}

Test(pool, tasks_may_be_there_before_it_starts)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job job[3];

	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(stats_of(pool).queued, 3);
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(1))), -ETIMEDOUT);
	job_is_untouched(&job[0]);
	cr_assert_eq(ward_pool_start(pool), 0);
	for (int i = 0; i < 3; i++)
		job_had(&job[i], 0);
	ended(pool);
}

Test(pool, an_empty_pool_is_drained_before_it_starts)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);

	cr_assert_eq(ward_pool_drain(pool, WARD_NOWAIT), 0);
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 0);
}

Test(pool, destroyed_before_it_starts_it_answers_what_it_has)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job job[5];

	for (int i = 0; i < 5; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 0);
	for (int i = 0; i < 5; i++) {
		job_had(&job[i], -ECANCELED);
		cr_assert_eq(job[i].runs, 0);
		cr_assert_eq(load_relaxed(&job[i].done_on), host_tid());
		cr_assert_eq(load_relaxed(&job[i].released_on), host_tid());
		cr_assert(i == 0 || load_relaxed(&job[i].done_at) >
					    load_relaxed(&job[i - 1].done_at));
	}
}

/* Tasks that have no worker yet, and wait: for their time, or for ever again. */
Test(pool, destroyed_before_it_starts_it_answers_what_waits)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	ward_ns at[] = { 0, ward_in(1), ward_in(WARD_S(3600)), 0 };
	struct job job[4];

	for (int i = 0; i < 4; i++) {
		job[i] = job_of_kind(job_run);
		cr_assert_eq(ward_submit_at(pool, &job[i].task, at[i],
					    i == 3 ? WARD_MS(1) : 0),
			     0);
	}
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 0);
	for (int i = 0; i < 4; i++) {
		job_had(&job[i], -ECANCELED);
		cr_assert_eq(job[i].runs, 0);
	}
}

Test(pool, many_at_once)
{
	enum { POOLS = 5 };
	struct ward_pool *pool[POOLS];
	struct job job[POOLS];

	for (int i = 0; i < POOLS; i++)
		pool[i] = pool_of(2);
	for (int i = 0; i < POOLS; i++) {
		job[i] = job_of_kind(job_exit);
		submitted(pool[i], &job[i]);
	}
	for (int i = POOLS; i--;) {
		job_had(&job[i], -EOWNERDEAD);
		cr_assert(stat_is(pool[i], spares, 1));
		ended(pool[i]);
	}
}

/* ---- drain ----------------------------------------------------------- */

Test(pool, drain_waits_for_all_that_was_accepted)
{
	enum { N = 2000 };
	static struct job job[N];
	struct ward_pool *pool = pool_of(2);

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	for (int i = 0; i < N; i++)
		cr_assert_eq(job[i].releases, 1);
	cr_assert_eq(ward_pool_drain(pool, WARD_NOWAIT), 0, "again");
	ended(pool);
}

Test(pool, drain_ends_in_time_and_not_before)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);
	ward_ns until;

	submitted(pool, &job);
	until = ward_in(WARD_MS(10));
	cr_assert_eq(ward_pool_drain(pool, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	cr_assert_eq(ward_pool_drain(pool, WARD_NOWAIT), -ETIMEDOUT);
	cr_assert_eq(ward_pool_drain(pool, 1), -ETIMEDOUT);
	gate_open(&job.gate);
	ended(pool);
}

/* The last answer is late: it comes from a fenced attempt's homecoming. */
Test(pool, drain_waits_for_zombies)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(5))), -ETIMEDOUT);
	gate_open(&job.gate);
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(job.releases, 1);
	ended(pool);
}

struct drainer {
	pthread_t thread;
	struct ward_pool *pool;
	_Atomic int32_t tid;
	int err;
};

static void *drains(void *arg)
{
	struct drainer *me = arg;

	store_release(&me->tid, host_tid());
	me->err = ward_pool_drain(me->pool, WARD_FOREVER);
	return NULL;
}

Test(pool, several_may_drain_at_once)
{
	struct drainer d[3];
	struct job job = job_of_kind(job_sleep);
	struct ward_pool *pool = pool_of(1);

	submitted(pool, &job);
	for (int i = 0; i < 3; i++) {
		d[i] = (struct drainer){ .pool = pool };
		pthread_create(&d[i].thread, NULL, drains, &d[i]);
		cr_assert(comes_true(load_acquire(&d[i].tid) &&
				     sleeps_in_futex(load_relaxed(&d[i].tid))));
	}
	gate_open(&job.gate);
	for (int i = 0; i < 3; i++) {
		pthread_join(d[i].thread, NULL);
		cr_assert_eq(d[i].err, 0);
	}
	ended(pool);
}

/* ---- destroy --------------------------------------------------------- */

static int until_stopped(struct ward_task *task)
{
	int why;

	job_begins(job_of(task));
	while (!(why = ward_check()))
		host_relax();
	return why;
}

Test(pool, destroy_answers_what_is_queued_and_tells_who_runs)
{
	enum { N = 100 };
	static struct job job[N], first;
	struct ward_pool *pool = pool_of(1);

	first = job_of_kind(until_stopped);
	submitted(pool, &first);
	cr_assert(comes_true(load_acquire(&first.runs)));
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	job_had(&first, -ESHUTDOWN);
	for (int i = 0; i < N; i++) {
		job_had(&job[i], -ECANCELED);
		cr_assert_eq(job[i].runs, 0);
	}
}

Test(pool, destroy_leaves_behind_who_does_not_come)
{
	uint32_t before = threads();
	struct ward_pool *pool = pool_of(2);
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	ward_ns until;

	for (int i = 0; i < 2; i++) {
		submitted(pool, &job[i]);
		cr_assert(gate_came(&job[i].gate));
	}
	until = ward_in(WARD_MS(10));
	cr_assert_eq(ward_pool_destroy(pool, until), 2);
	cr_assert_geq(ward_now(), until);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(job[i].dones, 1);
		cr_assert_eq(load_relaxed(&job[i].status), -ECANCELED);
		cr_assert_eq(load_relaxed(&job[i].done_on), host_tid());
		cr_assert_eq(job[i].incident, 0);
		cr_assert_eq(job[i].releases, 0);
	}
	gate_open(&job[0].gate);
	job_had(&job[0], -ECANCELED);
	cr_assert_eq(load_relaxed(&job[0].check), -ESTALE);
	cr_assert_eq(load_relaxed(&job[0].released_on),
		     load_relaxed(&job[0].ran_on));
	cr_assert_eq(job[1].releases, 0);
	gate_open(&job[1].gate);
	job_had(&job[1], -ECANCELED);
	cr_assert(comes_true(threads() == before));
}

/* A zombie from before, too. */
Test(pool, destroy_leaves_zombies_behind)
{
	uint32_t before = threads();
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_spin);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(ward_pool_destroy(pool, ward_now()), 1);
	cr_assert_eq(job.releases, 0);
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert(comes_true(threads() == before));
}

static int dies_when_told(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	pthread_exit(NULL);
}

Test(pool, who_was_left_behind_may_die)
{
	uint32_t before = threads();
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(dies_when_told);

	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	cr_assert_eq(ward_pool_destroy(pool, ward_now()), 1);
	gate_open(&job.gate);
	job_had(&job, -ECANCELED);
	cr_assert(comes_true(threads() == before));
}

Test(pool, a_death_while_it_is_destroyed_is_answered)
{
	uint32_t before = threads();
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(until_stopped);
	struct job dies = job_of_kind(job_exit);

	submitted(pool, &job);
	submitted(pool, &dies);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	cr_assert(job_is_released(&job));
	cr_assert(job_is_released(&dies));
	cr_assert(load_relaxed(&dies.status) == -EOWNERDEAD ||
		  load_relaxed(&dies.status) == -ECANCELED);
	cr_assert_eq(dies.dones, 1);
	cr_assert(comes_true(threads() == before));
}

/* ---- from a thread of its own ---------------------------------------- */

static struct ward_pool *own_pool;
static _Atomic int32_t drain_err, destroy_err;
static _Atomic uint32_t tried;

static void try_to_end_it(void)
{
	store_relaxed(&drain_err, ward_pool_drain(own_pool, WARD_FOREVER));
	store_relaxed(&destroy_err, ward_pool_destroy(own_pool, WARD_FOREVER));
	add_acq_rel(&tried, 1);
}

static void was_a_deadlock(void)
{
	cr_assert(comes_true(load_acquire(&tried)));
	cr_assert_eq(load_relaxed(&drain_err), -EDEADLK);
	cr_assert_eq(load_relaxed(&destroy_err), -EDEADLK);
}

static int ends_its_pool(struct ward_task *task)
{
	try_to_end_it();
	return job_run(task);
}

Test(pool, is_not_ended_from_a_task)
{
	struct job job = job_of_kind(ends_its_pool);

	own_pool = pool_of(1);
	submitted(own_pool, &job);
	was_a_deadlock();
	job_had(&job, 0);
	ended(own_pool);
}

static void done_ends_pool(struct ward_task *task, int status)
{
	try_to_end_it();
	job_done(task, status);
}

Test(pool, is_not_ended_from_a_callback)
{
	struct job job = job_of_kind(job_run);

	own_pool = pool_of(1);
	job.task.done = done_ends_pool;
	submitted(own_pool, &job);
	was_a_deadlock();
	job_had(&job, 0);
	ended(own_pool);
}

static void report_ends_pool(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
	if (!load_acquire(&tried))
		try_to_end_it();
}

Test(pool, is_not_ended_from_its_report_hook)
{
	struct ward_hooks hooks = { .report = report_ends_pool };
	struct ward_pool_config config = job_config(1);
	struct job job = job_of_kind(job_exit);

	config.hooks = &hooks;
	own_pool = started(&config);
	submitted(own_pool, &job);
	was_a_deadlock();
	job_had(&job, -EOWNERDEAD);
	ended(own_pool);
}

static void *start_ends_pool(void *arg, unsigned thread)
{
	(void)arg;
	if (thread == 0)
		try_to_end_it();
	return NULL;
}

Test(pool, is_not_ended_from_its_start_hook)
{
	struct ward_hooks hooks = { .start = start_ends_pool };
	struct ward_pool_config config = job_config(1);

	config.hooks = &hooks;
	own_pool = created(&config);
	cr_assert_eq(ward_pool_start(own_pool), 0);
	was_a_deadlock();
	ended(own_pool);
}

/* Another pool's worker is a stranger. */
static int ends_another(struct ward_task *task)
{
	struct ward_pool *other = pool_of(1);
	struct job job = job_of_kind(job_run);

	cr_assert_eq(ward_submit(other, &job.task, 0), 0);
	cr_assert_eq(ward_pool_drain(other, WARD_FOREVER), 0);
	cr_assert_eq(ward_pool_destroy(other, ward_in(IN_TIME)), 0);
	cr_assert_eq(job.releases, 1);
	return job_run(task);
}

Test(pool, is_ended_by_a_worker_of_another)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(ends_another);

	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- A12: the process is as it was ----------------------------------- */

static uint32_t keys_left(void)
{
	pthread_key_t key[PTHREAD_KEYS_MAX];
	uint32_t n = 0;

	while (pthread_key_create(&key[n], NULL) == 0)
		n++;
	for (uint32_t i = 0; i < n; i++)
		pthread_key_delete(key[i]);
	return n;
}

/* A life with a death, a stall and some work. */
static void whole_life(void)
{
	struct ward_pool *pool = pool_of(2);
	struct job job[4] = { job_of_kind(job_run), job_of_kind(job_exit),
			      job_of_kind(job_sleep), job_of_kind(job_run) };

	job[2].task.policy = &hasty;
	for (int i = 0; i < 4; i++)
		submitted(pool, &job[i]);
	cr_assert(comes_true(load_acquire(&job[2].dones) == 1));
	gate_open(&job[2].gate);
	for (int i = 0; i < 4; i++)
		cr_assert(job_is_released(&job[i]));
	ended(pool);
}

Test(pool, nothing_is_left_of_it)
{
	uint32_t had_threads = threads(), had_descriptors, had_keys;

	whole_life(); /* what is made once for the process */
	cr_assert(comes_true(threads() == had_threads));
	had_descriptors = descriptors();
	had_keys = keys_left();
	for (int i = 0; i < 5; i++)
		whole_life();
	cr_assert(comes_true(threads() == had_threads));
	cr_assert_eq(descriptors(), had_descriptors);
	cr_assert_eq(keys_left(), had_keys);
}

#if !UNDER_ASAN
/* Resident and mapped: nothing of it grows from one life to the next. */
static size_t heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static uint32_t maps(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	uint32_t lines = 0;

	cr_assert_not_null(file);
	for (int c; (c = fgetc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	return lines;
}

Test(pool, memory_does_not_grow)
{
	size_t heap;
	uint32_t mapped;

	/* Pieces that the C library keeps for the next time count as in use. */
	for (int i = 0; i < 10; i++)
		whole_life();
	heap = heap_in_use();
	mapped = maps();
	for (int i = 0; i < 20; i++)
		whole_life();
	cr_assert_leq(heap_in_use(), heap + 4096, "%zu, %zu before",
		      heap_in_use(), heap);
	/* The C library keeps some stacks for the next threads. */
	cr_assert_leq(maps(), mapped + 20, "%u, %u before", maps(), mapped);
}
#endif

/* ---- fork ------------------------------------------------------------ */

/* The number of the first thing that is wrong in the child, or 0. */
static int child_of(struct ward_pool *pool, struct ward_task *queued)
{
	struct job job = job_of_kind(job_run);
	struct ward_task *list[] = { &job.task };
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;

	if (ward_submit(pool, &job.task, 0) != -ECHILD ||
	    ward_submit(pool, &job.task, WARD_FOREVER) != -ECHILD)
		return 1;
	if (ward_submit(pool, queued, 0) != -ECHILD)
		return 2;
	if (ward_submit_n(pool, list, 1, WARD_FOREVER) != -ECHILD)
		return 3;
	if (ward_pool_drain(pool, WARD_FOREVER) != -ECHILD)
		return 4;
	if (ward_pool_stats(pool, &stats) != -ECHILD)
		return 5;
	if (ward_audit(pool, &audit) != -ECHILD)
		return 6;
	if (ward_pool_start(pool) != -ECHILD)
		return 7;
	if (load_relaxed(&job.runs) || load_relaxed(&job.dones) ||
	    load_relaxed(&job.releases))
		return 8;
	if (ward_pool_destroy(pool, WARD_FOREVER) != 0)
		return 9;
	return 0;
}

static int exit_of(pid_t child)
{
	int status;

	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "killed by %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

Test(pool, is_foreign_in_a_child)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_sleep), queued = job_of_kind(job_run);
	struct job next = job_of_kind(job_run);
	pid_t child;

	needs_a_whole_child();
	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	submitted(pool, &queued);
	child = fork();
	if (child == 0)
		_exit(child_of(pool, &queued.task));
	cr_assert_eq(exit_of(child), 0);
	gate_open(&job.gate);
	job_had(&job, 0);
	job_had(&queued, 0);
	submitted(pool, &next);
	job_had(&next, 0);
	ended(pool);
}

Test(pool, is_foreign_in_a_child_before_it_is_started)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job queued = job_of_kind(job_run);
	pid_t child;

	submitted(pool, &queued);
	child = fork();
	if (child == 0)
		_exit(child_of(pool, &queued.task));
	cr_assert_eq(exit_of(child), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	job_had(&queued, 0);
	ended(pool);
}

/* A child makes pools of its own. */
Test(pool, a_child_may_have_its_own)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	pid_t child;

	needs_a_whole_child();
	child = fork();
	if (child == 0) {
		struct ward_pool_config config = job_config(1);
		struct ward_pool *mine = NULL;

		if (ward_pool_create(&mine, &config) || ward_pool_start(mine))
			_exit(1);
		if (ward_submit(mine, &job.task, 0))
			_exit(2);
		if (ward_pool_drain(mine, ward_in(IN_TIME)) ||
		    job.releases != 1)
			_exit(3);
		if (ward_pool_destroy(mine, ward_in(IN_TIME)) ||
		    ward_pool_destroy(pool, 0))
			_exit(4);
		_exit(0);
	}
	cr_assert_eq(exit_of(child), 0);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

static _Atomic int32_t forked; /* what became of the child */

static int forks_in_task(struct ward_task *task)
{
	struct job *job = job_of(task);
	pid_t child;
	int status = -1;

	job_begins(job);
	child = fork();
	if (child == 0) {
		if (job->answer)
			return 1; /* it must not go on from here */
		if (ward_check() != -ECHILD)
			_exit(20);
		if (ward_pulse_)
			_exit(21);
		_exit(child_of(own_pool, task));
	}
	if (child > 0 && waitpid(child, &status, 0) == child)
		store_relaxed(&forked, status);
	return job_ends(job);
}

static void after_fork_in_task(struct job *job)
{
	struct job next = job_of_kind(job_run);
	struct ward_stats stats;

	submitted(own_pool, job);
	cr_assert(job_is_released(job));
	cr_assert_eq(job->dones, 1);
	cr_assert_eq(job->runs, 1);
	cr_assert_eq(load_relaxed(&job->check), 0,
		     "the parent's attempt is untouched");
	submitted(own_pool, &next);
	job_had(&next, 0);
	stats = stats_of(own_pool);
	cr_assert_eq(stats.heals, 0);
	cr_assert_eq(stats.deaths, 0);
	cr_assert_eq(stats.ended, 2);
	ended(own_pool);
}

Test(pool, a_task_may_fork)
{
	struct job job = job_of_kind(forks_in_task);

	needs_a_whole_child();
	own_pool = pool_of(2);
	after_fork_in_task(&job);
	cr_assert(WIFEXITED(load_relaxed(&forked)));
	cr_assert_eq(WEXITSTATUS(load_relaxed(&forked)), 0);
}

/* The copy that returns from run() ends; it answers nothing. */
Test(pool, a_child_that_returns_from_its_task_ends)
{
	struct job job = job_of_kind(forks_in_task);

	needs_a_whole_child();
	own_pool = pool_of(2);
	job.answer = 1;
	after_fork_in_task(&job);
	cr_assert_eq(load_relaxed(&job.status), 1);
	cr_assert(WIFEXITED(load_relaxed(&forked)), "killed by %d",
		  WTERMSIG(load_relaxed(&forked)));
}

/* ---- what a stall does, where it is not healed ----------------------- */

Test(pool, may_only_report_stalls)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job job = job_of_kind(job_spin);

	config.on_stall = WARD_STALL_REPORT;
	pool = started(&config);
	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(told_of(WARD_R_LIVELOCK)));
	cr_assert_eq(job.dones, 0);
	cr_assert_eq(stats_of(pool).heals, 0);
	store_release(&job.stop, 1);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), 0);
	cr_assert_eq(told_times(WARD_R_LIVELOCK), 1, "once for a silence");
	ended(pool);
}

Test(pool, may_abort_on_a_stall, .signal = SIGABRT)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job job = job_of_kind(job_spin);

	config.on_stall = WARD_STALL_ABORT;
	pool = started(&config);
	job.task.policy = &hasty;
	submitted(pool, &job);
	job_had(&job, 0);
}

/* ---- backtraces ------------------------------------------------------ */

static uint32_t frames_of_a_spinner(int signo)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job job = job_of_kind(job_spin);
	uint32_t n;

	config.trace_signo = signo;
	pool = started(&config);
	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(told_of(WARD_R_LIVELOCK)));
	n = told_of(WARD_R_LIVELOCK)->nframes;
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	ended(pool);
	return n;
}

Test(pool, a_report_has_the_threads_own_backtrace)
{
	cr_assert_gt(frames_of_a_spinner(0), 0);
}

Test(pool, the_signal_for_it_may_be_named)
{
	cr_assert_gt(frames_of_a_spinner(SIGRTMIN + 3), 0);
}

static void handler(int signo)
{
	(void)signo;
}

Test(pool, a_signal_that_the_program_handles_is_refused)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = NULL;

	signal(SIGRTMIN + 3, handler);
	config.trace_signo = SIGRTMIN + 3;
	cr_assert_eq(ward_pool_create(&pool, &config), -EBUSY);
	cr_assert_null(pool);
}

Test(pool, there_need_be_no_backtraces)
{
	struct sigaction action;

	cr_assert_eq(frames_of_a_spinner(WARD_TRACE_NONE), 0);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
		cr_assert_eq(sigaction(i, NULL, &action), 0);
		cr_assert_eq(action.sa_handler, SIG_DFL);
	}
}

/* A program that waits for all of them by a thread of its own, or will. */
Test(pool, signals_that_are_all_in_use_are_left_alone)
{
	const struct ward_report *report;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	cr_assert_eq(frames_of_a_spinner(0), 0);
	report = told_of(WARD_R_EVIDENCE);
	cr_assert_not_null(report);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
		struct sigaction action;

		cr_assert_eq(sigaction(i, NULL, &action), 0);
		cr_assert_eq(action.sa_handler, SIG_DFL);
	}
}

static int starts_a_program(struct ward_task *task)
{
	char name[] = "sleep", span[] = "1000";
	char *const argv[] = { name, span, NULL };
	char *const environment[] = { NULL };
	pid_t child;
	int status;

	cr_assert_eq(posix_spawnp(&child, "sleep", NULL, NULL, argv,
				  environment),
		     0);
	cr_assert_eq(kill(child, SIGTERM), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	return job_run(task);
}

/* Also on one that was made by the clerk, which takes none. */
Test(pool, programs_that_tasks_start_can_be_ended, .timeout = 60)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = started(&config);
	struct job job = job_of_kind(starts_a_program);

	submitted(pool, &job);
	job_had(&job, 0);
	for (int i = 0; i < 3; i++) { /* the first ones are used up */
		job = job_of_kind(job_exit);
		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
	}
	job = job_of_kind(starts_a_program);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- descriptors ----------------------------------------------------- */

enum { FIRST = 3, FILES = 64 };

/* All that it has, the pool's too; and then as many of its own. */
static void begins_anew(struct stat *is)
{
	for (int fd = FIRST; fd < FIRST + FILES; fd++)
		close(fd);
	for (int fd = FIRST; fd < FIRST + FILES; fd++) {
		char name[] = "/tmp/ward-XXXXXX";

		if (mkstemp(name) != fd || unlink(name) || fstat(fd, &is[fd]))
			_exit(2);
	}
}

/* 0: each file is still there, and empty. */
static int lost_any(const struct stat *was)
{
	for (int fd = FIRST; fd < FIRST + FILES; fd++) {
		struct stat is;

		if (fstat(fd, &is) || is.st_ino != was[fd].st_ino ||
		    is.st_size)
			return 1;
	}
	return 0;
}

/* With all that opens something: workers that come and go, looks, and a port. */
static void lives_among_files(void)
{
	struct ward_pool_config config = job_config(2);
	struct ward_lane_config lanes = WARD_LANE_CONFIG_INIT;
	struct job spins = job_of_kind(job_spin), job = job_of_kind(job_run);
	static struct stat is[FIRST + FILES];
	struct ward_pool *pool = started(&config);
	struct ward_port *port;
	struct ward_lane *lane;

	if (ward_port_create(&port))
		_exit(3);
	lanes.port = port;
	if (ward_lane_create(&lane, pool, &lanes))
		_exit(4);
	begins_anew(is);
	spins.task.policy = &hasty;
	submitted(pool, &spins);
	if (!comes_true(load_acquire(&spins.dones)))
		_exit(5);
	store_release(&spins.stop, 1);
	if (!job_is_released(&spins) ||
	    ward_lane_submit(lane, &job.task, WARD_FOREVER) ||
	    !comes_true(ward_port_run(port, 0) == 1))
		_exit(6);
	if (ward_lane_destroy(lane) || !comes_true(!ward_port_destroy(port)))
		_exit(7);
	ended(pool);
	_exit(lost_any(is));
}

Test(pool, a_program_that_closes_all_loses_nothing_later, .timeout = 60)
{
	pid_t child;
	int status;

	needs_a_whole_child();
	child = fork();
	if (child == 0)
		lives_among_files();
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}

/* ---- priorities ------------------------------------------------------ */

static struct how { /* a thread is scheduled */
	int policy, priority, niceness;
} at_work, at_release;

static struct how scheduled(void)
{
	struct how how = { .policy = sched_getscheduler(0) };
	struct sched_param param;

	sched_getparam(0, &param);
	how.priority = param.sched_priority;
	how.niceness = getpriority(PRIO_PROCESS, (id_t)host_tid());
	return how;
}

static bool is_same(struct how a, struct how b)
{
	return a.policy == b.policy && a.priority == b.priority &&
	       a.niceness == b.niceness;
}

static int notes_priority(struct ward_task *task)
{
	at_work = scheduled();
	return job_run(task);
}

static void releases_at_home(struct ward_task *task)
{
	at_release = scheduled();
	job_release(task);
}

/* As its creator is: at work, and when it comes home from having been lowered. */
static void comes_home_as_it_was(struct how how, int flags)
{
	struct ward_pool_config config = job_config(2);
	struct sched_param param = { .sched_priority = how.priority };
	struct job spins = job_of_kind(job_spin), job;
	struct ward_pool *pool;

	cr_assert_eq(setpriority(PRIO_PROCESS, 0, how.niceness), 0);
	if (sched_setscheduler(0, how.policy, &param)) {
		cr_log_warn("policy %d is refused here", how.policy);
		cr_skip_test("the policy is refused here");
	}
	config.flags = (uint32_t)flags;
	pool = started(&config);
	spins.task.policy = &hasty;
	spins.task.release = releases_at_home;
	submitted(pool, &spins);
	cr_assert(comes_true(told_of(WARD_R_LIVELOCK)));
	if (flags)
		cr_assert_eq(sched_getscheduler(load_relaxed(&spins.ran_on)),
			     how.policy);
	else
		cr_assert(comes_true(sched_getscheduler(load_relaxed(
					     &spins.ran_on)) == SCHED_IDLE));
	store_release(&spins.stop, 1);
	job_had(&spins, -ETIME);
	cr_assert(is_same(at_release, how), "policy %d, priority %d, nice %d",
		  at_release.policy, at_release.priority, at_release.niceness);
	for (int i = 0; i < 8; i++) { /* on those that were made since, too */
		job = job_of_kind(i % 2 ? notes_priority : job_exit);
		submitted(pool, &job);
		job_had(&job, i % 2 ? 0 : -EOWNERDEAD);
		cr_assert(i % 2 == 0 || is_same(at_work, how));
	}
	ended(pool);
}

static bool way_back_is_open(void)
{
	struct host_sched was = { SCHED_OTHER, 0 };
	bool open;

	open = host_lower(0, &was) && host_raise(0, &was);
	if (!open)
		cr_log_warn("the way back from SCHED_IDLE is refused here");
	return open;
}

Test(pool, comes_home_to_an_ordinary_priority, .timeout = 60)
{
	if (!way_back_is_open())
		cr_skip_test("the way back is refused here");
	comes_home_as_it_was((struct how){ SCHED_OTHER, 0, 4 }, 0);
}

Test(pool, comes_home_to_batches, .timeout = 60)
{
	if (!way_back_is_open())
		cr_skip_test("the way back is refused here");
	comes_home_as_it_was((struct how){ SCHED_BATCH, 0, 2 }, 0);
}

Test(pool, comes_home_to_real_time, .timeout = 60)
{
	if (!way_back_is_open())
		cr_skip_test("the way back is refused here");
	comes_home_as_it_was((struct how){ SCHED_RR, 3, 0 }, 0);
}

Test(pool, need_not_lower_anybody, .timeout = 60)
{
	comes_home_as_it_was((struct how){ SCHED_BATCH, 0, 1 },
			     WARD_POOL_KEEP_PRIORITY);
}

/*
 * All that could be run is in the way of a real-time task that spins, but the steward
 * and the scribe: one CPU is enough for them.
 */
Test(pool, heals_beside_a_real_time_task_that_spins, .timeout = 60)
{
	struct sched_param param = { .sched_priority = 2 };
	struct ward_pool_config config = job_config(1);
	struct job spins = job_of_kind(job_spin), job = job_of_kind(job_run);
	struct ward_pool *pool;
	cpu_set_t one;
	int cpu = 0;

	if (!way_back_is_open())
		cr_skip_test("the way back is refused here");
	sched_getaffinity(0, sizeof(one), &one);
	while (!CPU_ISSET(cpu, &one))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		cr_log_warn("SCHED_FIFO is refused here");
		cr_skip_test("the policy is refused here");
	}
	pool = started(&config);
	spins.task.policy = &hasty;
	submitted(pool, &spins);
	submitted(pool, &job);
	job_had(&job, 0); /* it yields, to its equals only */
	cr_assert_eq(load_acquire(&spins.dones), 1);
	store_release(&spins.stop, 1);
	ended(pool);
	cr_assert_eq(told_of(WARD_R_LIVELOCK)->nframes > 0, 1);
}

/* ---- places and sizes ------------------------------------------------ */

static cpu_set_t ran_on_cpus;
static size_t ran_on_stack;

static int where(struct ward_task *task)
{
	pthread_attr_t attr;

	sched_getaffinity(0, sizeof(ran_on_cpus), &ran_on_cpus);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &ran_on_stack);
	pthread_attr_destroy(&attr);
	return job_run(task);
}

Test(pool, workers_run_where_and_on_what_they_are_told)
{
	struct ward_pool_config config = job_config(1);
	struct job job = job_of_kind(where);
	struct ward_pool *pool;
	cpu_set_t mine;
	char list[16];
	int cpu = 0;

	sched_getaffinity(0, sizeof(mine), &mine);
	while (!CPU_ISSET(cpu, &mine))
		cpu++;
	snprintf(list, sizeof(list), "%d", cpu);
	config.cpus = list;
	config.stack = 1 << 20;
	pool = started(&config);
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(CPU_COUNT(&ran_on_cpus), 1);
	cr_assert(CPU_ISSET(cpu, &ran_on_cpus));
	cr_assert_geq(ran_on_stack, 1 << 20);
	ended(pool);
}

/* The configuration is copied: the caller's may go. */
Test(pool, keeps_nothing_of_its_configuration)
{
	struct ward_pool_config *config = malloc(sizeof(*config));
	struct ward_hooks *hooks = malloc(sizeof(*hooks));
	struct ward_policy *policy = malloc(sizeof(*policy));
	char *name = strdup("borrowed"), *cpus = strdup("0-1");
	struct job job = job_of_kind(job_spin);
	struct ward_pool *pool;

	*config = job_config(1);
	*hooks = job_hooks;
	*policy = hasty;
	config->name = name;
	config->hooks = hooks;
	config->policy = policy;
	config->cpus = cpus;
	if (ward_pool_create(&pool, config)) { /* fewer CPUs than two */
		config->cpus = NULL;
		cr_assert_eq(ward_pool_create(&pool, config), 0);
	}
	memset(config, 0xee, sizeof(*config));
	memset(hooks, 0xee, sizeof(*hooks));
	memset(policy, 0xee, sizeof(*policy));
	memset(name, 'x', strlen(name));
	memset(cpus, 'x', strlen(cpus));
	free(config);
	free(hooks);
	free(policy);
	free(name);
	free(cpus);
	cr_assert_eq(ward_pool_start(pool), 0);
	submitted(pool, &job);
	cr_assert(comes_true(told_of(WARD_R_LIVELOCK)));
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	ended(pool);
}

Test(pool, a_span_is_no_point_in_time)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);

	submitted(pool, &job);
	cr_assert_eq(ward_pool_drain(pool, ward_in(0)), -ETIMEDOUT);
	cr_assert_eq(ward_pool_drain(pool, WARD_NOWAIT), -ETIMEDOUT);
	cr_assert_eq(ward_pool_drain(pool, WARD_S(1)), -ETIMEDOUT);
	cr_assert_eq(ward_pool_drain(pool, WARD_S(1)), -ETIMEDOUT);
	cr_assert(comes_true(told_times(WARD_R_MISUSE) == 1));
	gate_open(&job.gate);
	job_had(&job, 0);
	ended(pool);
	cr_assert_eq(told_times(WARD_R_MISUSE), 1, "once");
}
