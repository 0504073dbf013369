/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_lost.c - worker processes that are lost, and those that are not.
 *
 * A victim is held in a request, and another request waits behind it.  What happens is
 * noted in memory that all processes share.
 *
 * robust	a spare process sleeps on a robust mutex that the victim holds: the least
 *		that a spare can be had for
 * respawn	a parent waits for its child's end, and forks another one
 * watchdog	a parent that kills the child that has not answered within the budget,
 *		by the clock on the wall
 */
#include "cells.h"
#include "heal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct stage {
	_Atomic uint32_t inside; /* the victim is */
	_Atomic uint32_t pid;	 /* its process */
	_Atomic uint64_t from;	 /* when it came there */
	_Atomic uint64_t began;	 /* the next request, elsewhere; 0: not yet */
	_Atomic uint32_t waits;	 /* the spare does */
	pthread_mutex_t life;
} *stage;

static bool stage_open(void)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return stage != MAP_FAILED;
}

static void stage_clear(void)
{
	stage->inside = stage->pid = stage->waits = 0;
	stage->began = stage->from = 0;
}

static void stage_await(_Atomic uint32_t *word)
{
	while (!atomic_load_explicit(word, memory_order_acquire))
		os_sleep(20 * US);
}

static _Noreturn void spin(void)
{
	for (;;)
		os_relax();
}

static void come_inside(void)
{
	stage->pid = (uint32_t)getpid();
	stage->from = os_now();
	atomic_store_explicit(&stage->inside, 1, memory_order_release);
}

static void begin(void)
{
	atomic_store_explicit(&stage->began, os_now(), memory_order_release);
}

/* ---- libward ------------------------------------------------------------- */

enum what { NEXT, SPIN, SLEEP, SHORT, LONG };

static int run_what(struct ward_request *r)
{
	enum what what;
	uint64_t until;

	memcpy(&what, r->in, sizeof(what));
	switch (what) {
	case NEXT:
		begin();
		break;
	case SPIN:
		come_inside();
		spin();
	case SLEEP:
		come_inside();
		for (;;)
			pause();
	case LONG: /* CPU time without a beat */
		until = os_own_cpu() + 50 * MS;
		while (os_own_cpu() < until)
			os_relax();
		break;
	default:
		until = os_own_cpu() + 100 * US;
		while (os_own_cpu() < until)
			os_relax();
	}
	return 0;
}

static struct request {
	struct ward_call call;
	enum what what;
	int status;
	_Atomic uint32_t out; /* futex: 2: it came back */
} victim, next, healthy[16];

static void done(struct ward_call *call, int status)
{
	ward_entry(call, struct request, call)->status = status;
}

static void release(struct ward_call *call)
{
	_Atomic uint32_t *out = &ward_entry(call, struct request, call)->out;

	atomic_store_explicit(out, 2, memory_order_release);
	os_wake(out, 1);
}

static bool put(struct request *r, enum what what)
{
	r->what = what;
	r->call.in = &r->what;
	r->call.in_size = sizeof(r->what);
	r->call.done = done;
	r->call.release = release;
	atomic_store_explicit(&r->out, 1, memory_order_relaxed);
	return !ward_cells_submit(cells_set, &r->call, WARD_FOREVER);
}

static void await_back(struct request *r)
{
	while (atomic_load_explicit(&r->out, memory_order_acquire) != 2)
		os_wait(&r->out, 1);
}

/* One at work, one ready: as it was before. */
static bool await_spare(void)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;

	do {
		os_sleep(200 * US);
		if (ward_cells_stats(cells_set, &stats))
			return false;
	} while (stats.working != 1 || stats.spares != 1 || stats.leaving);
	return true;
}

/* Returns when the victim is in the cell, and the next one behind it. */
static bool take_places(enum what what)
{
	stage_clear();
	if (!await_spare() || !put(&victim, what))
		return false;
	stage_await(&stage->inside);
	return put(&next, NEXT);
}

static bool both_are_back(int status)
{
	await_back(&victim);
	await_back(&next);
	if (victim.status == status && next.status == 0)
		return true;
	fprintf(stderr, "ward: answered %d and %d\n", victim.status,
		next.status);
	return false;
}

static bool ward_dies(double *took)
{
	uint64_t from;

	if (!take_places(SPIN))
		return false;
	os_sleep(200 * US); /* the collector sleeps again */
	from = os_now();
	kill((pid_t)stage->pid, SIGKILL);
	if (!both_are_back(-EOWNERDEAD))
		return false;
	*took = (double)(stage->began - from) / 1e3;
	return true;
}

static bool ward_hangs(enum what what, double *took)
{
	if (!take_places(what) || !both_are_back(-ETIME))
		return false;
	*took = (double)(stage->began - stage->from - BUDGET_HUNG) / 1e3;
	return true;
}

static bool ward_up(unsigned cells, ward_ns busy, ward_ns blocked, ward_ns scan)
{
	static const struct stream some = { 1, 8, REQUEST, READ_ALL };

	return stage_open() && !ward_cell_zygote() &&
	       heal_pool_watched(1, busy, blocked, scan) &&
	       cells_up(heal_pool, run_what, cells, &some);
}

static bool ward_down(void)
{
	return cells_down() && heal_pool_down();
}

static bool ward_deaths(unsigned n, double *took)
{
	if (!ward_up(1, 10 * S, 10 * S, 10 * MS))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!ward_dies(&took[i]))
			return false;
	return ward_down();
}

/* ---- a spare on a robust mutex ------------------------------------------- */

static void life_make(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&stage->life, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void robust_victim(unsigned number)
{
	(void)number;
	pthread_mutex_lock(&stage->life);
	come_inside();
	spin();
}

static void robust_spare(unsigned number)
{
	(void)number;
	atomic_store_explicit(&stage->waits, 1, memory_order_release);
	if (pthread_mutex_lock(&stage->life) == EOWNERDEAD)
		begin();
}

static bool robust_dies(double *took)
{
	uint64_t from;
	pid_t spare;

	life_make();
	if (cells_fork(robust_victim, 0) < 0)
		return false;
	stage_await(&stage->inside);
	spare = cells_fork(robust_spare, 1);
	stage_await(&stage->waits);
	os_sleep(200 * US); /* until it does wait */
	from = os_now();
	kill(cells_pid[0], SIGKILL);
	waitpid(spare, NULL, 0);
	waitpid(cells_pid[0], NULL, 0);
	*took = (double)(stage->began - from) / 1e3;
	return stage->began != 0;
}

/* ---- a parent that forks another one ------------------------------------- */

static void respawn_victim(unsigned number)
{
	(void)number;
	come_inside();
	spin();
}

static void respawn_next(unsigned number)
{
	(void)number;
	begin();
}

static bool respawn_dies(double *took)
{
	uint64_t from;
	pid_t pid = cells_fork(respawn_victim, 0);

	if (pid < 0)
		return false;
	stage_await(&stage->inside);
	os_sleep(200 * US);
	from = os_now();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = cells_fork(respawn_next, 0);
	waitpid(pid, NULL, 0);
	*took = (double)(stage->began - from) / 1e3;
	return stage->began != 0;
}

static bool others_die(bool (*dies)(double *took), unsigned n, double *took)
{
	if (!stage_open())
		return false;
	for (unsigned i = 0; i < n; i++) {
		stage_clear();
		if (!dies(&took[i]))
			return false;
	}
	return true;
}

/* ---- trials -------------------------------------------------------------- */

static bool deaths(const char *impl, unsigned n, double *took)
{
	if (!strcmp(impl, "ward"))
		return ward_deaths(n, took);
	return others_die(strcmp(impl, "robust") ? respawn_dies : robust_dies, n,
			  took);
}

bool cells_death(const struct trial *t)
{
	unsigned n = (unsigned)t->tasks;
	double *took = calloc(n, sizeof(*took));
	bool ok = took && deaths(t->impl, n, took);

	if (ok)
		tell_samples("death", took, n, false);
	free(took);
	return ok;
}

/* Beyond its budget, which is of CPU time where it spins. */
bool cells_hung(const struct trial *t)
{
	enum what what = strcmp(t->mode, "spun") ? SLEEP : SPIN;
	unsigned n = (unsigned)t->tasks;
	double *took = calloc(n, sizeof(*took));
	bool ok = took && ward_up(1, BUDGET_HUNG, BUDGET_HUNG, SCAN_HUNG);

	for (unsigned i = 0; ok && i < n; i++)
		ok = ward_hangs(what, &took[i]);
	if (ok) {
		tell_samples(t->mode, took, n, false);
		tell("hung_scan", "us", SCAN_HUNG / 1e3);
	}
	free(took);
	return ok && ward_down();
}

/* ---- healthy, beside processes that fill the machine --------------------- */

enum { HEALTHY_CELLS = 2, HEALTHY_OUT = 4 };
#define BUDGET_BUSY (100 * MS)
#define BUDGET_BLOCKED (250 * MS)

static enum what kind_of(uint64_t n)
{
	return n % 16 ? SHORT : LONG;
}

static bool ward_healthy(uint64_t until, uint64_t *made, uint64_t *killed)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;

	if (!ward_up(HEALTHY_CELLS, BUDGET_BUSY, BUDGET_BLOCKED, 10 * MS))
		return false;
	heal_spinners_start();
	for (*made = 0; os_now() < until; ++*made) {
		struct request *r = &healthy[*made % HEALTHY_OUT];

		if (*made >= HEALTHY_OUT)
			await_back(r);
		if (!put(r, kind_of(*made)))
			return false;
	}
	heal_spinners_stop();
	for (unsigned i = 0; i < HEALTHY_OUT; i++)
		await_back(&healthy[i]);
	if (ward_cells_stats(cells_set, &stats))
		return false;
	*killed = stats.killed + stats.died;
	return ward_down();
}

static struct child {
	int fd[2];
	uint64_t at; /* when it was asked */
} child[HEALTHY_CELLS];

static void child_work(unsigned number)
{
	struct ward_request r;
	enum what what;

	r.in = &what;
	while (read(child[number].fd[1], &what, sizeof(what)) == sizeof(what)) {
		run_what(&r);
		if (write(child[number].fd[1], "", 1) != 1)
			return;
	}
}

static bool child_start(unsigned i)
{
	return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, child[i].fd) &&
	       cells_fork(child_work, i) > 0;
}

/* It is thought to hang. */
static bool child_replace(unsigned i)
{
	kill(cells_pid[i], SIGKILL);
	waitpid(cells_pid[i], NULL, 0);
	close(child[i].fd[0]);
	close(child[i].fd[1]);
	return child_start(i);
}

static bool child_ask(struct child *c, uint64_t n)
{
	enum what what = kind_of(n);

	c->at = os_now();
	return write(c->fd[0], &what, sizeof(what)) == sizeof(what);
}

/* Milliseconds until the first of them has spent its budget. */
static int until_first(void)
{
	uint64_t now = os_now(), first = UINT64_MAX;

	for (unsigned i = 0; i < HEALTHY_CELLS; i++)
		if (child[i].at + BUDGET_BUSY < first)
			first = child[i].at + BUDGET_BUSY;
	return first > now ? (int)((first - now) / MS) + 1 : 0;
}

/* One look at all of them.  False: something is wrong. */
static bool watch_children(uint64_t *made, uint64_t *killed)
{
	struct pollfd p[HEALTHY_CELLS];
	char byte;

	for (unsigned i = 0; i < HEALTHY_CELLS; i++)
		p[i] = (struct pollfd){ child[i].fd[0], POLLIN, 0 };
	if (poll(p, HEALTHY_CELLS, until_first()) < 0)
		return false;
	for (unsigned i = 0; i < HEALTHY_CELLS; i++) {
		if (p[i].revents) {
			if (read(child[i].fd[0], &byte, 1) != 1)
				return false;
		} else if (os_now() - child[i].at > BUDGET_BUSY) {
			++*killed;
			if (!child_replace(i))
				return false;
		} else {
			continue;
		}
		if (!child_ask(&child[i], ++*made))
			return false;
	}
	return true;
}

static bool watchdog_healthy(uint64_t until, uint64_t *made, uint64_t *killed)
{
	bool ok = true;

	*made = *killed = 0;
	for (unsigned i = 0; i < HEALTHY_CELLS; i++)
		if (!child_start(i) || !child_ask(&child[i], ++*made))
			return false;
	heal_spinners_start();
	while (ok && os_now() < until)
		ok = watch_children(made, killed);
	heal_spinners_stop();
	cells_kill_all();
	return ok;
}

bool cells_healthy(const struct trial *t)
{
	uint64_t until = os_now() + t->cap, made, killed;
	bool ok = strcmp(t->impl, "ward") ?
			  watchdog_healthy(until, &made, &killed) :
			  ward_healthy(until, &made, &killed);

	if (!ok)
		return false;
	tell("healthy_killed", "count", (double)killed);
	tell("healthy_requests", "count", (double)made);
	return true;
}
