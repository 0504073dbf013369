/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

/* What code saw of itself, at one place. */
struct sight {
	bool seen, null;
	struct ward_self self;
	char pool[16];
	int check, commit, unblock;
};

static struct sight in_run, in_done, in_release, in_start, in_stop, in_main;

static void look_around(struct sight *sight)
{
	const struct ward_self *self = ward_self();

	sight->null = !self;
	if (self) {
		sight->self = *self;
		snprintf(sight->pool, sizeof(sight->pool), "%s", self->pool);
	}
	sight->check = ward_check();
	sight->commit = ward_commit();
	sight->unblock = ward_unblock(NULL, NULL);
	sight->seen = true;
}

static int run(struct ward_task *task)
{
	look_around(&in_run);
	return job_run(task);
}

static void done(struct ward_task *task, int status)
{
	look_around(&in_done);
	job_done(task, status);
}

static void release(struct ward_task *task)
{
	look_around(&in_release);
	job_release(task);
}

static char local_of_hook;

static void *on_start(void *arg, unsigned thread)
{
	if (thread == 0)
		look_around(&in_start);
	(void)arg;
	return &local_of_hook + thread;
}

static void on_stop(void *arg, unsigned thread, void *local)
{
	if (thread == 0)
		look_around(&in_stop);
	cr_assert_eq(local, &local_of_hook + thread);
	(void)arg;
}

static void is_worker(const struct sight *sight, uint32_t attempt)
{
	cr_assert(sight->seen);
	cr_assert_not(sight->null);
	cr_assert_eq(sight->self.size, sizeof(struct ward_self));
	cr_assert_eq(sight->self.attempt, attempt);
	cr_assert_eq(sight->self.reserved, 0);
	cr_assert_str_eq(sight->pool, "mine");
}

static void is_outside(const struct sight *sight)
{
	cr_assert_eq(sight->check, 0);
	cr_assert_eq(sight->commit, -EPERM);
	cr_assert_eq(sight->unblock, -EPERM);
}

Test(self, who_where_and_what_for)
{
	struct ward_hooks hooks = { .start = on_start, .stop = on_stop };
	struct ward_pool_config config = job_config(1);
	struct job job = job_of_kind(run);
	struct ward_pool *pool;

	config.name = "mine";
	config.hooks = &hooks;
	pool = started(&config);
	job.task.done = done;
	job.task.release = release;
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
	look_around(&in_main);

	is_worker(&in_run, 1);
	cr_assert_eq(in_run.self.worker, 0);
	cr_assert_geq((char *)in_run.self.local, &local_of_hook);
	cr_assert_eq(in_run.check, 0);
	cr_assert_eq(in_run.commit, 0);
	cr_assert_eq(in_run.unblock, 0);

	is_worker(&in_done, 0);
	is_outside(&in_done);
	is_worker(&in_release, 0);
	is_outside(&in_release);
	is_worker(&in_start, 0);
	is_outside(&in_start);
	cr_assert_null(in_start.self.local);
	is_worker(&in_stop, 0);
	cr_assert_eq(in_stop.commit, -EPERM);
	cr_assert_eq(in_stop.unblock, -EPERM);

	cr_assert(in_main.seen && in_main.null);
	is_outside(&in_main);
}

static _Atomic uint32_t seats_seen;

static int sits(struct ward_task *task)
{
	job_begins(job_of(task));
	or_relaxed(&seats_seen, 1u << ward_self()->worker);
	gate_pass(&job_of(task)->gate);
	return 0;
}

Test(self, each_worker_has_a_seat_of_its_own)
{
	struct ward_pool *pool = pool_of(4);
	struct job job[4];

	for (int i = 0; i < 4; i++) {
		job[i] = job_of_kind(sits);
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < 4; i++)
		cr_assert(gate_came(&job[i].gate));
	cr_assert_eq(seats_seen, 0xf);
	for (int i = 0; i < 4; i++) {
		gate_open(&job[i].gate);
		job_had(&job[i], 0);
	}
	ended(pool);
}

/* ---- time ------------------------------------------------------------ */

Test(self, now_is_the_monotonic_clock)
{
	struct timespec at;
	ward_ns before = ward_now(), clock;

	clock_gettime(CLOCK_MONOTONIC, &at);
	clock = WARD_S(at.tv_sec) + (ward_ns)at.tv_nsec;
	cr_assert(before <= clock && clock <= ward_now());
}

Test(self, a_span_beyond_time_is_for_ever)
{
	ward_ns before = ward_now(), in = ward_in(WARD_S(5));

	cr_assert(in >= before + WARD_S(5) && in <= ward_now() + WARD_S(5));
	cr_assert_eq(ward_in(WARD_FOREVER), WARD_FOREVER);
	cr_assert_eq(ward_in(WARD_FOREVER - 1), WARD_FOREVER);
}

/* ---- on other threads nothing happens -------------------------------- */

Test(self, beats_of_strangers_are_nothing)
{
	ward_beat();
	ward_progress(5);
	ward_block_enter(WARD_FOREVER);
	ward_block_leave();
	cr_assert_null(ward_pulse_);
	cr_assert_eq(ward_incident(NULL), 0);
}

static uint64_t beats_in_run;

static int counts(struct ward_task *task)
{
	uint64_t beats = ward_pulse_->beats, units = ward_pulse_->units;

	ward_beat();
	cr_assert_eq(ward_pulse_->beats, beats + 1);
	cr_assert_eq(ward_pulse_->units, units);
	ward_progress(7);
	cr_assert_eq(ward_pulse_->beats, beats + 2);
	cr_assert_eq(ward_pulse_->units, units + 7);
	ward_progress(0);
	cr_assert_eq(ward_pulse_->beats, beats + 3);
	cr_assert_eq(ward_pulse_->units, units + 7);
	ward_check();
	cr_assert_eq(ward_pulse_->beats, beats + 4);
	beats_in_run = ward_pulse_->beats;
	return job_run(task);
}

Test(self, beats_and_units_are_counted)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(counts);

	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_gt(beats_in_run, 0);
	ended(pool);
}

/* ---- commit ---------------------------------------------------------- */

static int commits_twice(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	job->answer = ward_commit();
	store_relaxed(&job->check, ward_commit());
	return 0;
}

Test(self, a_commit_is_given_once)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(commits_twice);

	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(job.answer, 0);
	cr_assert_eq(load_relaxed(&job.check), -ESTALE);
	cr_assert_eq(stats_of(pool).stale_commits, 1);
	job = job_of_kind(commits_twice);
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(job.answer, 0, "each submit has its own");
	ended(pool);
}

/* ---- the pool is being destroyed ------------------------------------- */

static int until_told(struct ward_task *task)
{
	int why;

	job_begins(job_of(task));
	while (!(why = ward_check()))
		host_relax();
	return why;
}

Test(self, running_tasks_see_the_end_coming)
{
	struct ward_pool *pool = pool_of(2);
	struct job job[2] = { job_of_kind(until_told),
			      job_of_kind(until_told) };

	for (int i = 0; i < 2; i++)
		submitted(pool, &job[i]);
	for (int i = 0; i < 2; i++)
		cr_assert(comes_true(load_acquire(&job[i].runs)));
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	for (int i = 0; i < 2; i++)
		job_had(&job[i], -ESHUTDOWN);
}

/* Draining lets them finish: they are not told to stop. */
Test(self, draining_is_no_reason_to_stop)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);

	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(1))), -ETIMEDOUT);
	gate_open(&job.gate);
	ended(pool);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), 0);
}
