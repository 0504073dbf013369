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

static int sleeps_and_exits(struct ward_task *task)
{
	job_begins(job_of(task));
	gate_pass(&job_of(task)->gate);
	pthread_exit(NULL);
}

/* The seat was healed when it was convicted, and nothing is by its end. */
Test(lost, a_zombies_end_heals_no_seat)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(sleeps_and_exits);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	cr_assert(stat_is(pool, heals, 1));
	cr_assert(comes_true(told_of(WARD_R_BLOCKED)));
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	cr_assert(comes_true(told_of(WARD_R_DEATH)));
	cr_assert_eq(told_of(WARD_R_DEATH)->heal, 0);
	ended(pool);
}

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

/* Tasks that the dead worker had taken for itself are not lost with it. */
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
	plays_out("sss", 1, 9, 9, 1, -ETIME);
	/* Where it is not said, the others say it. */
	plays_out("sss", 0, 2, 0, 3, -ETIME);
	plays_out("dsd", 0, 1, 1, 3, -EOWNERDEAD);
}

/* A field that the task's policy leaves open is the pool's. */
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

/* ---- failures -------------------------------------------------------- */

/* Ends each attempt as its script says: fails, raises, dies, or is well. */
static int ends_as_told(struct ward_task *task)
{
	struct script *script = script_of(task);
	char says = script->says[ward_self()->attempt - 1];

	cr_assert_eq(add_relaxed(&script->order, 1) + 1, ward_self()->attempt);
	job_begins(&script->job);
	if (script->commits)
		store_relaxed(&script->commit[0], ward_commit());
	if (says == 'd')
		pthread_exit(NULL);
	if (says == 'x')
		ward_raise(-EDOM, "as told");
	while (says == 's' && !load_acquire(&script->job.stop))
		host_relax();
	return says == 'e' ? -EIO : 0;
}

static struct letters {
	uint32_t n, dones; /* done() calls by then */
	uint64_t id;
	int32_t err;
	enum ward_kind kind;
	uint32_t attempt;
	char task[16], pool[16];
} letters;

static void on_dead(void *arg, struct ward_task *task,
		    const struct ward_report *report)
{
	cr_assert_eq(arg, &letters);
	letters.n++;
	letters.dones = load_relaxed(&job_of(task)->dones);
	letters.id = report->id;
	letters.err = report->err;
	letters.kind = report->kind;
	letters.attempt = report->attempt;
	snprintf(letters.task, sizeof(letters.task), "%s", report->task);
	snprintf(letters.pool, sizeof(letters.pool), "%s", report->pool);
	cr_assert_eq(report->size, sizeof(*report));
	cr_assert_not_null(report->message);
	cr_assert_not_null(report->user);
	cr_assert_not_null(report->chain);
}

static const struct ward_hooks burying = { .report = tell_told,
					   .dead = on_dead,
					   .arg = &letters };

struct budgets_of {
	uint32_t runs, errors, deaths, stalls;
};

/* A task with that script: how often it runs, what it ends with, whether dead. */
static void fails_as(const char *says, struct budgets_of may, uint32_t attempts,
		     int32_t status)
{
	struct ward_policy policy = hasty;
	struct ward_pool_config config = job_config(1);
	struct script script = { .job = job_of_kind(ends_as_told),
				 .says = says };
	struct ward_pool *pool;
	uint32_t failed = 0;

	config.hooks = &(struct ward_hooks){ .dead = on_dead,
					     .arg = &letters,
					     .report = burying.report };
	config.name = "grave";
	pool = started(&config);
	letters = (struct letters){ .n = 0 };
	policy.runs = may.runs;
	policy.errors = may.errors;
	policy.deaths = may.deaths;
	policy.stalls = may.stalls;
	script.job.task.policy = &policy;
	submitted(pool, &script.job);
	cr_assert(comes_true(load_acquire(&script.job.dones) == 1), "%s", says);
	store_release(&script.job.stop, 1);
	job_had(&script.job, status);
	cr_assert_eq(script.job.runs, attempts, "%s: %u", says,
		     load_relaxed(&script.job.runs));
	for (uint32_t i = 0; i < attempts; i++)
		failed += says[i] == 'e' || says[i] == 'x';
	cr_assert_eq(stats_of(pool).failed, failed);
	cr_assert_eq(stats_of(pool).reruns, attempts - 1);
	cr_assert_eq(stats_of(pool).dead_letters, status != 0);
	cr_assert_eq(letters.n, status != 0, "%s", says);
	if (status) {
		cr_assert_eq(letters.dones, 0, "%s: it is told first", says);
		cr_assert_eq(letters.err, status);
		cr_assert_eq(letters.id, load_relaxed(&script.job.incident));
		cr_assert_eq(letters.attempt, attempts, "%s: %u", says,
			     letters.attempt);
		cr_assert_str_eq(letters.task, "job");
		cr_assert_str_eq(letters.pool, "grave");
	}
	ended(pool);
}

#define MAY(...) ((struct budgets_of){ __VA_ARGS__ })

Test(lost, failures_have_a_budget_of_their_own)
{
	fails_as("eeee", MAY(.runs = 9, .errors = 2), 3, -EIO);
	fails_as("xxxx", MAY(.runs = 9, .errors = 2), 3, -EDOM);
	fails_as("exxe", MAY(.runs = 9, .errors = 3), 4, -EIO);
	fails_as("eer", MAY(.runs = 9, .errors = 2), 3, 0);
	fails_as("ee", MAY(.runs = 9), 1, -EIO);
	fails_as("eer", MAY(.errors = 9), 3, 0);
	fails_as("eee", MAY(.errors = 1), 2, -EIO);
	fails_as("eee", MAY(.runs = 2, .errors = 9), 2, -EIO);
	fails_as("e", MAY(.runs = 9, .deaths = 9, .stalls = 9), 1, -EIO);
	cr_assert_eq(letters.kind, WARD_R_ERROR);
}

Test(lost, no_budget_pays_for_another)
{
	struct budgets_of one = { .runs = 9, .errors = 1, .deaths = 1 };

	fails_as("edr", one, 3, 0);
	fails_as("der", one, 3, 0);
	fails_as("ded", one, 3, -EOWNERDEAD);
	cr_assert_eq(letters.kind, WARD_R_DEATH);
	fails_as("ede", one, 3, -EIO);
	fails_as("xdx", one, 3, -EDOM);
	fails_as("dd", one, 2, -EOWNERDEAD);
	fails_as("es", one, 2, -ETIME);
	cr_assert_eq(letters.kind, WARD_R_BLOCKED);
	one.stalls = 1;
	fails_as("ser", one, 3, 0);
	fails_as("sedr", one, 4, 0);
	fails_as("esds", one, 4, -ETIME);
}

/* A task's answer is not taken for a loss. */
static int returns_a_loss(struct ward_task *task)
{
	job_begins(job_of(task));
	return job_of(task)->answer;
}

Test(lost, a_dead_letter_says_what_it_was_and_not_what_it_looks_like)
{
	static const int32_t like[] = { -ETIME, -EOWNERDEAD, -EFAULT };
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;

	config.hooks = &burying;
	pool = started(&config);
	for (int i = 0; i < 3; i++) {
		struct job job = job_of_kind(returns_a_loss);

		job.answer = like[i];
		submitted(pool, &job);
		job_had(&job, like[i]);
		cr_assert_eq(letters.kind, WARD_R_ERROR);
		cr_assert_eq(letters.err, like[i]);
	}
	cr_assert_eq(letters.n, 3);
	ended(pool);
}

Test(lost, who_has_committed_and_then_fails_is_not_run_again)
{
	struct ward_policy policy = patient;
	struct script script = { .job = job_of_kind(ends_as_told),
				 .says = "ee",
				 .commits = true };
	struct ward_pool *pool = pool_of(1);

	policy.runs = policy.errors = 5;
	script.job.task.policy = &policy;
	submitted(pool, &script.job);
	job_had(&script.job, -EIO);
	cr_assert_eq(script.job.runs, 1);
	cr_assert_eq(load_relaxed(&script.commit[0]), 0);
	ended(pool);
}

Test(lost, the_pools_policy_stands_in_for_failures)
{
	struct ward_policy policy = patient, own = WARD_POLICY_INIT;
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;

	policy.runs = 4;
	policy.errors = 2;
	config.policy = &policy;
	pool = started(&config);
	for (int i = 0; i < 2; i++) {
		struct script script = { .job = job_of_kind(ends_as_told),
					 .says = "eeee" };

		script.job.task.policy = i ? &own : NULL;
		submitted(pool, &script.job);
		job_had(&script.job, -EIO);
		cr_assert_eq(script.job.runs, 3);
	}
	ended(pool);
}

/* ---- backoff: it waits, and is not forgotten ------------------------- */

static const struct ward_policy waiting = { .size = sizeof(waiting),
					    .runs = 9,
					    .errors = 8,
					    .deaths = 8,
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60) };

Test(lost, reruns_wait_and_then_run)
{
	struct ward_policy policy = waiting;
	struct ward_pool *pool = pool_of(2);
	struct script script[40];

	policy.backoff_min = WARD_MS(1);
	policy.backoff_max = WARD_MS(3);
	for (int i = 0; i < 40; i++) {
		script[i] = (struct script){ .job = job_of_kind(ends_as_told),
					     .says = i % 2 ? "eder" : "exeer" };
		script[i].job.task.policy = &policy;
		submitted(pool, &script[i].job);
	}
	for (int i = 0; i < 40; i++) {
		job_had(&script[i].job, 0);
		cr_assert_eq(script[i].job.runs, i % 2 ? 4 : 5);
	}
	cr_assert(stat_is(pool, waiting, 0));
	cr_assert(stat_is(pool, owed, 0));
	ended(pool);
}

/* In an hour or so: nobody waits for that. */
static const struct ward_policy waiting_long = { .size = sizeof(waiting_long),
						 .runs = 9,
						 .errors = 8,
						 .backoff_min = WARD_S(3600) * 1000,
						 .backoff_max = WARD_S(3600) * 1000,
						 .busy_within = WARD_S(60),
						 .blocked_within = WARD_S(60) };

static void waits_long(struct ward_pool *pool, struct script *script)
{
	*script = (struct script){ .job = job_of_kind(ends_as_told),
				   .says = "er" };
	script->job.task.policy = &waiting_long;
	submitted(pool, &script->job);
}

Test(lost, what_waits_is_counted_and_drained_and_canceled)
{
	struct ward_pool *pool = pool_of(1);
	struct script script[3];
	struct job next = job_of_kind(job_run);

	for (int i = 0; i < 3; i++)
		waits_long(pool, &script[i]);
	cr_assert(stat_is(pool, waiting, 3));
	cr_assert_eq(stats_of(pool).owed, 3);
	cr_assert_eq(stats_of(pool).answered, 0);
	submitted(pool, &next);
	job_had(&next, 0);
	cr_assert(stat_is(pool, idle, 1));
	audited(pool);
	cr_assert_eq(ward_pool_drain(pool, ward_in(WARD_MS(5))), -ETIMEDOUT);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	for (int i = 0; i < 3; i++) {
		job_had(&script[i].job, -ECANCELED);
		cr_assert_eq(script[i].job.runs, 1);
	}
}

/* A drain waits for what waits. */
Test(lost, a_drain_sees_reruns_to_their_end)
{
	struct ward_policy policy = waiting;
	struct ward_pool *pool = pool_of(1);
	struct script script = { .job = job_of_kind(ends_as_told),
				 .says = "eer" };

	policy.backoff_min = policy.backoff_max = WARD_MS(20);
	script.job.task.policy = &policy;
	submitted(pool, &script.job);
	ended(pool);
	job_had(&script.job, 0);
	cr_assert_eq(script.job.runs, 3);
}

/* Threads that hang at the end, and die then, find nothing of it any more. */
static int dies_when_told(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	gate_pass(&job->gate);
	pthread_exit(NULL);
}

Test(lost, what_waits_is_canceled_once_though_zombies_die_meanwhile)
{
	enum { ROUNDS = 30, WAITING = 30 };
	uint32_t before = threads();

	for (int r = 0; r < ROUNDS; r++) {
		struct ward_pool *pool = pool_of(2);
		struct job stuck[2] = { job_of_kind(dies_when_told),
					job_of_kind(dies_when_told) };
		static struct script script[WAITING];

		for (int i = 0; i < WAITING; i++)
			waits_long(pool, &script[i]);
		cr_assert(stat_is(pool, waiting, WAITING));
		for (int i = 0; i < 2; i++) {
			submitted(pool, &stuck[i]);
			cr_assert(gate_came(&stuck[i].gate));
		}
		gate_open(&stuck[0].gate);
		ward_pool_destroy(pool, 0);
		gate_open(&stuck[1].gate);
		for (int i = 0; i < WAITING; i++)
			job_had(&script[i].job, -ECANCELED);
		for (int i = 0; i < 2; i++)
			cr_assert(job_is_released(&stuck[i]));
		cr_assert(comes_true(threads() == before));
	}
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
