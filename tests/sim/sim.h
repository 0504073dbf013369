/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.h - a deterministic scheduler with memory models, for scenarios.
 *
 * All threads of a scenario are coroutines of one thread; each access to a word
 * that threads share is a step, and before each step a seeded scheduler says who
 * goes on.  The same seed gives the same run, to the last step.
 *
 * Memory models:
 *	sc	each store is seen by all at once
 *	tso	x86: a store waits in its thread's buffer for a while
 *	weak	C11: each word has a history.  A load may see any store that
 *		nothing obliges it to look past; a store may be ordered before
 *		stores that its thread has not seen.  Plain accesses are checked
 *		for races.  A load never sees a store that is made later in the
 *		run, so load buffering is the one thing that stays out.
 *
 * Schedulers:
 *	random	anyone, at each step
 *	sticky	mostly the same thread goes on
 *	pct	priorities, lowered at a few random steps (Burckhardt et al.)
 *	dfs	all of them, with few preemptions and few odd memory choices
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "access.h"

#define SIM_THREADS 20 /* at once; thread 0 runs the scenario's body */

enum sim_model { SIM_SC, SIM_TSO, SIM_WEAK, SIM_MODELS };
enum sim_sched { SIM_RANDOM, SIM_STICKY, SIM_PCT, SIM_DFS, SIM_SCHEDS };
enum sim_end {
	SIM_OK,
	SIM_DEADLOCK, /* all wait for ever: a lost wakeup */
	SIM_WRONG,    /* a check of the scenario, or misuse of the host */
	SIM_ENDLESS,  /* more steps than allowed: a livelock */
	SIM_RACE,     /* plain accesses without order between them */
	SIM_FREED,    /* an access to memory that was given back */
	SIM_ENDS
};

/* ---- for scenarios ------------------------------------------------------- */

/* 0..n-1, by the seed; dfs tries all. */
uint32_t sim_choose(uint32_t n);
bool sim_is_weak(void);
/* The number of the running thread, in order of creation. */
unsigned sim_me(void);
/* The thread that was stopped for ever in this run, or -1. */
int sim_stopped(void);
/* Is this a forked child, with the one thread that forked? */
bool sim_forked(void);
/* Steps of the calling thread since it forked. */
long sim_since_fork(void);
/* It goes on: it was stopped for long only.  Join it anew. */
void sim_go_on(void);
/* The calling thread handles a signal at one of its next steps; never under dfs. */
void sim_on_signal(void (*handler)(void));
/* From now on a process that is stopped may hang, and need not end there. */
void sim_may_hang(void);
/* A word of which each thread has its own: the library's thread-local one. */
void sim_private(void *word);
/* Memory of the host that was not given back. */
unsigned sim_unfreed(void);
/* Ends the calling thread at once, as a raw exit would. */
_Noreturn void sim_vanish(void);
/*
 * Waits until the others have spun n times, relaxing or yielding, or until all
 * of them sleep: so that things happen just when somebody goes to sleep.
 */
void sim_dawdle(uint32_t n);
/* Was it lowered, and not raised since? */
bool sim_is_lowered(int32_t tid);
/* Sleeps until host_event_set(). */
void sim_event_wait(void);
/* The run ends here, and well; threads that are still about are forgotten. */
_Noreturn void sim_enough(void);
/* The run ends here, in such a way. */
_Noreturn void sim_fail(enum sim_end end, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The name of the word at p in a trace. */
void sim_name(const void *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A line in the trace. */
void sim_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define check(e)                                                               \
	do {                                                                   \
		if (!(e))                                                      \
			sim_fail(SIM_WRONG, "%s:%d: %s", __func__, __LINE__,   \
				 #e);                                          \
	} while (0)

/*
 * Bookkeeping of a scenario that is none of the simulated program's business:
 * no step, no race check.
 */
#define offstage __attribute__((noinline, no_sanitize("thread")))

struct sim_scenario {
	const char *name;
	const char *fear; /* what would go wrong, in a few words */
	void (*body)(void);
	uint32_t stop;	/* threads (bits) that may be stopped for ever anywhere */
	uint32_t forks;	/* threads (bits) that may go on alone, as a fork's child, anywhere */
	uint32_t bound; /* dfs: preemptions at most; 0: dfs is not tried */
	uint32_t share; /* of the schedules; 0 is 1 */
	uint32_t rare;	/* one in so many of them; 0 is 1 */
	uint32_t few;	/* schedules for each point of a stop at most; 0: any number */
	long steps;	/* more is a livelock; 0: a default */
};
#define SCENARIO(id, ...)                                                      \
	static const struct sim_scenario id##_scenario = {                     \
		.name = #id, .body = id, .fear = __VA_ARGS__                   \
	};                                                                     \
	static const struct sim_scenario *const id##_entry                     \
		__attribute__((used, section("sim_scenarios"))) =              \
			&id##_scenario

#endif
