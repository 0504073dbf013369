/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * incident.h - from any thread that notices something to the scribe, which tells it.
 *
 * The steward, a dying thread, a spare: none of them may wait, allocate, format
 * or run a stranger's code.  They fill a record and hand it over; records are
 * few and made beforehand, and when none is free the incident keeps its id and
 * is counted as suppressed.  The scribe is a thread of its own: a hook that
 * hangs holds up only the telling.
 *
 * Invariant A9: raised = told + suppressed + records under way.
 */
#ifndef WARD_LIB_TELL_INCIDENT_H
#define WARD_LIB_TELL_INCIDENT_H

#include "base/host.h"
#include "sync/stack.h"
#include "tell/shown.h"
#include <ward/report.h>

#define TELL_RECORDS 64u /* for all; and one for the last words before an abort() */
#define TELL_ROOM (TELL_RECORDS + 1)

#define TELL_TEXT 256u /* a message, with its end */
#define TELL_USER 80u

struct incident {
	struct ward_report report; /* strings are static, the pool's, or these */
	char text[TELL_TEXT];	   /* ->message */
	char user[TELL_USER];	   /* ->user, where that is not ->message */
	void *frame[WARD_FRAMES];  /* ->frames, where no 'trace' is asked for */
	/* Work for the scribe, each NULL or 0 if there is none: */
	struct host_trace *trace; /* ask this thread for its backtrace, */
	uint64_t trace_epoch;	  /* in this epoch */
	void (*call)(void *who, uint64_t epoch); /* before anything else */
	void (*after)(void *who, uint64_t epoch); /* the thread was asked */
	void *who;
	uint64_t epoch;
	const _Atomic uint64_t *heal; /* where the heal latency will stand */
	bool abort;		      /* abort() when it is told */
	bool heard; /* done() hears of it: not for stderr */
};

/* The letters are those of base/atomic.h; W: the scribe. */
struct tell {
	/* I: */
	const char *pool;
	void (*hook)(void *arg, const struct ward_report *report);
	void *arg;
	struct incident *record; /* each: O, the thread that popped it */
	/* X: */
	struct stack free, ready;
	_Atomic uint32_t last_taken; /* M: the record for last words */
	_Atomic uint32_t word; /* M: futex of the scribe */
	_Atomic uint32_t left; /* a record was left, and the scribe not woken */
	_Atomic uint32_t seen; /* W: as far as it has told all */
	_Atomic uint32_t stop; /* E */
	/* When the process is aborted though nobody told why; 0: it is not. */
	_Atomic uint64_t abort_by;
	_Atomic uint64_t raised, told, suppressed;
	_Atomic uint64_t unsaid; /* suppressed since the last one told */
	/* I: */
	void (*ended)(void *whom); /* the scribe's last act */
	void *whom;
	/* W: lines to stderr in this second */
	uint64_t second;
	uint32_t lines;
	_Atomic int32_t tid;
	struct shown shown; /* W; I before that: its memory goes with the records */
	/* E: */
	char name[16];
	host_thread thread;
};

/* In zeroed memory: 0 or -ENOMEM; tell_fini() in either case. */
int tell_init(struct tell *tell, const char *pool,
	      void (*hook)(void *arg, const struct ward_report *report),
	      void *arg);
void tell_fini(struct tell *tell);
int tell_start(struct tell *tell);
/*
 * Tells all that was raised and ends the scribe: 0; -ETIMEDOUT: it is inside of a hook,
 * maybe, and ends, and calls 'ended', when it comes to itself.
 */
int tell_stop(struct tell *tell, uint64_t until);
/* Is the caller the scribe, in a hook? */
bool tell_is_self(const struct tell *tell);

/* Unique in the process. */
uint64_t incident_id(void);
/* All that is known beforehand: size, kind, id, when, where; no string is NULL. */
void report_init(struct ward_report *report, enum ward_kind kind, uint64_t id,
		 const char *pool);
/*
 * The sentence for an end user: the message, if it was meant for users; of any other
 * failure where to ask, written to 'room'; else "".
 */
const char *report_user(const struct ward_report *report, char *room,
			size_t len);

/* A record, with size, id, when and kind filled, or NULL.  Lock-free. */
struct incident *incident_open(struct tell *tell, enum ward_kind kind,
			       uint64_t id);
/*
 * The record that is kept for the incident that ends the process; NULL: another thread
 * has it.
 */
struct incident *incident_last(struct tell *tell, enum ward_kind kind,
			       uint64_t id);
/* NULL is none. */
void incident_raise(struct tell *tell, struct incident *incident);
/* Opens and raises one; 'what' is static.  False: no record is free. */
bool incident_tell(struct tell *tell, enum ward_kind kind, const char *what);
/*
 * incident_raise(), and the process ends when it is told; at the latest, by the steward,
 * five seconds later.
 */
void incident_abort(struct tell *tell, struct incident *incident);
/*
 * incident_raise() without the wakeup, which tell_ring() does soon: it is the dearest
 * part of a report (2 to 8 us), and a worker whose task failed has a next one.
 */
void incident_leave(struct tell *tell, struct incident *incident);
void tell_ring(struct tell *tell);
/* It did not happen after all.  NULL is none. */
void incident_drop(struct tell *tell, struct incident *incident);

#endif
