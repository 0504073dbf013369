/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story.h - what the stories share: a pool whose reports are kept, tasks whose
 * ends are kept, and waiting for what must come to be.
 *
 * A story ends with 0, or says what it found instead of what it expected and
 * ends with 1; with 77 if this machine does not let it happen.
 */
#ifndef WARD_TESTS_STORY_STORY_H
#define WARD_TESTS_STORY_STORY_H

#include "../sanitizers.h"
#include "../wrap.h"
#include "base/host.h"
#include "pool/pool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define IN_TIME (30 * SECOND) /* long after everything has failed */

/* ---- expectations ------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) _Noreturn void
story_fail(const char *file, int line, const char *format, ...);
__attribute__((format(printf, 1, 2))) _Noreturn void
story_skip(const char *format, ...);

#define expect(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			story_fail(__FILE__, __LINE__, "%s", #condition);      \
	} while (0)

#define expect_equal(left, right)                                              \
	do {                                                                   \
		long long l_ = (long long)(left), r_ = (long long)(right);     \
                                                                               \
		if (l_ != r_)                                                  \
			story_fail(__FILE__, __LINE__,                         \
				   "%s is %lld, not %lld", #left, l_, r_);     \
	} while (0)

/* Looks again and again until it is so. */
#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t end_ = host_now() + IN_TIME;                          \
                                                                               \
		while (!(condition)) {                                         \
			if (host_now() > end_)                                 \
				story_fail(__FILE__, __LINE__,                 \
					   "never: %s", #condition);           \
			story_breathe();                                       \
		}                                                              \
	} while (0)

void story_breathe(void); /* a short sleep between two looks */

/* ---- reports ----------------------------------------------------------------- */

#define TOLD_MAX 512u

struct told {
	struct ward_report report; /* its strings are the ones below */
	char what[128], task[32], chain[160], line[1024];
	void *frame[WARD_FRAMES];
};

/* 'arg' is not used: there is one list for the whole story. */
void story_report(void *arg, const struct ward_report *report);
extern const struct ward_hooks story_hooks;
/* The n-th report of that kind, from 0; waits for it. */
const struct told *told(enum ward_kind kind, unsigned n);
unsigned told_count(enum ward_kind kind);
/* The report with that id; waits for it. */
const struct told *told_id(uint64_t id);
/* Prints all; also done when a story fails. */
void told_print(void);

/* ---- pools ------------------------------------------------------------------- */

/* 2 workers, budgets of 60 and 150 ms, a scan of 5 ms, reports kept. */
extern const struct ward_policy story_policy;
struct ward_pool_config story_config(void);
struct ward_pool *pool_up(const struct ward_pool_config *config);
struct ward_stats stats_of(struct ward_pool *pool);
/* The pool of a tree of stewards, to look into its books. */
struct ward_pool *pool_under(const struct ward_steward *steward);
/* Drains it; the books must then be whole and right; destroys it. */
void pool_down(struct ward_pool *pool);
/* As pool_down() without the drain, and the answer that destroy must have by then. */
void pool_leave(struct ward_pool *pool, ward_ns span, int left);
/* Every invariant of the books, of a pool that comes to stand still. */
void audit_whole(struct ward_pool *pool);
/* The invariants that hold just now. */
void audit_now(struct ward_pool *pool);
/* Waits until every seat is taken, all spares are there, nobody is out. */
void wait_healed(struct ward_pool *pool);
/* As pool_down(), and every thread that ended was joined, and its files are closed. */
void wait_buried(struct ward_pool *pool);
bool books_closed(struct ward_pool *pool); /* nobody is amid healing */
uint64_t convicted(const struct ward_stats *stats);

/* ---- tasks ------------------------------------------------------------------- */

struct item {
	struct ward_task task;
	int (*what)(struct item *item);
	int status;
	uint64_t incident;
	_Atomic int32_t tid; /* the thread that ran it last */
	_Atomic uint32_t runs, ended, done, released;
	_Atomic uint32_t gate; /* futex: open when not 0 */
	_Atomic uint32_t mark; /* futex: for the story's own use */
	uint64_t number;
};

/* run() answers with the answer of 'what'. */
void item_init(struct item *item, int (*what)(struct item *item),
	       const struct ward_policy *policy, const char *name);
void item_submit(struct ward_pool *pool, struct item *item);
void item_start(struct ward_pool *pool, struct item *item,
		int (*what)(struct item *item),
		const struct ward_policy *policy, const char *name);
/* Waits for release(); the status must be that. */
void item_ends(struct item *item, int status);
void item_done(struct item *item, int status); /* waits for done() only */
void item_runs(struct item *item, unsigned times); /* waits for that run */

/* Ready-made tasks. */
int task_nothing(struct item *item);
int task_busy(struct item *item);    /* for two thirds of what it may, and says 1 */
int task_asleep(struct item *item); /* the same */
int task_gate(struct item *item);  /* sleeps until its gate is opened */
int task_sleep_until_fenced(struct item *item); /* by short sleeps */
int task_spin_until_fenced(struct item *item);
void gate_open(struct item *item);

/* Was the calling attempt taken away?  No sign of life, unlike ward_check(). */
bool fenced(void);
void nap(uint64_t ns);
uint64_t cpu_of_thread(void);
/* On its own CPU, silent. */
void burn(uint64_t ns);

/* ---- the process ------------------------------------------------------------- */

unsigned threads_now(void); /* one that was joined may be there for a moment */
unsigned descriptors_now(void);
unsigned mappings_now(void);

/*
 * Before the calling thread is cancelled from outside: the sanitizer marks the
 * frames, and is not told that they are left.
 */
#if UNDER_ASAN
void __asan_handle_no_return(void);
#define leave_frames_open() __asan_handle_no_return()
#else
#define leave_frames_open() ((void)0)
#endif

#endif
