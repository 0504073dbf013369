/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

/* A thread's view of itself, at one place. */
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

/* ---- fence numbers --------------------------------------------------- */

static uint64_t number_of[8];
static int fence_of[8];

/* Attempt n says which number it has; the first one once more, when fenced. */
static int numbered(struct ward_task *task)
{
	struct job *job = job_of(task);
	uint32_t n = ward_self()->attempt;
	uint64_t again = 0;

	job_begins(job);
	if (n == 2 || job->answer != 2)
		fence_of[n] = ward_fence(&number_of[n]);
	while (n == 1 && job->answer && !load_acquire(&job->stop))
		host_relax();
	if (n == 1 && job->answer)
		store_relaxed(&job->check, ward_fence(&again));
	else
		cr_assert_eq(ward_fence(&again), 0);
	if (!(n == 1 && job->answer))
		cr_assert_eq(again, number_of[n]);
	else
		cr_assert_eq(again, 0, "a refusal writes nothing");
	return n == 1 ? -EAGAIN : 0;
}

static struct ward_policy twice = { .size = sizeof(twice),
				    .runs = 2,
				    .errors = 1,
				    .stalls = 1,
				    .busy_within = WARD_MS(20),
				    .blocked_within = WARD_S(60) };

Test(self, fence_numbers_grow_from_attempt_to_attempt)
{
	struct ward_pool *pool = pool_of(1);
	uint64_t last = 0;

	for (int i = 0; i < 100; i++) {
		struct job job = job_of_kind(numbered);

		job.task.policy = &twice;
		submitted(pool, &job);
		job_had(&job, 0);
		cr_assert_eq(fence_of[1], 0);
		cr_assert_eq(fence_of[2], 0);
		cr_assert_gt(number_of[1], last);
		cr_assert_gt(number_of[2], number_of[1]);
		last = number_of[2];
	}
	ended(pool);
}

/* 1: it has drawn before it was fenced; 2: not. */
static void fenced_and_asks(int32_t how)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(numbered);

	memset(number_of, 0, sizeof(number_of));
	job.answer = how;
	job.task.policy = &twice;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones)));
	cr_assert_gt(number_of[2], number_of[1]);
	store_release(&job.stop, 1);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), -ESTALE);
	ended(pool);
}

Test(self, a_fenced_attempt_has_no_number_any_more)
{
	fenced_and_asks(1);
	fenced_and_asks(2);
}

static int asks_everywhere(struct ward_task *task)
{
	job_begins(job_of(task));
	cr_assert_eq(ward_fence(NULL), -EINVAL);
	return 0;
}

static int fence_in_done;

static void asks_in_done(struct ward_task *task, int status)
{
	uint64_t number = 77;

	fence_in_done = ward_fence(&number);
	cr_assert_eq(number, 77);
	job_done(task, status);
}

Test(self, only_attempts_have_numbers)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(asks_everywhere);
	uint64_t number = 77;

	cr_assert_eq(ward_fence(&number), -EPERM);
	cr_assert_eq(ward_fence(NULL), -EINVAL);
	cr_assert_eq(number, 77);
	job.task.done = asks_in_done;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(fence_in_done, -EPERM);
	ended(pool);
}

/* By the wall clock, so that the next process goes on above. */
Test(self, numbers_go_on_above_those_of_yesterday)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(numbered);
	struct timespec wall;

	job.task.policy = &twice;
	submitted(pool, &job);
	job_had(&job, 0);
	clock_gettime(CLOCK_REALTIME, &wall);
	cr_assert_gt(number_of[1], ((uint64_t)wall.tv_sec - 60) * 1000000000);
	cr_assert_leq(number_of[2], ((uint64_t)wall.tv_sec + 1) * 1000000000);
	ended(pool);
}

/* ---- regret ---------------------------------------------------------- */

static uint64_t fenced_for; /* at least so long before it commits */

static int commits_too_late(struct ward_task *task)
{
	struct job *job = job_of(task);
	ward_ns from;

	job_begins(job);
	while (ward_fence(&fenced_for) != -ESTALE)
		host_relax();
	from = ward_now();
	while (ward_now() < from + WARD_MS(3))
		host_relax();
	return ward_commit();
}

Test(self, a_commit_that_comes_after_the_fence_is_regretted)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(commits_too_late);
	struct job again = job_of_kind(commits_twice);
	struct ward_stats stats;
	uint64_t below = 0, above = 0;

	job.task.policy = &hasty;
	submitted(pool, &job);
	job_had(&job, -ETIME);
	submitted(pool, &again);
	job_had(&again, 0);
	cr_assert(stat_is(pool, late, 1));
	stats = stats_of(pool);
	cr_assert_eq(stats.stale_commits, 2);
	cr_assert_eq(stats.regrets, 1, "who commits twice regrets nothing");
	for (int i = 0; i < WARD_BUCKETS; i++)
		*(UINT64_C(2) << i > WARD_MS(3) ? &above : &below) +=
			stats.regret_time[i];
	cr_assert_eq(above, 1);
	cr_assert_eq(below, 0);
	ended(pool);
}

/* ---- a pause --------------------------------------------------------- */

static ward_ns pause_until, paused_for;
static _Atomic uint32_t pausing; /* TID */

static int pauses(struct ward_task *task)
{
	struct job *job = job_of(task);
	ward_ns from = ward_now();
	int why;

	job_begins(job);
	store_release(&pausing, (uint32_t)host_tid());
	why = ward_pause(pause_until);
	paused_for = ward_now() - from;
	store_relaxed(&job->check, ward_check());
	return why;
}

static void is_asleep(struct job *job)
{
	cr_assert(comes_true(load_acquire(&job->runs)));
	cr_assert(comes_true(load_acquire(&pausing) &&
			     sleeps_in_futex((int32_t)load_relaxed(&pausing))));
}

Test(self, a_pause_ends_when_it_shall)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);

	for (int with = 0; with < 2; with++) {
		struct job job = job_of_kind(pauses);

		job.task.cancel = with ? &token : NULL;
		pause_until = ward_in(WARD_MS(10));
		submitted(pool, &job);
		job_had(&job, 0);
		cr_assert_geq(ward_now(), pause_until);
		cr_assert_eq(load_relaxed(&job.check), 0);
		pause_until = WARD_NOWAIT;
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.releases) == 2));
		pause_until = ward_now() - 1;
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.releases) == 3));
	}
	ended(pool);
}

Test(self, a_pause_ends_when_its_token_is_fired)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(pauses);

	pause_until = WARD_FOREVER;
	job.task.cancel = &token;
	submitted(pool, &job);
	is_asleep(&job);
	cr_assert(ward_cancel_fire(&token, -EINTR));
	job_had(&job, -EINTR);
	cr_assert_eq(load_relaxed(&job.check), -EINTR);
	ended(pool);
}

static void is_fenced_out(struct ward_cancel *token)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(pauses);

	store_relaxed(&pausing, 0);
	pause_until = WARD_FOREVER;
	job.task.policy = &hasty;
	job.task.cancel = token;
	submitted(pool, &job);
	job_had(&job, -ETIME);
	cr_assert(stat_is(pool, late, 1));
	cr_assert_eq(load_relaxed(&job.check), -ESTALE);
	cr_assert_eq(stats_of(pool).convicted_blocked, 1,
		     "a pause is sleep like any other");
	ended(pool);
}

Test(self, a_pause_ends_when_it_is_fenced)
{
	struct ward_cancel token = { { 0 } };

	is_fenced_out(NULL);
	is_fenced_out(&token);
	cr_assert_eq(ward_cancel_cause(&token), 0, "the token is not touched");
}

static void is_stopped(struct ward_cancel *token)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(pauses);

	store_relaxed(&pausing, 0);
	pause_until = WARD_FOREVER;
	job.task.cancel = token;
	submitted(pool, &job);
	is_asleep(&job);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	job_had(&job, -ESHUTDOWN);
}

Test(self, a_pause_ends_when_the_pool_does)
{
	struct ward_cancel token = { { 0 } };

	is_stopped(NULL);
	is_stopped(&token);
}

static int fires_and_pauses(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_cancel_fire(ward_token(), -EINTR);
	return ward_pause(WARD_FOREVER);
}

Test(self, a_pause_does_not_begin_where_the_token_is_fired)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(fires_and_pauses);

	job.task.cancel = &token;
	submitted(pool, &job);
	job_had(&job, -EINTR);
	ended(pool);
}

/* Also where the deadline comes to be while it sleeps. */
Test(self, a_pause_ends_at_its_tokens_deadline)
{
	struct ward_pool *pool = pool_of(1);

	pause_until = WARD_FOREVER;
	for (int i = 0; i < 2; i++) {
		struct ward_cancel token = { { 0 } };
		struct job job = job_of_kind(pauses);

		if (i == 0)
			ward_cancel_deadline(&token, ward_in(WARD_MS(20)));
		job.task.cancel = &token;
		submitted(pool, &job);
		is_asleep(&job);
		if (i == 1)
			ward_cancel_deadline(&token, ward_in(WARD_MS(1)));
		job_had(&job, -ETIMEDOUT);
	}
	ended(pool);
}

static struct ward_cancel *token_seen;

static int sees_its_token(struct ward_task *task)
{
	token_seen = ward_token();
	return job_run(task);
}

static void sees_none(struct ward_task *task, int status)
{
	if (ward_token())
		status = -1;
	job_done(task, status);
}

Test(self, a_task_can_hand_its_token_on)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(sees_its_token);

	cr_assert_null(ward_token());
	for (int with = 0; with < 2; with++) {
		job = job_of_kind(sees_its_token);
		job.task.done = sees_none;
		job.task.cancel = with ? &token : NULL;
		submitted(pool, &job);
		job_had(&job, 0);
		cr_assert_eq(token_seen, job.task.cancel);
	}
	ended(pool);
}

/* ---- a wait on a word of the program's own --------------------------------------- */

static uint32_t own_word;

static int waits_for_the_word(struct ward_task *task)
{
	struct job *job = job_of(task);
	int why;

	job_begins(job);
	store_release(&pausing, (uint32_t)host_tid());
	why = ward_block_on(&own_word, 0, pause_until);
	store_relaxed(&job->check, why);
	return why == -ETIMEDOUT ? 0 : why;
}

static void waits_until(struct ward_pool *pool, struct job *job,
			      ward_ns until)
{
	pause_until = until;
	own_word = 0;
	store_relaxed(&pausing, 0);
	*job = job_of_kind(waits_for_the_word);
	submitted(pool, job);
}

Test(self, a_wait_ends_when_its_word_moves)
{
	struct ward_pool *pool = pool_of(1);
	struct job job, other = job_of_kind(job_run);

	waits_until(pool, &job, WARD_FOREVER);
	is_asleep(&job);
	submitted(pool, &other); /* a worker was lent */
	job_had(&other, 0);
	__atomic_store_n(&own_word, 7, __ATOMIC_RELEASE);
	ward_wake(&own_word);
	job_had(&job, 0);
	cr_assert_eq(job.check, 0);
	cr_assert_eq(ward_block_on(&own_word, 0, WARD_NOWAIT), 0);
	cr_assert_eq(ward_block_on(&own_word, 7, ward_in(1)), -ETIMEDOUT);
	ended(pool);
}

Test(self, a_wait_is_declared_and_ends_by_its_time)
{
	struct ward_pool *pool = pool_of(1);
	struct job job;

	/* longer than the budgets of that pool */
	waits_until(pool, &job, ward_in(WARD_MS(400)));
	job_had(&job, 0);
	cr_assert_eq(job.check, -ETIMEDOUT);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
}

Test(self, a_wait_ends_as_a_pause_does)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(waits_for_the_word);

	pause_until = WARD_FOREVER;
	own_word = 0;
	job.task.cancel = &token;
	submitted(pool, &job);
	is_asleep(&job);
	ward_cancel_fire(&token, -EINTR);
	job_had(&job, -EINTR);
	waits_until(pool, &job, WARD_FOREVER);
	is_asleep(&job);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	job_had(&job, -ESHUTDOWN);
}

/* ---- elsewhere ------------------------------------------------------------------- */

static int why_of_done = 1;

static void pauses_in_done(struct ward_task *task, int status)
{
	why_of_done = ward_pause(ward_in(WARD_MS(1)));
	job_done(task, status);
}

static int fires_its_token(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_cancel_fire(task->cancel, -EINTR);
	return 0;
}

Test(self, elsewhere_a_pause_is_sleep)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(fires_its_token);
	ward_ns until = ward_in(WARD_MS(5));

	cr_assert_eq(ward_pause(until), 0);
	cr_assert_geq(ward_now(), until);
	cr_assert_eq(ward_pause(WARD_NOWAIT), 0);
	job.task.cancel = &token;
	job.task.done = pauses_in_done;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(why_of_done, 0, "a callback has no token");
	ended(pool);
}

/*
 * The token is given back in release(), while the pool wakes the task that pauses on
 * it: nobody moves it afterwards.
 */
static struct ward_cancel brief;

static int pauses_briefly(struct ward_task *task)
{
	job_begins(job_of(task));
	ward_pause(ward_in((ward_ns)job_of(task)->answer));
	return 0;
}

static void takes_the_token_back(struct ward_task *task)
{
	memset(&brief, 0, sizeof(brief));
	job_release(task);
}

Test(self, a_token_is_not_touched_after_its_pause)
{
	for (int i = 0; i < 300; i++) {
		struct ward_pool *pool = pool_of(1);
		struct job job = job_of_kind(pauses_briefly);

		job.answer = i * 1000;
		job.task.cancel = &brief;
		job.task.release = takes_the_token_back;
		submitted(pool, &job);
		cr_assert(comes_true(load_acquire(&job.runs)));
		cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
		cr_assert_eq(brief.priv[0], 0);
		cr_assert_eq(brief.priv[1], 0);
	}
}
