/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats.h - shared by the parts of the bench of consumers of a work queue on NATS JetStream:
 * libward's, and the same loop without it.
 */
#ifndef BENCH_NATS_H
#define BENCH_NATS_H

#include "bench.h"

#include <stddef.h>

/* A consumer's work on each message; it returns the bytes of its result. */
struct nats_work {
	uint64_t delivery; /* from 1 */
	const void *data;
	int size;
	char out[32];
};

struct nats_load {
	const char *urls;
	unsigned workers;
	int (*run)(struct nats_work *work);
};

enum { NATS_IN_FLIGHT = 1024 };
#define NATS_BUDGET (100 * MS) /* of sleep, in a message that hangs */

/* One consumer of the process. */
struct nats_way {
	const char *name;
	bool (*start)(const struct nats_load *load);
	/* Messages whose result is stored, and that are acknowledged. */
	uint64_t (*done)(void);
	/* Leaves those that hang. */
	bool (*stop)(void);
};

extern const struct nats_way nats_way_ward, nats_way_plain;

#endif
