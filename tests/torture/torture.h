/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * torture.h - what the files of the torture program share.
 *
 *	torture.c	options, cycles until the time is over, the verdict
 *	cycle.c		one pool from create to destroy, its producers and readers
 *	job.c		one task: what it does, and what must be true of it
 *	fate.c		an id's life in one byte: done once, then released once
 *	perturb.c	yields and short sleeps between any two steps of the library
 *	house.c		threads, descriptors and memory before and after
 */
#ifndef WARD_TESTS_TORTURE_TORTURE_H
#define WARD_TESTS_TORTURE_TORTURE_H

#include "../sanitizers.h"
#include "base/host.h"
#include "rand.h"
#include <ward/ward.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
/* Long after everything has failed. */
#define IN_TIME (60 * SECOND)

/* ---- the verdict ------------------------------------------------------------- */

/* Something is not as it must be: printed (the first few), counted. */
__attribute__((format(printf, 1, 2))) void fault(const char *format, ...);

struct tally {
	_Atomic uint64_t submitted, accepted, refused, batches, nested;
	_Atomic uint64_t planted_deaths, planted_raw, planted_stalls;
	_Atomic uint64_t resizes;
	_Atomic uint64_t planted_errors, planted_faults, letters, numbers;
	_Atomic uint64_t commits, stale, audits, whole_audits;
	_Atomic uint64_t timed, overruns, worst_overrun;
	_Atomic uint64_t faults;
	/* summed up from the pools' own numbers */
	uint64_t deaths, stalls, heals, late, reruns, acquitted, returned;
	uint64_t failed, faulted, dead_letters, regrets;
	uint64_t reaped, scans, looks, told, suppressed, rescues, threads;
	uint64_t degraded, home, left;
};
extern struct tally tally;

/* ---- fate.c ------------------------------------------------------------------ */

struct fates {
	_Atomic uint8_t *byte;
	uint32_t size;
	_Atomic uint32_t next; /* id that is given out next */
	_Atomic uint64_t refused, accepted, done, released;
};
void fates_init(struct fates *fates, uint32_t size);
void fates_fini(struct fates *fates);
uint32_t fate_open(struct fates *fates);
void fate_refused(struct fates *fates, uint32_t id);
void fate_accepted(struct fates *fates, uint32_t n);
void fate_done(struct fates *fates, uint32_t id);
void fate_released(struct fates *fates, uint32_t id);
bool fate_is_done(struct fates *fates, uint32_t id);
/* Every id has come to its end, and the sums agree. */
void fates_settled(struct fates *fates);

/* ---- job.c ------------------------------------------------------------------- */

enum kind {
	/* healthy: must end with a value of their own */
	EMPTY,
	SLEEP,	   /* in the kernel, a little */
	SLOW,	   /* on the CPU, a little */
	BEAT,	   /* longer than its budget, but says that it lives */
	DECLARED,  /* sleeps longer than its budget, as it said */
	NEST,	   /* submits two more to the same pool */
	COMMIT,
	ASKED,	   /* goes on until its token is fired */
	UNBLOCK,   /* sleeps until its hook is called: by half of its budget */
	PAUSE,	   /* pauses until a time, or until its token is fired */
	/* not so: they end with an error of their own, */
	FAIL,	   /* returned, and spoken of or not */
	RAISE,	   /* from some depth */
	/* or with their thread, */
	EXIT,	   /* pthread_exit() */
	CANCEL,	   /* pthread_cancel() of itself */
	RAW,	   /* exit system call */
	FAULT,	   /* a caught one, of one of several kinds */
	/* or are taken away from it */
	SPIN,
	SPIN_CALL, /* in cheap system calls */
	SPIN_YIELD,
	BLOCK,	   /* polls with short sleeps */
	STAGNANT,  /* beats and never gets on */
	HANG,	   /* sleeps until it is fenced; its budget is an hour */
	KINDS
};

/* Extra steps of done(), release() or the hook for dead letters. */
enum twist {
	STRAIGHT,
	DIE_IN_DONE,
	DIE_IN_RELEASE,
	RAISE_IN_DONE,
	DIE_IN_DEAD,
	SPIN_IN_DONE
};

enum { CHILDREN = 2 };

struct cycle;
struct producer;

struct job {
	struct ward_task task;
	struct cycle *cycle;
	struct producer *owner; /* NULL: a child */
	struct job *next;	/* on its owner's free list */
	struct job *child;	/* CHILDREN of them, or NULL */
	uint32_t id, param;
	enum kind kind;
	enum twist twist;
	bool once; /* misbehaves in its first attempt only */
	struct ward_cancel token;
	_Atomic uint32_t busy; /* a child in use */
	_Atomic uint32_t runs, inside, commits, posted, letters;
	_Atomic uint64_t number; /* the highest fence number of its attempts */
};

/* The cycle's policies, in order of use by jobs. */
enum { POLICIES = 4 };
struct times {
	uint64_t busy, blocked, progress;
};
extern const struct times job_times;
void policies_init(struct ward_policy *policy);

/* Draws a job anew: 'faulty' in 65536 misbehave. */
void job_draw(struct job *job, struct rng *rng, uint32_t faulty);
/* An id, and what is counted of it, new. */
void job_open(struct job *job);
const char *kind_name(enum kind kind);
/* The hook for dead letters. */
void job_dead(void *arg, struct ward_task *task,
	      const struct ward_report *report);

/* ---- cycle.c ----------------------------------------------------------------- */

struct cycle {
	struct ward_pool *pool;
	struct fates fates;
	const struct ward_policy *policy; /* POLICIES of them */
	bool catches; /* the pool catches faults */
	uint64_t sizes; /* seed of those that it is resized to; 0: it is not */
	_Atomic uint32_t destroying;
	_Atomic uint32_t stop_readers;
};
void cycle_run(uint64_t seed, uint64_t number);
void job_back(struct job *job); /* to its owner; may be used at once */

/* ---- perturb.c --------------------------------------------------------------- */

void perturb_seed(uint64_t seed); /* of the calling thread */
void perturb(void);
extern _Atomic uint64_t allocated; /* by host_alloc, not given back */

/* ---- house.c ----------------------------------------------------------------- */

struct house {
	unsigned threads, descriptors, keys;
	uint64_t heap;
};
struct house house_look(void);
/* Waits until there are no more threads than that; false: it never was so. */
bool house_threads_down_to(unsigned most);
void house_compare(const struct house *before);

#endif
