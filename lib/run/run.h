/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h - a pool at work: attempts and their ends, seats and their threads.  The
 * files, the lowest first.
 */
#ifndef WARD_LIB_RUN_RUN_H
#define WARD_LIB_RUN_RUN_H

#include "lane/lane.h"

/* ---- lost.c: attempts that lost their worker, or came to nothing --------------- */

/* The status that done() is told of an attempt that came to nothing so. */
int lost_status(enum lost_why why);
/*
 * The calling worker's attempt ended with 'status', a failure, and its answer is
 * the worker's own.  True: the task runs again, and is the caller's no more; the
 * caller's slot is outside.  False: the task is to be answered.
 */
bool lost_again(struct pool *pool, struct slot *slot, struct ward_task *task,
		int status, uint64_t incident);
/*
 * The caller owns the answer of an attempt that its thread will not give, and that
 * was in 'phase' of 'task': decides about a rerun, and requeues the task.  'inside':
 * the thread has not left run() yet.
 */
void lost_attempt(struct pool *pool, struct ward_task *task,
		  enum slot_phase phase, enum lost_why why, bool inside,
		  uint64_t incident);
/*
 * The same of an attempt that was made elsewhere than on a worker (slot_away), and came
 * to nothing with that status.
 */
void lost_away(struct pool *pool, struct ward_task *task, enum lost_why why,
	       int status, uint64_t incident);
/*
 * A reference to the task ends: of a zombie that has died, a canceller or a holder.  If
 * it was the last one, release() is requeued.
 */
void lost_hold(struct pool *pool, struct ward_task *task);
/*
 * Requeues to others the local queue of a thread that has lost its seat, or is long
 * in coming to it.
 */
void lost_local(struct pool *pool, struct slot *slot);

/* ---- seat.c: seats and spares --------------------------------------------------- */

/* Brings vacant seats and ready spares together. */
void seat_match(struct pool *pool);
/*
 * Some spare has ended: it is taken off the stack before its record may be another
 * thread's, which would put itself there a second time.
 */
void seat_strike_spares(struct pool *pool);
/*
 * The life of 'slot' has just left SEATED: 'seat', which it had until then, is free.
 * (The slot may have another by now.)
 */
void seat_vacate(struct pool *pool, struct slot *slot, uint32_t seat,
		 uint64_t when);
/*
 * The calling worker, outside any task, gives up its seat if one is too many, or the
 * bench: true, and it is STARTING.
 */
bool seat_leave(struct pool *pool, struct slot *slot);
/*
 * Makes the size that was 'seen' to 'next': spares sit down, or workers leave when
 * they are outside a task.  False: the size was changed meanwhile.
 */
bool seat_resize(struct pool *pool, uint64_t seen, const struct size *next);
/* Are all seats that are wanted taken? */
bool seat_all_taken(struct pool *pool);
/*
 * The bench is a seat beyond all others, which no seat count counts: for a spare that
 * answers waiting tasks that are told to stop, and runs nothing.  True: a spare sits
 * down there now.
 */
bool seat_bench(struct pool *pool);
/*
 * Clears the seat's pointer, and only then the count, so that a thread that claims a seat
 * finds an empty one.  A worker on the bench counts as a spare, so that the clerk makes no
 * other.
 */
void seat_empty(struct pool *pool, struct slot *slot, uint32_t seat,
		bool dismissed);

static inline uint32_t seat_of_bench(const struct pool *pool)
{
	return pool->seats;
}

/* ---- worker.c, and worker.h: attempts and answers -------------------------------- */

/*
 * Answers a task whose answer the caller owns: done, then release.  'slot' is
 * the calling worker's, or NULL on a thread that is none (destroy).
 */
void worker_answer(struct pool *pool, struct slot *slot,
		   struct ward_task *task, int status);
/*
 * A task that was requeued, or any when the pool stops, on a worker or in destroy:
 * answers or releases it if that is due.  True: it is to run again.
 */
bool worker_settle(struct pool *pool, struct slot *slot, struct ward_task *task);
/* The second half of an answer, when done() was called before. */
void worker_release(struct pool *pool, struct slot *slot,
		    struct ward_task *task);
/* Answers a task that is told to stop; requeues it, if it is not to stop after all. */
void worker_refuse(struct pool *pool, struct slot *slot,
		   struct ward_task *task);

/* ---- orphaned.c: what is requeued where no worker is left ------------------------- */

/* Answers all that is queued or requeued: what has not begun with -ECANCELED. */
void orphaned_cancel_all(struct pool *pool);
cold void orphaned_answer_all(struct pool *pool);

/*
 * By a thread that has handed a task on, and which destroy does not wait for: in a
 * pool whose owner has gone nobody else answers what is requeued.
 */
static inline void orphaned_answer(struct pool *pool)
{
	host_barrier_light(); /* [J] requeued | orphaned? */
	if (unlikely(load_relaxed(&pool->orphaned)))
		orphaned_answer_all(pool);
}

/* ---- reap.c: threads that have ended ---------------------------------------------- */

/*
 * The calling thread is dying (its exit cleanup), or the thread of 'slot' was found
 * dead after its life had been read as 'life'.  False: the life has moved on,
 * so that what was found may be another thread's.
 */
bool reap_thread(struct pool *pool, struct slot *slot, uint64_t life,
		 bool exit_cleanup);
/*
 * By the clerk, before the stack of the thread of 'slot' goes.  False: other threads
 * are inside of forks that lie there; ask again later.
 */
bool reap_unpin(struct pool *pool, struct slot *slot);
/* Reaps every thread that ended without an exit cleanup. */
void reap_all(struct pool *pool);

/* ---- spare.c: threads without a seat ---------------------------------------------- */

/*
 * The calling thread's slot, STARTING, becomes a spare and waits until it has a
 * seat; meanwhile it reaps threads that ended without an exit cleanup.  False: the
 * pool is stopping, or has spares enough: leave.
 */
bool spare_wait(struct pool *pool, struct slot *slot);
/* As reap_all(), until no thread is alive: for a pool whose owner has gone. */
void spare_reap_all(struct pool *pool);
/* There is a new life to watch, or the pool stops: spares look again. */
void spare_lives_changed(struct pool *pool);

/* ---- sweep.c: what waits and is told to stop -------------------------------------- */

/* By the worker on the bench.  False: it was fenced. */
bool sweep(struct pool *pool, struct slot *slot);
/* Should a spare sit down there?  By the steward; 'moved': tokens have. */
bool sweep_is_due(struct pool *pool, bool moved, uint64_t now);
/* Moves when any token of the process does. */
uint32_t sweep_moves(void);
/* Sleeps on the word; and while anything waits for its time, until tokens move. */
void sweep_wait(struct pool *pool, uint32_t moves, _Atomic uint32_t *word,
		uint32_t seen, uint64_t until);

/* ---- thread.c: a worker's thread -------------------------------------------------- */

/* The record of a thread that takes index 'index' in the pool's arrays. */
void thread_slot_init(struct pool *pool, struct slot *slot, uint32_t index);
/* Makes a thread for 'slot', which is FREE and the caller's.  0 or -errno. */
int thread_spawn(struct pool *pool, struct slot *slot);
/* From now on workers and spares leave as soon as they are outside a task. */
void threads_stop_running(struct pool *pool);
/* The same; those that wait are woken. */
void threads_stop(struct pool *pool);
/* In the child of a fork, for the slot of the thread that forked, or NULL. */
void thread_forked(void *slot);

#endif
