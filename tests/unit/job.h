/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job.h - tasks that remember what became of them, and a pool that is quick to
 * judge, for tests of the public calls.
 */
#ifndef WARD_TESTS_UNIT_JOB_H
#define WARD_TESTS_UNIT_JOB_H

#include "wait.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

/* ---- a task that remembers ------------------------------------------- */

struct job {
	struct ward_task task;
	_Atomic uint32_t runs, dones, releases;
	_Atomic int32_t status;			       /* as done() was told */
	_Atomic uint32_t ran_at, done_at, released_at; /* order of events */
	_Atomic int32_t ran_on, done_on, released_on;  /* TIDs */
	_Atomic uint32_t attempt;  /* the last one that began */
	_Atomic uint64_t incident; /* as done() was told */
	struct gate gate;	   /* for those that wait */
	_Atomic uint32_t stop;	   /* for those that spin */
	int32_t answer;		   /* for run() to return */
	_Atomic int32_t check;	   /* what ward_check() said in the end */
	_Atomic uint32_t homes;	   /* runs that came to their end */
};

static _Atomic uint32_t job_clock;

static inline struct job *job_of(struct ward_task *task)
{
	return ward_entry(task, struct job, task);
}

static inline void job_begins(struct job *job)
{
	const struct ward_self *self = ward_self();

	store_relaxed(&job->ran_on, host_tid());
	store_relaxed(&job->attempt, self ? self->attempt : 0);
	store_relaxed(&job->ran_at, add_relaxed(&job_clock, 1));
	add_acq_rel(&job->runs, 1);
}

static inline int job_ends(struct job *job)
{
	int32_t answer = job->answer;

	store_relaxed(&job->check, ward_check());
	add_acq_rel(&job->homes, 1); /* release() may follow at once */
	return answer;
}

static inline int job_run(struct ward_task *task)
{
	job_begins(job_of(task));
	return job_ends(job_of(task));
}

/* Sleeps until its gate is opened. */
static inline int job_sleep(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	return job_ends(job_of(task));
}

/* Spins until it is told to stop. */
static inline int job_spin(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!load_relaxed(&job_of(task)->stop))
		host_relax();
	return job_ends(job_of(task));
}

static inline int job_exit(struct ward_task *task)
{
	job_begins(job_of(task));
	pthread_exit(NULL);
}

static inline int job_raw_exit(struct ward_task *task)
{
	job_begins(job_of(task));
	raw_exit();
	return 0;
}

static inline void job_done(struct ward_task *task, int status)
{
	struct job *job = job_of(task);

	store_relaxed(&job->status, status);
	store_relaxed(&job->done_on, host_tid());
	store_relaxed(&job->incident, ward_incident(task));
	store_relaxed(&job->done_at, add_relaxed(&job_clock, 1));
	add_acq_rel(&job->dones, 1);
}

static inline void job_release(struct ward_task *task)
{
	struct job *job = job_of(task);

	store_relaxed(&job->released_on, host_tid());
	store_relaxed(&job->released_at, add_relaxed(&job_clock, 1));
	add_acq_rel(&job->releases, 1);
}

static inline struct job job_of_kind(int (*run)(struct ward_task *))
{
	return (struct job){ .task = { .run = run,
				       .done = job_done,
				       .release = job_release,
				       .name = "job" } };
}

#define job_is_released(job) comes_true(load_acquire(&(job)->releases) == 1)

/* Accepted, answered and given back: each once, in that order. */
static inline void job_had(struct job *job, int32_t status)
{
	cr_assert(job_is_released(job));
	cr_assert_eq(job->dones, 1, "%u answers", load_relaxed(&job->dones));
	cr_assert_eq(load_relaxed(&job->status), status, "status %d",
		     load_relaxed(&job->status));
	cr_assert_lt(load_relaxed(&job->done_at),
		     load_relaxed(&job->released_at));
}

/* Nobody has touched it. */
static inline void job_is_untouched(const struct job *job)
{
	cr_assert_eq(job->runs, 0);
	cr_assert_eq(job->dones, 0);
	cr_assert_eq(job->releases, 0);
}

/* ---- reports --------------------------------------------------------- */

static struct told {
	_Atomic uint32_t n;
	struct ward_report report[64]; /* their strings are gone */
	char task[64][16], message[64][32];
} told;

static inline void tell_told(void *arg, const struct ward_report *report)
{
	uint32_t n = load_relaxed(&told.n);

	(void)arg;
	if (n == 64)
		return;
	told.report[n] = *report;
	snprintf(told.task[n], sizeof(told.task[n]), "%s", report->task);
	snprintf(told.message[n], sizeof(told.message[n]), "%s", report->message);
	store_release(&told.n, n + 1);
}

/* The last one of that kind, or NULL. */
static inline const struct ward_report *told_of(enum ward_kind kind)
{
	for (uint32_t n = load_acquire(&told.n); n--;)
		if (told.report[n].kind == kind)
			return &told.report[n];
	return NULL;
}

static inline uint32_t told_times(enum ward_kind kind)
{
	uint32_t times = 0;

	for (uint32_t n = load_acquire(&told.n); n--;)
		times += told.report[n].kind == kind;
	return times;
}

/* ---- a pool that is quick to judge ----------------------------------- */

static const struct ward_hooks job_hooks = { .report = tell_told };
/* Patience for those that are healthy; tasks that shall be convicted say so. */
static const struct ward_policy patient = { .size = sizeof(patient),
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60) };
static const struct ward_policy hasty = { .size = sizeof(hasty),
					  .busy_within = WARD_MS(20),
					  .blocked_within = WARD_MS(20) };

static inline struct ward_pool_config job_config(uint32_t workers)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = workers;
	config.scan = WARD_MS(1);
	config.policy = &patient;
	config.hooks = &job_hooks;
	return config;
}

static inline struct ward_pool *created(const struct ward_pool_config *config)
{
	struct ward_pool *pool = NULL;

	cr_assert_eq(ward_pool_create(&pool, config), 0);
	cr_assert_not_null(pool);
	return pool;
}

static inline struct ward_pool *started(const struct ward_pool_config *config)
{
	struct ward_pool *pool = created(config);

	cr_assert_eq(ward_pool_start(pool), 0);
	return pool;
}

static inline struct ward_pool *pool_of(uint32_t workers)
{
	struct ward_pool_config config = job_config(workers);

	return started(&config);
}

static inline void submitted(struct ward_pool *pool, struct job *job)
{
	cr_assert_eq(ward_submit(pool, &job->task, WARD_FOREVER), 0);
}

static inline struct ward_stats stats_of(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	cr_assert_eq(ward_pool_stats(pool, &stats), 0);
	return stats;
}

#define stat_is(pool, field, n) comes_true(stats_of(pool).field == (n))

static inline void audited(struct ward_pool *pool)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	cr_assert_eq(ward_audit(pool, &audit), 0, "%s", audit.first);
}

/* Drained, its books in order, and nothing left behind. */
static inline void ended(struct ward_pool *pool)
{
	struct ward_stats stats;

	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	stats = stats_of(pool);
	cr_assert_eq(stats.accepted, stats.answered);
	cr_assert_eq(stats.queued, 0);
	cr_assert_eq(stats.owed, 0);
	cr_assert_eq(stats.rescues, 0);
	audited(pool);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
}

/* ---- what the process has -------------------------------------------- */

static inline uint32_t entries(const char *path)
{
	DIR *dir = opendir(path);
	uint32_t n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline uint32_t threads(void)
{
	return entries("/proc/self/task");
}

static inline uint32_t descriptors(void)
{
	return entries("/proc/self/fd");
}

#endif
