/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - shared by the parts of the bench of healing.
 */
#ifndef BENCH_HEAL_H
#define BENCH_HEAL_H

#include "bench.h"

enum kind { EXIT, CANCEL, RAW, FAULT, RAISE, LIVELOCK, BLOCKED };

/* The calling thread ends: EXIT, CANCEL or RAW. */
void heal_leave(enum kind kind);

/* ---- samples, us ---------------------------------------------------------- */

struct samples {
	double *all, *detect, *heal;
	unsigned n, nd, room;
};

bool samples_open(struct samples *s, unsigned n);
/* As metrics of that kind; frees them. */
void samples_tell(struct samples *s, const char *kind);

static inline double us(uint64_t from, uint64_t to)
{
	return ((double)to - (double)from) / 1e3;
}

/* ---- the pool ------------------------------------------------------------- */

extern struct ward_pool *heal_pool;
/* Four spares, faults caught, such budgets. */
bool heal_pool_up(unsigned workers, ward_ns busy, ward_ns blocked);
bool heal_pool_watched(unsigned workers, ward_ns busy, ward_ns blocked,
		       ward_ns scan);
/* Drained, audited, gone. */
bool heal_pool_down(void);

/* As long as a heartbeat may be late, and a look that is fine enough for it. */
#define BUDGET_HUNG (10 * MS)
#define SCAN_HUNG (2 * MS)

/* ---- the healthy, beside processes that fill the machine (heal_healthy.c) - */

/* Eight of those. */
void heal_spinners_start(void);
void heal_spinners_stop(void);
/* Many tasks, some of which are long. */
bool heal_healthy(const struct trial *trial);
/* One task for each worker: 1 ms of work, a beat, a nap of 1 ms, and again. */
bool heal_beating(const struct trial *trial);

/* ---- a pool at work (heal_load.c) ----------------------------------------- */

/* Deaths and raises beside short tasks, of a pool or of bare threads. */
bool heal_under_load(const struct trial *trial);

#endif
