/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h - a slot's thread, and the word that says whose it is.
 */
#ifndef WARD_LIB_TASK_THREAD_H
#define WARD_LIB_TASK_THREAD_H

#include "base/host.h"

struct ward_task;

enum slot_life {
	LIFE_FREE,   /* no thread */
	LIFE_STARTING, /* on its way up: hooks.start */
	LIFE_SPARE,  /* parked, ready to take a seat */
	LIFE_SEATED, /* a worker */
	LIFE_ZOMBIE, /* fenced, not back yet */
	LIFE_DYING,  /* another thread reaps it */
	LIFE_GONE    /* dead or leaving: the clerk joins it */
};

enum join_state {
	JOIN_MAKING, /* 'handle' is not there yet */
	JOIN_MADE,
	JOIN_DETACHED /* its maker detaches it */
};

/* ---- a life: state:8, gen above ---------------------------------------------- */

#define LIFE_STATE(w) ((enum slot_life)((w)&0x7f))
/* Beside ZOMBIE: the thread was found asleep. */
#define LIFE_ASLEEP 0x80u
#define LIFE_GEN(w) ((w) >> 8)

static inline bool life_may(enum slot_life from, enum slot_life to)
{
	static const uint8_t may[] = {
		[LIFE_FREE] = 1 << LIFE_STARTING,
		[LIFE_STARTING] = 1 << LIFE_SPARE | 1 << LIFE_DYING |
			      1 << LIFE_GONE | 1 << LIFE_FREE,
		[LIFE_SPARE] = 1 << LIFE_SEATED | 1 << LIFE_STARTING |
			       1 << LIFE_DYING,
		[LIFE_SEATED] = 1 << LIFE_SEATED | 1 << LIFE_ZOMBIE |
				1 << LIFE_STARTING | 1 << LIFE_DYING |
				1 << LIFE_GONE,
		[LIFE_ZOMBIE] = 1 << LIFE_STARTING | 1 << LIFE_DYING |
				1 << LIFE_GONE, /* out of the stop hook */
		[LIFE_DYING] = 1 << LIFE_GONE,
		[LIFE_GONE] = 1 << LIFE_FREE,
	};

	return may[from] >> to & 1;
}

/* The thread: thread.c makes it, reap.c sees to its end, clerk.c joins it. */
struct slot_thread {
	_Atomic uint64_t life; /* X: gen and state, as above [L] */
	_Atomic int32_t tid;   /* W */
	host_thread handle;    /* O, join_state: its maker */
	_Atomic uint32_t join_state; /* X: enum join_state [bd] */
	bool joined;	       /* C; E when the clerk rests: or detached */
	char name[16];	       /* O, life: its maker */
	struct host_life liveness; /* O, life; then W, and the kernel at its end */
	struct host_stat_files stat_files; /* W; C after the join */
	struct host_trace trace; /* W; with letters of its own */
	/* O, life: a dead thread's task, until nobody needs the stack. */
	struct ward_task *stack_pinned_by;
};

#endif
