/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal_healthy.c - healthy workers that must not be taken for lost, however little
 * of the machine they get.
 */
#include "heal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define SPINNERS 8u
static pid_t spinner[SPINNERS];

void heal_spinners_start(void)
{
	for (unsigned i = 0; i < SPINNERS; i++) {
		spinner[i] = fork();
		if (spinner[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				os_relax();
		}
	}
}

void heal_spinners_stop(void)
{
	for (unsigned i = 0; i < SPINNERS; i++) {
		if (spinner[i] <= 0)
			continue;
		kill(spinner[i], SIGKILL);
		waitpid(spinner[i], NULL, 0);
	}
}

static void submit(unsigned producer, struct job *job)
{
	(void)producer;
	if (ward_submit(heal_pool, &job->task, WARD_FOREVER))
		_exit(1);
}

/* Runs the load beside them.  Returns how many tasks, 0: something is wrong. */
static uint64_t beside_spinners(struct load *load, uint64_t tasks, uint64_t cap,
				struct ward_stats *stats)
{
	uint64_t wall, made = 0;

	heal_spinners_start();
	if (load_start(load)) {
		made = load_run(load, tasks, cap, &wall);
		if (ward_pool_stats(heal_pool, stats))
			made = 0;
		if (!load_finish(load))
			made = 0;
	}
	heal_spinners_stop();
	return made;
}

static double convicted(const struct ward_stats *stats)
{
	return (double)(stats->convicted_livelock + stats->convicted_blocked +
			stats->convicted_progress + stats->deaths);
}

/* ---- many tasks --------------------------------------------------------- */

/* Short ones, and now and then 50 ms of CPU time without a beat. */
static int run_healthy(struct ward_task *task)
{
	uint64_t until;

	if (job_of(task)->index % 16)
		return job_spin_us(task);
	until = os_own_cpu() + 50 * MS;
	while (os_own_cpu() < until)
		os_relax();
	return job_count(task);
}

static bool start_healthy(const struct setup *setup)
{
	return heal_pool_up(setup->workers, 100 * MS, 250 * MS);
}

bool heal_healthy(const struct trial *t)
{
	static const struct rival healthy = { .name = "ward",
					      .start = start_healthy,
					      .submit = submit,
					      .finish = heal_pool_down };
	struct load load = { .rival = &healthy,
			     .setup = { t->workers, 1, t->ring, 64 },
			     .run = run_healthy };
	struct ward_stats stats = WARD_STATS_INIT;
	uint64_t n;

	job_spin_calibrate();
	n = beside_spinners(&load, UINT64_MAX, t->cap, &stats);
	tell("healthy_convicted", "count", convicted(&stats));
	tell("healthy_tasks", "count", (double)n);
	tell("healthy_looks", "count", (double)stats.looks);
	return n != 0;
}

/* ---- one task for each worker, that works and beats --------------------- */

static uint64_t beat_until;

/* Five times as often as it must, if it is let. */
static int run_beating(struct ward_task *task)
{
	while (os_now() < beat_until) {
		uint64_t until = os_own_cpu() + MS;

		while (os_own_cpu() < until)
			os_relax();
		ward_beat();
		os_sleep(MS);
	}
	return job_count(task);
}

static bool start_beating(const struct setup *setup)
{
	return heal_pool_watched(setup->workers, BUDGET_HUNG, BUDGET_HUNG,
				 SCAN_HUNG);
}

bool heal_beating(const struct trial *t)
{
	static const struct rival beating = { .name = "ward",
					      .start = start_beating,
					      .submit = submit,
					      .finish = heal_pool_down };
	struct load load = { .rival = &beating,
			     .setup = { t->workers, 1, t->ring, t->workers },
			     .run = run_beating };
	struct ward_stats stats = WARD_STATS_INIT;
	uint64_t n;

	beat_until = os_now() + t->cap;
	n = beside_spinners(&load, t->workers, t->cap, &stats);
	tell("beating_convicted", "count",
	     convicted(&stats) * 10 * S / (double)t->cap);
	return n == t->workers;
}
