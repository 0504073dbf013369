/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heal.h - what the parts of the bench of healing share.
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
/* Drained, audited, gone. */
bool heal_pool_down(void);

/* ---- a pool at work (heal_load.c) ----------------------------------------- */

/* Healthy workers beside processes that fill the machine. */
bool heal_healthy(const struct trial *trial);
/* Deaths and raises beside short tasks, of a pool or of bare threads. */
bool heal_under_load(const struct trial *trial);

#endif
