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
	WARD_R_OVERDUE,	     /* fenced: told to stop, it did not in time */
	WARD_R_DEATH,	     /* a worker's thread left inside a task; a cell ended */
	WARD_R_FAULT,	     /* a caught fault ended an attempt and its thread */
	WARD_R_ERROR,	     /* an attempt failed, or said why it will */
	WARD_R_SLOW,	     /* a warning: half of a budget is spent, or all,
				with an excuse */
	WARD_R_HOME,	     /* a fenced thread came back; a convicted cell ended,
				and 'cause' is its conviction */
	WARD_R_DEGRADED,     /* the zombie cap is reached: no more replacing;
				or every worker waits for a zombie's lock */
	WARD_R_RECOVERED,    /* neither any more, and every seat taken */
	WARD_R_NO_THREAD,    /* a thread could not be made; tried again later */
	WARD_R_ENVIRONMENT,  /* the steward itself was kept from running */
	WARD_R_EVIDENCE,     /* the kernel refuses something: what is done
				without since, or not seen any more */
	WARD_R_STEWARD,	     /* the pool's steward hung; another took over */
	WARD_R_RESTART,	     /* a ward ended and is started again */
	WARD_R_GAVE_UP,	     /* a steward's restart intensity is spent */
	WARD_R_MISUSE,	     /* a call that cannot be meant; told once a pool: an
				'until' before the pool was made, so a span */
	WARD_R_HELPER	     /* a thread of the pool's own hangs, or a new one is
				long on its way up: 'what' says what waits */
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
	const char *message; /* the program's own words on it, or "" */
	const char *user;    /* one sentence for an end user, if anything failed:
				'message', or else where to ask, with the id */
	bool known;	     /* 'message' is for the end user: ward_wrap() */
	int32_t err;	     /* what the attempt ended with, or will; or 0 */
	int32_t signo;	     /* of a fault, or that ended a cell */
	void *addr;	     /* what it touched, if the kernel tells */
	uint64_t cause;	     /* the report that led to this one, or 0 */
	uint64_t hash;	     /* of kind, error and the task's own frames, each
				relative to its module: the same for the same
				incident in every run of the same build */
	uint64_t seen;	     /* told in this process with that hash, so far; of
				more than 512 hashes the one that was not told
				for the longest time begins again */
	const char *host;    /* this machine's name, */
	const char *boot;    /* the id of its boot, and */
	int32_t pid;	     /* this process */
	uint32_t attempt;    /* which attempt was lost, from 1 */
	int32_t tid;	     /* the thread's kernel id */
	struct ward_ledger ledger;
	ward_ns budget;	     /* the budget that was spent */
	ward_ns heal;	     /* detection to the replacement in its seat; 0: none, or
				not within 2 ms of the telling */
	uint32_t suppressed; /* reports that were not told since the last one */
	char state;	     /* kernel state letter, or 0 */
	int32_t syscall;     /* number the thread is in, or -1 */
	uint64_t syscall_arg;/* its first argument (a futex's address) */
	int32_t holder;	     /* thread that holds that futex, or 0 */
	const char *chain;   /* "12 > 17 > 12": who waits for whom; a cycle ends
				with the thread it began with */
	void *const *frames; /* the thread's own backtrace */
	uint32_t nframes;
	const char *trace;   /* why there is none, where one was asked for: "left
				before it could be asked", "no answer"; or "" */
	bool ended;	     /* a cell's process has ended, and how is known: */
	bool core;	     /* 'signo' ended it, and it left a core file */
	int32_t exit_code;   /* without a signo: its exit code */
	ward_ns cpu;	     /* the CPU time of its life, the kernel's for it too */
	uint64_t peak;	     /* the most bytes that were resident */
};

/*
 * What code at 'frame' is called: "parse+0x1a (json.c:33)", or as much of it as
 * can be known: "qsort+0x9 (libc.so.6)", "app+0x1234".  A frame is where a call comes
 * back to, or a function's beginning.  Like snprintf.  Slow the first time: it reads
 * the program's debug information, and keeps it while there is a pool; it allocates,
 * and takes a lock that is held meanwhile; not in a signal handler.  -EINVAL: buf is
 * NULL with len not 0.
 */
WARD_API int ward_frame_format(void *frame, char *buf, size_t len);

/*
 * "livelock", "blocked", ... : the kind's name; "unknown" for no kind.  Any thread, also a
 * signal handler.
 */
WARD_API const char *ward_kind_name(enum ward_kind kind);

/*
 * Writes the report as one line of text, or of JSON, without a newline.  The names
 * of its frames have the price of ward_frame_format().  Like snprintf: returns the
 * length it has, writes at most len bytes, ends with NUL if len is not 0.  -EINVAL if
 * report is NULL, or buf is NULL with len not 0.
 */
WARD_API int ward_report_format(const struct ward_report *report, char *buf,
				size_t len, bool json);

/*
 * Looks a report up by its id among the last 256 that were told in this process,
 * printed or not, and writes it as ward_report_format() does.  -ENOENT: it is
 * none of them, or not told yet; -EINVAL as above.  Any thread; takes a lock that
 * is held for copies only.
 */
WARD_API int ward_report_find(uint64_t id, char *buf, size_t len, bool json);

#ifdef __cplusplus
}
#endif
#endif
