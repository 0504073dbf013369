/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h - a pool at work: seats and their threads, attempts and their ends.
 */
#ifndef WARD_LIB_RUN_RUN_H
#define WARD_LIB_RUN_RUN_H

#include "lane/lane.h"
#include "pool/pool.h"

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
/* ---- reap.c: threads that have ended -------------------------------------------- */

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
/* ---- orphaned.c: what is requeued, and no worker is left ------------------------------------ */

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
