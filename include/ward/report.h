/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h - what is told about an incident.
 */
#ifndef WARD_REPORT_H
#define WARD_REPORT_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ward_kind {
	WARD_R_LIVELOCK = 1, /* convicted: silent on its own CPU */
	WARD_R_BLOCKED,	     /* convicted: silent and asleep in the kernel */
	WARD_R_NO_PROGRESS,  /* convicted: beats, but no progress */
	WARD_R_DEATH,	     /* a worker's thread left inside a task */
	WARD_R_SLOW,	     /* a warning: half of a budget is spent, or all,
				with an excuse */
	WARD_R_HOME,	     /* a fenced thread came back */
	WARD_R_DEGRADED,     /* the zombie cap is reached: no more replacing;
				or every worker waits for a zombie's lock */
	WARD_R_RECOVERED,    /* neither any more, and every seat taken */
	WARD_R_NO_THREAD,    /* a thread could not be made; tried again later */
	WARD_R_ENVIRONMENT,  /* the steward itself was kept from running */
	WARD_R_EVIDENCE	     /* /proc cannot be read: fewer accounts */
};

/* Where the silence of a ward went, ns.  The sum is 'silence', exactly. */
struct ward_ledger {
	ward_ns silence; /* since the last sign of life that was seen */
	ward_ns busy, blocked, starved, stopped, blind;
};

#define WARD_FRAMES 24

/*
 * Valid during the hook that it is given to.  Strings are never NULL and may be
 * empty; numbers that are not known are 0.
 */
struct ward_report {
	uint32_t size;
	enum ward_kind kind;
	uint64_t id;	     /* unique in the process; 1, 2, 3, ... */
	int64_t utc_s;	     /* when, UTC */
	uint32_t utc_ns;
	uint32_t worker;     /* seat, from 0; UINT32_MAX: none */
	ward_ns at;	     /* when, CLOCK_MONOTONIC */
	const char *pool;    /* the pool's name */
	const char *task;    /* the task's name */
	const char *what;    /* one sentence for a log */
	uint32_t attempt;    /* which attempt was lost, from 1 */
	int32_t tid;	     /* the thread's kernel id */
	struct ward_ledger ledger;
	ward_ns budget;	     /* the budget that was spent */
	ward_ns heal;	     /* detection to the replacement in its seat */
	uint32_t suppressed; /* reports that were not told since the last one */
	char state;	     /* kernel state letter, or 0 */
	int32_t syscall;     /* number the thread is in, or -1 */
	uint64_t syscall_arg;/* its first argument (a futex's address) */
	int32_t holder;	     /* thread that holds that futex, or 0 */
	const char *chain;   /* "12 > 17 > 12": who waits for whom; a cycle ends
				with the thread it began with */
	void *const *frames; /* the thread's own backtrace */
	uint32_t nframes;
};

/* "livelock", "blocked", ... : the kind's name; "unknown" for no kind. */
WARD_API const char *ward_kind_name(enum ward_kind kind);

/*
 * Writes the report as one line of text, or of JSON, without a newline.  Like
 * snprintf: returns the length it has, writes at most len bytes, ends with NUL
 * if len is not 0.  -EINVAL if report is NULL, or buf is NULL with len not 0.
 */
WARD_API int ward_report_format(const struct ward_report *report, char *buf,
				size_t len, bool json);

#ifdef __cplusplus
}
#endif
#endif
