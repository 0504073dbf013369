/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - a pool: its inbox, its threads' slots, its seats.
 *
 * Who holds what.  slot[] is one record per thread that may exist at once
 * (workers + spares + zombies); a record stays where it is for the life of the
 * pool, and is used again for another thread only after its thread was joined
 * and no steward looks at it.  seat[i] is a published pointer to the
 * slot of the worker that sits there, NULL while it is empty: because nobody more is
 * wanted (seat_count.h), or because it is vacant.
 *
 * Invariants:
 *  1) A slot's life moves by compare-and-swap on one word that also counts its
 *     turns, so of several threads that would end or move it, one does.
 *  2) Who moves a life out of SEATED vacates the seat; after that, and after a
 *     thread became a spare, seats and spares are matched.  Both publish, fence
 *     and then match [V], so that no seat stays vacant beside a spare.
 *  3) zombies_out never exceeds the caps: only the steward, or destroy after it,
 *     adds to it.
 */
#ifndef WARD_LIB_WORK_POOL_H
#define WARD_LIB_WORK_POOL_H

#include "base/handle.h"
#include "base/host_lock.h"
#include "sync/stack.h"
#include "sync/wait_queue.h"
#include "tell/incident.h"
#include "work/task_priv.h"
#include "work/seat_count.h"
#include "work/inbox.h"
#include "work/slot.h"
#include <errno.h>
#include <ward/pool.h>

/* GIVEN_UP: a start failed, and left a thread that hangs. */
enum started { STARTED = 1, GIVEN_UP };

/* The letters are those of base/atomic.h. */
struct pool {
	struct inbox inbox; /* the hot part, first; with letters of its own */

	/* I: by pool_new() */
	uint32_t magic; /* handle.h; DEAD when its memory goes */
	uint32_t seats, slots, spares_wanted;
	uint32_t zombie_cap, asleep_cap; /* that keep their CPU, that do not */
	struct slot *slot;
	void *_Atomic *fork; /* the cells of their deques */
	struct ward_policy policy; /* with every zero replaced */
	struct ward_hooks hooks;
	struct host_cpus *cpus;
	size_t stack;
	uint64_t scan;
	uint64_t idle; /* until a worker that was added on demand leaves */
	uint64_t made_at;
	bool clamp; /* sizes out of range are made to fit */
	enum ward_stall_action on_stall;
	int trace_signo;  /* -1: none */
	uint64_t signals; /* that tasks take: host_spawn.open */
	bool catch_faults;
	bool lowers; /* zombies that keep their CPU */
	bool prefault;
	bool no_batch;
	char name[12];

	/* X: seats and spares: seat.c, and worker.c for those on their way */
	struct slot *_Atomic *seat; /* NULL or who sits there [U] */
	_Atomic uint64_t *vacated;  /* O, seat: since when, of who left; 0: not so */
	_Atomic uint64_t *healed;   /* the same; W, who sits there: how long it took */
	struct seat_count seat_count;
	_Atomic uint32_t seats_used; /* M: those from here on never were */
	_Atomic uint32_t slots_used; /* M: the same; C, and E before it is there */
	_Atomic uint32_t relief; /* a worker waits beside work: steward, look [rl] */
	struct stack spares;
	_Atomic uint32_t spares_ready;	/* on the stack, and on the bench */
	_Atomic uint32_t starting;	/* on their way up */
	_Atomic uint32_t lives_changed; /* M: futex of spares: look again [x] */
	_Atomic uint32_t zombies_out;	 /* life_zombie() adds: S, then E */
	_Atomic uint32_t zombies_asleep; /* the same: of these */

	/* The state of the whole: front/pool.c */
	_Atomic uint32_t started;  /* X, then E: enum started */
	_Atomic uint32_t stopping; /* E: threads leave [x] */
	_Atomic uint32_t orphaned; /* E: no worker and no owner: see to it yourself [J] */
	_Atomic uint32_t refs;	   /* X: threads, and the owner */
	_Atomic uint32_t alive; /* X: futex: threads that may touch the pool */

	/* X: the helpers' bells */
	_Atomic uint32_t steward_word;	 /* M: futex */
	_Atomic uint32_t steward_asleep; /* 0, or its term plus one */
	_Atomic uint32_t clerk_word;	 /* M: futex */
	struct tell tell;		 /* with letters of its own */

	/* X: counters; none on the path of a task */
	_Atomic uint64_t refused, reruns, stalled, died, deaths, acquitted, heals;
	_Atomic uint64_t faulted, failed, dead_letters;
	_Atomic uint64_t released; /* by threads that are no workers */
	_Atomic uint64_t unreleased; /* answered, a thread is still inside [r] */
	_Atomic uint64_t zombies_entered, zombies_returned, zombies_reaped;
	_Atomic uint64_t threads_created, threads_joined;
	_Atomic uint64_t failed_starts; /* died before their first seat; E makes it 0 */
	_Atomic uint64_t arrived;   /* those that came up, past hooks.start */
	_Atomic uint64_t broken;    /* A3 and other faults found on the way: bits */
	struct histogram heal_time;

	/* X: words of this and that */
	_Atomic uint64_t rng;	    /* for the jitter of backoffs: lost.c */
	struct wait_queue answered; /* who waits for one task, and holds it: recall.c */
	_Atomic uint32_t misused;   /* M: it was told: pool_tell_span() */
	_Atomic uint32_t degraded;  /* S: verdict.c */
	_Atomic uint32_t transitions; /* threads between two lines of the books [I] */

	/* What waits and is told to stop: sweep.c */
	_Atomic uint64_t told_by; /* X: the first, maybe; HOST_FOREVER: none [tb] */
	_Atomic uint64_t swept; /* O, the bench: not again before that */

	/* L: lanes_lock: lanes.c */
	struct host_lock lanes_lock;
	struct lane *lanes;		 /* those in use */
	struct lane *_Atomic lanes_all;	 /* M: read without the lock, too [ll] */
	struct lane *_Atomic lanes_free; /* X: put without the lock; taken under it */
	struct lane *_Atomic lanes_unsafe; /* the same; not while a zombie is out */

	void (*free)(struct pool *pool); /* I: by the last who holds it */
	/* E: the steward and the clerk: theirs */
	void *helpers;
	void (*helpers_free)(void *helpers); /* with the pool's memory */
};

/* By each public call: 0; -EINVAL: NULL, or no pool; -ECHILD: a parent's. */
static inline int pool_enter(const struct pool *pool)
{
	return handle_enter(pool, HANDLE_POOL);
}

/*
 * Healing moves several numbers that belong together.  While it does, the books
 * are not audited: [I] in the middle | the audit's two readings.
 */
static inline void transition_begin(struct pool *pool)
{
	add_acq_rel(&pool->transitions, 1);
	barrier_seq_cst(); /* [I] */
}

static inline void transition_end(struct pool *pool)
{
	uint32_t transitions = sub_acq_rel(&pool->transitions, 1); /* [I] */

	WARD_ASSERT(transitions);
}

/* ---- a slot's life, see thread.h ------------------------------------------- */

/*
 * One step: the turn moves on with each.  False if it is not *seen any more;
 * then *seen is what it is.
 */
static inline bool life_step(struct slot *slot, uint64_t *seen, uint32_t to)
{
	enum slot_life from = LIFE_STATE(*seen);
	bool moved = cas_acq_rel(&slot->thread.life, seen, /* [L] */
				 (LIFE_GEN(*seen) + 1) << 8 | to);

	WARD_ASSERT(!moved || life_may(from, LIFE_STATE(to)));
	return moved;
}

static inline bool life_move(struct slot *slot, uint64_t seen, uint32_t to)
{
	return life_step(slot, &seen, to);
}

/*
 * From SEATED; false: not, as above.  All first, so that those that keep their CPU may
 * be taken for one more, but never for one less.
 */
static inline bool life_zombie(struct pool *pool, struct slot *slot,
			       uint64_t seen, bool asleep)
{
	add_acq_rel(&pool->zombies_out, 1);
	if (asleep)
		add_acq_rel(&pool->zombies_asleep, 1);
	if (life_move(slot, seen, LIFE_ZOMBIE | (asleep ? LIFE_ASLEEP : 0))) {
		add_relaxed(&pool->zombies_entered, 1);
		return true;
	}
	if (asleep)
		sub_acq_rel(&pool->zombies_asleep, 1);
	sub_acq_rel(&pool->zombies_out, 1);
	return false;
}

/* Its life was 'life', of a zombie, and has moved on; it came home, or it ended. */
static inline void life_no_zombie(struct pool *pool, uint64_t life,
				  _Atomic uint64_t *count)
{
	add_relaxed(count, 1);
	if (life & LIFE_ASLEEP)
		(void)WARD_CHECK(sub_acq_rel(&pool->zombies_asleep, 1));
	(void)WARD_CHECK(sub_acq_rel(&pool->zombies_out, 1));
}

/* ---- pool.c ------------------------------------------------------------------ */

void pool_put(struct pool *pool); /* the last one frees it */
/* A thread has done its last with the pool. */
void pool_left(struct pool *pool);
/* There is something for the steward to see to before its next scan. */
void steward_ring(struct pool *pool);
/* Tells the steward that somebody leaves the park; also bell's 'woke'. */
void steward_wake(void *pool);
void clerk_wake(struct pool *pool);
bool policy_is_sound(const struct ward_policy *policy);

/* What a task's own policy says; where it is silent, what the pool's does. */
static inline uint64_t policy_pick(uint64_t own, uint64_t pools)
{
	return own ? own : pools;
}

/* Why whoever is to take the task in refuses it, or 0. */
static inline int task_refuse(const struct ward_task *task)
{
	if (!task || (uintptr_t)task % _Alignof(struct ward_task) ||
	    !task->run || (task->policy && !policy_is_sound(task->policy)))
		return -EINVAL;
	if (task_state(load_acquire(&task_priv(task)->word)) != TASK_FREE) /* [K] */
		return -EBUSY;
	return 0;
}

/* An 'until' that is a span: told, once. */
cold void pool_tell_span(struct pool *pool);

/* By who waits, with the point that the caller gave. */
static inline void pool_until(struct pool *pool, uint64_t until)
{
	if (unlikely(until < pool->made_at && until))
		pool_tell_span(pool);
}

/*
 * A task that is told to stop by then (stop_by(), asked before) is where it can be
 * found: the steward has it looked for.
 */
static inline void pool_tell_by(struct pool *pool, uint64_t by)
{
	uint64_t seen = load_relaxed(&pool->told_by);

	while (unlikely(by < seen) &&
	       !cas_acq_rel(&pool->told_by, &seen, by)) /* [tb] */
		;
}

/* ---- seat_count.c: who stands in for a worker that waits ---------------------------- */

/* Work lies about, and nobody sleeps who might be woken for it, or looks for it. */
bool need_more_workers(const struct pool *pool);
/* Does that worker wait inside a task, and say so? */
bool slot_waits(const struct slot *slot);
/* The calling worker does, from now on: work is not to wait with it. */
void worker_will_wait(struct pool *pool);

/* ---- seat.c: seats and spares ------------------------------------------------ */

/* Brings vacant seats and ready spares together. */
void seat_match(struct pool *pool);
/*
 * The life of 'slot' has just left SEATED: the seat that it had until then is
 * free.  (It may have another by now.)
 */
void seat_vacate(struct pool *pool, struct slot *slot, uint32_t seat,
		 uint64_t when);
/*
 * The calling worker, outside any task, gives up its seat if one is too many: true,
 * and it is STARTING.
 */
bool seat_leave(struct pool *pool, struct slot *slot);
/*
 * Makes the size that was 'seen' to 'next', and sees to it that it comes true: spares
 * sit down, or workers leave when they are outside a task.  False: it was changed
 * meanwhile.
 */
bool seat_resize(struct pool *pool, uint64_t seen, const struct size *next);
/* All seats that are wanted are taken. */
bool seats_are_taken(struct pool *pool);
/*
 * The bench is a seat beyond all others, which no seat count counts: for a spare that
 * answers what waits and is told to stop, and runs nothing.  True: one sits down there
 * now.
 */
bool seat_bench(struct pool *pool);
/* It gets up: STARTING again. */
void seat_leave_bench(struct pool *pool, struct slot *slot);

static inline uint32_t seat_of_bench(const struct pool *pool)
{
	return pool->seats;
}

/* ---- spare.c ------------------------------------------------------------------- */

/*
 * The calling thread's slot, STARTING, becomes a spare and waits until it has a
 * seat; meanwhile it reaps threads that ended without an exit cleanup.  False: the
 * pool is stopping, or has spares enough: leave.
 */
bool seat_wait(struct pool *pool, struct slot *slot);

/*
 * Reaps threads that end without an exit cleanup, until none is alive: for a pool that
 * nobody has any more.
 */
void seat_care(struct pool *pool);

/* There is a new life to watch, or the pool stops: spares look again. */
void pool_lives_changed(struct pool *pool);

/* ---- submit.c ------------------------------------------------------------------ */

/* ward_submit_at(), for a pool that is ours. */
int submit_at(struct pool *pool, struct ward_task *task, uint64_t at,
	      uint64_t period);

/* ---- lane_list.c: a pool's lanes as the pool sees them ------------------------------- */

/* Is any task in any lane?  For who has closed the inbox. */
bool lanes_busy(struct pool *pool);
/* Tasks that wait for their turn in a lane. */
uint64_t lanes_waiting(struct pool *pool);
/* The inbox was closed: who waits for room need not. */
void lanes_closed(struct pool *pool);
void lanes_free(struct pool *pool);

/* ---- lost.c: attempts that lost their worker, or came to nothing --------------- */

/* What done() is told of an attempt that came to nothing so. */
int lost_status(enum lost_why why);

/*
 * The calling worker's attempt ended with 'status', a failure, and its answer is
 * the worker's own.  True: the task runs again, and is the caller's no more; it is
 * outside now.  False: it is to be answered.
 */
bool lost_again(struct pool *pool, struct slot *slot, struct ward_task *task,
		int status, uint64_t incident);
/*
 * The caller owns the answer of an attempt that its thread will not give, and
 * was in 'phase' of 'task': decides about a rerun, and puts the task on the requeued
 * list.  'inside': the thread has not left run() yet.
 */
void lost_attempt(struct pool *pool, struct ward_task *task,
		  enum slot_phase phase, enum lost_why why, bool inside,
		  uint64_t incident);
/*
 * One that held the task's memory does not any more: a zombie that has died, or who
 * cancelled it.  If it was the last one, release() is requeued.
 */
void lost_hold(struct pool *pool, struct ward_task *task);
/*
 * What lies in the local queue of a thread that has lost its seat, or that is long in
 * coming to it, is requeued to others.
 */
void lost_local(struct pool *pool, struct slot *slot);
/* ---- death.c: threads that have ended -------------------------------------------- */

/*
 * The calling thread is dying (its exit cleanup), or the thread of 'slot' was found
 * dead after its life had been read as 'life'.  False: the life has moved on,
 * so that what was found may be another thread's.
 */
bool lost_thread(struct pool *pool, struct slot *slot, uint64_t life,
		 bool exit_cleanup);
/*
 * By who reaps the thread of 'slot', before its stack goes.  False: others are
 * inside of forks that lie there, later.
 */
bool lost_unpin(struct pool *pool, struct slot *slot);
/* Sees to every thread that ended without an exit cleanup. */
void lost_reap(struct pool *pool);
/* ---- pay.c: what is requeued, and no worker is left ------------------------------------ */

/* Answers every task that nobody will run any more: -ECANCELED. */
void lost_cancel_queued(struct pool *pool);
/*
 * By a thread that has handed a task on, and which destroy does not wait for: if the
 * pool's owner has gone, there is nobody else to pay what is requeued.
 */
cold void run_orphaned_all(struct pool *pool);

static inline void run_orphaned(struct pool *pool)
{
	host_barrier_light(); /* [J] requeued | orphaned? */
	if (unlikely(load_relaxed(&pool->orphaned)))
		run_orphaned_all(pool);
}

/* ---- worker.c ----------------------------------------------------------------- */

/*
 * Answers a task whose answer the caller owns: done, then release.  'slot' is
 * the calling worker's, or NULL on a thread that is none (destroy).
 */
void worker_answer(struct pool *pool, struct slot *slot,
		   struct ward_task *task, int status);
/*
 * A task that was requeued, on a worker or in destroy: answers or releases it
 * if that is due.  True: it is to run again.
 */
bool worker_settle(struct pool *pool, struct slot *slot, struct ward_task *task);
/* The second half of it, when done() was called before. */
void worker_release(struct pool *pool, struct slot *slot,
		    struct ward_task *task);
/* Answers one that is told to stop; one that is not, after all, is requeued as before. */
void worker_refuse(struct pool *pool, struct slot *slot,
		   struct ward_task *task);
/* ---- thread.c ------------------------------------------------------------------ */

/* Makes a thread for 'slot', which is FREE and the caller's.  0 or -errno. */
int thread_spawn(struct pool *pool, struct slot *slot);

/* ---- sweep.c: what waits and is told to stop --------------------------------------- */

/* By the worker on the bench.  False: it was fenced. */
bool sweep(struct pool *pool, struct slot *slot);
/* Should one sit down there?  By the steward, who has seen 'moves' of tokens. */
bool sweep_is_due(struct pool *pool, bool moved, uint64_t now);
/* Moves when any token of the process does. */
uint32_t sweep_moves(void);
/* Sleeps on the word; and while anything waits for its time, until that moves. */
void sweep_wait(struct pool *pool, uint32_t moves, _Atomic uint32_t *word,
		uint32_t seen, uint64_t until);

#endif
