/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attempts that lose their worker, by every way there is, and what becomes of
 * their tasks.
 */
#include "job.h"

static bool healed(struct ward_pool *pool, uint32_t workers, uint32_t spares)
{
	return stat_is(pool, workers, workers) &&
	       stat_is(pool, spares, spares) && stat_is(pool, vacant, 0) &&
	       stat_is(pool, zombies, 0);
}

/* ---- stalls ---------------------------------------------------------- */

Test(lost, a_spinner_is_convicted_and_comes_home)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_spin), next = job_of_kind(job_run);
	const struct ward_report *report;
	struct ward_stats stats;

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), -ETIME);
	cr_assert_eq(job.releases, 0, "it is still inside");
	cr_assert_eq(job.homes, 0);
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert_neq(load_relaxed(&next.ran_on), load_relaxed(&job.ran_on));
	cr_assert(stat_is(pool, zombies, 1));
	cr_assert_eq(job.releases, 0);

	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert_eq(load_relaxed(&job.check), -ESTALE);
	cr_assert(healed(pool, 1, 1));
	cr_assert(comes_true(told_of(WARD_R_LIVELOCK)));
	cr_assert(comes_true(told_of(WARD_R_HOME)));
	report = told_of(WARD_R_LIVELOCK);
	cr_assert_neq(report->id, 0);
	cr_assert_eq(load_relaxed(&job.incident), report->id);
	cr_assert_eq(ward_incident(&job.task), report->id);
	cr_assert_eq(report->worker, 0);
	cr_assert_eq(report->attempt, 1);
	cr_assert_eq(report->tid, load_relaxed(&job.ran_on));
	cr_assert_eq(report->budget, WARD_MS(20));
	cr_assert_geq(report->ledger.busy, WARD_MS(20));
	stats = stats_of(pool);
	cr_assert_eq(stats.stalled, 1);
	cr_assert_eq(stats.late, 1);
	cr_assert_eq(stats.convicted_livelock, 1);
	cr_assert_eq(stats.heals, 1);
	cr_assert_eq(stats.zombies_entered, 1);
	cr_assert_eq(stats.zombies_returned, 1);
	cr_assert_eq(stats.reruns, 0);
	ended(pool);
}

Test(lost, a_sleeper_is_convicted_and_comes_home)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_sleep);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(job.releases, 0);
	cr_assert(comes_true(told_of(WARD_R_BLOCKED)));
	cr_assert_eq(load_relaxed(&job.incident), told_of(WARD_R_BLOCKED)->id);
	cr_assert_geq(told_of(WARD_R_BLOCKED)->ledger.blocked, WARD_MS(20));
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	cr_assert_eq(stats_of(pool).convicted_blocked, 1);
	cr_assert(healed(pool, 1, 1));
	ended(pool);
}

static int beats_only(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!load_relaxed(&job_of(task)->stop))
		ward_beat();
	return job_ends(job_of(task));
}

Test(lost, beats_without_progress_are_convicted_where_it_is_asked_for)
{
	struct ward_policy policy = hasty;
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(beats_only);

	policy.progress_within = WARD_MS(50);
	job.task.policy = &policy;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), -ETIME);
	cr_assert(comes_true(told_of(WARD_R_NO_PROGRESS)));
	cr_assert_eq(stats_of(pool).convicted_progress, 1);
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert(healed(pool, 1, 1));
	ended(pool);
}

/* Runs for so long, with a sign of life now and then. */
static int beats_along(struct ward_task *task)
{
	ward_ns until = ward_in(WARD_MS(100));

	job_begins(job_of(task));
	while (ward_now() < until)
		ward_progress(1);
	return job_ends(job_of(task));
}

Test(lost, signs_of_life_keep_a_long_task_alive)
{
	struct ward_policy policy = hasty;
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(beats_along);

	policy.progress_within = WARD_MS(20);
	job.task.policy = &policy;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), 0);
	cr_assert_eq(stats_of(pool).heals, 0);
	ended(pool);
}

/* ---- a declared wait ------------------------------------------------- */

static int declares(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	ward_block_enter(job->answer ? ward_in(WARD_MS(30)) : WARD_FOREVER);
	while (!load_acquire(&job->gate.open)) {
		store_release(&job->gate.came, 1);
		host_wait(&job->gate.open, 0, HOST_FOREVER);
	}
	ward_block_leave();
	return job_ends(job);
}

Test(lost, a_declared_wait_is_excused)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(declares), other = job_of_kind(job_sleep);

	job.task.policy = other.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	submitted(pool, &other); /* one that is not excused tells the time */
	cr_assert(comes_true(load_acquire(&other.dones) == 1));
	cr_assert_eq(load_relaxed(&other.status), -ETIME);
	cr_assert_eq(job.dones, 0);
	gate_open(&job.gate);
	gate_open(&other.gate);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.check), 0);
	job_had(&other, -ETIME);
	ended(pool);
}

Test(lost, a_declared_wait_that_is_overrun_is_not)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(declares);
	ward_ns before = ward_now();

	job.task.policy = &hasty;
	job.answer = 1;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), -ETIME);
	cr_assert_geq(ward_now() - before, WARD_MS(50), "30 declared, 20 more");
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	ended(pool);
}

/* ---- deaths ---------------------------------------------------------- */

static int cancels_itself(struct ward_task *task)
{
	job_begins(job_of(task));
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return 0;
}

static void dies(int (*how)(struct ward_task *))
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(how), next = job_of_kind(job_run);
	const struct ward_report *report;
	struct ward_stats stats;

	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert(comes_true(told_of(WARD_R_DEATH)));
	report = told_of(WARD_R_DEATH);
	cr_assert_eq(load_relaxed(&job.incident), report->id);
	cr_assert_eq(report->tid, load_relaxed(&job.ran_on));
	cr_assert_eq(report->worker, 0);
	cr_assert_eq(report->attempt, 1);
	cr_assert(healed(pool, 1, 1));
	cr_assert(stat_is(pool, threads_joined, 1));
	stats = stats_of(pool);
	cr_assert_eq(stats.deaths, 1);
	cr_assert_eq(stats.died, 1);
	cr_assert_eq(stats.stalled, 0);
	cr_assert_eq(stats.heals, 1);
	cr_assert_eq(stats.threads_created, 3);
	ended(pool);
}

Test(lost, a_thread_may_leave_by_pthread_exit)
{
	dies(job_exit);
}

Test(lost, a_thread_may_leave_by_cancellation)
{
	dies(cancels_itself);
}

Test(lost, a_thread_may_leave_by_a_raw_exit)
{
	dies(job_raw_exit);
}

Test(lost, two_die_at_once_of_three)
{
	struct ward_pool *pool = pool_of(3);
	struct job job[2] = { job_of_kind(job_exit), job_of_kind(job_exit) };

	for (int i = 0; i < 2; i++)
		submitted(pool, &job[i]);
	for (int i = 0; i < 2; i++)
		job_had(&job[i], -EOWNERDEAD);
	cr_assert(healed(pool, 3, 1));
	cr_assert_eq(stats_of(pool).deaths, 2);
	ended(pool);
}

/* What the dead one had taken for itself is not lost with it. */
Test(lost, what_a_dead_worker_had_in_hand_is_run_by_others)
{
	enum { N = 200 };
	static struct job job[N], first;
	struct ward_pool *pool = pool_of(1);

	first = job_of_kind(job_sleep);
	submitted(pool, &first);
	cr_assert(gate_came(&first.gate));
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(i % 10 == 3 ? job_exit : job_run);
		submitted(pool, &job[i]);
	}
	gate_open(&first.gate);
	for (int i = 0; i < N; i++)
		job_had(&job[i], i % 10 == 3 ? -EOWNERDEAD : 0);
	cr_assert(healed(pool, 1, 1));
	cr_assert_eq(stats_of(pool).deaths, N / 10);
	ended(pool);
}

/* ---- once more ------------------------------------------------------- */

/* Spins, dies or returns, attempt by attempt. */
struct script {
	struct job job;
	const char *says; /* 's', 'd' or 'r' for each attempt */
	bool commits;
	_Atomic int32_t commit[8], late_commit[8], check[8];
	_Atomic uint32_t order;
};

static struct script *script_of(struct ward_task *task)
{
	return ward_entry(job_of(task), struct script, job);
}

static int plays(struct ward_task *task)
{
	struct script *script = script_of(task);
	uint32_t n = ward_self()->attempt - 1;
	char says = script->says[n];

	cr_assert_eq(add_relaxed(&script->order, 1), n);
	job_begins(&script->job);
	if (script->commits)
		store_relaxed(&script->commit[n], ward_commit());
	if (says == 'd')
		pthread_exit(NULL);
	while (says == 's' && !load_acquire(&script->job.stop))
		host_relax();
	if (says == 's')
		store_relaxed(&script->late_commit[n], ward_commit());
	store_relaxed(&script->check[n], ward_check());
	add_acq_rel(&script->job.homes, 1);
	return 17;
}

static void plays_out(const char *says, uint32_t runs, uint32_t stalls,
		      uint32_t deaths, uint32_t attempts, int32_t status)
{
	struct ward_policy policy = hasty;
	struct ward_pool_config config = job_config(1);
	struct script script = { .job = job_of_kind(plays), .says = says };
	struct ward_pool *pool;
	uint32_t spins = 0, died = 0;

	config.zombies = 8;
	pool = started(&config);
	policy.runs = runs;
	policy.stalls = stalls;
	policy.deaths = deaths;
	script.job.task.policy = &policy;
	submitted(pool, &script.job);
	cr_assert(comes_true(load_acquire(&script.job.dones) == 1), "%s", says);
	cr_assert_eq(load_relaxed(&script.job.status), status, "%s: %d", says,
		     load_relaxed(&script.job.status));
	cr_assert_eq(load_relaxed(&script.job.runs), attempts, "%s: %u", says,
		     load_relaxed(&script.job.runs));
	for (uint32_t i = 0; i < attempts; i++) {
		spins += says[i] == 's';
		died += says[i] == 'd';
	}
	if (spins) /* they are still inside */
		cr_assert_eq(load_relaxed(&script.job.releases), 0, "%s", says);
	store_release(&script.job.stop, 1);
	job_had(&script.job, status);
	cr_assert_eq(load_relaxed(&script.job.runs), attempts);
	for (uint32_t i = 0; i < attempts; i++)
		if (says[i] == 's')
			cr_assert_eq(load_relaxed(&script.check[i]), -ESTALE);
	cr_assert(healed(pool, 1, 1));
	cr_assert_eq(stats_of(pool).reruns, attempts - 1);
	cr_assert_eq(stats_of(pool).stalled, spins);
	cr_assert_eq(stats_of(pool).died, died);
	cr_assert_eq(stats_of(pool).stale_commits, spins);
	ended(pool);
}

Test(lost, at_most_once_where_nothing_else_is_asked_for)
{
	plays_out("s", 0, 0, 0, 1, -ETIME);
	plays_out("d", 0, 0, 0, 1, -EOWNERDEAD);
	plays_out("s", 1, 5, 5, 1, -ETIME);
	plays_out("d", 1, 5, 5, 1, -EOWNERDEAD);
}

Test(lost, a_lost_attempt_is_followed_by_another)
{
	plays_out("sr", 2, 1, 0, 2, 17);
	plays_out("dr", 2, 0, 1, 2, 17);
	plays_out("sdr", 3, 1, 1, 3, 17);
	plays_out("ssdr", 9, 2, 1, 4, 17);
}

Test(lost, each_budget_ends_on_its_own)
{
	plays_out("ssss", 9, 2, 5, 3, -ETIME);
	plays_out("dddd", 9, 5, 2, 3, -EOWNERDEAD);
	plays_out("sds", 9, 1, 1, 3, -ETIME);
	plays_out("dsd", 9, 1, 1, 3, -EOWNERDEAD);
	plays_out("ss", 9, 0, 5, 1, -ETIME);
	plays_out("dd", 9, 5, 0, 1, -EOWNERDEAD);
}

Test(lost, runs_bounds_all_of_them)
{
	plays_out("sss", 2, 9, 9, 2, -ETIME);
	plays_out("dsd", 3, 9, 9, 3, -EOWNERDEAD);
}

/* What the task's policy leaves open, the pool's decides. */
Test(lost, the_pools_policy_stands_in)
{
	struct ward_policy policy = hasty, own = WARD_POLICY_INIT;
	struct ward_pool_config config = job_config(1);
	struct script script = { .job = job_of_kind(plays), .says = "sdr" };
	struct ward_pool *pool;

	policy.runs = 3;
	policy.stalls = policy.deaths = 1;
	config.policy = &policy;
	pool = started(&config);
	submitted(pool, &script.job);
	cr_assert(comes_true(load_acquire(&script.job.dones) == 1));
	store_release(&script.job.stop, 1);
	job_had(&script.job, 17);
	cr_assert_eq(script.job.runs, 3);

	script = (struct script){ .job = job_of_kind(plays), .says = "sdr" };
	script.job.task.policy = &own;
	submitted(pool, &script.job);
	cr_assert(comes_true(load_acquire(&script.job.dones) == 1));
	store_release(&script.job.stop, 1);
	job_had(&script.job, 17);
	cr_assert_eq(script.job.runs, 3);
	ended(pool);
}

/* ---- commits --------------------------------------------------------- */

static void commits(const char *says, uint32_t attempts, int32_t status)
{
	struct ward_policy policy = hasty;
	struct script script = { .job = job_of_kind(plays),
				 .says = says,
				 .commits = true };
	struct ward_pool *pool = pool_of(1);

	policy.runs = policy.stalls = policy.deaths = 5;
	script.job.task.policy = &policy;
	submitted(pool, &script.job);
	cr_assert(comes_true(load_acquire(&script.job.dones) == 1));
	store_release(&script.job.stop, 1);
	job_had(&script.job, status);
	cr_assert_eq(load_relaxed(&script.job.runs), attempts);
	cr_assert_eq(load_relaxed(&script.commit[0]), 0);
	ended(pool);
}

Test(lost, what_has_committed_is_not_run_again)
{
	commits("sr", 1, -ETIME);
	commits("dr", 1, -EOWNERDEAD);
	commits("r", 1, 17);
}

/* Commits when it is told to: by then it is fenced, and another has committed. */
static _Atomic int32_t commit_of[3];

static int commits_late(struct ward_task *task)
{
	struct job *job = job_of(task);
	uint32_t n = ward_self()->attempt;

	job_begins(job);
	while (n == 1 && !load_acquire(&job->stop))
		host_relax();
	store_relaxed(&commit_of[n], ward_commit());
	return (int)n;
}

Test(lost, a_late_commit_is_refused)
{
	struct ward_policy policy = hasty;
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(commits_late);

	policy.runs = 2;
	policy.stalls = 1;
	job.task.policy = &policy;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), 2);
	cr_assert_eq(load_relaxed(&commit_of[2]), 0);
	store_release(&job.stop, 1);
	job_had(&job, 2);
	cr_assert_eq(load_relaxed(&commit_of[1]), -ESTALE);
	cr_assert_eq(stats_of(pool).stale_commits, 1);
	ended(pool);
}

/* A fenced attempt's submits count: they are other tasks. */
static struct ward_pool *zombie_pool;
static struct job from_zombie;

static int submits_late(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	while (!load_acquire(&job->stop))
		host_relax();
	job->answer = ward_submit(zombie_pool, &from_zombie.task, 0);
	ward_beat();
	ward_progress(1);
	ward_block_enter(WARD_FOREVER);
	return job_ends(job);
}

Test(lost, a_zombie_may_still_submit)
{
	struct job job = job_of_kind(submits_late);

	zombie_pool = pool_of(1);
	from_zombie = job_of_kind(job_run);
	job.task.policy = &hasty;
	submitted(zombie_pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert_eq(job.answer, 0);
	job_had(&from_zombie, 0);
	ended(zombie_pool);
}

/* ---- callbacks that stall or die ------------------------------------- */

static void sleeping_done(struct ward_task *task, int status)
{
	job_done(task, status);
	gate_pass(&job_of(task)->gate);
}

Test(lost, a_done_that_hangs_loses_its_thread_and_no_answer)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run), next = job_of_kind(job_run);

	job.task.done = sleeping_done;
	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert_neq(load_relaxed(&next.ran_on), load_relaxed(&job.ran_on));
	cr_assert_eq(job.releases, 0);
	cr_assert_eq(stats_of(pool).zombies, 1);
	gate_open(&job.gate);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&job.done_on),
		     load_relaxed(&job.released_on));
	cr_assert(healed(pool, 1, 1));
	ended(pool);
}

static void sleeping_release(struct ward_task *task)
{
	gate_pass(&job_of(task)->gate);
	job_release(task);
}

Test(lost, a_release_that_hangs_loses_its_thread_and_no_answer)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run), next = job_of_kind(job_run);

	job.task.release = sleeping_release;
	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(gate_came(&job.gate));
	submitted(pool, &next);
	job_had(&next, 0);
	gate_open(&job.gate);
	job_had(&job, 0);
	cr_assert(healed(pool, 1, 1));
	ended(pool);
}

static void dying_done(struct ward_task *task, int status)
{
	job_done(task, status);
	pthread_exit(NULL);
}

Test(lost, a_done_that_dies_is_called_once_and_released_by_another)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run);

	job.task.done = dying_done;
	job.answer = 5;
	submitted(pool, &job);
	job_had(&job, 5);
	cr_assert_neq(load_relaxed(&job.done_on),
		      load_relaxed(&job.released_on));
	cr_assert(healed(pool, 1, 1));
	cr_assert_eq(stats_of(pool).died, 0, "no attempt was lost");
	ended(pool);
}

static void dying_release(struct ward_task *task)
{
	job_release(task);
	pthread_exit(NULL);
}

Test(lost, a_release_that_dies_is_called_once)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_run), next = job_of_kind(job_run);

	job.task.release = dying_release;
	submitted(pool, &job);
	submitted(pool, &next);
	job_had(&job, 0);
	job_had(&next, 0);
	cr_assert(healed(pool, 1, 1));
	ended(pool);
}

/* ---- a zombie that dies ---------------------------------------------- */

static int spins_then_exits(struct ward_task *task)
{
	job_begins(job_of(task));
	while (!load_acquire(&job_of(task)->stop))
		host_relax();
	pthread_exit(NULL);
}

Test(lost, a_zombie_that_dies_is_reaped)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(spins_then_exits);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert_eq(load_relaxed(&job.status), -ETIME);
	cr_assert_eq(job.releases, 0);
	store_release(&job.stop, 1);
	job_had(&job, -ETIME);
	cr_assert(healed(pool, 1, 1));
	cr_assert(stat_is(pool, deaths, 1));
	cr_assert_eq(stats_of(pool).zombies_reaped, 1);
	cr_assert_eq(stats_of(pool).zombies_returned, 0);
	ended(pool);
}

/* ---- ids ------------------------------------------------------------- */

Test(lost, the_incident_is_of_the_last_loss_of_this_submit)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_exit);
	uint64_t first;

	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	first = load_relaxed(&job.incident);
	cr_assert_neq(first, 0);
	cr_assert_eq(ward_incident(&job.task), first);
	store_relaxed(&job.releases, 0);
	store_relaxed(&job.dones, 0);
	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	cr_assert_gt(load_relaxed(&job.incident), first);
	store_relaxed(&job.releases, 0);
	store_relaxed(&job.dones, 0);
	job.task.run = job_run;
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert_eq(job.incident, 0, "none was lost this time");
	cr_assert_eq(ward_incident(&job.task), 0);
	ended(pool);
}

/* ---- many ------------------------------------------------------------ */

static int dies_now_and_then(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	if (load_relaxed(&job->runs) <= (uint32_t)job->answer)
		pthread_exit(NULL);
	return job_ends(job);
}

Test(lost, deaths_among_many_are_all_made_good)
{
	enum { N = 500 };
	static struct job job[N];
	struct ward_policy policy = patient;
	struct ward_pool *pool = pool_of(3);
	uint32_t deaths = 0;

	policy.runs = policy.deaths = 4;
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(dies_now_and_then);
		job[i].answer = i % 7 == 0 ? i / 7 % 4 : 0;
		job[i].task.policy = &policy;
		deaths += (uint32_t)job[i].answer;
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++) {
		job_had(&job[i], job[i].answer);
		cr_assert_eq(load_relaxed(&job[i].runs),
			     (uint32_t)job[i].answer + 1);
	}
	cr_assert(healed(pool, 3, 1));
	cr_assert_eq(stats_of(pool).deaths, deaths);
	cr_assert_eq(stats_of(pool).reruns, deaths);
	ended(pool);
}
