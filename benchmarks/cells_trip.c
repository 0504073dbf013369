/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_trip.c - one request at a time, whose submitter sleeps until its answer is there;
 * and the least that another process can be had for.
 *
 * ward_call	the submitter waits in ward_cells_call()
 * futex	two futex words in shared memory, and nothing else
 * pipes	a byte each way
 */
#include "cells.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GAP_MIN (50 * US)
#define GAP_MAX MS

/* ---- the same for all ---------------------------------------------------- */

/* Everyone gets these gaps. */
static uint64_t gap(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return GAP_MIN + (*seed >> 33) % (GAP_MAX - GAP_MIN);
}

static bool trips(uint64_t (*once)(void), unsigned n, bool gaps,
		  double *start, double *trip)
{
	uint64_t seed = 1;

	for (unsigned i = 0; i < n; i++) {
		uint64_t from, began;

		if (gaps)
			os_sleep(gap(&seed));
		from = os_now();
		began = once();
		if (!began)
			return false;
		start[i] = (double)(began - from) / 1e3;
		trip[i] = (double)(os_now() - from) / 1e3;
	}
	return true;
}

bool cells_trips(uint64_t (*once)(void), unsigned n)
{
	double *start = calloc(n, sizeof(*start));
	double *trip = calloc(n, sizeof(*trip));
	bool ok = start && trip && trips(once, n / 10 + 1, true, start, trip) &&
		  trips(once, n, true, start, trip);

	if (ok) {
		tell_samples("start", start, n, false);
		tell_samples("trip", trip, n, false);
		ok = trips(once, n, false, start, trip);
	}
	if (ok)
		tell_samples("close", trip, n, false);
	free(start);
	free(trip);
	return ok;
}

/* ---- a pair of futexes --------------------------------------------------- */

static struct pair {
	_Alignas(64) _Atomic uint32_t call; /* the parent's */
	_Alignas(64) _Atomic uint32_t back; /* the process's */
	uint64_t began;
} *pair;

/* Words of two processes. */
static void wait_shared(_Atomic uint32_t *word, uint32_t seen)
{
	while (atomic_load_explicit(word, memory_order_acquire) == seen)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void say(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void pair_work(unsigned number)
{
	for (uint32_t seen = number;; seen++) {
		wait_shared(&pair->call, seen);
		pair->began = os_now();
		say(&pair->back, seen + 1);
	}
}

static uint64_t pair_once(void)
{
	uint32_t seen = pair->call;

	say(&pair->call, seen + 1);
	wait_shared(&pair->back, seen);
	return pair->began;
}

static bool pair_start(void)
{
	pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return pair != MAP_FAILED && cells_fork(pair_work, 0) > 0;
}

/* ---- a pair of pipes ----------------------------------------------------- */

static int to[2], from[2];

static void pipes_work(unsigned number)
{
	uint64_t now;
	char byte;

	(void)number;
	while (read(to[0], &byte, 1) == 1) {
		now = os_now();
		if (write(from[1], &now, sizeof(now)) != sizeof(now))
			return;
	}
}

static uint64_t pipes_once(void)
{
	uint64_t began;

	if (write(to[1], "", 1) != 1 ||
	    read(from[0], &began, sizeof(began)) != sizeof(began))
		return 0;
	return began;
}

static bool pipes_start(void)
{
	return !pipe(to) && !pipe(from) && cells_fork(pipes_work, 0) > 0;
}

bool cells_trip(const struct trial *t)
{
	bool pipes = !strcmp(t->impl, "pipes"), ok;

	if (!strncmp(t->impl, "ward", 4))
		return cells_ward_trip(t);
	ok = (pipes ? pipes_start() : pair_start()) &&
	     cells_trips(pipes ? pipes_once : pair_once, (unsigned)t->tasks);
	cells_kill_all();
	return ok;
}
