/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fail.h - how an attempt ends otherwise than by returning: raised, or a fault.
 */
#ifndef WARD_LIB_TASK_FAIL_H
#define WARD_LIB_TASK_FAIL_H

#include "base/host.h"
#include "base/host_fault.h"

struct pool;
struct slot;
struct ward_task;

/* What brings a thread back to where its worker began: slot->fail.escape. */
enum escape {
	ESCAPE_NOT,
	ESCAPE_RAISED, /* out of run(): the attempt ends with slot->fail.raised */
	ESCAPE_LEAVE   /* the thread is to end */
};

/* How an attempt ends otherwise than by returning. */
struct slot_fail {
	/* W: */
	struct host_escape escape;    /* the way out of it */
	struct host_escape *raise_to; /* out of a stolen fork; NULL: of run() */
	int32_t raised;		      /* what it ends with, if it was raised */
	struct slot_failure {	      /* what it has told, if 'epoch' is its own */
		uint64_t epoch, id;
		int32_t err;
	} told;
	struct host_path path;	 /* to where it failed last */
	struct host_fault fault; /* signo 0: none; else it ends the thread */
	void *alt_stack; /* O, life: the record's, for its threads in turn; or NULL */
};

/* ---- fail.c: what an attempt says of its failure --------------------------------- */

/* It ended with 'status', not 0: the report of it, told now if it was not before. */
uint64_t fail_ended(struct pool *pool, struct slot *slot,
		    const struct ward_task *task, int status);
/* A task that failed for good goes to the hook for dead letters. */
void fail_dead(struct pool *pool, struct ward_task *task, int status);

/* ---- fault.c: faults caught in tasks --------------------------------------------- */

/* Once per process, by the first pool that catches faults. */
int fault_install(void);

#endif
