/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's thread: its name, its signals, its hooks.
 */
#include "job.h"
#include "task/task_priv.h"
#include "pool/pool.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- names ----------------------------------------------------------- */

/* How many threads of the process have that name. */
static uint32_t named(const char *name)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	uint32_t n = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		char path[300], comm[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
		n += strcmp(comm, name) == 0;
	}
	closedir(dir);
	return n;
}

/* A thread has its name shortly after it has begun. */
static void is_named(const char *name)
{
	cr_assert(comes_true(named(name) == 1), "%s", name);
}

Test(worker, threads_have_the_pools_name_and_a_number)
{
	struct ward_pool_config config = job_config(2);
	struct ward_pool *pool;

	config.spares = 1;
	pool = started(&config);
	is_named("ward/0");
	is_named("ward/1");
	is_named("ward/2");
	is_named("ward/steward");
	is_named("ward/clerk");
	is_named("ward/scribe");
	ended(pool);
}

Test(worker, a_long_name_is_kept_where_it_counts)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;

	config.name = "elevenchars";
	pool = started(&config);
	is_named("elevenchars/0");
	is_named("elevenchars/1");
	is_named("elevenc/steward");
	is_named("elevencha/clerk");
	is_named("elevench/scribe");
	ended(pool);
}

Test(worker, who_takes_a_seat_over_has_a_name_too)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(job_exit);

	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	cr_assert(stat_is(pool, threads_created, 3));
	cr_assert(stat_is(pool, spares, 1));
	/* The dead one may not have ended yet. */
	cr_assert(comes_true(named("ward/0") + named("ward/1") +
				     named("ward/2") ==
			     2));
	ended(pool);
}

/* ---- signals --------------------------------------------------------- */

static sigset_t mask_in_run;

static int notes_mask(struct ward_task *task)
{
	pthread_sigmask(SIG_SETMASK, NULL, &mask_in_run);
	return job_run(task);
}

Test(worker, takes_no_signal_that_tells_of_events)
{
	static const int others[] = { SIGUSR1, SIGUSR2, SIGALRM,
				      SIGCHLD, SIGPIPE, SIGIO };
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(notes_mask);

	submitted(pool, &job);
	job_had(&job, 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert_eq(sigismember(&mask_in_run, others[i]), 1, "%d",
			     others[i]);
	cr_assert_eq(sigismember(&mask_in_run, SIGTERM), 0);
	cr_assert_eq(sigismember(&mask_in_run, SIGPROF), 0);
	cr_assert_eq(sigismember(&mask_in_run, SIGSEGV), 0);
	cr_assert_eq(sigismember(&mask_in_run, SIGABRT), 0);
	ended(pool);
}

/* ---- hooks ----------------------------------------------------------- */

enum { MOST = 32 };

static struct {
	_Atomic uint32_t starts[MOST], stops[MOST], all_starts, all_stops;
	_Atomic int32_t tid[MOST];
	_Atomic uint32_t wrong;
	uint32_t die_before; /* so many threads die in their hook */
	struct gate *gate;   /* the starter waits there */
} hooked;

static void *hook_start(void *arg, unsigned thread)
{
	uint32_t n = add_acq_rel(&hooked.all_starts, 1);

	if (arg != &hooked || thread >= MOST)
		add_relaxed(&hooked.wrong, 1);
	add_relaxed(&hooked.starts[thread], 1);
	store_relaxed(&hooked.tid[thread], host_tid());
	if (n < hooked.die_before)
		pthread_exit(NULL);
	return (void *)(uintptr_t)(thread + 1);
}

static void hook_stop(void *arg, unsigned thread, void *local)
{
	if (arg != &hooked || (uintptr_t)local != thread + 1 ||
	    load_relaxed(&hooked.tid[thread]) != host_tid())
		add_relaxed(&hooked.wrong, 1);
	add_relaxed(&hooked.stops[thread], 1);
	add_acq_rel(&hooked.all_stops, 1);
}

static const struct ward_hooks hooks = { .start = hook_start,
					 .stop = hook_stop,
					 .report = tell_told,
					 .arg = &hooked };

static struct ward_pool_config hooked_config(uint32_t workers)
{
	struct ward_pool_config config = job_config(workers);

	config.hooks = &hooks;
	return config;
}

Test(worker, hooks_are_called_once_by_each_thread)
{
	struct ward_pool_config config = hooked_config(3);
	struct ward_pool *pool;

	config.spares = 2;
	pool = started(&config);
	cr_assert_eq(hooked.all_starts, 5);
	cr_assert_eq(hooked.all_stops, 0);
	ended(pool);
	cr_assert_eq(hooked.all_stops, 5);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(hooked.starts[i], 1);
		cr_assert_eq(hooked.stops[i], 1);
	}
	cr_assert_eq(hooked.wrong, 0);
}

Test(worker, a_thread_that_dies_is_not_stopped_and_its_heir_is_started)
{
	struct ward_pool_config config = hooked_config(1);
	struct ward_pool *pool = started(&config);
	struct job job = job_of_kind(job_exit);

	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	cr_assert(stat_is(pool, spares, 1));
	cr_assert_eq(hooked.all_starts, 3);
	ended(pool);
	cr_assert_eq(hooked.all_stops, 2);
	cr_assert_eq(hooked.wrong, 0);
}

Test(worker, a_zombie_that_comes_home_is_not_started_again)
{
	struct ward_pool_config config = hooked_config(1);
	struct ward_pool *pool = started(&config);
	struct job job = job_of_kind(job_sleep);

	job.task.policy = &hasty;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&job.dones) == 1));
	gate_open(&job.gate);
	job_had(&job, -ETIME);
	cr_assert(stat_is(pool, zombies, 0));
	ended(pool);
	cr_assert_eq(load_relaxed(&hooked.all_starts),
		     load_relaxed(&hooked.all_stops));
	cr_assert_eq(hooked.wrong, 0);
}

/* Nor is it told of as of the seat that the record's last thread had. */
Test(worker, a_thread_that_dies_on_its_way_up_has_no_seat)
{
	struct ward_pool_config config = hooked_config(1);
	struct ward_pool *pool = started(&config);
	struct job job = job_of_kind(job_exit);
	uint32_t unseated = 0, seated = 0;

	hooked.die_before = load_acquire(&hooked.all_starts) + 2;
	submitted(pool, &job);
	job_had(&job, -EOWNERDEAD);
	cr_assert(stat_is(pool, spares, 1));
	cr_assert(comes_true(told_times(WARD_R_DEATH) == 3));
	for (uint32_t i = 0; i < told.n; i++) {
		const struct ward_report *report = &told.report[i];

		if (report->kind != WARD_R_DEATH)
			continue;
		unseated += report->worker == UINT32_MAX && !report->heal;
		seated += report->worker == 0;
	}
	cr_assert_eq(seated, 1);
	cr_assert_eq(unseated, 2);
	ended(pool);
}

Test(worker, deaths_in_the_start_hook_are_made_good)
{
	struct ward_pool_config config = hooked_config(2);
	struct ward_pool *pool;
	struct job job = job_of_kind(job_run);

	hooked.die_before = 4;
	pool = started(&config);
	cr_assert_geq(hooked.all_starts, 4 + 2);
	submitted(pool, &job);
	job_had(&job, 0);
	cr_assert(stat_is(pool, spares, 1));
	cr_assert_eq(hooked.all_starts, 4 + 3);
	cr_assert_eq(stats_of(pool).deaths, 4);
	ended(pool);
	cr_assert_eq(hooked.all_stops, 3);
	cr_assert_eq(hooked.wrong, 0);
}

static void dying_stop(void *arg, unsigned thread, void *local)
{
	hook_stop(arg, thread, local);
	pthread_exit(NULL);
}

Test(worker, a_thread_may_die_in_its_stop_hook)
{
	struct ward_hooks dying = hooks;
	struct ward_pool_config config = job_config(2);
	uint32_t before = threads();
	struct ward_pool *pool;
	struct job job = job_of_kind(job_run);

	dying.stop = dying_stop;
	config.hooks = &dying;
	pool = started(&config);
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
	cr_assert_eq(hooked.all_stops, 3);
	cr_assert(comes_true(threads() == before));
}

/* A hook that does not return is left behind, and counted. */
static void sleeping_stop(void *arg, unsigned thread, void *local)
{
	hook_stop(arg, thread, local);
	if (thread == 0)
		gate_pass(hooked.gate);
}

/* A pool ends, and one is left behind in that hook. */
static void left_in(void (*stop)(void *arg, unsigned thread, void *local))
{
	static struct gate gate;
	struct ward_hooks hanging = hooks;
	struct ward_pool_config config = job_config(2);

	hanging.stop = stop;
	hooked.gate = &gate;
	config.hooks = &hanging;
	cr_assert_eq(ward_pool_destroy(started(&config), ward_in(WARD_MS(20))),
		     1);
}

Test(worker, a_stop_hook_that_hangs_does_not_hold_up_the_end)
{
	uint32_t before = threads();

	left_in(sleeping_stop);
	cr_assert_eq(hooked.all_stops, 3);
	gate_open(hooked.gate);
	cr_assert(comes_true(threads() == before));
}

static struct job in_its_hands;

/* The thread goes on after the end, at a step where it gives back what it had taken. */
static void late_stop(void *arg, unsigned thread, void *local)
{
	sleeping_stop(arg, thread, local);
	if (thread)
		return;
	task_open(task_priv(&in_its_hands.task));
	later_return(&slot_here()->pool->inbox, &in_its_hands.task);
}

Test(worker, who_is_left_answers_for_what_was_in_its_hands)
{
	uint32_t before = threads();

	in_its_hands = job_of_kind(job_run);
	left_in(late_stop);
	gate_open(hooked.gate);
	job_had(&in_its_hands, -ECANCELED);
	cr_assert_eq(in_its_hands.runs, 0);
	cr_assert(comes_true(threads() == before));
}

static void ends_its_thread(struct ward_task *task, int status)
{
	job_done(task, status);
	pthread_exit(NULL);
}

Test(worker, who_is_left_and_ends_in_done_owes_the_release)
{
	uint32_t before = threads();

	in_its_hands = job_of_kind(job_run);
	in_its_hands.task.done = ends_its_thread;
	left_in(late_stop);
	gate_open(hooked.gate);
	job_had(&in_its_hands, -ECANCELED);
	cr_assert(comes_true(threads() == before));
}

/* A report hook, too: healing goes on without it. */
static void sleeping_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
	gate_pass(hooked.gate);
}

Test(worker, a_report_hook_that_hangs_does_not_hold_up_healing)
{
	static struct gate gate;
	struct ward_hooks hanging = { .report = sleeping_report };
	struct ward_pool_config config = job_config(1);
	uint32_t before = threads();
	struct ward_pool *pool;

	hooked.gate = &gate;
	config.hooks = &hanging;
	pool = started(&config);
	for (int i = 0; i < 100; i++) { /* more than there are records */
		struct job job = job_of_kind(job_exit);

		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
		cr_assert_neq(job.incident, 0);
	}
	cr_assert(gate_came(&gate));
	cr_assert(stat_is(pool, deaths, 100));
	cr_assert_gt(stats_of(pool).reports_suppressed, 0);
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(WARD_MS(20))), 1);
	gate_open(&gate);
	cr_assert(comes_true(threads() == before));
}

/* ---- a spare that ends -------------------------------------------------- */

static void ends_here(int signo)
{
	(void)signo;
	raw_exit();
}

/* How many are on the stack; one that stands there twice makes it a ring. */
static uint32_t stacked(const struct pool *pool)
{
	uint32_t i = (uint32_t)load_relaxed(&pool->spares.top), n = 0;

	for (; i && n < pool->slots; n++)
		i = load_relaxed(&pool->spares.next[i - 1]);
	return n;
}

Test(worker, a_spare_that_ends_is_struck_off)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	const struct pool *inside;
	uint32_t below;

	if (UNDER_ASAN)
		cr_skip_test("a raw exit leaves its record of the thread");
	config.spares = 2;
	signal(SIGTERM, ends_here);
	pool = started(&config);
	inside = (const struct pool *)pool;
	cr_assert(stat_is(pool, spares, 2));
	below = inside->spares.next[(uint32_t)inside->spares.top - 1] - 1;
	cr_assert_eq(tgkill(getpid(), inside->slot[below].thread.tid, SIGTERM), 0);
	cr_assert(stat_is(pool, deaths, 1));
	for (uint32_t i = 0; i < 4; i++) {
		struct job job = job_of_kind(job_exit);

		submitted(pool, &job);
		job_had(&job, -EOWNERDEAD);
		cr_assert(stat_is(pool, threads_created, 3 + 1 + i + 1));
		cr_assert(comes_true(stacked(inside) == 2 && stats_of(pool).spares == 2));
	}
	ended(pool);
}
