/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait: since when, by which budgets they are answered, and what ends the
 * wait.
 */
#include "lane_job.h"
#include "pool/pool.h"
#include <signal.h>
#include <unistd.h>

/* ---- too late, wherever it waits ---------------------------------------------- */

static const struct ward_policy soon = { .size = sizeof(soon),
					 .start_within = WARD_MS(1) };

static int sleeps_and_exits(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	pthread_exit(NULL);
}

/* Longer than all may that were submitted until now. */
static void pass_the_window(void)
{
	uint64_t until = host_now() + WARD_MS(2);

	while (host_now() < until)
		host_yield();
}

enum { QUEUED = 130 }; /* more than are sampled, or lie in a local queue */

static void all_are_late(struct job *job, int n)
{
	for (int i = 0; i < n; i++) {
		job_had(&job[i], -ETIMEDOUT);
		cr_assert_eq(job[i].runs, 0, "%d has run", i);
	}
}

Test(waits, too_late_in_a_ring_and_in_the_hand_of_one_that_died)
{
	static struct job job[QUEUED];
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);
	struct job first = job_of_kind(sleeps_and_exits);

	submitted(pool, &first);
	for (int i = 0; i < QUEUED; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.policy = &soon;
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_start(pool), 0);
	cr_assert(runs(&first));
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, QUEUED);
	job_had(&first, -EOWNERDEAD);
	ended(pool);
}

Test(waits, too_late_in_a_lane)
{
	static struct job job[QUEUED];
	struct ward_pool *pool = pool_of(1);
	struct job first = job_of_kind(job_sleep);
	struct ward_lane *lane = lane_of(pool, .active = 1, .policy = &soon);

	first.task.policy = &patient;
	begun(lane, &first);
	sent_all(lane, job, QUEUED, job_run);
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, QUEUED);
	finished(pool, lane, -ETIMEDOUT);
}

Test(waits, too_late_though_its_time_has_come)
{
	struct ward_pool *pool = pool_of(1);
	struct job first = job_of_kind(job_sleep), job[2];

	submitted(pool, &first);
	cr_assert(runs(&first));
	for (int i = 0; i < 2; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.policy = &soon;
		cr_assert_eq(ward_submit_at(pool, &job[i].task,
					    i ? ward_in(WARD_MS(1)) : 0, 0),
			     0);
	}
	pass_the_window();
	pass_the_window();
	gate_open(&first.gate);
	all_are_late(job, 2);
	ended(pool);
}

/* The time for which it was sent is not held against it. */
Test(waits, the_window_begins_when_its_time_has_come)
{
	static const struct ward_policy hour = { .size = sizeof(hour),
						 .start_within = WARD_S(3600) };
	struct ward_pool *pool = pool_of(1);
	struct job once = job_of_kind(job_run), again = job_of_kind(job_run);
	ward_ns at = ward_in(WARD_S(7200)), before = ward_now();

	once.task.policy = again.task.policy = &hour;
	cr_assert_eq(ward_submit_at(pool, &once.task, at, 0), 0);
	cr_assert_eq(task_priv(&once.task)->stamp, at);
	cr_assert_eq(ward_submit_at(pool, &again.task, 0, WARD_S(7200)), 0);
	cr_assert(comes_true(
		*(volatile uint64_t *)&task_priv(&again.task)->stamp >=
		before + WARD_S(7200)));
	ward_task_cancel(pool, &once.task, 0);
	ward_task_cancel(pool, &again.task, 0);
	job_had(&once, -ECANCELED);
	job_had(&again, -ECANCELED);
	cr_assert_eq(again.runs, 1);
	ended(pool);
}

/* ---- by whose budgets a callback is judged -------------------------------------- */

/* Longer than the hasty ones allow, silent. */
static void slow_done(struct ward_task *task, int status)
{
	uint64_t until = host_now() + WARD_MS(100);

	while (host_now() < until)
		host_relax();
	job_done(task, status);
}

static void endless_done(struct ward_task *task, int status)
{
	job_done(task, status);
	while (!load_relaxed(&job_of(task)->stop))
		host_relax();
}

/* After 'before' the worker answers 'job', which never ran. */
static struct ward_pool *answers(struct job *before, struct job *job)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = created(&config);

	submitted(pool, before);
	submitted(pool, job);
	cr_assert_eq(ward_task_cancel(pool, &job->task, 0), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	return pool;
}

Test(waits, an_answer_is_not_judged_by_the_task_before)
{
	struct job before = job_of_kind(job_run), job = job_of_kind(job_run);
	struct ward_pool *pool;

	before.task.policy = &hasty;
	job.task.done = slow_done;
	pool = answers(&before, &job);
	job_had(&job, -ECANCELED);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
}

Test(waits, an_answer_is_judged_by_its_own_budgets)
{
	struct job before = job_of_kind(job_run), job = job_of_kind(job_run);
	struct ward_pool *pool;

	job.task.policy = &hasty;
	job.task.done = endless_done;
	pool = answers(&before, &job);
	cr_assert(stat_is(pool, zombies_entered, 1));
	store_release(&job.stop, 1);
	job_had(&job, -ECANCELED);
	cr_assert(stat_is(pool, zombies, 0));
	ended(pool);
}

static void dies_in_done(struct ward_task *task, int status)
{
	job_done(task, status);
	pthread_exit(NULL);
}

static void slow_release(struct ward_task *task)
{
	slow_done(task, load_relaxed(&job_of(task)->status));
	store_release(&job_of(task)->dones, 1);
	job_release(task);
}

/* The next worker runs a hasty one first, and then has a release to do. */
Test(waits, a_release_that_is_owed_is_not_judged_by_the_task_before)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run), other[64];

	job.task.done = dies_in_done;
	job.task.release = slow_release;
	for (int i = 0; i < 64; i++) {
		other[i] = job_of_kind(job_run);
		other[i].task.policy = &hasty;
		submitted(pool, &other[i]);
		if (i == 32)
			submitted(pool, &job);
	}
	job_had(&job, 0);
	all_had(other, 64, 0);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	ended(pool);
}

/* ---- behind a task that takes long ---------------------------------------------- */

static uint32_t in_hand(struct ward_pool *handle)
{
	struct pool *pool = (struct pool *)handle;

	return owned_count(&pool->slot[0].local.ring) +
	       owned_count(&pool->slot[1].local.ring);
}

Test(waits, one_at_a_time_where_that_is_asked_for)
{
	struct ward_pool_config config = job_config(1);
	struct job job[8];
	struct ward_pool *pool;

	config.flags = WARD_POOL_NO_BATCH;
	config.scan = WARD_S(1); /* nobody shares anything out */
	pool = created(&config);
	for (int i = 0; i < 8; i++) {
		job[i] = job_of_kind(i ? job_run : job_sleep);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_start(pool), 0);
	cr_assert(runs(&job[0]));
	cr_assert_eq(in_hand(pool), 0);
	gate_open(&job[0].gate);
	all_had(job, 8, 0);
	ended(pool);
}

/* ---- told to stop, while all workers are busy ---------------------------------- */

/* The kinds of waiting. */
enum wait {
	WAITS_TIME,
	WAITS_PERIOD,
	WAITS_BACKOFF,
	WAITS_RERUN, /* for a worker */
	WAITS_GRANT,
	WAITS_BEHIND_GRANT,
	WAITS_LANE,
	WAITS_RANK,
	WAITS_RING,
	WAITS_HAND,
	WAITS_DUE,
	WAITS
};

/* How it is asked. */
enum ask {
	ASK_TOKEN,
	ASK_DEADLINE,
	ASK_LATE_DEADLINE,
	ASK_LANE,
	ASK_WINDOW,
	ASK_CANCEL,
	ASKS
};

enum { BUSY = 2 };

static const struct ward_policy again = { .size = sizeof(again),
					  .runs = 3,
					  .errors = 2,
					  .busy_within = WARD_S(60),
					  .blocked_within = WARD_S(60) };
static const struct ward_policy much_later = { .size = sizeof(much_later),
					       .runs = 3,
					       .errors = 2,
					       .backoff_min = WARD_S(36000),
					       .busy_within = WARD_S(60),
					       .blocked_within = WARD_S(60) };
static const struct ward_policy a_while = { .size = sizeof(a_while),
					    .start_within = WARD_MS(30),
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60) };

struct scene {
	enum wait wait;
	enum ask ask;
	struct ward_pool *pool;
	struct ward_lane *lane;
	struct ward_cancel token;
	struct ward_limit limit;
	struct job busy[BUSY], first, job, other;
};

static bool in_lane(const struct scene *s)
{
	return s->wait == WAITS_GRANT || s->wait == WAITS_BEHIND_GRANT ||
	       s->wait == WAITS_LANE || s->wait == WAITS_RANK ||
	       s->ask == ASK_LANE;
}

static bool makes_sense(const struct scene *s)
{
	bool begun = s->wait == WAITS_PERIOD || s->wait == WAITS_BACKOFF ||
		     s->wait == WAITS_RERUN;

	if (s->ask == ASK_WINDOW) /* from its time on, and up to its start */
		return !begun && s->wait != WAITS_TIME &&
		       s->wait != WAITS_GRANT && s->wait != WAITS_BEHIND_GRANT;
	if (s->ask == ASK_LANE)
		return s->wait != WAITS_TIME && s->wait != WAITS_PERIOD &&
		       s->wait != WAITS_DUE;
	return true;
}

static bool has_begun(const struct scene *s)
{
	return s->wait == WAITS_PERIOD || s->wait == WAITS_BACKOFF ||
	       s->wait == WAITS_RERUN;
}

static struct ward_cancel *token_of_scene(struct scene *s)
{
	return s->ask == ASK_LANE ? ward_lane_token(s->lane) : &s->token;
}

static void takes_a_lane(struct scene *s)
{
	struct ward_limit *limits[] = { &s->limit };
	struct ward_lane_config config = { .active = s->wait == WAITS_LANE };

	if (s->wait == WAITS_GRANT || s->wait == WAITS_BEHIND_GRANT) {
		cr_assert_eq(ward_limit_init(&s->limit, 1 / 36000.0, 1), 0);
		config.limits = limits;
		config.nlimits = 1;
	}
	if (s->wait == WAITS_RANK)
		config.prio = 2;
	s->lane = lane_with(s->pool, config);
}

/* Just before it is sent, which must not come too late; or later. */
static void gets_its_deadline(struct scene *s)
{
	if (s->ask == ASK_DEADLINE)
		ward_cancel_deadline(&s->token, ward_in(WARD_MS(100)));
}

static void sends(struct scene *s, struct job *job)
{
	if (s->lane)
		sent(s->lane, job);
	else
		submitted(s->pool, job);
}

/* The task that it sends lies in its own local queue, behind itself. */
static int sends_and_sleeps(struct ward_task *task)
{
	struct scene *s = ward_entry(job_of(task), struct scene, busy[0]);

	gets_its_deadline(s);
	sends(s, &s->job);
	return job_sleep(task);
}

static void all_are_busy(struct scene *s)
{
	/* The last one is busy before the first one has anything in its local queue. */
	for (int i = BUSY; i--;) {
		s->busy[i] = job_of_kind(
			!i && s->wait == WAITS_HAND ? sends_and_sleeps :
						      job_sleep);
		submitted(s->pool, &s->busy[i]);
		cr_assert(runs(&s->busy[i]));
	}
}

/* Its worker has something else to do then, before the next attempt. */
static int fails_after_the_gate(struct ward_task *task)
{
	struct scene *s = ward_entry(job_of(task), struct scene, job);

	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	if (load_relaxed(&s->job.runs) == 1)
		submitted(s->pool, &s->busy[1]);
	return job_of(task)->answer;
}

/* What moved is known to it, and all that waits was looked at. */
static void all_is_looked_at(struct scene *s)
{
	uint64_t scans;

	s->other = job_of_kind(job_run);
	cr_assert_eq(ward_submit_at(s->pool, &s->other.task,
				    ward_in(WARD_S(36000)), 0),
		     0);
	scans = stats_of(s->pool).scans;
	cr_assert(comes_true(stats_of(s->pool).scans >= scans + 3));
}

static void waits(struct scene *s)
{
	struct job *job = &s->job;

	*job = job_of_kind(job_run);
	s->busy[1] = job_of_kind(job_sleep);
	s->first = job_of_kind(s->wait == WAITS_LANE ? job_sleep : job_run);
	if (s->ask == ASK_TOKEN || s->ask == ASK_DEADLINE ||
	    s->ask == ASK_LATE_DEADLINE)
		job->task.cancel = &s->token;
	if (s->ask == ASK_WINDOW)
		job->task.policy = &a_while;
	if (in_lane(s))
		takes_a_lane(s);
	if (s->wait == WAITS_GRANT || s->wait == WAITS_BEHIND_GRANT) {
		sent(s->lane, &s->first);
		job_had(&s->first, 0);
		s->other = job_of_kind(job_run);
		if (s->wait == WAITS_BEHIND_GRANT)
			sent(s->lane, &s->other);
	}
	if (has_begun(s)) {
		job->task.run = fails_after_the_gate;
		job->task.policy = s->wait == WAITS_BACKOFF ? &much_later :
							      &again;
		job->answer = s->wait == WAITS_PERIOD ? 0 : -EIO;
		if (s->wait == WAITS_PERIOD)
			cr_assert_eq(ward_submit_at(s->pool, &job->task, 0,
						    WARD_S(36000)),
				     0);
		else
			sends(s, job);
		cr_assert(runs(job));
		gets_its_deadline(s);
		all_is_looked_at(s);
	}
}

/* One thing waits, in a pool where nobody is free, and this happens to it. */
static void is_answered(struct scene *s)
{
	int status = s->ask == ASK_TOKEN || s->ask == ASK_LANE ||
				     s->ask == ASK_CANCEL ?
			     -EINTR :
			     -ETIMEDOUT;
	struct job *job = &s->job;

	if (s->ask == ASK_TOKEN || s->ask == ASK_LANE)
		cr_assert(ward_cancel_fire(token_of_scene(s), -EINTR));
	if (s->ask == ASK_CANCEL)
		cr_assert_eq(ward_task_cancel(s->pool, &job->task, -EINTR), 0);
	if (s->ask == ASK_LATE_DEADLINE)
		ward_cancel_deadline(&s->token, ward_in(WARD_MS(5)));
	job_had(job, status);
	cr_assert_eq(job->runs, has_begun(s));
}

static void scene(enum wait wait, enum ask ask)
{
	static struct scene s;
	struct ward_pool_config config = job_config(BUSY);
	struct ward_stats stats;

	s = (struct scene){ .wait = wait, .ask = ask };
	if (!makes_sense(&s))
		return;
	config.max = BUSY;
	config.flags = WARD_POOL_NO_BATCH;
	s.pool = started(&config);
	waits(&s);
	if (has_begun(&s)) { /* on one worker; then that one is busy, too */
		s.busy[0] = job_of_kind(job_sleep);
		submitted(s.pool, &s.busy[0]);
		cr_assert(runs(&s.busy[0]));
		gate_open(&s.job.gate);
		cr_assert(runs(&s.busy[1]));
	} else if (wait != WAITS_LANE) {
		all_are_busy(&s);
	} else {
		s.busy[0] = job_of_kind(job_sleep);
		submitted(s.pool, &s.busy[0]);
		sent(s.lane, &s.first);
		cr_assert(runs(&s.busy[0]));
		cr_assert(runs(&s.first));
	}
	if (!has_begun(&s) && wait != WAITS_HAND)
		gets_its_deadline(&s);
	if (wait == WAITS_TIME)
		cr_assert_eq(ward_submit_at(s.pool, &s.job.task,
					    ward_in(WARD_S(36000)), 0),
			     0);
	else if (wait == WAITS_DUE)
		cr_assert_eq(ward_submit_at(s.pool, &s.job.task, 0, 0), 0);
	else if (!has_begun(&s) && wait != WAITS_HAND)
		sends(&s, &s.job);
	is_answered(&s);
	stats = stats_of(s.pool);
	cr_assert_eq(stats.answered, stats.accepted - stats.queued -
					     stats.owed - stats.running);
	for (int i = 0; i < BUSY; i++)
		gate_open(&s.busy[i].gate);
	gate_open(&s.first.gate);
	if (wait == WAITS_BEHIND_GRANT || has_begun(&s))
		ward_task_cancel(s.pool, &s.other.task, 0);
	if (s.lane) {
		ward_lane_join(s.lane, WARD_FOREVER);
		given_back(s.lane);
	}
	ended(s.pool);
}

Test(waits, told_to_stop_it_is_answered_though_nobody_is_free, .timeout = 120)
{
	for (int wait = 0; wait < WAITS; wait++)
		for (int ask = 0; ask < ASKS; ask++)
			scene(wait, ask);
}

/* The holder lets go of it last, and is no worker: release() is requeued from then on. */
Test(waits, let_go_of_it_is_given_back_though_nobody_is_free)
{
	static struct scene s;

	s.pool = pool_of(BUSY);
	s.job = job_of_kind(job_run);
	all_are_busy(&s);
	cr_assert_eq(ward_task_hold(s.pool, &s.job.task), 0);
	submitted(s.pool, &s.job);
	cr_assert_eq(ward_task_cancel(s.pool, &s.job.task, -EINTR), 0);
	cr_assert(comes_true(load_acquire(&s.job.dones) == 1));
	cr_assert_eq(s.job.releases, 0);
	cr_assert_eq(ward_task_drop(s.pool, &s.job.task), 0);
	job_had(&s.job, -EINTR);
	for (int i = 0; i < BUSY; i++)
		gate_open(&s.busy[i].gate);
	ended(s.pool);
}

/* A pool that may replace nobody any more: all its workers hang. */
Test(waits, told_to_stop_it_is_answered_though_all_workers_hang)
{
	struct ward_pool_config config = job_config(BUSY);
	struct job hangs[BUSY + 1], job = job_of_kind(job_run);
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool;

	config.max = BUSY;
	config.zombies = 1;
	pool = started(&config);
	for (int i = 0; i <= BUSY; i++) {
		hangs[i] = job_of_kind(job_sleep);
		hangs[i].task.policy = &hasty;
		submitted(pool, &hangs[i]);
	}
	for (int i = 0; i <= BUSY; i++)
		cr_assert(runs(&hangs[i]));
	cr_assert(comes_true(told_of(WARD_R_DEGRADED)));
	job.task.cancel = &token;
	submitted(pool, &job);
	ward_cancel_fire(&token, -EINTR);
	job_had(&job, -EINTR);
	for (int i = 0; i <= BUSY; i++)
		gate_open(&hangs[i].gate);
	for (int i = 0; i <= BUSY; i++)
		cr_assert(job_is_released(&hangs[i]));
	ended(pool);
}

/* The pool's only worker: */
static struct ward_pool *kept_busy(struct job *busy)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;

	config.max = 1;
	pool = started(&config);
	submitted(pool, busy);
	cr_assert(runs(busy));
	return pool;
}

static void dismissed(struct ward_pool *pool, struct job *busy)
{
	gate_open(&busy->gate);
	job_had(busy, 0);
	ended(pool);
}

/* An answer may hang the spare on the bench: another one comes. */
Test(waits, an_answer_that_hangs_keeps_no_other_from_its_own)
{
	struct job busy = job_of_kind(job_sleep), job[3];
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = kept_busy(&busy);

	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.cancel = &token;
		if (!i) {
			job[i].task.policy = &hasty;
			job[i].task.done = endless_done;
		}
		submitted(pool, &job[i]);
	}
	ward_cancel_fire(&token, -EINTR);
	job_had(&job[1], -EINTR);
	job_had(&job[2], -EINTR);
	cr_assert_eq(busy.homes, 0);
	cr_assert_eq(stats_of(pool).zombies, 1);
	store_release(&job[0].stop, 1);
	job_had(&job[0], -EINTR);
	dismissed(pool, &busy);
}

/* The last answer of the thread on the bench was that of a hasty task; a watch is not. */
struct slow_watch {
	struct ward_watch watch;
	_Atomic int32_t called_on; /* TID */
};

static void sleeps_in_peace(struct ward_watch *watch, int cause)
{
	struct slow_watch *slow = ward_entry(watch, struct slow_watch, watch);

	cr_assert_eq(cause, -ETIMEDOUT);
	host_wait(&(_Atomic uint32_t){ 0 }, 0, ward_in(WARD_MS(300)));
	store_release(&slow->called_on, host_tid());
}

Test(waits, a_watch_on_the_bench_is_not_judged_as_the_task_before)
{
	struct job busy = job_of_kind(job_sleep), hurried = job_of_kind(job_run);
	struct job held = job_of_kind(job_run), waits = job_of_kind(job_run);
	struct ward_cancel token = { { 0 } }, late = { { 0 } };
	struct slow_watch slow = { .watch.fn = sleeps_in_peace };
	struct ward_pool *pool = kept_busy(&busy);
	struct ward_lane *lane = lane_of(pool, .active = 1);

	hurried.task.policy = &hasty;
	hurried.task.cancel = &token;
	submitted(pool, &hurried);
	ward_cancel_fire(&token, -EINTR);
	job_had(&hurried, -EINTR);
	cr_assert_eq(ward_cancel_watch(&late, &slow.watch), 0);
	waits.task.cancel = &late;
	sent(lane, &held); /* the lane's only place */
	sent(lane, &waits);
	ward_cancel_deadline(&late, ward_in(WARD_MS(20)));
	job_had(&waits, -ETIMEDOUT);
	cr_assert_eq(slow.called_on, hurried.done_on);
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	gate_open(&busy.gate);
	job_had(&held, 0);
	finished(pool, lane, -ETIMEDOUT);
}

static struct ring *ring_with_one(struct ward_pool *pool)
{
	struct inbox *inbox = &((struct pool *)pool)->inbox;

	for (uint32_t i = 0; i < inbox->rings; i++)
		if (ring_count(&inbox->ring[i]) == 1)
			return &inbox->ring[i];
	return NULL;
}

/* A submitter was at the ring as the bench came by; then the spare there hangs. */
Test(waits, what_was_passed_over_is_looked_for_though_an_answer_hangs)
{
	struct job busy = job_of_kind(job_sleep), job[2];
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = kept_busy(&busy);
	struct ring *ring;

	for (int i = 0; i < 2; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.cancel = &token;
	}
	submitted(pool, &job[0]);
	ring = ring_with_one(pool);
	cr_assert(ring);
	cr_assert(comes_true(ring_claim(ring)));
	job[1].task.policy = &hasty;
	job[1].task.done = endless_done;
	submitted(pool, &job[1]);
	ward_cancel_fire(&token, -EINTR);
	cr_assert(comes_true(load_acquire(&job[1].dones)));
	cr_assert_eq(load_acquire(&job[0].dones), 0);
	ring_drop(ring);
	job_had(&job[0], -EINTR);
	cr_assert_eq(busy.homes, 0);
	store_release(&job[1].stop, 1);
	job_had(&job[1], -EINTR);
	dismissed(pool, &busy);
}

static struct pool *bench_of; /* whose worker is to die */
static struct job *dies;
static uint32_t vacant;

static void done_as_one_dies(struct ward_task *task, int status)
{
	gate_open(&dies->gate);
	cr_assert(comes_true(seats_vacant(&bench_of->seat_count) ||
			     load_relaxed(&bench_of->heals)));
	job_done(task, status);
}

static void done_after_that(struct ward_task *task, int status)
{
	vacant = seats_vacant(&bench_of->seat_count);
	job_done(task, status);
}

/* There is one spare, and it answers: it has the dead one's seat before the next. */
Test(waits, who_answers_does_not_keep_a_seat_vacant)
{
	struct ward_pool_config config = job_config(1);
	struct job busy = job_of_kind(sleeps_and_exits), job[2];
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool;

	config.max = 1;
	config.spares = 1;
	pool = started(&config);
	bench_of = (struct pool *)pool;
	dies = &busy;
	submitted(pool, &busy);
	cr_assert(runs(&busy));
	for (int i = 0; i < 2; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.cancel = &token;
		job[i].task.done = i ? done_after_that : done_as_one_dies;
		submitted(pool, &job[i]);
	}
	ward_cancel_fire(&token, -EINTR);
	job_had(&job[0], -EINTR);
	job_had(&job[1], -EINTR);
	job_had(&busy, -EOWNERDEAD);
	cr_assert_eq(vacant, 0);
	ended(pool);
}

/* A task that is not told to stop stays, and in its order. */
Test(waits, others_stay_where_they_are)
{
	enum { N = 300 };
	static struct job job[N];
	struct job busy = job_of_kind(job_sleep);
	struct ward_cancel fired = { { 0 } }, live = { { 0 } };
	struct ward_pool *pool = kept_busy(&busy);
	uint32_t last = 0;

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		job[i].task.cancel = i % 3 == 1 ? &fired : i % 3 ? &live : NULL;
		submitted(pool, &job[i]);
	}
	ward_cancel_fire(&fired, -EINTR);
	for (int i = 1; i < N; i += 3)
		job_had(&job[i], -EINTR);
	gate_open(&busy.gate);
	for (int i = 0; i < N; i++) {
		job_had(&job[i], i % 3 == 1 ? -EINTR : 0);
		if (i % 3 == 1)
			continue;
		cr_assert_gt(load_relaxed(&job[i].ran_at) + 1, last);
		last = load_relaxed(&job[i].ran_at) + 1;
	}
	ended(pool);
}

/* Each pool ends while a spare may be on its bench. */
Test(waits, a_pool_ends_while_its_tasks_are_told_to_stop)
{
	enum { N = 64, POOLS = 40 };
	static struct job job[N];

	for (int k = 0; k < POOLS; k++) {
		struct job busy = job_of_kind(job_sleep);
		struct ward_cancel token = { { 0 } };
		struct ward_pool *pool = kept_busy(&busy);

		for (int i = 0; i < N; i++) {
			job[i] = job_of_kind(job_run);
			job[i].task.cancel = i % 2 ? &token : NULL;
			if (i % 4 == 3)
				cr_assert_eq(ward_submit_at(pool, &job[i].task,
							    ward_in(WARD_S(60)),
							    0),
					     0);
			else
				submitted(pool, &job[i]);
		}
		ward_cancel_fire(&token, -EINTR);
		if (k % 2)
			cr_assert(comes_true(load_acquire(&job[1].dones)));
		gate_open(&busy.gate);
		cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
		for (int i = 0; i < N; i++) {
			cr_assert_eq(job[i].dones, 1);
			cr_assert_eq(job[i].releases, 1);
		}
	}
}

static void *drains(void *pool)
{
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	return NULL;
}

Test(waits, a_drain_does_not_wait_for_what_is_told_to_stop)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);
	struct ward_cancel token = { { 0 } };
	pthread_t thread;

	job.task.cancel = &token;
	cr_assert_eq(ward_submit_at(pool, &job.task, ward_in(WARD_S(36000)), 0),
		     0);
	cr_assert_eq(pthread_create(&thread, NULL, drains, pool), 0);
	cr_assert(stat_is(pool, waiting, 1));
	ward_cancel_fire(&token, -EINTR);
	pthread_join(thread, NULL);
	job_had(&job, -EINTR);
	ended(pool);
}

/* A periodic task does not come again after the close: also that is answered. */
Test(waits, a_drain_ends_what_is_periodic_though_all_are_busy)
{
	struct job busy = job_of_kind(job_sleep), job = job_of_kind(job_run);
	struct ward_pool *pool = kept_busy(&busy);

	cr_assert_eq(ward_submit_at(pool, &job.task, ward_in(WARD_S(36000)),
				    WARD_S(36000)),
		     0);
	cr_assert_eq(ward_pool_drain(pool, WARD_NOWAIT), -ETIMEDOUT);
	job_had(&job, -ECANCELED);
	cr_assert_eq(job.runs, 0);
	cr_assert_eq(busy.homes, 0);
	dismissed(pool, &busy);
}

/* The answers of a port are the loop's: no worker is needed for them. */
Test(waits, a_port_is_told_though_nobody_is_free)
{
	struct job busy = job_of_kind(job_sleep), job[2];
	struct ward_cancel token = { { 0 } };
	struct ward_port *port;
	struct ward_lane *lane;
	struct ward_pool *pool = kept_busy(&busy);

	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_of(pool, .active = 1, .port = port);
	for (int i = 0; i < 2; i++) { /* one in the pool, one in the lane */
		job[i] = job_of_kind(job_run);
		job[i].task.cancel = &token;
		sent(lane, &job[i]);
	}
	ward_cancel_fire(&token, -EINTR);
	for (int i = 0; i < 2; i++) {
		cr_assert(comes_true((ward_port_run(port, 0),
				      load_acquire(&job[i].releases))));
		cr_assert_eq(load_relaxed(&job[i].status), -EINTR);
		cr_assert_eq(load_relaxed(&job[i].done_on), host_tid());
	}
	cr_assert_eq(busy.homes, 0);
	gate_open(&busy.gate);
	job_had(&busy, 0);
	ward_lane_join(lane, WARD_FOREVER);
	given_back(lane);
	cr_assert(comes_true(ward_port_destroy(port) == 0));
	ended(pool);
}

/* ---- a thread that ends in its wait ---------------------------------------------- */

static void ends_unheard(int signo)
{
	(void)signo;
	raw_exit();
}

static int pauses(struct ward_task *task)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	job_begins(job_of(task));
	ward_pause(WARD_FOREVER);
	return job_ends(job_of(task));
}

/* Its record stays unused: the pool has one too many. */
Test(waits, what_a_dead_thread_waited_on_is_not_touched)
{
	struct job job = job_of_kind(pauses), other = job_of_kind(job_sleep);
	struct ward_pool *pool = pool_of(2);
	struct ward_cancel *token = host_alloc(1 << 20);
	struct ward_lane *lane;

	if (UNDER_ASAN)
		cr_skip_test("a raw exit leaves its record of the thread");
	signal(SIGUSR1, ends_unheard);
	job.task.cancel = token;
	submitted(pool, &job);
	submitted(pool, &other);
	cr_assert(runs(&job) && runs(&other));
	cr_assert(comes_true(sleeps_in_futex(load_acquire(&job.ran_on))));
	cr_assert_eq(ward_pool_resize(pool, 1, 1), 0);
	cr_assert_eq(tgkill(getpid(), load_relaxed(&job.ran_on), SIGUSR1), 0);
	job_had(&job, -EOWNERDEAD);
	cr_assert_eq(ward_cancel_fini(token), 0);
	host_free(token, 1 << 20);
	lane = lane_of(pool, .active = 1);
	cr_assert(ward_lane_cancel(lane, -EINTR)); /* wakes all that wait */
	gate_open(&other.gate);
	job_had(&other, 0);
	finished(pool, lane, 0);
}
