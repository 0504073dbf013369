/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fail.h - how an attempt ends without returning: raised, or by a fault.
 */
#ifndef WARD_LIB_TASK_FAIL_H
#define WARD_LIB_TASK_FAIL_H

#include "base/host.h"
#include "base/host_fault.h"

struct pool;
struct slot;
struct ward_task;

/* Why a thread went back to where its worker began: slot->fail.escape. */
enum escape {
	ESCAPE_NOT,
	ESCAPE_RAISED, /* out of run(): the attempt ends with slot->fail.raised */
	ESCAPE_LEAVE   /* the thread is to end */
};

struct slot_fail {
	/* W: */
	struct host_escape escape;    /* out of run() */
	struct host_escape *raise_to; /* out of a stolen fork; NULL: of run() */
	int32_t raised;		      /* the error that was raised */
	struct slot_failure {	      /* what the attempt in 'epoch' has told */
		uint64_t epoch, id;
		int32_t err;
	} told;
	struct host_path path;	 /* to the last failure */
	struct host_fault fault; /* signo 0: none; else it ends the thread */
	void *alt_stack; /* O, life: one for all threads of the record; or NULL */
};

/* ---- fail.c: what an attempt says of its failure --------------------------------- */

/* The report of an attempt that ended with 'status', not 0; told now, if not before. */
uint64_t fail_ended(struct pool *pool, struct slot *slot,
		    const struct ward_task *task, int status);
/* Tells hooks.dead of a task that failed for good. */
void fail_dead(struct pool *pool, struct ward_task *task, int status);

/* ---- fault.c: faults caught in tasks --------------------------------------------- */

/* Once per process, by the first pool that catches faults. */
int fault_install(void);

#endif
