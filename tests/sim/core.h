/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - what the files of the simulator share among themselves.
 *
 *	sched.c	   threads, choices, time
 *	memory.c   the three memory models
 *	race.c	   plain accesses
 *	lines.c	   cache lines that travel
 *	host_sim.c lib/base/host.h
 *	main.c	   many runs, their sum, replay
 */
#ifndef SIM_CORE_H
#define SIM_CORE_H

#include "sim.h"
#include "base/host.h"
#include <setjmp.h>
#include <stddef.h>

#define STEPS_MAX 6000 /* of a run, if its scenario does not say */

/*
 * A thread's knowledge of each thread's past, as a time of that thread's own clock.
 * 'view': it must not read what was replaced before then.  'order': it happened before,
 * in the sense of C11.  A seq_cst fence passes on the view alone, an acquire that reads
 * from a release both.
 */
struct knows {
	uint32_t view[SIM_THREADS];
	uint32_t order[SIM_THREADS];
};

enum state { READY, BLOCKED, ENDED, STOPPED };

struct thread {
	/* the scheduler's */
	enum state state;
	bool begun, timed_out, dawdles;
	jmp_buf at;
	char *stack;
	void (*fn)(void *arg);
	void (*last)(void *arg);
	void *arg;
	const void *futex[HOST_WAITV_MAX]; /* what it sleeps on */
	/* Awake, it is queued on the others until it runs, and takes their wakeups. */
	const void *queued[HOST_WAITV_MAX];
	int joins;	       /* the thread that it waits for, plus one */
	bool (*ready)(void *); /* or a condition of the host's */
	void *ready_arg;
	uint64_t until;
	int64_t priority;
	long steps;
	void *private;
	bool joined;	/* its place may be used again */
	bool detached;	/* nobody will join it */
	uint32_t turn;	/* how often it was */
	uint64_t since; /* READY or not since then */
	uint64_t cpu;	/* ns that it was READY before */
	int process;	/* its first thread's place, plus one; 0: the parent */
	bool killed;	/* makes no more steps */
	void (*handler)(void); /* of a signal that is still to come */

	/* the memory's */
	uint32_t tick;
	struct knows knows, read, released;
	struct {
		void *p;
		unsigned size;
		uint64_t v;
	} buffer[16];
	unsigned buffered;

	/* the race check's */
	bool in_cell;
	struct {
		void *p;
		uint32_t tick;
		uint32_t write; /* the tick of the write that it copied */
		int by;
		bool ordered;
	} cell[64];
	unsigned cells;

	/* the host's */
	void *self;
	const void *note;
	struct host_life *life;	       /* that it holds */
	struct host_life *watched[16]; /* that it sleeps on */
	unsigned watches;
};

struct run {
	enum sim_model model;
	enum sim_sched sched;
	uint64_t seed;
	uint32_t bound, odd; /* dfs: preemptions, odd memory choices */
	int stop_thread;     /* -1: nobody */
	long stop_step;	     /* of its own steps, from 1 */
	bool forks;	     /* there it goes on alone, in a child process */
	bool trace;
	long steps; /* at most */
	bool named; /* words have names, at some price; a trace has them too */
};

struct result {
	enum sim_end end;
	long steps;
	char why[240];
};

extern struct run run;
extern struct thread threads[SIM_THREADS];
extern int nthreads, current;
extern bool running;
extern uint32_t laziness; /* one step in so many lets a store settle */
#define me (&threads[current])

/* sched.c */
struct result sim_run(const struct run *how, void (*body)(void));
/* The next path of dfs; false: there is none.  'fresh' starts over. */
bool dfs_next(bool fresh);
long step_count(void);
uint64_t now(void);
void step(void);
bool chance(uint32_t one_in); /* dfs: never */
/* 0, or now and then another of n; dfs: costs one of the odd choices. */
uint32_t choose_odd(uint32_t n, uint32_t one_in);
int spawn(void (*fn)(void *), void (*last)(void *), void *arg); /* -1: full */
_Noreturn void end_thread(void);
/* Sleeps until woken; false: until then. */
bool block(const void *futex, const void *another, int joins,
	   bool (*ready)(void *), void *arg, uint64_t until);
void unblock(struct thread *t, bool timed_out);
bool was_ended(int thread);
uint64_t cpu_of(const struct thread *t);
void kill_process(int process); /* each of its threads ends when its turn comes */
int wake(const void *futex, int n);
bool on_stack(const void *p);
bool is_private(const void *p);
void trace(SIM_WHERE, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *name_of(const void *p);

/* memory.c */
void memory_reset(void);
void memory_spawn(int child); /* a new place */
void memory_joined(int child);
void memory_anew(const void *p, size_t size); /* the host has put something there */
void memory_settle(int thread); /* its buffer drains */
void memory_some_settle(void);
void memory_full_fence(int thread);
uint64_t memory_kernel_load(void *p, unsigned size);
uint64_t memory_peek(const void *p, unsigned size);
void know(struct knows *a, const struct knows *b);

/* race.c */
void race_reset(void);
void race_plain(uintptr_t p, unsigned size, bool writes);
/* An atomic access after a plain write: that must be known, too. */
void race_atomic(uintptr_t p, unsigned size);
void race_cell_read(void *p);
void race_cells_taken(void);
void race_cells_dropped(void);

/* host_sim.c */
void host_sim_reset(void);
void host_sim_vanished(struct thread *thread);
void host_sim_forked(void);
/* Fails if p lies in memory that was given back. */
void arena_check(const void *p);

#endif
