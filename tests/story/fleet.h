/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fleet.h - what the story of a fleet and its workers share: which message goes wrong in
 * which way, and memory in which all of them note what happens.
 */
#ifndef WARD_TESTS_STORY_FLEET_H
#define WARD_TESTS_STORY_FLEET_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <ward/nats.h>
#include <ward/ward.h>

/* How a message goes wrong where it runs for the first time. */
enum kind {
	WELL,
	HANGS,	    /* asleep until its process ends */
	COMES_HOME, /* asleep until it runs elsewhere, and then it ends as if well */
	SPINS,	    /* the same, on its CPU */
	DIES,	    /* its thread ends */
	FAULTS,	    /* SIGSEGV */
	FAILS,	    /* run() says so */
	POISON,	    /* says that it is poison; each time */
	HOPELESS,   /* fails each time, until it is taken for poison */
	SLEEPS_ON,  /* inside until its process was stopped and continued: then well */
	KINDS
};

enum { LIVES = 256, BUDGET_MS = 200 };

/* One message. */
struct mark {
	_Atomic uint64_t began; /* ns; it ran for the first time */
	_Atomic uint64_t again; /* the next time */
	_Atomic uint32_t runs;
	uint32_t kind;
};

/* One worker process. */
struct life {
	_Atomic int32_t pid;
	_Atomic uint32_t serves; /* 1: ward_nats_create() has succeeded */
	struct ward_nats_stats stats;
	struct ward_stats pool;
};

struct stage {
	_Atomic uint32_t did[KINDS]; /* how many have gone wrong so */
	_Atomic int32_t sleeper;     /* the process with a message that SLEEPS_ON */
	_Atomic uint32_t continued;  /* the message whose process was */
	pid_t director;
	struct life life[LIVES];
	uint32_t messages;
	struct mark mark[]; /* from 1 */
};

/* A worker: fleet worker FD LIFE URLS; FD is the stage's memory. */
int fleet_worker(char **argv);
/* The result of a message, before "sequence delivery". */
uint64_t fleet_hash(uint32_t number);
uint64_t fleet_now(void);

#define FLEET_HEALTH "fleet.health"

#endif
