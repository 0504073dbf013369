/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.h - the record of a worker's thread: what it says about itself while it
 * works, and how its right to answer is taken away.
 *
 * Key invariant: every attempt has exactly one answer.
 *  1) 'word' is the epoch and its phase.  Only the worker writes the word, with
 *     plain stores, and each store is a new epoch.
 *  2) 'fence' is 0, ASK(e, who) or TAKEN(e).  The steward asks, then looks whether
 *     the worker is still in e; the worker ends e, then looks whether it was
 *     asked [F].  So if the steward still sees e, the worker will see ASK(e)
 *     at the end; and if the worker sees no ASK, the steward sees e ended.
 *  3) One compare-and-swap resolves ASK(e, who): the steward's to TAKEN(e), which
 *     takes the answer, or the worker's to 0, which keeps it.
 *  4) Only the worker clears TAKEN(e), when it comes home: it ends no epoch as its
 *     own meanwhile.
 *
 * Edges: [E] epoch published | looked at; [F] end | fence; [H] fence taken |
 * come home.
 */
#ifndef WARD_LIB_TASK_SLOT_H
#define WARD_LIB_TASK_SLOT_H

#include "base/check.h"
#include "base/host.h"
#include "sync/histogram.h"
#include "task/fail.h"
#include "task/local_queue.h"
#include "task/priority.h"
#include "task/steal.h"
#include "task/thread.h"
#include "task/unblock.h"
#include <ward/task.h>

/* What the worker is inside of. */
enum slot_phase {
	SLOT_OUT,     /* nothing */
	SLOT_RUN,     /* task->run() */
	SLOT_DEAD,    /* a failure is judged, then hooks.dead; done() is due */
	SLOT_DONE,    /* task->done() */
	SLOT_RELEASE, /* task->release(): the task may be freed any time */
	SLOT_HOOK     /* hooks.start or .stop; no task */
};

/* What a spare is woken for. */
enum call { CALL_NONE, CALL_SEAT, CALL_STOP };

struct pool;
struct lane;

/* A task's place in its lane. */
struct lane_place {
	struct lane *lane; /* NULL: no place */
	bool refused;	   /* the task has never been active there */
};

/* How the attempt's answer was taken, and what the attempt did after that. */
struct slot_fencing {
	/* W: */
	_Atomic uint64_t fence_requested; /* X, a store: the epoch that is to be fenced */
	_Atomic uint64_t at; /* O, fence: time of the fence [H] */
	struct histogram regret;    /* from the fence to a refused commit */
	_Atomic uint64_t regrets;
	/* X: the attempt's fence number; 0: none yet [dq] */
	_Atomic uint64_t fencing_token;
};

/*
 * The place that a run() of the library's has got for its task, elsewhere.  Where it returns
 * SLOT_AWAY, and the attempt is its own, the task goes there: go(task, arg), in which it
 * becomes another thread's.  Else it is not wanted any more: go(NULL, arg).
 */
struct slot_away {
	/* W; O, life */
	void (*go)(struct ward_task *task, void *arg); /* NULL: nothing */
	void *arg;
};
#define SLOT_AWAY INT32_MIN

/* The thread's wait inside of the library: wait.c, slot_wake_waiter(). */
struct slot_wait {
	/* W: */
	_Atomic(_Atomic uint32_t *) on; /* a futex, or NULL [G] */
	_Atomic uint32_t wakers; /* X: threads that may be about to move 'on' [s] */
	_Atomic uint32_t pause;	  /* X: a futex of its own; slot_wake_waiter() moves it */
};

/* The thread's seat: seat.c. */
struct slot_seat {
	/* O, the stack of spares: the seat, or the thread's last one; UINT32_MAX: none yet */
	_Atomic uint32_t number;
	_Atomic uint32_t call; /* the same; W: futex of a spare: enum call [c] */
	uint64_t vacated; /* the same: time when the seat fell vacant, or 0 */
};

/* The letters are those of base/atomic.h. */
struct slot {
	/* W: one line, at each task */
	line_aligned struct ward_pulse pulse;
	_Atomic uint64_t word;		/* epoch and phase [E] */
	struct ward_task *_Atomic task; /* of the epoch inside [E] */
	_Atomic uint64_t fence;		/* X: 0, ASK or TAKEN [F] */
	_Atomic uint64_t started;	/* attempts */
	_Atomic uint64_t released;	/* tasks given back to the user */
	uint64_t own_budgets; /* not 0: a task's own budgets stand below */

	/* Its queue: local_queue.h.  The deque is next to the pulse: ward/fork.h */
	struct local_queue local;

	/* W: the next line, and those after it */
	_Atomic uint64_t ended; /* attempts whose answer was the worker's own */
	_Atomic uint64_t late;	/* attempts that came home fenced */
	_Atomic uint64_t stale_commits;
	_Atomic uint64_t budget[4]; /* busy, blocked, progress, declared */
	_Atomic uint64_t declared;  /* time up to which a block is declared; 0: none */
	struct histogram queue_time, run_time; /* sampled */
	uint64_t stamp;	 /* of the current task, if the task's word says so */
	uint32_t forked; /* not 0: the attempt has made forks */
	uint32_t needs_cleanup; /* not 0: forks, a declared wait, or an unblock hook */
	struct lane_place leaves; /* during release() of a lane's task */

	/* The attempt, with letters of their own. */
	struct slot_fail fail; /* fail.h */
	struct slot_fencing fencing;
	struct slot_wait wait;
	struct slot_unblock unblock; /* unblock.h */
	struct slot_away away;

	/* What it has stolen: steal.h */
	struct carrier carrier;
	_Atomic uint64_t stolen; /* W: forks taken from others */

	/* The thread, with letters of their own. */
	struct slot_thread thread; /* thread.h */
	struct slot_seat seat;
	struct slot_priority priority; /* priority.h */

	struct ward_self self; /* W; O, the stack of spares: worker */
	struct pool *pool;     /* I */
	uint32_t index;	       /* I */
};

/* What the inlined calls of ward/fork.h, and ward/cxx/asio.h, touch. */
#define SAME_PLACE(word, field)                                                \
	_Static_assert(offsetof(struct ward_fork_words_, word) ==              \
			       offsetof(struct slot, field),                   \
		       #word " is where programs look for it")
SAME_PLACE(hidden_1, word);
SAME_PLACE(fence, fence);
SAME_PLACE(bottom, local.deque.bottom);
SAME_PLACE(room, local.deque.room);
SAME_PLACE(cell, local.deque.cell);
SAME_PLACE(asleep, local.deque.asleep);
SAME_PLACE(light, local.deque.light);
SAME_PLACE(split, local.deque.split);
#undef SAME_PLACE
_Static_assert(WARD_FORK_ASKED_ == DEQUE_ASKED &&
		       WARD_FORK_CELLS_ == DEQUE_SIZE,
	       "what programs know of the deque");

#define FENCE_ASK(e, asker) ((e) << 5 | ((uint64_t)(asker)&15) << 1)
#define FENCE_TAKEN(e) ((e) << 5 | 1)
#define FENCE_EPOCH(f) ((f) >> 5)
/* The thread is a copy, in a child process: TAKEN, of no epoch that is ever asked for. */
#define FENCE_FORKED ((uint64_t)1)

#define SLOT_PHASES ((uint64_t)8)

static inline enum slot_phase slot_phase(uint64_t word)
{
	return (enum slot_phase)(word % SLOT_PHASES);
}

static inline bool slot_inside(uint64_t word)
{
	return slot_phase(word) != SLOT_OUT;
}

/* The calling thread's slot, or NULL. */
static inline struct slot *slot_here(void)
{
	_Static_assert(offsetof(struct slot, pulse) == 0, "the pulse is first");
	return (struct slot *)(void *)ward_pulse_;
}

/* Is the calling worker inside run()? */
static inline bool slot_runs(const struct slot *slot)
{
	return slot_phase(load_relaxed(&slot->word)) == SLOT_RUN;
}

/* The next epoch after 'word'. */
static inline uint64_t slot_next(uint64_t word, enum slot_phase phase)
{
	return word - word % SLOT_PHASES + SLOT_PHASES + phase;
}

/*
 * The worker goes from epoch 'word', in which it is, to the next.  It passes the word
 * on, because a load of what was just stored is a good part of what supervision costs.
 */
static inline uint64_t slot_go_on(struct slot *slot, uint64_t word,
				  enum slot_phase phase)
{
	word = slot_next(word, phase);
	store_release(&slot->word, word); /* [E] */
	return word;
}

/* slot_go_on() where the phases are known: an addition. */
static inline uint64_t slot_step(struct slot *slot, uint64_t word,
				 enum slot_phase from, enum slot_phase to)
{
	WARD_ASSERT(slot_phase(word) == from);
	word += SLOT_PHASES - from + to;
	store_release(&slot->word, word); /* [E] */
	return word;
}

/* From outside, or from SLOT_DEAD, into an epoch of this task. */
static inline uint64_t slot_begin(struct slot *slot, struct ward_task *task,
				  enum slot_phase phase)
{
	uint64_t word = load_relaxed(&slot->word);

	WARD_ASSERT(phase != SLOT_OUT &&
		    (!slot_inside(word) || slot_phase(word) == SLOT_DEAD));
	store_release(&slot->task, task); /* [E] */
	return slot_go_on(slot, word, phase);
}

cold bool slot_end_asked(struct slot *slot);
/* Was it this epoch of the fenced slot that was taken? */
cold bool slot_took(const struct slot *slot, uint64_t epoch);

/* After the end of an epoch: true if neither it nor a later one was taken. */
static inline bool slot_own(struct slot *slot)
{
	host_barrier_light(); /* [F] left the epoch | asked? */
	if (likely(load_relaxed(&slot->fence) == 0))
		return true;
	return slot_end_asked(slot);
}

/*
 * After the worker went on from 'left' to another epoch inside: true if the answer of
 * 'left' is its own.  slot_end() says whether the other one was taken.
 */
static inline bool slot_own_of(struct slot *slot, uint64_t left)
{
	return likely(slot_own(slot)) || !slot_took(slot, left);
}

/* The worker leaves its epoch: true if the answer is its own. */
static inline bool slot_end(struct slot *slot)
{
	uint64_t word = load_relaxed(&slot->word);

	WARD_ASSERT(slot_inside(word));
	slot_go_on(slot, word, SLOT_OUT);
	return slot_own(slot);
}

/*
 * Takes the answer of the attempt in 'epoch' away from the worker.  False if the
 * worker moved meanwhile, or was fenced before.  Askers that may ask at the same time
 * bear different numbers (mod 16), so that an asker which was held sees that a later
 * ASK has replaced its own.  With the same number, one could ask anew for an epoch
 * that the worker has just won, and the other would take it.
 */
bool slot_fence(struct slot *slot, uint64_t epoch, uint32_t asker);

/* A steward bears the number of its term, modulo ASKER_TERMS. */
enum { ASKER_TERMS = 14, ASKER_DESTROY = 14, ASKER_REAP = 15 };

/* Wakes the thread if it waits inside of the library: it was fenced, or is to stop. */
void slot_wake_waiter(struct slot *slot);
/*
 * By the thread after its wait, if the futex is not the library's: no waker touches
 * the futex any more, so that its memory may be freed.
 */
void slot_await_wakers(struct slot *slot);

/* The slot whose attempt 'slot', which runs a task, is a part of: itself, or its root. */
struct slot *slot_root(struct slot *slot);
/* The root's task. */
struct ward_task *slot_task(struct slot *slot);

/* What is there for a task that does not go away after all. */
static inline void slot_stay(struct slot *slot)
{
	struct slot_away away = slot->away;

	slot->away.go = NULL;
	if (away.go)
		away.go(NULL, away.arg);
}

/* Was the attempt that the calling worker is inside of taken away? */
static inline bool slot_taken(const struct slot *slot)
{
	return load_relaxed(&slot->fence) & 1;
}

/* Does the worker wait inside a task, and say so? */
static inline bool slot_waits(const struct slot *slot)
{
	return slot_inside(load_relaxed(&slot->word)) &&
	       (load_relaxed(&slot->declared) || load_relaxed(&slot->wait.on));
}

#endif
